"""What undo and redo go through: the state of a session before and after each action, as a handful of references."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hrtem_app.recipe import Recipe

if TYPE_CHECKING:
    from hrtem_app.analysis import Analysis
    from hrtem_app.correction import Corrections
    from hrtem_app.series import FocalSeries

# Series and results are large: of actions that led from one to another, only so many can be undone.
_MOST_LARGE = 5


@dataclass(frozen=True, eq=False)
class Moment:
    """All of a session that an action can change; immutable, shared with other moments where it is the same.

    Parameters
    ----------
    series
        As its files state it.
    recipe
        What the next run is told.
    analysis
        The newest result.
    corrections
        What a person made of its columns.
    """

    series: FocalSeries | None
    recipe: Recipe
    analysis: Analysis | None
    corrections: Corrections | None

    def shares_results_with(self, other: Moment) -> bool:
        """Whether holding both takes hardly more memory than holding one."""
        return self.series is other.series and self.analysis is other.analysis


@dataclass(frozen=True, eq=False)
class Action:
    """Something that a person did.

    Parameters
    ----------
    text
        In a few words, for the menu.
    before
        The state that it led away from, or, of an action that was taken back, the one that it led to.
    """

    text: str
    before: Moment


class Timeline:
    """The actions that can be undone, and those that can be redone."""

    def __init__(self) -> None:
        self._past: list[Action] = []
        self._future: list[Action] = []

    @property
    def undo_text(self) -> str:
        """What `undo` takes back; empty for nothing."""
        return self._past[-1].text if self._past else ""

    @property
    def redo_text(self) -> str:
        """What `redo` does again; empty for nothing."""
        return self._future[-1].text if self._future else ""

    def note(self, text: str, before: Moment) -> None:
        """An action begins; what was taken back is let go."""
        self._past.append(Action(text, before))
        self._future.clear()
        self._forget_large()

    def undo(self, now: Moment) -> Moment:
        """The state before the last action; raises ValueError where there is none."""
        return _moved(self._past, self._future, now, "undo")

    def redo(self, now: Moment) -> Moment:
        """The state after the action that was taken back last; raises ValueError where there is none."""
        return _moved(self._future, self._past, now, "redo")

    def _forget_large(self) -> None:
        """Let go of the oldest actions beyond so many changes of series or results."""
        changes = [i for i in range(1, len(self._past)) if not _alike(self._past[i - 1], self._past[i])]
        if len(changes) >= _MOST_LARGE:
            del self._past[: changes[-_MOST_LARGE]]


def _alike(first: Action, second: Action) -> bool:
    return first.before.shares_results_with(second.before)


def _moved(source: list[Action], target: list[Action], now: Moment, verb: str) -> Moment:
    if not source:
        raise ValueError(f"there is nothing to {verb}")
    action = source.pop()
    target.append(Action(action.text, now))
    return action.before
