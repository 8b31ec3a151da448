"""The agreement figure: per class, who sees which columns (thesis Figure 4.8)."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from hrtem_app.analysis import Analysis
from hrtem_app.columns import CLASSES
from hrtem_app.inference.views import (
    KINDS,
    AgreementView,
    Colour,
    agreement_rgb,
    agreement_view,
    dot_radius,
    network_colours,
)

# Radius of a dot in Å: neighbours of one class are 3.2 Å apart, so dots never touch.
DOT_RADIUS = 1.0
# Brightest grey of the image behind the dots, and the sides of a panel in pixels.
_FAINT = 0.35
_PANEL_PIXELS = 1000
# Width of a panel in inches: three of them are a two-column page.
_PANEL_INCHES = 2.3
_INK, _PAPER = "black", "white"


def agreement_figure(analysis: Analysis, equal_dots: bool = False) -> Figure:
    """Draw which networks see which columns.

    One column per class; rows: all predictions, those of two or more networks, those of one network alone. Where
    networks agree their colours add up. The dots lie on the filtered series.

    Parameters
    ----------
    analysis
        What `hrtem_app.analyse` gave.
    equal_dots
        Draw unique predictions as large as the others, not at a third of the size.

    Returns
    -------
    A matplotlib figure with its own canvas; pyplot and its windows are not touched.
    """
    height, width = analysis.series.shape
    sampling = analysis.series.known_sampling
    enlarge = _PANEL_PIXELS / max(height, width)
    colours = network_colours(analysis.networks)
    background = _faint_image(analysis.filtered.frames)
    panel_height = _PANEL_INCHES * float(np.clip(height / width, 0.3, 3))
    figure = Figure(figsize=(3 * _PANEL_INCHES + 0.4, 3 * panel_height + 0.9), layout="constrained", facecolor=_PAPER)
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(KINDS), len(CLASSES), squeeze=False)
    for row, kind in enumerate(KINDS):
        for column, name in enumerate(CLASSES):
            view = agreement_view(analysis.networks, column, kind, analysis.recipe.agreement)
            radius = dot_radius(kind, DOT_RADIUS, equal_dots) / sampling
            dots = agreement_rgb(view, (height, width), radius, colours=colours, enlarge=enlarge)
            _panel(axes[row, column], _over(background, dots), (height, width), view)
            if row == 0:
                axes[row, column].set_title(name, fontsize=10)
        small = kind == "unique" and not equal_dots
        axes[row, 0].set_ylabel(KINDS[kind] + ("\n(dots a third as large)" if small else ""), fontsize=8)
    _scale_bar(axes[0, 0], (height, width), sampling)
    _legend(figure, analysis, colours)
    return figure


def _panel(axes: Axes, picture: NDArray[np.uint8], shape: tuple[int, int], view: AgreementView) -> None:
    # The extent keeps the coordinates those of the original image: pixel centres are integers.
    axes.imshow(picture, extent=(-0.5, shape[1] - 0.5, shape[0] - 0.5, -0.5), interpolation="antialiased")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(
        0.97, 0.97, f"n = {len(view)}", transform=axes.transAxes, ha="right", va="top", fontsize=7, color=_PAPER,
        bbox={"facecolor": _INK, "edgecolor": "none", "alpha": 0.6, "pad": 1.5},
    )  # fmt: skip


def _faint_image(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first used frame as faint grey, 0…`_FAINT`, stretched over its middle 99 %."""
    image = frames[0]
    low, high = np.percentile(image, [0.5, 99.5])
    faint: NDArray[np.float32] = (np.clip((image - low) / max(high - low, 1e-12), 0, 1) * _FAINT).astype(np.float32)
    return faint


def _over(background: NDArray[np.float32], dots: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Dots over the image, which is brought to their size; a dot hides what is under it, so its colour stays pure."""
    height, width = dots.shape[:2]
    rows = (np.arange(height) * background.shape[0]) // height
    columns = (np.arange(width) * background.shape[1]) // width
    grey = background[np.ix_(rows, columns)][..., np.newaxis]
    cover = dots.max(axis=2, keepdims=True)
    picture: NDArray[np.uint8] = np.rint(255 * (grey * (1 - cover) + dots)).astype(np.uint8)
    return picture


def _scale_bar(axes: Axes, shape: tuple[int, int], sampling: float) -> None:
    """A bar of 1, 2 or 5 times a power of ten, about a quarter of the image wide, in nm."""
    widest = 0.3 * shape[1] * sampling / 10
    power = 10 ** np.floor(np.log10(widest))
    length = float(max(step for step in (1, 2, 5) if step * power <= widest) * power)
    pixels = length * 10 / sampling
    left, bottom = 0.05 * shape[1], 0.95 * shape[0]
    thick = 0.015 * shape[0]
    axes.add_patch(Rectangle((left, bottom - thick), pixels, thick, facecolor=_PAPER, edgecolor=_INK, linewidth=0.4))
    middle = left + pixels / 2, bottom - 1.8 * thick
    axes.text(*middle, f"{length:g} nm", color=_PAPER, ha="center", va="bottom", fontsize=7)


def _legend(figure: Figure, analysis: Analysis, colours: dict[str, Colour]) -> None:
    """A dot for each network and for each mixture of two and of all."""
    titles = {name: analysis.networks[name].card.title for name in colours}
    mixtures: list[tuple[str, ...]] = [*((name,) for name in colours), *combinations(colours, 2)]
    entries = [(names, " + ".join(titles[name] for name in names)) for names in mixtures]
    if len(colours) > 2:
        entries.append((tuple(colours), "all" if len(colours) > 3 else "all three"))
    handles = []
    for names, title in entries:
        mixed = np.clip(np.sum([colours[name] for name in names], axis=0), 0, 1)
        handles.append(
            Line2D([], [], linestyle="", marker="o", markersize=6, label=title,
                   markerfacecolor=tuple(mixed), markeredgecolor=_INK, markeredgewidth=0.4)
        )  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 4), fontsize=7, frameon=False)
