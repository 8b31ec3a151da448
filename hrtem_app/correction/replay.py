"""Edits that were done before, done once more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import ColumnTable
from hrtem_app.correction.draft import Draft
from hrtem_app.correction.edits import Add, Edit
from hrtem_app.correction.effects import MO
from hrtem_app.correction.step import Step, completed, next_id_after


class Replay:
    """A history in the making: any number of edits in a row.

    Parameters
    ----------
    table
        What they are done to.
    done
        What led to it, oldest first.
    next_id
        For an added column.
    """

    def __init__(self, table: ColumnTable, done: Sequence[Step], next_id: int) -> None:
        self.draft = Draft(table)
        self.done = list(done)
        self.next_id = next_id

    def perform(self, edit: Edit) -> None:
        """One edit more, also if it changes nothing, and without a look at the ids that were used before.

        Raises
        ------
        ValueError
            For an edit that does not fit the table, see `apply`.
        """
        whole = completed(edit, self.next_id, self.done, self._molybdenum)
        following = next_id_after(whole, self.next_id)
        rows, before = self.draft.do(whole)
        self.done.append(Step(whole, rows, before))
        self.next_id = following

    def _molybdenum(self, grain: int) -> NDArray[np.int64]:
        part = self.draft.grain(grain)
        ids: NDArray[np.int64] = part.ids[part.classes == MO]
        return ids


def above_all(base: ColumnTable, edits: Sequence[Edit]) -> int:
    """The least id above those of a table and of all columns that edits add, each of which must be a new one.

    Raises
    ------
    ValueError
        For one that is not, by the number of its edit from 1.
    """
    used = set(base.ids.tolist())
    for number, edit in enumerate(edits, start=1):
        if isinstance(edit, Add) and edit.id is not None:
            if edit.id in used:
                raise ValueError(f"edit {number} ({edit.description}) gives the id {edit.id}, which was used before")
            used.add(edit.id)
    return max(used, default=-1) + 1
