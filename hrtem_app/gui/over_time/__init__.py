"""Stacks over time in the window."""
