"""Colours that mean the same everywhere in the window."""

from __future__ import annotations

from hrtem_app.columns import network_family

# Dots of these add up in the agreement picture: all three networks make white (SCIENCE's red, green and blue).
NETWORK_COLOURS: dict[str, str] = {"unet": "#ff0000", "unet_pp": "#00ff00", "msd_net": "#0000ff"}
# The same three on text and check boxes, light enough to read on a dark window.
NETWORK_INKS: dict[str, str] = {"unet": "#ff6b6b", "unet_pp": "#5fd75f", "msd_net": "#7aa2ff"}
NETWORK_COLORMAPS: dict[str, str] = {"unet": "red", "unet_pp": "green", "msd_net": "blue"}
# Classes take other hues than networks, from the Okabe-Ito set that colour-blind eyes tell apart.
CLASS_COLOURS: dict[str, str] = {"Mo": "#56b4e9", "2S": "#f0e442", "1S": "#e8590c"}
GRAPHENE = "#4dd2ff"
MOS2 = "#ffb454"
WARNING = "#ffb454"
ERROR = "#ff6b6b"
DONE = "#5fd75f"


def network_ink(name: str) -> str:
    """A network's colour for text, that of its architecture; grey for one that is not stock."""
    return NETWORK_INKS.get(network_family(name) or "", "#cccccc")


def network_colormap(name: str) -> str:
    """The colour map of a network's probability maps, that of its architecture; grey for one that is not stock."""
    return NETWORK_COLORMAPS.get(network_family(name) or "", "gray")
