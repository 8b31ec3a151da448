"""Pictures of a result: its frames with and without the support's lattice, and its columns on the image."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hrtem_app.analysis import Analysis
from hrtem_app.columns import CLASSES
from hrtem_app.export.drawing import INK, add_dots, grey, new_figure, scale_bar, show_image
from hrtem_app.inference.palette import CLASS_COLOURS, CLASS_SHAPES

# In Å: a bond is 1.8 Å, so that the image is seen between the dots.
DOT_RADIUS = 0.45
_COLUMNS_INCHES = 5.0
_FRAMES_INCHES = 7.0


def columns_figure(analysis: Analysis) -> Figure:
    """Draw the columns of the table on the image, each class in a colour and a shape of its own.

    The image is the first used frame as it was recorded, in whose pixels the table's positions are.

    Parameters
    ----------
    analysis
        What `hrtem_app.analyse` gave.

    Returns
    -------
    A matplotlib figure with its own canvas, whose dots are shapes in vector graphics.
    """
    series, table = analysis.series, analysis.table
    sampling = series.known_sampling
    figure = new_figure(_COLUMNS_INCHES, _COLUMNS_INCHES * _proportion(series.shape) + 0.4)
    axes = figure.subplots()
    image = grey(series.frames[analysis.frames[0]], _COLUMNS_INCHES)
    show_image(axes, image, series.shape, interpolation="none")
    handles = []
    for index, name in enumerate(CLASSES):
        positions = table.positions[table.classes == index]
        look = {"edgecolors": INK, "linewidths": 0.3, "alpha": 0.9, "gid": name}
        add_dots(axes, positions, DOT_RADIUS / sampling, CLASS_COLOURS[name], CLASS_SHAPES[name], **look)
        handles.append(
            Line2D([], [], linestyle="", marker=CLASS_SHAPES[name], color=CLASS_COLOURS[name], markersize=6,
                   markeredgecolor=INK, markeredgewidth=0.4, label=f"{name} ({len(positions)})")
        )  # fmt: skip
    scale_bar(axes, series.shape, sampling)
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8, frameon=False)
    return figure


def frames_figure(analysis: Analysis) -> Figure:
    """Draw the used frames as they were recorded, and below them what the networks saw: without the support's lattice.

    Parameters
    ----------
    analysis
        What `hrtem_app.analyse` gave.

    Returns
    -------
    A matplotlib figure with its own canvas.
    """
    series, count = analysis.series, len(analysis.frames)
    inches = min(_FRAMES_INCHES / count, _COLUMNS_INCHES)
    figure = new_figure(inches * count + 0.3, 2 * inches * _proportion(series.shape) + 0.5)
    axes = figure.subplots(2, count, squeeze=False)
    for column, frame in enumerate(analysis.frames):
        for row, image in enumerate((series.frames[frame], analysis.filtered.frames[column])):
            show_image(axes[row, column], grey(image, inches), series.shape)
        defocus = "" if series.defocus is None else f", defocus {series.defocus[frame]:.4g} Å"
        axes[0, column].set_title(f"frame {frame}{defocus}", fontsize=8)
    axes[0, 0].set_ylabel("as recorded", fontsize=8)
    axes[1, 0].set_ylabel("filtered", fontsize=8)
    scale_bar(axes[0, 0], series.shape, series.known_sampling)
    return figure


def _proportion(shape: tuple[int, int]) -> float:
    """Height over width, within what fits a page."""
    return float(np.clip(shape[0] / shape[1], 0.3, 3))
