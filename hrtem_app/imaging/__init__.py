"""From image to image: calibration, alignment, the lattice filter and the local standardisation."""
