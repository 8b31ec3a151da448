"""One cell of a study: a training that goes on where it was stopped, and its score on the test set."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrtem_app.evaluation.evaluate import evaluate
from hrtem_app.evaluation.truth import KnownSeriesSource
from hrtem_app.recipe import Recipe
from hrtem_app.simulation.dataset import Dataset
from hrtem_app.study.settings import Cell, StudySettings
from hrtem_app.training.checkpoint import NAME as CHECKPOINT
from hrtem_app.training.checkpoint import first_difference
from hrtem_app.training.events import read_events
from hrtem_app.training.loop import split, train
from hrtem_app.training.settings import TrainingError

RESULT, TOLD = "result.json", "cell.json"
# What may go wrong with one architecture and leave the others alone; out of memory is a RuntimeError of torch.
_OWN_ERRORS = (RuntimeError, MemoryError, ValueError, OSError)


@dataclass(frozen=True)
class Task:
    """A cell and where its data lie.

    Parameters
    ----------
    cell, settings
        What is trained.
    folder
        Of the cell.
    data, test
        Datasets to train and to test on.
    """

    cell: Cell
    settings: StudySettings
    folder: Path
    data: Path
    test: Path

    def result(self) -> dict[str, Any] | None:
        """What it gave, `error` among it where it failed; None: not finished."""
        path = self.folder / RESULT
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def place(self) -> range:
        """Places of its structures in the data."""
        return self.cell.block(len(Dataset(self.data)) - self.settings.held_out)

    def told(self) -> dict[str, Any]:
        """Everything that decides its result, as JSON."""
        settings, dataset = self.settings, Dataset(self.data)
        training, held_out = split(dataset, settings.held_out, self.place())
        test = KnownSeriesSource(self.test)
        content = {
            "cell": self.cell.model_dump(mode="json"),
            "steps": settings.steps,
            "minutes": settings.minutes,
            "seed": settings.seed + self.cell.repeat,
            "training": settings.training.model_dump(mode="json"),
            "structure_seeds": [training.seeds[0], training.seeds[-1]],
            "held_out_seeds": [held_out.seeds[0], held_out.seeds[-1]],
            "dataset": dataset.settings.model_dump(mode="json"),
            "test_series": len(test),
            "test_seeds": ends(test),
            "test_images": settings.test_images,
        }
        return json.loads(json.dumps(content))  # type: ignore[no-any-return] # tuples become lists, as in the file

    def check(self) -> None:
        """TrainingError where the folder holds a cell of other settings."""
        path = self.folder / TOLD
        if path.exists():
            difference = first_difference(json.loads(path.read_text(encoding="utf-8")), self.told())
            if difference:
                raise TrainingError(
                    f"the cell {self.folder} belongs to another study: {difference}; give the settings it had, or "
                    "another folder for the study"
                )


def ends(source: KnownSeriesSource) -> list[int] | None:
    """First and last seed of a test set; None: it is of npz files."""
    return None if source.dataset is None else [source.dataset.seeds[0], source.dataset.seeds[-1]]


def attempt(task: Task, device: str, workers: int | None, progress: Callable[[float, str], None]) -> None:
    """Train and score a cell; what goes wrong with it becomes its result."""
    try:
        result = run_cell(task, device, workers, progress)
    except _OWN_ERRORS as error:
        text = next((line for line in str(error).splitlines() if line.strip()), "no more is known")
        result = failed(task, device, f"{type(error).__name__}: {text}")
    write_json(task.folder / RESULT, result)


def run_cell(
    task: Task, device: str, workers: int | None, progress: Callable[[float, str], None] | None = None
) -> dict[str, Any]:
    """Train a cell, going on with its checkpoint where there is one, and score it.

    Parameters
    ----------
    task
        The cell.
    device, workers
        As in `train`.
    progress
        Called with the fraction and a word about it.

    Returns
    -------
    One row of the study's table.
    """

    def show(event: dict[str, float]) -> None:
        if progress:
            progress(0.95 * event["fraction"], f"step {event['step']:.0f}  loss {event['loss']:.4f}")

    settings, architecture = task.settings, task.cell.architecture
    task.folder.mkdir(parents=True, exist_ok=True)
    write_json(task.folder / TOLD, task.told())
    weights = train(
        architecture.network,
        task.data,
        task.folder,
        channels=architecture.channels,
        layers=architecture.layers,
        kernel=architecture.kernel,
        minutes=settings.minutes,
        steps=settings.steps,
        resume=(task.folder / CHECKPOINT).exists(),
        seed=settings.seed + task.cell.repeat,
        settings=settings.training,
        held_out=settings.held_out,
        structures=task.place(),
        device=device,
        workers=workers,
        progress=show,
    )
    if progress:
        progress(0.95, "test")
    return described(task, device) | _trained(task.folder, weights) | _scored(task, weights, device)


def described(task: Task, device: str) -> dict[str, Any]:
    """What a cell is, for its row."""
    architecture, examples = task.cell.architecture, task.settings.training.examples
    told = architecture.arguments(examples.frames)
    return {
        "cell": task.cell.name,
        "architecture": architecture.label,
        "network": architecture.network,
        **{name: told.get(name) for name in ("channels", "layers", "kernel")},
        "parameters": architecture.parameters(examples.frames),
        "structures": task.cell.structures,
        "images_per_structure": examples.images_per_structure,
        "repeat": task.cell.repeat,
        "seed": task.settings.seed + task.cell.repeat,
        "device": device,
        "error": None,
    }


def failed(task: Task, device: str, error: str) -> dict[str, Any]:
    """The row of a cell that gave nothing."""
    return described(task, device) | {"error": error}


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a file whole or not at all; what is not a number becomes null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(_plain(content), indent=2) + "\n", encoding="utf-8")
    partial.replace(path)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _trained(folder: Path, weights: Path) -> dict[str, Any]:
    card = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))["training"]
    memory = max((event["memory"] for event in read_events(folder / "events.jsonl") if "memory" in event), default=0)
    return {
        "steps": card["steps"],
        "minutes": card["minutes"],
        "best_step": card["validation"]["step"],
        "memory_mib": round(memory / 2**20),
        "validation_f1": card["validation"]["atomic_f1"],
    }


def _scored(task: Task, weights: Path, device: str) -> dict[str, Any]:
    """Scores on the test set; grains are decided as `analyse` does."""
    examples = task.settings.training.examples
    summary, _ = evaluate(
        task.test,
        task.folder / "test",
        weights=[weights],
        images_per_structure=task.settings.test_images,
        microscope=examples.sources[0].microscope,
        recipe=Recipe(device=device, filter=examples.filter),
    )
    (scores,) = json.loads(summary.read_text(encoding="utf-8"))["results"].values()
    return {
        "test_series": scores["series"],
        **{f"atomic_f1_{name}": value for name, value in scores["atomic_f1_per_class"].items()},
        **{n: v for n, v in scores.items() if isinstance(v, float | int) and n != "series"},
    }
