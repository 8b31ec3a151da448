"""Which columns a person should look at, and in which order."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.correction.disputes import disputed_classes
from hrtem_app.correction.effects import MO
from hrtem_app.correction.rows import rows_of

# Å. The way is shortest in strips of √(3·area/columns); this is that of one in seventy columns of MoS2.
_STRIP = 30.0


def review_order(table: ColumnTable, strip: float = _STRIP) -> NDArray[np.int64]:
    """Ids of the columns that wait for a review, so that the next one is near the last.

    They are sought in strips across the image, from left to right in one and back in the next. A column's place in the
    order depends on its own position only, so no edit of another column changes what comes next.

    A column waits until it is `reviewed` if networks found another class in its place. In a grain only 1S against 2S
    counts so: Mo against S is a question of the whole grain and not of one column. Where that is not `decided`, the
    column nearest to the middle of the grain waits for all.

    Parameters
    ----------
    table
        The columns as corrected so far.
    strip
        Height of the strips in Å.

    Raises
    ------
    ValueError
        For strips without height.
    """
    rows = np.flatnonzero(waiting(table))
    return table.ids[rows[np.lexsort(_along_strips(table, strip)[:, rows])]]


def next_to_review(table: ColumnTable, after_id: int | None = None, strip: float = _STRIP) -> int | None:
    """The column to look at after another one; after the last comes the first again, and None once none waits.

    Parameters
    ----------
    table
        The columns as corrected so far.
    after_id
        Any column of the table, whether it waits or not, which comes last itself; None: begin with the first. Before a
        column is deleted, ask what comes after it.
    strip
        As for `review_order`.

    Raises
    ------
    ValueError
        For a column that the table does not have, or strips without height.
    """
    if after_id is None:
        order = review_order(table, strip)
        return int(order[0]) if len(order) else None
    here = rows_of(table, [after_id])[0]
    waits = waiting(table)
    rows = np.union1d(np.flatnonzero(waits), here)
    order = rows[np.lexsort(_along_strips(table, strip)[:, rows])]
    following = np.roll(order, -1 - int(np.flatnonzero(order == here)[0]))
    following = following[waits[following]]
    return int(table.ids[following[0]]) if len(following) else None


# Several parts of a window ask this of the table that is on screen, after every edit.
@lru_cache(maxsize=2)
def waiting(table: ColumnTable) -> NDArray[np.bool_]:
    """(n,) which columns wait for a review, see `review_order`; read-only."""
    waits = np.zeros(len(table), bool)
    waits[_rows_with_open_disputes(table)] = True
    waits[_middles_of_open_grains(table)] = True
    waits &= ~table.reviewed
    waits.flags.writeable = False
    return waits


def _rows_with_open_disputes(table: ColumnTable) -> NDArray[np.int64]:
    """Where what networks found makes a question of its own."""
    rows = np.array([row for row, text in enumerate(table.disputed) if text], np.int64)
    sulphur = np.array([_names_sulphur(table.disputed[row]) for row in rows.tolist()], bool)
    questions: NDArray[np.int64] = rows[(table.grain[rows] < 0) | ((table.classes[rows] != MO) & sulphur)]
    return questions


# Of thousands of columns most say the same.
@lru_cache(maxsize=1024)
def _names_sulphur(text: str) -> bool:
    return any(name in CLASSES and name != CLASSES[MO] for name in disputed_classes(text))


def _middles_of_open_grains(table: ColumnTable) -> list[int]:
    """The row nearest to the mean position of each grain that is not decided; of equal ones the first."""
    rows = np.flatnonzero(np.isin(table.grain, table.grain[~table.decided]) & (table.grain >= 0))
    rows = rows[np.argsort(table.grain[rows], kind="stable")]
    ends = np.flatnonzero(np.diff(table.grain[rows])) + 1
    return [_middle(table, part) for part in np.split(rows, ends) if len(part)]


def _middle(table: ColumnTable, rows: NDArray[np.int64]) -> int:
    off = np.linalg.norm(table.positions[rows] - table.positions[rows].mean(axis=0), axis=1)
    return int(rows[off.argmin()])


def _along_strips(table: ColumnTable, strip: float) -> NDArray[np.float64]:
    """(4, n) keys of the order for `lexsort`, the last one first: strip, way along it, y, id."""
    if not (np.isfinite(strip) and strip > 0):
        raise ValueError(f"strips of {strip} Å are impossible: give a positive height, {_STRIP:g} say")
    y, x = table.positions.T * table.sampling
    number = np.floor(y / strip)
    return np.stack([table.ids.astype(float), y, np.where(number % 2 == 0, x, -x), number])
