"""The window: the only room that imports Qt, napari or pyqtgraph.

`session` holds what is open and what was asked, `workbench` is the scriptable object that acts on it, and `panels`
forward to it.
"""
