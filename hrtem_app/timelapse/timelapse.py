"""A stack over time, all its time points together: tracks, events, counts and rates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.recipe import MeasureSettings
from hrtem_app.timelapse.counts import Counts, Rate, count, fit_rate
from hrtem_app.timelapse.events import Event, find_events
from hrtem_app.timelapse.linking import link_columns
from hrtem_app.timelapse.observation import Observation
from hrtem_app.timelapse.tracks import Tracks

VACANCIES, FRACTION = "1S columns", "1S fraction"
Counter = Callable[[ColumnTable, MeasureSettings, tuple[int, int], NDArray[np.float64]], Counts]


@dataclass(frozen=True, eq=False)
class Timelapse:
    """What became of the columns.

    Parameters
    ----------
    observations
        The time points.
    tracks
        Their columns, linked.
    events
        What happened to them.
    counts
        Of each time point.
    rates
        By what grows or shrinks: the number of 1S columns, their fraction of the sulphur columns.
    """

    observations: tuple[Observation, ...]
    tracks: Tracks
    events: tuple[Event, ...]
    counts: tuple[Counts, ...]
    rates: dict[str, Rate]

    @property
    def times(self) -> tuple[float, ...]:
        """In s, or the numbers of the time points where times are unknown."""
        known = [o.time for o in self.observations if o.time is not None]
        return (
            tuple(known) if len(known) == len(self.observations) else tuple(float(o.number) for o in self.observations)
        )

    @property
    def has_times(self) -> bool:
        """Whether `times` are in s."""
        return all(o.time is not None for o in self.observations)


def put_together(
    observations: Sequence[Observation],
    *,
    reach: float | None = None,
    memory: int = 1,
    window: int = 1,
    settings: MeasureSettings | None = None,
    counter: Counter = count,
) -> Timelapse:
    """Link the columns of all time points, and count.

    Parameters
    ----------
    observations
        In the order of time; some of a stack may be missing.
    reach, memory
        See `link_columns`.
    window
        Time points whose majority decides the class of a column, see `Tracks.smoothed`; 1: each decides for itself.
    settings
        What is counted; None: as the recipe of the first says.
    counter
        Counts one table; for callers that know some counts already.

    Raises
    ------
    ValueError
        As `link_columns`, `Tracks.smoothed` and `hrtem_app.measure.measure` do.
    """
    tables = [o.table for o in observations]
    shifts = [_shift(before, after) for before, after in pairwise(observations)]
    tracks = link_columns(tables, reach, shifts=shifts, views=[o.view for o in observations], memory=memory)
    if window > 1:
        tracks = tracks.smoothed(window)
    told = observations[0].recipe.measure if settings is None else settings
    counts = tuple(
        counter(table, told, observation.shape, tracks.drift[number])
        for number, (table, observation) in enumerate(zip(tracks.tables(tables), observations, strict=True))
    )
    values: dict[str, list[float]] = {
        VACANCIES: [each.vacancies.single.count for each in counts],
        FRACTION: [each.vacancies.single.value for each in counts],
    }
    rates = {name: fit_rate(numbers, [o.time for o in observations]) for name, numbers in values.items()}
    return Timelapse(
        observations=tuple(observations),
        tracks=tracks,
        events=find_events(tracks),
        counts=counts,
        rates={name: rate for name, rate in rates.items() if rate is not None},
    )


def history(timelapse: Timelapse, track: int) -> str:
    """What was seen of a site, as one line: `Mo at 0 to 3, not seen at 4`."""
    classes, numbers = timelapse.tracks.classes[track], [o.number for o in timelapse.observations]
    ends = [*(np.flatnonzero(np.diff(classes)) + 1).tolist(), len(classes)]
    said, start = [], 0
    for end in ends:
        name = CLASSES[classes[start]] if classes[start] >= 0 else "not seen"
        said.append(f"{name} at {numbers[start]}" + (f" to {numbers[end - 1]}" if end > start + 1 else ""))
        start = end
    return ", ".join(said)


def _shift(before: Observation, after: Observation) -> tuple[float, float] | None:
    """What the images told of the drift between two time points that follow each other, if they told it clearly."""
    drift = after.drift
    return drift.shift if drift is not None and drift.clear and after.number == before.number + 1 else None
