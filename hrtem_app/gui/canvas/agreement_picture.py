"""The agreement picture of a result as the view asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hrtem_app.gui.session import View

if TYPE_CHECKING:
    from hrtem_app.analysis import Analysis

_RADIUS_ANGSTROM = 0.8
# At 0.22 Å/px a dot has a radius of four pixels; finer dots make the picture readable when zoomed in.
ENLARGE = 2
_MOST_PIXELS = 4096 * 4096


def enlargement(shape: tuple[int, int]) -> int:
    """Pixels of the picture per pixel of the image along one axis."""
    return ENLARGE if shape[0] * shape[1] * ENLARGE**2 <= _MOST_PIXELS else 1


def agreement_picture(analysis: Analysis, view: View) -> NDArray[np.float32]:
    """(y, x, 3) float32: dots in added-up network colours, of the class, kind and networks that the view names."""
    from hrtem_app.inference.palette import palette_colours
    from hrtem_app.inference.views import agreement_rgb, agreement_view, dot_radius

    shape = analysis.series.shape
    enlarge = enlargement(shape)
    networks = {name: result for name, result in analysis.networks.items() if name not in view.hidden}
    if not networks:
        return np.zeros((shape[0] * enlarge, shape[1] * enlarge, 3), np.float32)
    found = agreement_view(networks, view.class_index, view.kind, analysis.recipe.agreement)
    radius = dot_radius(view.kind, _RADIUS_ANGSTROM / analysis.table.sampling, view.equal_dots)
    colours = palette_colours(analysis.networks, view.palette)
    return agreement_rgb(found, shape, radius, colours=colours, enlarge=enlarge)
