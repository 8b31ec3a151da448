"""The panels: each forwards to its viewer's workbench and shows its session, and is a napari dock widget of its own."""
