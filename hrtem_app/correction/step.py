"""One step of a history: an edit that was done, complete, with what takes it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import ColumnTable
from hrtem_app.correction.edits import LARGEST_ID, Add, Delete, Edit, SwapSublattices
from hrtem_app.correction.effects import ONE_S
from hrtem_app.correction.rows import inserted, written


@dataclass(frozen=True, eq=False)
class Step:
    """An edit that was done, with what takes it back.

    Parameters
    ----------
    edit
        Complete: an `Add` with its id, a swap with its single sulphurs.
    rows
        Numbers of the rows that it changed or deleted.
    before
        These rows as they were.
    """

    edit: Edit
    rows: NDArray[np.int64]
    before: ColumnTable

    def undone(self, table: ColumnTable) -> ColumnTable:
        """The table before the edit, exactly, from the one after it."""
        match self.edit:
            case Add():
                return table.select(table.ids != self.edit.id)
            case Delete():
                return inserted(table, self.rows, self.before)
            case _:
                return written(table, self.rows, self.before)


def last_swap(done: Sequence[Step], grain: int) -> Step | None:
    """The last exchange of a grain's sublattices; None for none."""
    for step in reversed(done):
        if isinstance(step.edit, SwapSublattices) and step.edit.grain == grain:
            return step
    return None


def completed(edit: Edit, next_id: int, done: Sequence[Step], molybdenum: Callable[[int], NDArray[np.int64]]) -> Edit:
    """An edit with what only the history knows, so that it gives the same whenever it is done again.

    Parameters
    ----------
    edit
        What a person does.
    next_id
        For an added column.
    done
        What was done before, oldest first.
    molybdenum
        The ids of a grain's Mo columns, by its number.
    """
    if isinstance(edit, Add) and edit.id is None:
        return edit.model_copy(update={"id": next_id})
    if isinstance(edit, SwapSublattices) and edit.single is None:
        last = last_swap(done, edit.grain)
        before = last.before.ids[last.before.classes == ONE_S] if last else np.empty(0, np.int64)
        return edit.model_copy(update={"single": tuple(np.intersect1d(before, molybdenum(edit.grain)).tolist())})
    return edit


def next_id_after(edit: Edit, next_id: int) -> int:
    """The id of the next added column after a complete edit.

    Raises
    ------
    ValueError
        Where there is none that files keep exactly.
    """
    number = edit.id if isinstance(edit, Add) and edit.id is not None else -1
    if number >= LARGEST_ID:
        raise ValueError(f"no id is left for another column below {LARGEST_ID}: number the columns from 0")
    return max(next_id, number + 1)
