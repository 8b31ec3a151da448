"""What napari asks of us by its manifest, and in no window of ours."""
