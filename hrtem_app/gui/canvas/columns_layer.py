"""Columns as points of napari: what differs is written into napari's own arrays, which then are drawn once.

Each of napari's setters prepares all points anew, and of twenty thousand that is felt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from napari.layers import Points
from numpy.typing import NDArray

from hrtem_app.columns import ColumnTable
from hrtem_app.gui.shown import features

_DOT_ANGSTROM = 0.9
# A dot for napari and vispy alike. napari keeps objects in place of names and asks each for its name whenever it draws.
_SYMBOL = "o"
# Smooth edges of dots that are smaller on the screen, in pixels, are not seen and take half of the drawing.
_SMOOTH_FROM = 5.0
# Borders are drawn on the rim of a dot, half of them outside; widths are fractions of its size.
_SELECTED_BORDER, _EDITED_BORDER = 0.28, 0.12
_WHITE = np.ones(4, np.float32)


@dataclass(frozen=True, eq=False)
class Look:
    """How the columns of a table are drawn.

    Parameters
    ----------
    shown
        (n,) which of them are.
    colours
        (n, 4) of each.
    edited
        (n,) which of them a person made what they are; they have a thin border.
    """

    shown: NDArray[np.bool_]
    colours: NDArray[np.float32]
    edited: NDArray[np.bool_]


def dot_size(sampling: float) -> float:
    """The size of a dot in pixels of the image: a little smaller than a column."""
    return _DOT_ANGSTROM / sampling


def show_table(
    points: Points, table: ColumnTable, before: ColumnTable | None, look: Look, is_drawn: bool = True
) -> None:
    """Make a layer show a table.

    Parameters
    ----------
    points
        The layer.
    table
        What it shows from now on; columns that are selected and still there stay selected.
    before
        What it showed; None where that is not known.
    look
        How its columns are drawn.
    is_drawn
        Whether the layer's own arrays, as they are before, are what is drawn.
    """
    selected = _still_selected(points, table, before)
    extent = _extent(points)
    with points.events.set_data.blocker():
        if len(points.data) != len(table):
            # napari makes room in all its arrays. It moves points in place, and a table is not to be written to.
            points.data = table.positions.copy()
            is_drawn = False
        is_drawn &= not _put(points.data, table.positions)
        _put_features(points, features(table))
    is_drawn &= not _put_look(points, look, table.sampling, selected)
    if not is_drawn:
        # With another extent napari works out the whole scene anew.
        points.refresh(extent=_extent(points) != extent)
    _select(points, selected)


def smooth(points: Points, zoom: float) -> None:
    """Draw smooth dots where they are large enough for that to be seen.

    Parameters
    ----------
    points
        The layer.
    zoom
        Pixels of the screen per unit of the canvas.
    """
    size = float(points.size.max(initial=0)) * float(points.scale[-1]) * zoom
    antialiasing = 1.0 if size >= _SMOOTH_FROM else 0.0
    if points.antialiasing != antialiasing:
        points.antialiasing = antialiasing


def show_look(points: Points, look: Look, sampling: float) -> None:
    """Draw the columns that a layer shows in another way."""
    selected = set(points.selected_data)
    if _put_look(points, look, sampling, selected):
        points.refresh(extent=False)
    _select(points, selected)


def show_selected(points: Points, edited: NDArray[np.bool_], selected: Iterable[int]) -> None:
    """Mark the columns that are selected; napari's own mark is thin, and has the colour of Mo.

    Parameters
    ----------
    points
        The layer.
    edited
        (n,) of the columns that it shows.
    selected
        Rows.
    """
    if _put_borders(points, edited, selected) and points.visible:
        # Neither what is in view nor how far it reaches differs, so this draws and works out nothing else.
        points.events.border_width()


def _put_look(points: Points, look: Look, sampling: float, selected: Iterable[int]) -> bool:
    """Returns whether anything differs.

    In two dimensions napari draws all points, shown or not, so those that are not have no size and no opacity.
    """
    colours = look.colours.copy()
    colours[~look.shown, 3] = 0
    points.symbol[:] = _SYMBOL
    differs = _put(points.shown, look.shown)
    differs |= _put(points.size, np.where(look.shown, dot_size(sampling), 0.0))
    differs |= _put_borders(points, look.edited, selected)
    return _put(points.face_color, colours) or differs


def _put_borders(points: Points, edited: NDArray[np.bool_], selected: Iterable[int]) -> bool:
    """Returns whether anything differs."""
    widths = np.where(edited, _EDITED_BORDER, 0.0)
    rows = np.fromiter(selected, np.int64)
    widths[rows[rows < len(widths)]] = _SELECTED_BORDER
    differs = _put(points.border_width, widths)
    return _put(points.border_color, np.broadcast_to(_WHITE, points.border_color.shape)) or differs


def _put(values: NDArray[np.generic], new: NDArray[np.generic]) -> bool:
    """Write into an array; returns whether anything differs."""
    if np.array_equal(values, new.astype(values.dtype, copy=False)):
        return False
    values[:] = new
    return True


def _put_features(points: Points, new: pd.DataFrame) -> None:
    """Another table of features; napari's own setter also works out what a next point might have."""
    frame = points.features
    if len(frame) != len(new) or list(frame) != list(new):
        points.features = new
        return
    for name in new:
        frame[name] = new[name]
    points.events.features()


def _extent(points: Points) -> tuple[float, ...]:
    if len(points.data) == 0:
        return ()
    return (*points.data.min(axis=0).tolist(), *points.data.max(axis=0).tolist(), float(points.size.max()))


def _still_selected(points: Points, table: ColumnTable, before: ColumnTable | None) -> set[int]:
    """Rows of the columns that are selected; where a person added or removed points, napari has renumbered them."""
    rows = np.array(sorted(points.selected_data), np.int64)
    if before is None or len(points.data) != len(before) or np.array_equal(before.ids, table.ids):
        return set(rows[rows < len(table)].tolist())
    chosen = before.ids[rows[rows < len(before)]]
    return set(np.flatnonzero(np.isin(table.ids, chosen)).tolist())


def _select(points: Points, rows: set[int]) -> None:
    """Select columns, but none that is not shown."""
    visible = {row for row in rows if points.shown[row]}
    if visible != set(points.selected_data):
        points.selected_data = visible
