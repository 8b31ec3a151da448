"""What a session holds of a stack over time: its time points, and what was made of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hrtem_app.recipe import Recipe
from hrtem_app.series import FocalSeries
from hrtem_app.sessions.content import SessionError, same_frames

if TYPE_CHECKING:
    from hrtem_app.analysis import Analysis
    from hrtem_app.correction import Corrections
    from hrtem_app.timelapse.image_drift import ImageDrift
    from hrtem_app.timelapse.points import TimePoint


@dataclass(frozen=True, eq=False)
class StackPoint:
    """A time point and what was made of it; immutable.

    Parameters
    ----------
    point
        Where its series comes from. Its identity tells a session that is saved again what is on the disk already.
    series
        As it was read; None where nobody has looked at it.
    analysis
        Its newest results, of the same frames.
    corrections
        What a person made of its columns.
    drift
        From the time point before to this one, as the images tell; None where it was not measured.

    Raises
    ------
    SessionError
        For results or corrections without a series, or results of other frames.
    """

    point: TimePoint
    series: FocalSeries | None = None
    analysis: Analysis | None = None
    corrections: Corrections | None = None
    drift: ImageDrift | None = None

    def __post_init__(self) -> None:
        if self.series is None:
            if self.analysis is not None or self.corrections is not None:
                raise SessionError(f"there are results of '{self.point.name}' and no series: give the one they are of")
        elif self.analysis is not None and not same_frames(self.analysis.series, self.series):
            raise SessionError(
                f"the results are not of the frames of '{self.point.name}': give the series that was analysed"
            )


@dataclass(frozen=True, eq=False)
class StackContent:
    """A stack over time; immutable.

    Parameters
    ----------
    points
        All time points, in the order of their numbers.
    recipe
        As it was when one of them was on screen; None where none was.
    reach, memory, window
        How columns are linked and counted, see `hrtem_app.timelapse.put_together`.

    Raises
    ------
    SessionError
        For no time points, or numbers that are not 0, 1, 2, …
    """

    points: tuple[StackPoint, ...]
    recipe: Recipe | None = None
    reach: float | None = None
    memory: int = 1
    window: int = 1

    def __post_init__(self) -> None:
        numbers = [held.point.number for held in self.points]
        if not numbers or numbers != list(range(len(numbers))):
            raise SessionError(f"the time points of a stack have the numbers {numbers}: give them as 0, 1, 2 and so on")

    def current(self, series: FocalSeries) -> int | None:
        """Which time point a series is; None for none of them."""
        return next((number for number, held in enumerate(self.points) if held.series is series), None)


def series_of(held: StackPoint) -> FocalSeries:
    """The series of a time point, read where nobody has looked at it yet; raises SessionError where it cannot be."""
    if held.series is not None:
        return held.series
    try:
        return held.point.load()
    except ValueError as error:
        raise SessionError(f"the time point '{held.point.name}' cannot be read: {error}") from error
