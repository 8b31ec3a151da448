"""Corrections carried over to another run of the networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import ColumnTable
from hrtem_app.correction.draft import Draft
from hrtem_app.correction.edits import (
    Add,
    ConfirmSublattices,
    Delete,
    Edit,
    Move,
    Reclassify,
    Review,
    SwapSublattices,
    counted,
)
from hrtem_app.correction.effects import MO
from hrtem_app.correction.history import Corrections
from hrtem_app.correction.replay import Replay
from hrtem_app.correction.step import Step
from hrtem_app.inference.matching import match
from hrtem_app.recipe import Agreement

_DISTANCE = Agreement().distance


@dataclass(frozen=True, eq=False)
class Rebased:
    """Corrections of another table, and what of them was lost.

    Parameters
    ----------
    corrections
        The history on the new table, whose columns have the ids of those that they were matched with.
    lost
        Edits, or the parts of them, that were not carried over, oldest first. Their ids are those of the old history.
    found
        Ids of columns that a person had added and the networks now find.
    crowded
        Ids of columns that a person added or changed and that lie too near to one that is new.
    forgotten
        How many columns were corrected in the old base already, by an earlier history; those corrections are lost.
    """

    corrections: Corrections
    lost: tuple[Edit, ...]
    found: tuple[int, ...]
    crowded: tuple[int, ...]
    forgotten: int

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a person should be told; empty where everything was carried over as it was."""
        said = [f"Not carried over: {edit.description}" + _named(edit) for edit in self.lost]
        if self.found:
            said.append(f"{counted(len(self.found))} that had been added by hand: the networks find them now")
        if self.crowded:
            said.append(f"{counted(len(self.crowded))} corrected by hand, with a new one beside: {_few(self.crowded)}")
        if self.forgotten:
            said.append(f"Not carried over: corrections of {counted(self.forgotten)} in the table that was replaced")
        return tuple(said)


def rebased(corrections: Corrections, new_base: ColumnTable, distance: float = _DISTANCE) -> Rebased:
    """Carry corrections over to what the networks say now of the same image.

    Columns of both runs are matched one-to-one by position; those that a person added or moved, and that are left, are
    matched by where they are now. Matched columns keep their ids, new ones get ids never used before. Then each edit is
    done again for the columns that are still there:

    - An added column that the networks find now is theirs, with the class that the person gave.
    - A review holds for columns of the class that was reviewed.
    - A swapped or confirmed grain is one in which a person decided which sublattice is Mo. The grain that shares more
      than half of its columns both ways is swapped or confirmed, whichever makes it read as decided.

    Parameters
    ----------
    corrections
        Of the earlier run; edits that were taken back are carried over too, as such.
    new_base
        The table of the new run, in pixels of the same image. Its own ids are replaced.
    distance
        The longest distance in Å of a match.

    Raises
    ------
    ValueError
        For a distance that is negative or not finite.
    """
    whole = Replay(corrections.table, corrections.done, corrections.next_id)
    for edit in corrections.undone:
        whole.perform(edit)
    base = _renumbered((corrections.base, whole.draft.table), whole.next_id, new_base, distance)
    fresh = Replay(base, (), max(Corrections.begin(base).next_id, whole.next_id))
    lost: list[Edit] = []
    table, position = base, 0
    for number, step in enumerate(whole.done, start=1):
        carried, gone = _carried(step, fresh.draft)
        if carried:
            fresh.perform(carried)
        lost += [gone] if gone else []
        if number == corrections.position:
            table, position = fresh.draft.table, len(fresh.done)
    adds = [step.edit.id for step in whole.done if isinstance(step.edit, Add) and step.edit.id is not None]
    known = set(base.ids.tolist())
    return Rebased(
        corrections=Corrections.replayed(base, table, fresh, position),
        lost=tuple(lost),
        found=tuple(number for number in adds if number in known),
        crowded=_crowded(table, whole.next_id, distance),
        forgotten=int((corrections.base.edited | corrections.base.reviewed).sum()),
    )


def _renumbered(old: Sequence[ColumnTable], next_id: int, new: ColumnTable, distance: float) -> ColumnTable:
    """The new table with the ids of the columns that it shares with old ones, which are asked in turn."""
    ids = np.full(len(new), -1, np.int64)
    for table in old:
        left, free = ~np.isin(table.ids, ids), ids < 0
        pairs = match(table.positions[left] * new.sampling, new.positions[free] * new.sampling, distance)
        ids[np.flatnonzero(free)[pairs[:, 1]]] = table.ids[left][pairs[:, 0]]
    ids[ids < 0] = next_id + np.arange((ids < 0).sum())
    return replace(new, ids=ids)


def _carried(step: Step, draft: Draft) -> tuple[Edit | None, Edit | None]:
    """An edit as it is done to the new table so far, and what of it cannot be done; None for nothing."""
    edit = step.edit
    match edit:
        case Add():
            if edit.id is not None and edit.id in draft:
                return Reclassify(ids=(edit.id,), class_name=edit.class_name), None
            return edit, None
        case SwapSublattices() | ConfirmSublattices():
            decided = _decided(step, edit, draft)
            return decided, None if decided else edit
        case _:
            there = np.array([number in draft for number in edit.ids])
            if isinstance(edit, Review) and edit.reviewed:
                there &= _same_class(step.before, draft.part(edit.ids))
            return _narrowed(edit, there), _narrowed(edit, ~there)


def _narrowed(edit: Move | Delete | Reclassify | Review, rows: NDArray[np.bool_]) -> Edit | None:
    """An edit of some of its columns; None for none of them."""
    if not rows.any():
        return None
    kept = np.flatnonzero(rows).tolist()
    update: dict[str, object] = {"ids": tuple(edit.ids[i] for i in kept)}
    if isinstance(edit, Move):
        update["positions"] = tuple(edit.positions[i] for i in kept)
    return edit.model_copy(update=update)


def _same_class(before: ColumnTable, table: ColumnTable) -> NDArray[np.bool_]:
    """(n,) which columns have the same class in another table, those that it lacks not."""
    classes = dict(zip(table.ids.tolist(), table.classes.tolist(), strict=True))
    return np.array([classes.get(i) == c for i, c in zip(before.ids.tolist(), before.classes.tolist(), strict=True)])


def _decided(step: Step, edit: SwapSublattices | ConfirmSublattices, draft: Draft) -> Edit | None:
    """The edit that makes the grain of the new table read as a person decided; None where there is no such grain."""
    shared = draft.part(step.before.ids.tolist())
    shared = shared.select(shared.grain >= 0)
    if len(shared) == 0:
        return None
    grains, counts = np.unique(shared.grain, return_counts=True)
    grain = int(grains[counts.argmax()])
    shared = shared.select(shared.grain == grain)
    whole = draft.grain(grain)
    if len(shared) * 2 <= max(len(step.before), len(whole)):
        return None
    was_mo = np.isin(shared.ids, step.before.ids[step.before.classes == MO])
    wanted = was_mo != isinstance(edit, SwapSublattices)
    if np.mean((shared.classes == MO) == wanted) > 0.5:
        return ConfirmSublattices(grain=grain)
    single = edit.single if isinstance(edit, SwapSublattices) and edit.single else ()
    fit = np.intersect1d(np.array(single, np.int64), whole.ids[whole.classes == MO])
    return SwapSublattices(grain=grain, single=tuple(fit.tolist()))


def _crowded(table: ColumnTable, next_id: int, distance: float) -> tuple[int, ...]:
    """Ids of edited columns with one nearby that the old run did not have, whose id is the next one or above."""
    new = table.ids >= next_id
    edited = table.edited & ~new
    pairs = match(table.positions[edited] * table.sampling, table.positions[new] * table.sampling, distance)
    return tuple(table.ids[edited][pairs[:, 0]].tolist())


def _named(edit: Edit) -> str:
    """Which columns, in brackets."""
    return "" if isinstance(edit, Add | SwapSublattices | ConfirmSublattices) else f" ({_few(edit.ids)})"


def _few(ids: tuple[int, ...]) -> str:
    """The first ids, for a sentence."""
    told = ", ".join(map(str, ids[:5]))
    return f"id {told}" + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
