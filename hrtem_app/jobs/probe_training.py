"""What a training would cost: some of its steps, and some held-out series, measured."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from hrtem_app.inference.device import choose_device
from hrtem_app.jobs.estimating import StepEstimate
from hrtem_app.jobs.peak import PeakMemory, folder_size
from hrtem_app.jobs.requests import Training, TrainJob
from hrtem_app.networks.catalog import load_network_file
from hrtem_app.training.events import read_events
from hrtem_app.training.loop import check_datasets, open_data, split, train
from hrtem_app.training.settings import TrainingSettings
from hrtem_app.training.validation import Validation

# Minutes of a training that is given neither minutes nor steps.
_MINUTES = 30.0
_FEW = 4


def probe_training(request: TrainJob, folder: Path, seconds: float, structures: int | None = None) -> StepEstimate:
    """Take some steps and score some held-out series.

    Parameters
    ----------
    request
        The training, on datasets that are there.
    folder
        For the run that is tried.
    seconds
        About so long steps are taken; four of them where they are compiled first.
    structures
        That there will be in the dataset; None: those that are there.
    """
    told = request.training
    datasets = [open_data(path) for path in request.data]
    settings = check_datasets(datasets, told.settings)
    held_out = told.held_out if structures is None else 1
    parts = [validating for _, validating in (split(dataset, held_out) for dataset in datasets)]
    tried = settings.model_copy(update={"validations": 1, "validation_series": len(parts), "patience": None})
    marks, gpu = [time.monotonic()], 0

    def progress(event: dict[str, float]) -> None:
        nonlocal gpu
        marks.append(time.monotonic())
        gpu = int(event["memory"])

    few = min(_FEW, told.steps or _FEW) if told.settings.compiled else None
    with PeakMemory(children=True) as peak:
        weights = train(
            told.network,
            request.data,
            folder,
            name=told.name,
            channels=told.channels,
            layers=told.layers,
            kernel=told.kernel,
            minutes=None if few else seconds / 60,
            steps=few,
            start=told.start,
            seed=told.seed,
            settings=tried,
            held_out=held_out,
            device=told.device,
            workers=told.workers,
            progress=progress,
        )
    device = choose_device(told.device)
    began = time.monotonic()
    validation = Validation(parts, tried.examples, len(parts))
    recording = (time.monotonic() - began) / len(validation)
    module, _ = load_network_file(weights, device)
    began = time.monotonic()
    validation.score(module, device)
    scoring = (time.monotonic() - began) / len(validation)
    there = [len(part.seeds) for part in parts]
    series = _series(settings, there if structures is None else [told.held_out or max(1, structures // 20)])
    step = _step_seconds(marks)
    steps, learning = _learning(told, settings, step, series * scoring)
    frames = sum(scene.frames.nbytes for scene in validation.scenes) / len(validation)
    events = folder / "events.jsonl"
    line = events.stat().st_size / len(read_events(events))
    return StepEstimate(
        step="train",
        seconds=marks[1] - marks[0] + series * recording + learning,
        disk=round(folder_size(folder) - events.stat().st_size + (steps + settings.validations) * line),
        memory=round(peak.bytes + max(0, series - len(validation)) * frames),
        gpu_memory=gpu if device.type == "cuda" else None,
        measured=f"{len(marks) - 1} steps of {step:.3g} s and {len(validation)} of {series} held-out series, "
        "in one process" + (" without its launcher" if told.launch else ""),
    )


def _learning(told: Training, settings: TrainingSettings, step: float, looking: float) -> tuple[int, float]:
    """How many steps there will be, and the seconds of them and of all validations."""
    if told.steps is not None:
        return told.steps, told.steps * step + settings.validations * looking
    seconds = 60 * (told.minutes or _MINUTES)
    return max(1, round((seconds - settings.validations * looking) / step)), seconds


def _step_seconds(marks: Sequence[float]) -> float:
    """Seconds of a step: without the first two, which load and compile, and the last, which validates."""
    gaps = [after - before for before, after in pairwise(marks)]
    usual = gaps[2:-1] or gaps[1:-1] or gaps[-1:]
    return sum(usual) / len(usual)


def _series(settings: TrainingSettings, there: Sequence[int]) -> int:
    """How many held-out series are looked at, of so many structures of each source."""
    most = max(1, settings.validation_series // len(there))
    return sum(min(most, count) for count in there)
