"""What a session holds, and what can be wrong with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import JsonValue, TypeAdapter, ValidationError

from hrtem_app.recipe import Recipe
from hrtem_app.series import FocalSeries

if TYPE_CHECKING:
    from hrtem_app.analysis import Analysis
    from hrtem_app.correction import Corrections
    from hrtem_app.sessions.stack import StackContent

_VIEW: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, JsonValue])


class SessionError(ValueError):
    """A session cannot be saved or opened; the message names the file, what is wrong with it and the remedy."""


@dataclass(frozen=True)
class MissingSource:
    """A file that a session needs and that was not found.

    Parameters
    ----------
    path
        Where it lay when the session was saved.
    changed
        Whether a file of that name was found, with another content.
    """

    path: Path
    changed: bool


class MissingSourceError(SessionError):
    """Files that the frames are read from were not found.

    Parameters
    ----------
    session
        The session that needs them.
    missing
        These files.
    """

    def __init__(self, session: Path, missing: Sequence[MissingSource]) -> None:
        told = "; ".join(f"'{file.path}' {'has changed' if file.changed else 'is missing'}" for file in missing)
        super().__init__(
            f"'{session}' needs the files that its frames were read from, as they were: {told}. "
            "Say where they are now, or lay them beside the session"
        )
        self.session = session
        self.missing = tuple(missing)


@dataclass(frozen=True, eq=False)
class SessionContent:
    """All that a person did with one series, or with a stack over time; immutable.

    Parameters
    ----------
    series
        The series as its files state it, before the recipe's sampling and defocus.
    recipe
        What the next run is told.
    analysis
        The newest results, of the same frames.
    corrections
        What a person made of a table, which is that of the results or one that was carried over to them.
    view
        How it was shown: anything that is plain JSON.
    stack
        The stack over time beside it. Where `series` is, by identity, that of one of its time points, this one is on
        screen: what is said of it here counts, and not what the stack says.

    Raises
    ------
    SessionError
        For results of other frames, or a view that is not plain JSON.
    """

    series: FocalSeries
    recipe: Recipe = field(default_factory=Recipe)
    analysis: Analysis | None = None
    corrections: Corrections | None = None
    view: Mapping[str, Any] = field(default_factory=dict)
    stack: StackContent | None = None

    def __post_init__(self) -> None:
        if self.analysis is not None and not same_frames(self.analysis.series, self.series):
            raise SessionError(
                f"the results are of '{self.analysis.series.name}' and not of the frames of '{self.series.name}': "
                "give the series that was analysed"
            )
        try:
            object.__setattr__(self, "view", _VIEW.validate_python(dict(self.view)))
        except ValidationError as error:
            place = error.errors(include_url=False)[0]
            raise SessionError(
                f"the view holds what JSON cannot, {'.'.join(map(str, place['loc']))} = {place['input']!r}: "
                "give dicts, lists, texts, numbers, booleans and None"
            ) from error

    @property
    def current(self) -> int | None:
        """Which time point of the stack is on screen; None for none."""
        return None if self.stack is None else self.stack.current(self.series)


def same_frames(first: FocalSeries, second: FocalSeries) -> bool:
    """Whether two series have the same pixels."""
    return first.frames is second.frames or np.array_equal(first.frames, second.frames)
