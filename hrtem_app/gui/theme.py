"""Colours that mean the same everywhere in the window."""

from __future__ import annotations

from functools import lru_cache

from napari.utils.colormaps import Colormap
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QWidget

from hrtem_app.columns import network_family
from hrtem_app.gui.session import Palette

# Dots of these add up in the agreement picture: all three networks make white (SCIENCE's red, green and blue).
NETWORK_COLOURS: dict[str, str] = {"unet": "#ff0000", "unet_pp": "#00ff00", "msd_net": "#0000ff"}
# The same three on text and check boxes, light enough to read on a dark window; and those of the other palette.
NETWORK_INKS: dict[Palette, dict[str, str]] = {
    "thesis": {"unet": "#ff6b6b", "unet_pp": "#5fd75f", "msd_net": "#7aa2ff"},
    "colour-blind": {"unet": "#d9906b", "unet_pp": "#a3d94a", "msd_net": "#6f8cff"},
}
_NETWORK_COLORMAPS: dict[str, str] = {"unet": "red", "unet_pp": "green", "msd_net": "blue"}
# Classes take other hues than networks, from the Okabe-Ito set that colour-blind eyes tell apart.
CLASS_COLOURS: dict[str, str] = {"Mo": "#56b4e9", "2S": "#f0e442", "1S": "#e8590c"}
QUIET = "#aaaaaa"
GRAPHENE = "#4dd2ff"
MOS2 = "#ffb454"
WARNING = "#ffb454"
ERROR = "#ff6b6b"
DONE = "#5fd75f"


# Relative luminance of the darkest text that still has a contrast of 4 on napari's light theme.
_READABLE_ON_LIGHT = 0.16


def ink(colour: str, on: QWidget) -> str:
    """A colour for text and signs on a widget: as it is on napari's dark theme, darker on the light one."""
    text = on.palette().color(QPalette.ColorRole.WindowText)
    return colour if text.lightness() > 127 else _darker(colour)


def colour_text(widget: QWidget, colour: str, on: QWidget) -> None:
    """Give a widget's text a colour that can be read on the widget that it stands on."""
    sheet = f"color: {ink(colour, on)}"
    # Qt works out the style of a widget anew at every assignment.
    if widget.styleSheet() != sheet:
        widget.setStyleSheet(sheet)


@lru_cache
def _darker(colour: str) -> str:
    darker = QColor(colour)
    while _luminance(darker) > _READABLE_ON_LIGHT:
        darker = darker.darker(110)
    return str(darker.name())


def _luminance(colour: QColor) -> float:
    """Relative luminance (WCAG 2.1, from sRGB)."""
    channels = (colour.redF(), colour.greenF(), colour.blueF())
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def network_ink(name: str, palette: Palette = "thesis") -> str:
    """A network's colour for text, that of its architecture; grey for one that is not stock."""
    return NETWORK_INKS[palette].get(network_family(name) or "", "#cccccc")


def network_colormap(name: str, palette: Palette = "thesis") -> str | Colormap:
    """The colour map of a network's probability maps, that of its architecture; grey for one that is not stock."""
    from hrtem_app.inference.palette import PALETTES

    family = network_family(name) or ""
    if palette == "thesis" or family not in _NETWORK_COLORMAPS:
        return _NETWORK_COLORMAPS.get(family, "gray")
    colour = PALETTES[palette][list(_NETWORK_COLORMAPS).index(family)]
    # As bright as the thesis' colours, for one map is looked at alone.
    return Colormap([(0, 0, 0), tuple(channel / max(colour) for channel in colour)], name=f"{palette} {family}")
