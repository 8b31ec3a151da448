"""Measurements in the window: their values, rows, layers and regions."""
