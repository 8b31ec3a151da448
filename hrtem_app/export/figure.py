"""The agreement figure: per class, who sees which columns (thesis Figure 4.8)."""

from __future__ import annotations

import string

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from hrtem_app.analysis import Analysis
from hrtem_app.columns import CLASSES
from hrtem_app.export.drawing import (
    FAINT,
    INK,
    add_dots,
    corner_text,
    grey,
    new_figure,
    scale_bar,
    show_image,
)
from hrtem_app.inference.palette import Palette, added, combinations_shown, palette_colours
from hrtem_app.inference.views import KINDS, AgreementView, Colour, agreement_rgb, agreement_view, dot_radius

# Radius of a dot in Å: neighbours of one class are 3.2 Å apart, so dots never touch.
DOT_RADIUS = 1.0
# Small dots, of blue above all, are lost in the grey of the image without a light ring of this width in Å. It is not
# white, which in this figure says that all networks agree.
_RING = 0.15
_RING_GREY = 0.8
# The sides of a panel in pixels, and its width in inches: three of them are a two-column page.
_PANEL_PIXELS = 1000
_PANEL_INCHES = 2.3


def agreement_figure(
    analysis: Analysis, equal_dots: bool = False, palette: Palette = "thesis", vector: bool = False
) -> Figure:
    """Draw which networks see which columns.

    One column per class; rows: all predictions, those of two or more networks, those of one network alone. Where
    networks agree their colours add up. The dots lie on the filtered series.

    Parameters
    ----------
    analysis
        What `hrtem_app.analyse` gave.
    equal_dots
        Draw unique predictions as large as the others, not at a third of the size.
    palette
        Colours of the networks, see `palette_colours`.
    vector
        Draw dots as shapes, for SVG and PDF, not as pixels. These formats do not add light up, so a column is one dot
        in the sum of its colours at the mean of the networks' positions; else each network's dot is at its own.

    Returns
    -------
    A matplotlib figure with its own canvas; pyplot and its windows are not touched.

    Raises
    ------
    ValueError
        For a palette that there is not.
    """
    shape = analysis.series.shape
    colours = palette_colours(analysis.networks, palette)
    background = FAINT * grey(analysis.filtered.frames[0], _PANEL_INCHES)
    panel_height = _PANEL_INCHES * float(np.clip(shape[0] / shape[1], 0.3, 3))
    figure = new_figure(3 * _PANEL_INCHES + 0.4, 3 * panel_height + 0.9)
    axes = figure.subplots(len(KINDS), len(CLASSES), squeeze=False)
    letters = iter(string.ascii_lowercase)
    for row, kind in enumerate(KINDS):
        radius = dot_radius(kind, DOT_RADIUS, equal_dots) / analysis.series.known_sampling
        small = kind == "unique" and not equal_dots
        ring = _RING / analysis.series.known_sampling if small else 0
        for column, name in enumerate(CLASSES):
            view = agreement_view(analysis.networks, column, kind, analysis.recipe.agreement)
            panel = axes[row, column]
            if vector:
                show_image(panel, background, shape, interpolation="none")
                if small:
                    add_dots(panel, view.positions, radius + ring, str(_RING_GREY))
                add_dots(panel, view.positions, radius, _sums(view, colours), gid=f"{name}-{kind}")
            else:
                show_image(panel, _with_dots(background, view, shape, radius, ring, colours), shape)
            corner_text(panel, next(letters), "left", fontsize=8, fontweight="bold")
            corner_text(panel, f"n = {len(view)}", "right", fontsize=7)
            if row == 0:
                panel.set_title(name, fontsize=10)
        axes[row, 0].set_ylabel(KINDS[kind] + ("\n(dots a third as large)" if small else ""), fontsize=8)
    scale_bar(axes[0, 0], shape, analysis.series.known_sampling)
    _legend(figure, analysis, colours)
    return figure


def _sums(view: AgreementView, colours: dict[str, Colour]) -> NDArray[np.float64]:
    """(n, 3) the sum of the colours of the networks that found each column."""
    each = np.array([colours[name] for name in view.networks])
    found: NDArray[np.float64] = np.clip(view.found.astype(float) @ each, 0, 1)
    return found


def _with_dots(
    background: NDArray[np.float32],
    view: AgreementView,
    shape: tuple[int, int],
    radius: float,
    ring: float,
    colours: dict[str, Colour],
) -> NDArray[np.uint8]:
    """Dots over the image, which is brought to their size; a dot hides what is under it, so its colour stays pure.

    Radius and width of the ring around it in pixels of the image; a ring of 0 is none.
    """
    dots = agreement_rgb(view, shape, radius, colours=colours, enlarge=_PANEL_PIXELS / max(shape))
    height, width = dots.shape[:2]
    rows = (np.arange(height) * background.shape[0]) // height
    columns = (np.arange(width) * background.shape[1]) // width
    image = background[np.ix_(rows, columns)][..., np.newaxis]
    # Where a dot of the darkest colour is whole, at the least.
    full = min(max(colours[name]) for name in view.networks)
    cover = np.minimum(dots.max(axis=2, keepdims=True) / full, 1)
    if ring:
        light = dict.fromkeys(view.networks, (_RING_GREY,) * 3)
        rings = agreement_rgb(view, shape, radius + ring, colours=light, enlarge=_PANEL_PIXELS / max(shape))
        image = image * (1 - rings.max(axis=2, keepdims=True) / _RING_GREY) + rings
    picture: NDArray[np.uint8] = np.rint(255 * np.clip(image * (1 - cover) + dots, 0, 1)).astype(np.uint8)
    return picture


def _legend(figure: Figure, analysis: Analysis, colours: dict[str, Colour]) -> None:
    """A dot for each network and for each mixture of two and of all."""
    titles = {name: analysis.networks[name].card.title for name in colours}
    handles = []
    for names in combinations_shown(list(colours)):
        title = " + ".join(titles[name] for name in names)
        if len(names) > 2:
            title = "all three" if len(names) == 3 else "all"
        handles.append(
            Line2D([], [], linestyle="", marker="o", markersize=6, label=title, markeredgecolor=INK,
                   markerfacecolor=added([colours[name] for name in names]), markeredgewidth=0.4)
        )  # fmt: skip
    legend = figure.legend(
        handles=handles, loc="outside lower center", ncols=min(len(handles), 4), fontsize=7, frameon=False,
        title="colours add up where networks agree" if len(colours) > 1 else None, title_fontsize=7,
    )  # fmt: skip
    for text in legend.get_texts():
        # Titles come from cards, where `$` is no mathematics.
        text.set_parse_math(False)
