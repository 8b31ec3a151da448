"""Widgets of the panels that simulate, train and list jobs."""
