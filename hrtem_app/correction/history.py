"""The history of corrections: an immutable value that a table, edits and a place between them make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import ColumnTable
from hrtem_app.correction.apply import affected_rows, apply, next_id
from hrtem_app.correction.draft import Draft
from hrtem_app.correction.edits import Add, Edit
from hrtem_app.correction.effects import MO
from hrtem_app.correction.replay import Replay, above_all
from hrtem_app.correction.step import Step, completed, last_swap, next_id_after

# Of a long history this many tables are kept that were asked for last, and one of so many edits.
_NEWEST, _MARK_EVERY = 16, 40


@dataclass(frozen=True, eq=False)
class Mark:
    """A table that is kept to make others from.

    Parameters
    ----------
    position
        How many edits led to it.
    table
        As it was then.
    """

    position: int
    table: ColumnTable


@dataclass(frozen=True, eq=False)
class Corrections:
    """A table, the edits that a person made to it, and those that were taken back. Begin with `begin` or `replay`.

    One more edit, undo or redo takes a copy of the table and no replay. What is kept for undo are the rows that an edit
    concerned, so there is no limit. Who holds many histories of one table, as a window does for its undo, holds few
    tables: those of older ones are made again when they are asked for.

    Parameters
    ----------
    base
        As the networks gave it.
    done
        What led from the base to the table, oldest first.
    undone
        Edits that were taken back, the next to redo first.
    next_id
        The next added column's: above all ids that any column ever had here, also one whose edit was taken back.
    marks
        On the way from the base, which is the first.
    """

    base: ColumnTable
    done: tuple[Step, ...]
    undone: tuple[Edit, ...]
    next_id: int
    marks: tuple[Mark, ...]

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
        return _known(cls(base, (), (), next_id(base.ids), (Mark(0, base),)), base)

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
        replay = Replay(base, (), max(cls.begin(base).next_id, next_id, above_all(base, edits)))
        table = base
        for number, edit in enumerate(edits, start=1):
            try:
                replay.perform(edit)
            except ValueError as error:
                raise ValueError(f"edit {number} ({edit.description}) does not fit the table: {error}") from error
            table = replay.draft.table if number == last else table
        return cls.replayed(base, table, replay, last)

    @classmethod
    def replayed(cls, base: ColumnTable, table: ColumnTable, replay: Replay, position: int) -> Corrections:
        """A history from what was replayed, whose edits after a position are taken back.

        Parameters
        ----------
        base
            The table that they were made to.
        table
            As it is at the position.
        replay
            All edits.
        position
            How many of them are done.
        """
        undone = tuple(step.edit for step in replay.done[position:])
        marks = (Mark(0, base), Mark(position, table))
        return _known(cls(base, tuple(replay.done[:position]), undone, replay.next_id, marks), table)

    @property
    def table(self) -> ColumnTable:
        """The table as it is now."""
        kept = _kept_table(self)
        if not kept:
            mark = self.marks[-1]
            draft = Draft(mark.table)
            for step in self.done[mark.position :]:
                draft.do(step.edit)
            kept.append(draft.table)
        return kept[0]

    @property
    def edits(self) -> tuple[Edit, ...]:
        """All edits, those that were taken back at the end."""
        return (*(step.edit for step in self.done), *self.undone)

    @property
    def deleted(self) -> int:
        """How many of the networks' columns are there no more; one that a person added and deleted is none of them."""
        return int((~np.isin(self.base.ids, self.table.ids, assume_unique=True)).sum())

    @property
    def changes_text(self) -> str:
        """How many columns a person changed or added, and deleted: `3 edited, 1 deleted`."""
        deleted = self.deleted
        return f"{int(self.table.edited.sum())} edited{f', {deleted} deleted' if deleted else ''}"

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
        after = self._performed(self._completed(edit), ())
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
        done = self.done[:-1]
        marks = tuple(mark for mark in self.marks if mark.position <= len(done))
        return _known(replace(self, done=done, undone=(last.edit, *self.undone), marks=marks), last.undone(self.table))

    def redo(self) -> Corrections:
        """Do the edit again that was taken back last.

        Raises
        ------
        ValueError
            Where there is none.
        """
        if not self.undone:
            raise ValueError("there is nothing to redo")
        return self._performed(self.undone[0], self.undone[1:])

    def perform(self, edit: Edit) -> Corrections:
        """One complete edit more, also if it changes nothing, and without a look at the ids that were used before.

        `do` is for what a person does now; this is for edits that were done before.

        Raises
        ------
        ValueError
            For an edit that does not fit the table, see `apply`.
        """
        return self._performed(edit, self.undone)

    def was_swapped(self, grain: int) -> bool:
        """Whether the sublattices of a grain were exchanged; the next swap then gives back its single sulphurs."""
        return last_swap(self.done, grain) is not None

    def _performed(self, edit: Edit, undone: tuple[Edit, ...]) -> Corrections:
        before = self.table
        rows = affected_rows(before, edit)
        following = next_id_after(edit, self.next_id)
        table, done = apply(before, edit), (*self.done, Step(edit, rows, before.select(rows)))
        is_mark = len(done) - self.marks[-1].position >= _MARK_EVERY
        marks = (*self.marks, Mark(len(done), table)) if is_mark else self.marks
        return _known(Corrections(self.base, done, undone, following, marks), table)

    def _completed(self, edit: Edit) -> Edit:
        return completed(edit, self.next_id, self.done, self._molybdenum)

    def _molybdenum(self, grain: int) -> NDArray[np.int64]:
        ids: NDArray[np.int64] = self.table.ids[(self.table.grain == grain) & (self.table.classes == MO)]
        return ids


@lru_cache(maxsize=_NEWEST)
def _kept_table(corrections: Corrections) -> list[ColumnTable]:
    """The table of a history, or nothing where it was let go."""
    return []


def _known(corrections: Corrections, table: ColumnTable) -> Corrections:
    """A history whose table is known already."""
    _kept_table(corrections).append(table)
    return corrections
