"""Pictures of simulated series: one in all its stages, and a contact sheet of a dataset."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hrtem_app.microscope.record import RecordedSeries
from hrtem_app.simulation.preview import Preview

# Told apart by all kinds of colour vision (Okabe & Ito), on grey images too.
COLOURS = ("#0072B2", "#E69F00", "#D55E00", "#CC79A7", "#009E73", "#F0E442", "#56B4E9")
_INCHES = 2.6


def preview_figure(shown: Preview) -> Figure:
    """Atoms, labels and what was drawn; beside them the frames without noise, as recorded, and as networks see them."""
    frames = len(shown.series.frames)
    figure = Figure(figsize=(_INCHES * (frames + 1) + 0.2, _INCHES * 3 + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(3, frames + 1, squeeze=False)
    rows = (("without noise", shown.clean), ("recorded", shown.series.frames), ("filtered", shown.filtered))
    for row, (title, images) in zip(axes, rows, strict=True):
        for number, (panel, image) in enumerate(zip(row[1:], images, strict=True)):
            _image(panel, image)
            defocus = shown.series.microscope.defocus[number]
            panel.set_title(f"{title}, {defocus:.0f} Å", fontsize=8)
    _atoms(axes[0, 0], shown)
    _labels(axes[1, 0], shown)
    axes[2, 0].axis("off")
    text = axes[2, 0].text(0, 1, description(shown), fontsize=5.5, va="top", family="monospace")
    text.set_in_layout(False)
    figure.suptitle(f"seed {shown.structure.parameters['seed']}", fontsize=9)
    return figure


def description(shown: Preview) -> str:
    """What was drawn, line by line; options that are off are left out."""
    drawn: dict[str, Any] = shown.structure.parameters | shown.series.microscope.parameters()
    return "\n".join(f"{name:18s} {_said(value)}" for name, value in drawn.items() if name != "seed" and value)


def _said(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        return ", ".join(_said(v) for v in value)
    return str(value)


def _image(axes: Axes, image: NDArray[np.float32]) -> None:
    low, high = np.percentile(image, [0.5, 99.5])
    axes.imshow(image, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])


def _atoms(axes: Axes, shown: Preview) -> None:
    structure = shown.structure
    x, y = structure.atoms.positions[:, :2].T
    support = structure.columns < 0
    axes.scatter(x[support], y[support], s=0.4, c="0.75", linewidths=0)
    for index, colour in zip(range(len(shown.class_names)), COLOURS, strict=False):
        chosen = structure.positions[structure.classes == index]
        axes.scatter(chosen[:, 1], chosen[:, 0], s=2.0, c=colour, linewidths=0)
    axes.set_xlim(0, structure.side)
    axes.set_ylim(structure.side, 0)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(f"{len(structure.atoms)} atoms, {structure.side:.1f} Å", fontsize=8)


def _labels(axes: Axes, shown: Preview) -> None:
    classes = len(shown.class_names)
    axes.imshow(shown.labels, cmap=ListedColormap([*COLOURS[:classes], "black"]), vmin=-0.5, vmax=classes + 0.5)
    axes.set_xticks([])
    axes.set_yticks([])
    counts = np.bincount(shown.series.classes, minlength=classes)
    axes.set_title(" ".join(f"{n} {name}" for n, name in zip(counts, shown.class_names, strict=True)), fontsize=8)


def contact_sheet(series: Iterable[tuple[str, RecordedSeries]], class_names: tuple[str, ...]) -> Figure:
    """The middle frame of each series under its title, its columns as dots on the right half.

    Parameters
    ----------
    series
        Titles and series.
    class_names
        For the legend.
    """
    chosen = list(series)
    across = int(np.ceil(np.sqrt(len(chosen))))
    down = int(np.ceil(len(chosen) / across))
    figure = Figure(figsize=(_INCHES * across, _INCHES * down * 1.08 + 0.4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for panel in panels:
        panel.axis("off")
    for panel, (title, one) in zip(panels, chosen, strict=False):
        _image(panel, one.frames[len(one.frames) // 2])
        panel.set_title(title, fontsize=6.5)
        for index, colour in zip(range(len(class_names)), COLOURS, strict=False):
            here = one.positions[(one.classes == index) & (one.positions[:, 1] > one.frames.shape[2] / 2)]
            label = class_names[index] if panel is panels[0] else None
            panel.scatter(here[:, 1], here[:, 0], s=3, c=colour, linewidths=0, label=label)
    figure.legend(loc="outside lower center", ncols=len(class_names), fontsize=7, frameon=False, markerscale=2)
    return figure
