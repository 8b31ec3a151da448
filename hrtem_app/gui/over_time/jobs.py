"""What is done with a stack over time in threads; what is slow to import is imported there."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hrtem_app.analysis import Progress
    from hrtem_app.columns import ColumnTable
    from hrtem_app.gui.over_time.held import Held
    from hrtem_app.gui.over_time.links import Linking
    from hrtem_app.recipe import MeasureSettings, Recipe
    from hrtem_app.series import FocalSeries
    from hrtem_app.timelapse import Observation, PointDone, Timelapse, TimePoint
    from hrtem_app.timelapse.counts import Counts
    from hrtem_app.timelapse.points import Order
    from hrtem_app.timelapse.shelf import Shelf


class Counted:
    """Counts that are known already: a correction changes one table, and the others need not be counted again."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[ColumnTable, tuple[tuple[object, ...], Counts]] = WeakKeyDictionary()

    def __call__(
        self, table: ColumnTable, settings: MeasureSettings, shape: tuple[int, int], drift: NDArray[np.float64]
    ) -> Counts:
        """What `hrtem_app.timelapse.counts.count` says."""
        from hrtem_app.timelapse.counts import count

        # Where there is no region, the drift does not matter.
        asked = (settings, shape, () if settings.region is None else tuple(drift.tolist()))
        known = self._known.get(table)
        if known is None or known[0] != asked:
            known = (asked, count(table, settings, shape, drift))
            self._known[table] = known
        return known[1]


def open_points(
    paths: Sequence[Path], size: int, order: Order, interval: float | None
) -> tuple[tuple[TimePoint, ...], Shelf]:
    """The time points of files, and where their maps will lie."""
    from hrtem_app.timelapse import points_of_files
    from hrtem_app.timelapse.shelf import Shelf

    return points_of_files(paths, size, order=order, interval=interval), Shelf()


def split_points(
    series: FocalSeries, size: int, order: Order, interval: float | None
) -> tuple[tuple[TimePoint, ...], Shelf]:
    """The time points of a series, and where their maps will lie."""
    from hrtem_app.timelapse import split
    from hrtem_app.timelapse.shelf import Shelf

    return split(series, size, order=order, interval=interval), Shelf()


def load_point(number: int, point: TimePoint, shelf: Shelf) -> tuple[int, TimePoint, FocalSeries]:
    """Read the series of a time point."""
    return number, point, shelf.series(point.load())


def run_points(
    held: Sequence[Held], recipe: Recipe, shelf: Shelf
) -> Generator[Progress | PointDone, None, tuple[Observation, ...]]:
    """Analyse the time points that are not done with this recipe; their maps go to the disk one by one."""
    from hrtem_app.timelapse import PointDone, analyse_timelapse

    def known(point: TimePoint, _: FocalSeries, told: Recipe) -> Observation | None:
        observation = held[point.number].observation
        same = observation is not None and observation.recipe.of_analysis() == told.of_analysis()
        return observation if same else None

    points = [replace(each.point, load=partial(_series_of, each, shelf)) for each in held]
    steps = analyse_timelapse(points, recipe, known=known)
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            observations: tuple[Observation, ...] = end.value
            return observations
        if isinstance(step, PointDone) and step.analysis is not None:
            step = replace(step, analysis=shelf.analysis(step.analysis, step.series))
        yield step


def put_together(
    observations: Sequence[Observation], linking: Linking, settings: MeasureSettings, counted: Counted
) -> Timelapse:
    """Tracks, events and counts."""
    from hrtem_app.timelapse import put_together as together

    return together(
        observations,
        reach=linking.reach,
        memory=linking.memory,
        window=linking.window,
        settings=settings,
        counter=counted,
    )


def write(timelapse: Timelapse, series: Mapping[int, FocalSeries | None], folder: Path, overwrite: bool) -> list[Path]:
    """Write tracks, counts and the columns of each time point."""
    from hrtem_app.timelapse import Store, write_timelapse

    paths = write_timelapse(timelapse, folder, overwrite)
    store = Store(folder)
    for observation in timelapse.observations:
        of = series[observation.number]
        if of is not None:
            store.keep(observation, of)
    return paths


def _series_of(held: Held, shelf: Shelf) -> FocalSeries:
    return held.series or shelf.series(held.point.load())
