"""The lattice filter in the window: all frames of it, and a glimpse of what is on screen."""
