"""U-net, U-net++ and MSD-net, and the catalog of their trained weights."""
