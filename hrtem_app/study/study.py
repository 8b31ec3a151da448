"""The thesis' two sweeps, over training-set sizes and architectures, as one run that can be stopped at any time."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hrtem_app.evaluation.truth import KnownSeriesSource
from hrtem_app.simulation.cluster import Pace
from hrtem_app.simulation.dataset import Dataset
from hrtem_app.simulation.run import simulate
from hrtem_app.study.cell import RESULT, Task, ends, write_json
from hrtem_app.study.figures import study_figure
from hrtem_app.study.settings import StudySettings, cells, in_sweep
from hrtem_app.study.workers import run_tasks, study_devices
from hrtem_app.training.settings import TrainingError

TABLE, SUMMARY, FIGURE = "study.csv", "study.json", "learning_curves.png"
# Called with what is being done, the fraction of it that lies behind, and a word about it.
Progress = Callable[[str, float, str], None]


def study(
    out: str | Path,
    settings: StudySettings,
    *,
    data: str | Path | None = None,
    test: str | Path | None = None,
    devices: str = "auto",
    workers: int | None = None,
    retry: bool = False,
    progress: Progress | None = None,
) -> list[Path]:
    """Train and score all cells of a study, or those that are still missing.

    Parameters
    ----------
    out
        Folder of the study; every cell has its own in `cells`.
    settings
        The cells.
    data, test
        Datasets that `simulate` made, to train and to test on; None: simulated in `out`.
    devices
        `auto`, or a comma list; a name that comes n times takes n cells at once.
    workers
        Processes that make examples for each cell; 0: none but its own.
    retry
        Try those again that failed.
    progress
        What is being done, and how far it is.

    Returns
    -------
    Table, summary and figure.

    Raises
    ------
    TrainingError
        For data that are too few, or the same for training and test, and for cells of other settings.
    DatasetError
        For data that cannot be read.
    """
    folder, chosen = Path(out), study_devices(devices)
    tasks = make_tasks(folder, settings, data, test)
    # Given data are checked before hours are spent on simulating the other.
    for given, check in ((data, _check_data), (test, _check_test)):
        if given is not None:
            check(Path(given), settings)
    if data is None:
        _simulate(tasks[0].data, settings, progress)
    if test is None:
        _simulate_test(tasks[0].test, settings, progress)
    _check_apart(tasks[0].data, tasks[0].test)
    for task in tasks:
        task.check()
    waiting = [task for task in tasks if (result := task.result()) is None or (retry and result["error"])]
    for task in waiting:
        (task.folder / RESULT).unlink(missing_ok=True)
    following = _Following(tasks, waiting, progress)

    def done(task: Task) -> None:
        following.done(task)
        write_study(folder, settings, tasks)

    run_tasks(waiting, chosen, workers, done, following.news)
    return write_study(folder, settings, tasks)


def make_tasks(
    folder: Path, settings: StudySettings, data: str | Path | None = None, test: str | Path | None = None
) -> list[Task]:
    """The cells with their folders, in the order in which they are run."""
    waves = Path(data) if data is not None else folder / "waves" / "training"
    tested = Path(test) if test is not None else folder / "waves" / "test"
    return [Task(cell, settings, folder / "cells" / cell.name, waves, tested) for cell in cells(settings)]


def write_study(folder: Path, settings: StudySettings, tasks: Sequence[Task]) -> list[Path]:
    """Write what there is so far: `study.csv`, `study.json` and `learning_curves.png`."""
    rows = [row for task in tasks if (row := _row(settings, task)) is not None]
    table, summary, picture = (folder / name for name in (TABLE, SUMMARY, FIGURE))
    fields = list(dict.fromkeys(key for row in rows for key in row))
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fields, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    data, test = Dataset(tasks[0].data), KnownSeriesSource(tasks[0].test, settings.test_images)
    content = {
        "settings": settings.model_dump(mode="json"),
        "data": {
            "structures": len(data),
            "seeds": [data.seeds[0], data.seeds[-1]],
            "held_out_seeds": [data.seeds[-settings.held_out], data.seeds[-1]],
            "settings": data.settings.model_dump(mode="json"),
        },
        "test": {"series": len(test), "seeds": ends(test)},
        "waiting": [task.cell.name for task in tasks if task.result() is None],
        "failed": {row["cell"]: row["error"] for row in rows if row["error"]},
        "cells": rows,
    }
    write_json(summary, content)
    study_figure(rows, settings).savefig(picture, dpi=150)
    return [table, summary, picture]


def failures(folder: Path) -> dict[str, str]:
    """Errors of the cells that failed, by name."""
    found: dict[str, str] = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))["failed"]
    return found


def _row(settings: StudySettings, task: Task) -> dict[str, Any] | None:
    result = task.result()
    if result is None:
        return None
    sweeps = {f"sweep_{name}": in_sweep(settings, task.cell, name) for name in ("sizes", "architectures")}
    return result | sweeps


class _Following:
    """Adds up how far all cells are."""

    def __init__(self, tasks: Sequence[Task], waiting: Sequence[Task], progress: Progress | None) -> None:
        self.total, self.progress = len(tasks), progress
        self.behind, self.running = len(tasks) - len(waiting), dict[str, float]()

    def news(self, task: Task, fraction: float, detail: str) -> None:
        self.running[task.cell.name] = fraction
        self._show(f"{task.cell.name}  {detail}")

    def done(self, task: Task) -> None:
        self.running.pop(task.cell.name, None)
        self.behind += 1
        self._show(f"{self.behind} of {self.total}")

    def _show(self, detail: str) -> None:
        if self.progress:
            self.progress("cells", (self.behind + sum(self.running.values())) / self.total, detail)


def _simulate(folder: Path, settings: StudySettings, progress: Progress | None) -> None:
    """The held-out structures have the highest seeds, so that they stay the same when more are added."""
    show = _pace(progress, "structures")
    simulate(folder, settings.held_out, settings.held_out_seed, settings=settings.dataset, progress=show)
    simulate(folder, settings.most_structures, settings.training_seed, settings=settings.dataset, progress=show)


def _simulate_test(folder: Path, settings: StudySettings, progress: Progress | None) -> None:
    show = _pace(progress, "test structures")
    simulate(folder, settings.test_structures, settings.test_seed, settings=settings.dataset, progress=show)


def _pace(progress: Progress | None, what: str) -> Callable[[Pace], None] | None:
    if progress is None:
        return None
    return lambda pace: progress(what, pace.count / pace.total, pace.text())


def _check_data(folder: Path, settings: StudySettings) -> None:
    there = len(Dataset(folder)) - settings.held_out
    if settings.most_structures > there:
        raise TrainingError(
            f"a training set of {settings.most_structures} and {settings.held_out} held out are more than the "
            f"{there + settings.held_out} structures of {folder}: give sizes up to {max(there, 0)}, or simulate more"
        )


def _check_test(folder: Path, settings: StudySettings) -> None:
    KnownSeriesSource(folder, settings.test_images)


def _check_apart(data: Path, test: Path) -> None:
    training, source = Dataset(data), KnownSeriesSource(test).dataset
    if source is None or source.settings != training.settings:
        return
    common = set(training.seeds) & set(source.seeds)
    if common:
        raise TrainingError(
            f"structure {min(common)} is in {data} and in {test}: a test needs structures that were not trained on, "
            "give one of other seeds"
        )
