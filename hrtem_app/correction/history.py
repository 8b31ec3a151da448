"""The history of corrections: an immutable value that a table, edits and a place between them make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import ColumnTable
from hrtem_app.correction.apply import affected_rows, apply, next_id
from hrtem_app.correction.edits import LARGEST_ID, Add, Delete, Edit, SwapSublattices
from hrtem_app.correction.effects import MO, ONE_S
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


@dataclass(frozen=True, eq=False)
class Corrections:
    """A table, the edits that a person made to it, and those that were taken back. Begin with `begin` or `replay`.

    One more edit, undo or redo takes a copy of the table and no replay. What is kept for undo are the rows that an edit
    concerned, so there is no limit.

    Parameters
    ----------
    base
        As the networks gave it.
    table
        As it is now.
    done
        What led from the base to the table, oldest first.
    undone
        Edits that were taken back, the next to redo first.
    next_id
        The next added column's: above all ids that any column ever had here, also one whose edit was taken back.
    """

    base: ColumnTable
    table: ColumnTable
    done: tuple[Step, ...]
    undone: tuple[Edit, ...]
    next_id: int

    @classmethod
    def begin(cls, base: ColumnTable) -> Corrections:
        """A history without edits.

        Raises
        ------
        ValueError
            For ids that are negative or not distinct.
        """
        if len(np.unique(base.ids)) < len(base) or base.ids.min(initial=0) < 0:
            raise ValueError("the ids of the table are negative or not distinct: number its columns from 0")
        return cls(base, base, (), (), next_id(base))

    @classmethod
    def replay(
        cls, base: ColumnTable, edits: Sequence[Edit], position: int | None = None, next_id: int = 0
    ) -> Corrections:
        """A history from its edits.

        Parameters
        ----------
        base
            The table that they were made to.
        edits
            Those that are done and those that were taken back, oldest first.
        position
            How many are done; None: all.
        next_id
            Of the history; at least what base and edits ask for.

        Raises
        ------
        ValueError
            For a position beyond the edits, or the first edit that does not fit, by its number from 1.
        """
        last = len(edits) if position is None else position
        if not 0 <= last <= len(edits):
            raise ValueError(f"{last} edits cannot be done of {len(edits)}: give a position from 0 to {len(edits)}")
        history = cls.begin(base)
        history = replace(history, next_id=max(history.next_id, next_id, _above_all(base, edits)))
        for number, edit in enumerate(edits, start=1):
            try:
                history = history.perform(history._completed(edit))
            except ValueError as error:
                raise ValueError(f"edit {number} ({edit.description}) does not fit the table: {error}") from error
        while history.position > last:
            history = history.undo()
        return history

    @property
    def edits(self) -> tuple[Edit, ...]:
        """All edits, those that were taken back at the end."""
        return (*(step.edit for step in self.done), *self.undone)

    @property
    def position(self) -> int:
        """How many of the edits are done."""
        return len(self.done)

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return bool(self.done)

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit to do again."""
        return bool(self.undone)

    @property
    def undo_text(self) -> str:
        """What `undo` would take back, `delete 3 columns`; empty for nothing."""
        return self.done[-1].edit.description if self.done else ""

    @property
    def redo_text(self) -> str:
        """What `redo` would do again; empty for nothing."""
        return self.undone[0].description if self.undone else ""

    def do(self, edit: Edit) -> Corrections:
        """One edit more; what was taken back is let go. An edit that changes nothing gives the same history.

        Raises
        ------
        ValueError
            For an edit that does not fit the table, see `apply`, or an `Add` with an id that may have been used.
        """
        if isinstance(edit, Add) and edit.id is not None and edit.id < self.next_id:
            raise ValueError(f"the id {edit.id} may have been used before: leave it out to get {self.next_id}")
        after = replace(self, undone=()).perform(self._completed(edit))
        return self if after.table is self.table else after

    def undo(self) -> Corrections:
        """Take the last edit back.

        Raises
        ------
        ValueError
            Where there is none.
        """
        if not self.done:
            raise ValueError("there is nothing to undo")
        last = self.done[-1]
        return replace(self, table=last.undone(self.table), done=self.done[:-1], undone=(last.edit, *self.undone))

    def redo(self) -> Corrections:
        """Do the edit again that was taken back last.

        Raises
        ------
        ValueError
            Where there is none.
        """
        if not self.undone:
            raise ValueError("there is nothing to redo")
        return replace(self.perform(self.undone[0]), undone=self.undone[1:])

    def perform(self, edit: Edit) -> Corrections:
        """One complete edit more, also if it changes nothing, and without a look at the ids that were used before.

        `do` is for what a person does now; this is for edits that were done before.

        Raises
        ------
        ValueError
            For an edit that does not fit the table, see `apply`.
        """
        rows = affected_rows(self.table, edit)
        step = Step(edit, rows, self.table.select(rows))
        number = edit.id if isinstance(edit, Add) and edit.id is not None else -1
        if number >= LARGEST_ID:
            raise ValueError(f"no id is left for another column below {LARGEST_ID}: number the columns from 0")
        return replace(
            self,
            table=apply(self.table, edit),
            done=(*self.done, step),
            next_id=max(self.next_id, number + 1),
        )

    def was_swapped(self, grain: int) -> bool:
        """Whether the sublattices of a grain were exchanged; the next swap then gives back its single sulphurs."""
        return self._last_swap(grain) is not None

    def _last_swap(self, grain: int) -> Step | None:
        for step in reversed(self.done):
            if isinstance(step.edit, SwapSublattices) and step.edit.grain == grain:
                return step
        return None

    def _completed(self, edit: Edit) -> Edit:
        """An edit with what only the history knows, so that it gives the same whenever it is done again."""
        if isinstance(edit, Add) and edit.id is None:
            return edit.model_copy(update={"id": self.next_id})
        if isinstance(edit, SwapSublattices) and edit.single is None:
            last = self._last_swap(edit.grain)
            before = last.before.ids[last.before.classes == ONE_S] if last else np.empty(0, np.int64)
            fit = self.table.ids[(self.table.grain == edit.grain) & (self.table.classes == MO)]
            return edit.model_copy(update={"single": tuple(np.intersect1d(before, fit).tolist())})
        return edit


def _above_all(base: ColumnTable, edits: Sequence[Edit]) -> int:
    """The least id above those of a table and of all columns that edits add, each of which must be a new one."""
    used = set(base.ids.tolist())
    for number, edit in enumerate(edits, start=1):
        if isinstance(edit, Add) and edit.id is not None:
            if edit.id in used:
                raise ValueError(f"edit {number} ({edit.description}) gives the id {edit.id}, which was used before")
            used.add(edit.id)
    return max(used, default=-1) + 1
