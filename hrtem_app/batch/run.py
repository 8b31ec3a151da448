"""The analyses of a batch, one after the other; those that are done already are not done again."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrtem_app.analysis import Progress, analysis_steps
from hrtem_app.batch.finding import SeriesFiles
from hrtem_app.batch.outcome import BatchProgress, Outcome, Status
from hrtem_app.batch.results import describe, difference, has_measurements, read_record
from hrtem_app.batch.table import HEADER, TABLE, Value, put_row, read_table, start_table
from hrtem_app.export import check_folder, write_results
from hrtem_app.inference.device import choose_device
from hrtem_app.inference.palette import Palette, palette_colours
from hrtem_app.inference.versions import fitting_versions
from hrtem_app.io import load_series
from hrtem_app.measure.files import write_measurements
from hrtem_app.networks import catalog
from hrtem_app.recipe import Recipe
from hrtem_app.series import FocalSeries
from hrtem_app.simulation.store import scratch

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Task:
    """What is common to all series of a batch: the folder, a scratch folder beside it, and what was asked for."""

    folder: Path
    own: Path
    recipe: Recipe
    overwrite: bool
    measure: bool
    palette: Palette
    equal_dots: bool


def analyse_many(
    series: Sequence[SeriesFiles],
    folder: str | Path,
    recipe: Recipe | None = None,
    progress: Callable[[BatchProgress], None] | None = None,
    *,
    overwrite: bool = False,
    measure: bool = False,
    palette: Palette = "thesis",
    equal_dots: bool = False,
) -> tuple[Outcome, ...]:
    """Analyse many series with one recipe.

    The results of each go to a folder of its name, as `write_results` writes them, and a row of numbers to
    `results.csv`, which is there whole after every series. A series that fails stops no other one. Results of the same
    files, recipe, version and weights that are there already are kept, so the same call goes on where one was stopped.

    Parameters
    ----------
    series
        What `find_series` found.
    folder
        For all results; made where it does not exist.
    recipe
        What to do; None: the defaults.
    progress
        Called after every step.
    overwrite
        Analyse all anew and replace earlier results.
    measure
        Write measurements beside the results too, with the recipe's settings.
    palette, equal_dots
        Of the agreement figures, see `write_results`.

    Returns
    -------
    What became of each series, in their order.

    Raises
    ------
    ValueError
        For a folder that holds something else, or a network, device or palette that does not exist.
    OSError
        Where the table cannot be written.
    """
    steps = batch_steps(
        series, folder, recipe, overwrite=overwrite, measure=measure, palette=palette, equal_dots=equal_dots
    )
    # Whatever the caller's function raises, Ctrl-C among it, the batch leaves nothing half-written.
    with closing(steps):
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                outcomes: tuple[Outcome, ...] = end.value
                return outcomes
            if progress is not None:
                progress(step)


def batch_steps(
    series: Sequence[SeriesFiles],
    folder: str | Path,
    recipe: Recipe | None = None,
    *,
    overwrite: bool = False,
    measure: bool = False,
    palette: Palette = "thesis",
    equal_dots: bool = False,
) -> Generator[BatchProgress, None, tuple[Outcome, ...]]:
    """`analyse_many` as a generator: yields its progress, returns the outcomes; closing it at a yield cancels."""
    told, target = recipe or Recipe(), Path(folder)
    # What would fail for every series alike is refused before the first one.
    choose_device(told.device)
    fitting_versions(told.networks, catalog.available(), 1)
    palette_colours((), palette)
    _check_target(target, overwrite)
    target.mkdir(parents=True, exist_ok=True)
    start_table(target)
    outcomes: list[Outcome] = []
    with scratch(target) as own:
        task = _Task(target, own, told, overwrite, measure, palette, equal_dots)
        for number, each in enumerate(series, start=1):
            steps = _outcome(task, each)
            try:
                while True:
                    step = next(steps)
                    behind = (number - 1 + step.fraction) / len(series)
                    yield BatchProgress(number, len(series), each.name, step.step, behind)
            except StopIteration as end:
                outcome: Outcome = end.value
            put_row(target, outcome.row)
            outcomes.append(outcome)
            yield BatchProgress(number, len(series), each.name, outcome.status, number / len(series), outcome)
    return tuple(outcomes)


def _check_target(folder: Path, overwrite: bool) -> None:
    """Refuse a folder that is not empty and not of a batch, unless it may be overwritten."""
    if folder.is_dir() and (folder / TABLE).exists():
        read_table(folder)
    else:
        check_folder(folder, overwrite)


def _outcome(task: _Task, series: SeriesFiles) -> Generator[Progress, None, Outcome]:
    """Analyse one series, or find that it was done before, or why it cannot be."""
    place = task.folder / series.name
    told: dict[str, Value] = {"file": str(series.source), "name": series.name}
    try:
        status, values = yield from _results(task, series, place)
    except (ValueError, OSError) as error:
        why = " ".join(str(error).split())
    except Exception as error:
        # Whatever else goes wrong with one series, memory that is too small say, the others may be fine.
        logger.info("the analysis of %s failed", series.source, exc_info=True)
        why = " ".join(f"{type(error).__name__}: {error}".split())
    else:
        row = dict.fromkeys(HEADER) | told | values | {"status": status, "error": "", "folder": str(place.absolute())}
        return Outcome(series, status, row, place)
    row = dict.fromkeys(HEADER) | told | {"status": "failed", "error": why}
    return Outcome(series, "failed", row, error=why)


def _results(
    task: _Task, series: SeriesFiles, place: Path
) -> Generator[Progress, None, tuple[Status, dict[str, Value]]]:
    """See to it that the results of a series are there; whether that took an analysis, and what they say."""
    yield Progress("reading", 0.0)
    frames = load_series(series.paths, sampling=task.recipe.sampling)
    if not task.overwrite and _is_done(task, frames, place):
        return "skipped", _described(task, place)
    analysis = yield from analysis_steps(frames, task.recipe)
    yield Progress("writing", 0.99)
    figures: dict[str, Any] = {"palette": task.palette, "equal_dots": task.equal_dots}
    if place.exists():
        write_results(analysis, place, overwrite=task.overwrite, **figures)
        return "done", _described(task, place, anew=True)
    # A new folder appears in its place whole, whenever the process dies.
    with tempfile.TemporaryDirectory(dir=task.own) as made:
        fresh = Path(made, "results")
        write_results(analysis, fresh, **figures)
        values = _described(task, fresh, anew=True)
        os.replace(fresh, place)
    return "done", values


def _is_done(task: _Task, series: FocalSeries, place: Path) -> bool:
    """Whether the results of this series and recipe are there.

    Raises
    ------
    ValueError
        Where others are; says in what they differ.
    """
    record = read_record(place)
    if record is None:
        check_folder(place)
        return False
    differs = difference(place, record, series, task.recipe)
    if differs:
        raise ValueError(f"{place} holds results {differs}: choose another folder or allow to overwrite (--overwrite)")
    return True


def _described(task: _Task, place: Path, anew: bool = False) -> dict[str, Value]:
    """The row of results; writes the measurements beside them where they are wanted and not there, or of others."""
    values, measured = describe(place, task.recipe.measure)
    if task.measure and (anew or not has_measurements(place, task.recipe.measure)):
        write_measurements(measured, place, overwrite=True)
    return values
