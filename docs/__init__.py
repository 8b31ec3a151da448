"""The documentation, which the window shows under Help."""
