"""From image to image: the lattice filter and the local standardisation."""
