"""An edit applied to a table: a pure function, the one place where corrections are made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.correction import effects
from hrtem_app.correction.edits import (
    LARGEST_ID,
    Add,
    ConfirmSublattices,
    Delete,
    Edit,
    Move,
    Reclassify,
    Review,
    SwapSublattices,
)
from hrtem_app.correction.rows import inserted, rows_of, written


def apply(table: ColumnTable, edit: Edit) -> ColumnTable:
    """The table after an edit; the table itself where the edit changes nothing.

    Rows keep their order, and an added column comes last. `effects` tells what becomes of each field.

    Parameters
    ----------
    table
        Before.
    edit
        An `Add` without an id gets one above all in the table. `Corrections.do` gives one that was never used.

    Raises
    ------
    ValueError
        For columns or a grain that the table does not have, an id that is taken, or `single` columns that are not Mo.
    """
    if isinstance(edit, Add):
        number = next_id(table.ids) if edit.id is None else edit.id
        if number in table.ids:
            raise id_is_taken(number)
        near = table.select(effects.within_reach(table.positions, edit.position, table.sampling))
        return inserted(table, np.array([len(table)]), effects.added(near, edit, number))
    rows = affected_rows(table, edit)
    if isinstance(edit, Delete):
        return table.select(np.delete(np.arange(len(table)), rows))
    return written(table, rows, changed(table.select(rows), edit))


def affected_rows(table: ColumnTable, edit: Edit) -> NDArray[np.int64]:
    """Numbers of the rows that an edit changes or deletes; none for an added column.

    Raises
    ------
    ValueError
        For columns or a grain that the table does not have.
    """
    match edit:
        case Add():
            return np.empty(0, np.int64)
        case SwapSublattices() | ConfirmSublattices():
            return grain_rows(table.grain, edit.grain)
        case _:
            return rows_of(table, edit.ids)


def next_id(ids: NDArray[np.int64]) -> int:
    """The least id above all of those.

    Raises
    ------
    ValueError
        Where there is none that files keep exactly.
    """
    number = int(ids.max(initial=-1)) + 1
    if number > LARGEST_ID:
        raise ValueError(f"no id is left above {LARGEST_ID}: number the columns from 0")
    return number


def id_is_taken(number: int) -> ValueError:
    """The error for a column that cannot be added under an id."""
    return ValueError(f"the id {number} is taken: leave it out to get one that is free")


def changed(part: ColumnTable, edit: Move | Reclassify | SwapSublattices | ConfirmSublattices | Review) -> ColumnTable:
    """The rows that an edit concerns, after it.

    Raises
    ------
    ValueError
        For `single` columns that are not Mo.
    """
    count = len(part)
    match edit:
        case Move():
            return effects.moved(part, np.array(edit.positions))
        case Reclassify():
            # Whoever names the class has settled what the column is, also where it is what it was.
            seen = replace(part, reviewed=np.ones(count, bool))
            return effects.reclassified(seen, np.full(count, CLASSES.index(edit.class_name)))
        case SwapSublattices():
            return effects.swapped(part, _single(part, edit))
        case ConfirmSublattices():
            return replace(part, decided=np.ones(count, bool))
        case Review():
            return replace(part, reviewed=np.full(count, edit.reviewed))


def grain_rows(grains: NDArray[np.int64], grain: int) -> NDArray[np.int64]:
    """Numbers of the rows of a grain.

    Raises
    ------
    ValueError
        For a grain that no row belongs to.
    """
    rows = np.flatnonzero(grains == grain)
    if len(rows) == 0:
        known = ", ".join(map(str, np.unique(grains[grains >= 0])[:10])) or "none"
        raise ValueError(f"there is no grain {grain}: the grains of the table are {known}")
    return rows


def _single(part: ColumnTable, edit: SwapSublattices) -> NDArray[np.bool_]:
    """(n,) which columns of a grain become single sulphur."""
    wanted = np.array(edit.single or (), np.int64)
    fit = part.ids[part.classes == effects.MO]
    wrong = np.setdiff1d(wanted, fit)
    if len(wrong):
        raise ValueError(f"column {wrong[0]} cannot become 1S: it is no Mo column of grain {edit.grain}")
    return np.isin(part.ids, wanted)
