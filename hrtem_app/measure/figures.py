"""Figures of measurements: displacement, strain, distances, and where defects and edges are."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from hrtem_app.measure.defects import DEFECT_KINDS, MO_ON_S, S_ON_MO, V_MO, V_S, V_S2
from hrtem_app.measure.edges import ARMCHAIR, MIXED, ZIGZAG, ZIGZAG_MO, ZIGZAG_S
from hrtem_app.measure.measurements import Measurements

_INCHES = 3.4
# Of the height that a panel of the strain has, so much for its colour bar.
_BAR = 0.8
_BINS = 40
# The limits of a colour scale leave out this percentage of the columns, so that one outlier does not fade the rest.
_OUTLIERS = 1.0
# Nor do they go below this, in pm, % or degrees: less is rounding.
_LEAST_LIMIT = 0.01
# An arrow of the root mean square displacement is so long, in Å: half a lattice constant.
_ARROW = 1.6
# Diameter of a dot in Å, of the width of a panel that its axes take, and the least area of a dot in pt².
_DOT, _FILLED, _LEAST_DOT = 1.5, 0.75, 0.5
_DEFECT_LOOKS = {
    V_S: ("o", "#D62728"), V_S2: ("s", "#9467BD"), V_MO: ("D", "#1F77B4"), MO_ON_S: ("^", "#17BECF"),
    S_ON_MO: ("v", "#BCBD22"),
}  # fmt: skip
_EDGE_COLOURS = {
    ZIGZAG_MO: "#1F77B4", ZIGZAG_S: "#E69F00", ZIGZAG: "#2CA02C", ARMCHAIR: "#CC79A7", MIXED: "0.6",
}  # fmt: skip


def figures(measured: Measurements) -> dict[str, Figure]:
    """All figures by the name of their file; pyplot and its windows are not touched."""
    return {
        "displacement": displacement_figure(measured),
        "strain": strain_figure(measured),
        "distances": distances_figure(measured),
        "defects": defects_figure(measured),
    }


def displacement_figure(measured: Measurements) -> Figure:
    """How far each column is from its site, and arrows whither, enlarged."""
    figure = _new_figure(1.5 * _INCHES, 1.4 * _INCHES)
    axes = figure.subplots()
    x, y = _places(measured)
    displacement = measured.columns.displacement
    size = np.hypot(*displacement.T)
    dots = _map(axes, x, y, size, 1.5 * _INCHES, "viridis", (0.0, _limit(size)))
    known = np.isfinite(size)
    mean_square = float(np.sqrt((size[known] ** 2).mean())) if known.any() else 0.0
    if mean_square > 0:
        enlarged = _ARROW / 10 / mean_square
        axes.quiver(
            x[known], y[known], *(enlarged * displacement[known].T), angles="xy", scale_units="xy", scale=1,
            width=0.0015, color="black", alpha=0.7,
        )  # fmt: skip
        axes.set_title(f"arrows enlarged {1000 * enlarged:.0f} times", fontsize=8)
    figure.colorbar(dots, ax=axes, label="displacement, pm")
    return figure


def strain_figure(measured: Measurements) -> Figure:
    """The components of the strain tensor and the rotation, column by column."""
    figure = _new_figure(2.2 * _INCHES, 1.8 * _INCHES)
    x, y = _places(measured)
    strain = 100 * measured.columns.strain
    limit = _limit(strain)
    panels = figure.subplots(2, 2, sharex=True, sharey=True).ravel()
    for axes, values, name in zip(panels, strain.T, ("$ε_{xx}$", "$ε_{yy}$", "$ε_{xy}$"), strict=False):
        dots = _map(axes, x, y, values, 1.1 * _INCHES, "RdBu_r", (-limit, limit))
        figure.colorbar(dots, ax=axes, label=f"{name}, %", shrink=_BAR)
    turn = np.rad2deg(measured.columns.rotation)
    most = _limit(turn)
    dots = _map(panels[3], x, y, turn, 1.1 * _INCHES, "PuOr_r", (-most, most))
    figure.colorbar(dots, ax=panels[3], label="rotation, °", shrink=_BAR)
    return figure


def distances_figure(measured: Measurements) -> Figure:
    """Histograms of the distances of nearest neighbours."""
    figure = _new_figure(2.4 * _INCHES, 0.9 * _INCHES)
    for axes, (pair, each) in zip(figure.subplots(1, 3), measured.distances.items(), strict=True):
        if len(each.values):
            axes.hist(each.values, _BINS, color="#1F77B4", alpha=0.6)
            axes.axvline(each.mean, color="black", linewidth=1)
            axes.set_title(f"{each.mean:.3f} ± {each.deviation:.3f} Å", fontsize=8)
        axes.set(xlabel=f"{pair} distance, Å", ylabel="pairs")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def defects_figure(measured: Measurements) -> Figure:
    """Where point defects are, and the flake's edges by their kind."""
    figure = _new_figure(1.5 * _INCHES, 1.5 * _INCHES)
    axes = figure.subplots()
    x, y = _places(measured)
    axes.scatter(x, y, s=_dot_area(x, y, 1.5 * _INCHES) / 4, color="0.8", linewidths=0)
    for kind, colour in _EDGE_COLOURS.items():
        paths = [edge.path / 10 for edge in measured.edges if edge.kind == kind]
        for number, path in enumerate(paths):
            axes.plot(*path.T, color=colour, linewidth=1.5, label=None if number else kind)
    for kind in DEFECT_KINDS:
        places = np.array([(d.x, d.y) for d in measured.defects if d.kind == kind]).reshape(-1, 2) / 10
        mark, colour = _DEFECT_LOOKS[kind]
        if len(places):
            left, down = places.T
            axes.scatter(left, down, s=14, marker=mark, facecolors="none", edgecolors=colour, label=kind)
    _frame(axes)
    if measured.edges or measured.defects:
        figure.legend(fontsize=7, loc="outside upper left", ncols=5, frameon=False)
    return figure


def _new_figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _places(measured: Measurements) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both axes in nm."""
    y, x = measured.columns.positions.T * measured.sampling / 10
    return x, y


def _map(
    axes: Axes,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    values: NDArray[np.float64],
    inches: float,
    colours: str,
    limits: tuple[float, float],
) -> PathCollection:
    known = np.isfinite(values)
    area = _dot_area(x, y, inches)
    axes.scatter(x[~known], y[~known], s=area / 4, color="0.8", linewidths=0)
    low, high = limits
    dots = axes.scatter(x[known], y[known], s=area, c=values[known], cmap=colours, vmin=low, vmax=high, linewidths=0)
    _frame(axes)
    return dots


def _frame(axes: Axes) -> None:
    axes.set(xlabel="x, nm", ylabel="y, nm", aspect="equal")
    axes.yaxis.set_inverted(True)


def _dot_area(x: NDArray[np.float64], y: NDArray[np.float64], inches: float) -> float:
    """In pt², of dots that nearly touch in a panel so wide."""
    extent = 10 * max(float(np.ptp(x)), float(np.ptp(y)), 1.0) if len(x) else 10.0
    return max((_DOT / extent * inches * 72 * _FILLED) ** 2, _LEAST_DOT)


def _limit(values: NDArray[np.float64]) -> float:
    """Of a colour scale: what all but a few columns stay below."""
    known = np.abs(values[np.isfinite(values)])
    return max(float(np.percentile(known, 100 - _OUTLIERS)), _LEAST_LIMIT) if len(known) else 1.0
