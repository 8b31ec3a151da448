"""From exit wave to image: the contrast transfer function and the detector."""
