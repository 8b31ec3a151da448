"""What an evaluation would cost: its first series, scored and measured."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from hrtem_app.evaluation.evaluate import evaluate
from hrtem_app.evaluation.truth import KnownSeriesSource
from hrtem_app.jobs.estimating import StepEstimate
from hrtem_app.jobs.peak import PeakMemory, folder_size
from hrtem_app.jobs.requests import EvaluateJob
from hrtem_app.simulation.dataset import STRUCTURES, Dataset, structure_path


def probe_evaluation(request: EvaluateJob, folder: Path, structures: int | None = None) -> StepEstimate:
    """Score the first series.

    Parameters
    ----------
    request
        The evaluation, on data that are there.
    folder
        For the scores that are tried.
    structures
        That there will be in the data; None: those that are there.
    """
    told = request.evaluation
    source = KnownSeriesSource(request.data, told.images_per_structure, told.microscope)
    few, count = _few(source.files or source.dataset, folder.with_name("few"))
    there = structures or (len(source.files) if source.dataset is None else len(source.dataset))
    marks: list[float] = [time.monotonic()]

    def progress(done: int, total: int) -> None:
        marks.append(time.monotonic())

    with PeakMemory() as peak:
        evaluate(
            few,
            folder,
            networks=request.networks,
            weights=request.weights,
            images_per_structure=told.images_per_structure,
            microscope=told.microscope,
            recipe=told.recipe,
            matching=told.matching,
            sweep=told.sweep,
            figures=told.figures,
            progress=progress,
        )
    end = time.monotonic()
    views = len(marks) - 1
    # The first view also loads networks.
    view = (marks[-1] - marks[1]) / (views - 1) if views > 1 else marks[1] - marks[0]
    return StepEstimate(
        step="evaluate",
        seconds=(marks[1] - marks[0]) + view * (views / count * there - 1) + end - marks[-1],
        disk=folder_size(folder),
        memory=peak.bytes,
        measured=f"{count} of {there} structures or files",
    )


def _few(source: tuple[Path, ...] | Dataset | None, folder: Path) -> tuple[Path, int]:
    """A folder with the first two structures or files, and how many there are."""
    folder.mkdir(parents=True)
    if isinstance(source, Dataset):
        (folder / STRUCTURES).mkdir()
        for name in ("zarr.json", f"{STRUCTURES}/zarr.json"):
            shutil.copy(source.folder / name, folder / name)
        seeds = source.seeds[:2]
        for seed in seeds:
            shutil.copytree(structure_path(source.folder, seed), structure_path(folder, seed))
        return folder, len(seeds)
    files = (source or ())[:2]
    for path in files:
        shutil.copy(path, folder)
    return folder, len(files)
