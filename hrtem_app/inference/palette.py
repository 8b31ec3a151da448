"""Colours of figures: one for each network, whose sums tell who agrees, and one for each class of columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Literal, get_args

import numpy as np

from hrtem_app.columns import CLASSES
from hrtem_app.inference.views import Colour, network_colours

Palette = Literal["thesis", "colour-blind"]
# Both triples add up to white. Red, green and blue are the thesis'; to eyes without one kind of cones, some of their
# seven sums look much the same (a CIEDE2000 difference of 4 without the cones for red; 1 is the least that is seen side
# by side). The other triple was sought among all that add up to white and are neither pale nor dark, for the greatest
# least difference between the seven sums and a dark grey, seen with all cones and without any one kind (Machado,
# Oliveira and Fernandes, IEEE Trans. Vis. Comput. Graph. 15, 1291, 2009): 17. Its order keeps near the thesis' hues.
PALETTES: dict[Palette, tuple[Colour, Colour, Colour]] = {
    "thesis": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "colour-blind": ((0.57, 0.25, 0.11), (0.41, 0.62, 0.05), (0.02, 0.13, 0.84)),
}
# The window's: of the Okabe-Ito set, which eyes without one kind of cones tell apart. The shapes do so in grey, too.
CLASS_COLOURS = dict(zip(CLASSES, ("#56b4e9", "#f0e442", "#e8590c"), strict=True))
CLASS_SHAPES = dict(zip(CLASSES, ("o", "s", "^"), strict=True))


def palette_colours(names: Iterable[str], palette: Palette = "thesis") -> dict[str, Colour]:
    """The colour (red, green, blue) of each network.

    Parameters
    ----------
    names
        Of networks.
    palette
        `thesis`: red, green and blue; `colour-blind`: orange brown, yellow green and blue, whose sums stay apart. Both
        hold for three networks; what a fourth one adds up to with them may look like another sum.

    Raises
    ------
    ValueError
        For a palette that there is not.
    """
    if palette not in PALETTES:
        raise ValueError(f"there is no palette '{palette}': choose one of {', '.join(get_args(Palette))}")
    instead = dict(zip(PALETTES["thesis"], PALETTES[palette], strict=True))
    return {name: instead.get(colour, colour) for name, colour in network_colours(names).items()}


def added(colours: Sequence[Colour]) -> Colour:
    """What colours add up to, each channel at most 1."""
    red, green, blue = np.clip(np.sum(colours, axis=0), 0, 1).tolist()
    return red, green, blue


def combinations_shown(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Those whose sums a legend tells: each by itself, each two, and all where they are more than two."""
    shown: list[tuple[str, ...]] = [*((name,) for name in names), *combinations(names, 2)]
    return [*shown, tuple(names)] if len(names) > 2 else shown
