"""All time points, analysed one after the other."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace

from hrtem_app.analysis import Analysis, Progress, analysis_steps
from hrtem_app.imaging.alignment import LARGEST
from hrtem_app.recipe import Recipe
from hrtem_app.series import FocalSeries
from hrtem_app.timelapse.image_drift import image_drift
from hrtem_app.timelapse.observation import Observation, observed
from hrtem_app.timelapse.points import TimePoint


@dataclass(frozen=True, eq=False)
class PointDone:
    """A time point that is done.

    Parameters
    ----------
    observation
        What is kept of it.
    series
        Its series as it was read.
    analysis
        With the networks' maps; None where the observation was known before. Whoever lets go of it frees the maps.
    """

    observation: Observation
    series: FocalSeries
    analysis: Analysis | None


Known = Callable[[TimePoint, FocalSeries, Recipe], Observation | None]
"""Gives what is known of a time point already, for this very series and this recipe; None for nothing."""


def analyse_timelapse(
    points: Sequence[TimePoint], recipe: Recipe | None = None, *, known: Known | None = None, largest: float = LARGEST
) -> Generator[Progress | PointDone, None, tuple[Observation, ...]]:
    """Analyse a stack over time.

    Parameters
    ----------
    points
        Of `split` or `points_of_files`; one series is in memory at a time, and the used frames of the one before.
    recipe
        What is done with each; None: the defaults.
    known
        Asked before the networks run, so that what was done before need not be done again.
    largest
        Drift in Å from one time point to the next within which its images are sought.

    Yields
    ------
    How far all are, and each time point when it is done. Closing the generator cancels.

    Returns
    -------
    What is kept of all time points.

    Raises
    ------
    ValueError
        For whatever `hrtem_app.analyse` refuses, naming the time point, or images of another size than the first.
    """
    told = recipe or Recipe()
    observations: list[Observation] = []
    before: FocalSeries | None = None
    before_is_new = False
    for done, point in enumerate(points):
        name = f"time point {done + 1} of {len(points)}"
        start, share = done / len(points), 1 / len(points)
        yield Progress(f"{name}: reading", start)
        try:
            series = point.load()
            _check_size(series, point, observations)
            observation = None if known is None else known(point, series, told)
            analysis = None
            if observation is None:
                analysis = yield from _analysed(series, told, name, start, share)
                observation = observed(point, series, analysis)
            used = _used_frames(series, observation)
            if before is not None and (observation.drift is None or analysis is not None or before_is_new):
                observation = replace(observation, drift=image_drift(before, used, largest))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        before, before_is_new = used, analysis is not None
        observations.append(observation)
        yield PointDone(observation, series, analysis)
    return tuple(observations)


def _analysed(
    series: FocalSeries, recipe: Recipe, name: str, start: float, share: float
) -> Generator[Progress, None, Analysis]:
    """The analysis of one series; tells how far all of them are."""
    steps = analysis_steps(series, recipe)
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            analysis: Analysis = end.value
            return analysis
        yield Progress(f"{name}: {step.step}", start + share * step.fraction)


def _used_frames(series: FocalSeries, observation: Observation) -> FocalSeries:
    """The frames that the networks saw, with the sampling that they were told."""
    return series.select(observation.frames).with_sampling(observation.table.sampling)


def _check_size(series: FocalSeries, point: TimePoint, observations: Sequence[Observation]) -> None:
    if observations and series.shape != observations[0].shape:
        (height, width), (first_height, first_width) = series.shape, observations[0].shape
        raise ValueError(
            f"{point.name} has images of {height} × {width} px and the first time point of "
            f"{first_height} × {first_width}: give images of one size"
        )
