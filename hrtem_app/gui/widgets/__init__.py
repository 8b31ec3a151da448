"""Small widgets that know nothing of series or networks."""
