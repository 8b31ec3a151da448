"""Training: a plain loop that reads from top to bottom, and goes on where it was stopped."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from hrtem_app.bundle import is_bundled
from hrtem_app.inference.device import choose_device
from hrtem_app.networks.catalog import build_network, save_network
from hrtem_app.networks.layers import CLASSES
from hrtem_app.simulation.dataset import Dataset
from hrtem_app.training.batches import RARE, Examples, Structures, Visits, batches, visits_per_step
from hrtem_app.training.card import training_card
from hrtem_app.training.checkpoint import Checkpoint, State, load_checkpoint, save_checkpoint, save_tensors
from hrtem_app.training.distributed import agreed, local_device, process_group, share_statistics, total
from hrtem_app.training.events import Events
from hrtem_app.training.labelled import LabelledFolder
from hrtem_app.training.loss import mean_loss
from hrtem_app.training.muon import Muon
from hrtem_app.training.precision import choose_precision, memory_layout, used_memory
from hrtem_app.training.settings import (
    Budget,
    TrainingError,
    TrainingSettings,
    architecture_arguments,
    learning_rate,
    make_budget,
)
from hrtem_app.training.validation import CHOSEN_BY, Validation
from hrtem_app.training.weights import correct_prior, start_from, update_average

CHECKPOINT_SECONDS = 60.0
BEST = "best.safetensors"
Progress = Callable[[dict[str, float]], None]


def train(
    network: str,
    data: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    name: str | None = None,
    channels: int | None = None,
    layers: int | None = None,
    kernel: int | None = None,
    minutes: float | None = None,
    steps: int | None = None,
    resume: bool = False,
    start: str | Path | None = None,
    seed: int = 0,
    settings: TrainingSettings | None = None,
    held_out: int | None = None,
    structures: range | None = None,
    device: str = "auto",
    workers: int | None = None,
    tensorboard: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Train a network on simulated datasets; started by `torchrun`, several processes train one network together.

    Parameters
    ----------
    network
        `unet`, `unet_pp` or `msd_net`.
    data
        Folders that `simulate` made, one for each of `settings.examples.sources`.
    out
        Folder for checkpoint, events (JSON lines), weights and card.
    name
        Of the trained network in the catalog; None: that of the architecture.
    channels, layers, kernel
        Of the architecture; None: the default.
    minutes, steps
        When to end; 30 minutes if neither is given. The learning rate falls to zero along this budget.
    resume
        Go on with the checkpoint in `out`.
    start
        Weights file to begin with, in place of random weights; the number of frames may differ.
    seed
        Of weights and data.
    settings
        All else.
    held_out
        Structures at the end of each dataset that are never trained on, but validated; None: a twentieth, at least one.
    structures
        Places of those to train on among the others of each dataset; None: all.
    device
        auto, cpu, cuda, …
    workers
        Processes that make examples; None: one less than the cores.
    tensorboard
        Write TensorBoard's events as well.
    progress
        Called after every step with step, loss, learning_rate, fraction, images_per_second and memory.

    Returns
    -------
    The weights file, of the best validation (`validation.CHOSEN_BY`); its card lies beside it.

    Raises
    ------
    TrainingError
        For values that make no training.
    ValueError
        For a checkpoint that is damaged or belongs to another run.
    """
    budget = make_budget(minutes, steps)
    settings = (settings or TrainingSettings()).model_copy(update={"seed": seed})
    if settings.compiled and is_bundled():
        raise TrainingError("torch.compile needs Python's headers, which the bundled program has not: leave it out")
    arguments = architecture_arguments(network, channels, layers, settings.examples.frames, kernel)
    datasets = [open_data(path) for path in ([data] if isinstance(data, str | Path) else data)]
    settings = check_datasets(datasets, settings)
    parts = [split(dataset, held_out, structures) for dataset in datasets]
    training, validating = [part for part, _ in parts], [part for _, part in parts]
    if not any(part.seeds for part in validating):
        raise TrainingError(
            "a single labelled series leaves nothing to validate on: add another one, or a simulated dataset"
        )
    folder = Path(out)
    target = local_device(choose_device(device))
    with process_group(target) as (rank, processes):
        if rank == 0:
            _prepare(folder, resume)
        torch.manual_seed(settings.seed)
        state = _state(network, arguments, settings, target, processes, start)
        began_with = None if start is None else Path(start).name
        checkpoint = load_checkpoint(folder, state) if resume else Checkpoint(started_from=began_with)
        # The first process alone looks at held-out structures and writes.
        validation = Validation(validating, settings.examples, settings.validation_series) if rank == 0 else None
        board = folder / "tensorboard" if tensorboard else None
        events = Events(folder / "events.jsonl" if rank == 0 else None, checkpoint.step, board)
        run = _Run(state, checkpoint, budget, settings, target, rank, processes, folder, validation, events)
        _learn(run, _endless(training, run, workers), progress)
        events.close()
        weights = folder / f"{name or network}.safetensors"
        if rank == 0:
            save_checkpoint(folder, checkpoint, state)
            state.average.load_state_dict(load_file(folder / BEST))
            card = training_card(
                name or network,
                network,
                arguments,
                state.average,
                settings,
                checkpoint,
                training,
                validating,
            )
            save_network(state.average, card, folder)
    return weights


@dataclass(frozen=True, eq=False)
class _Run:
    """What the loop needs; `checkpoint` is what it moves on."""

    state: State
    checkpoint: Checkpoint
    budget: Budget
    settings: TrainingSettings
    device: torch.device
    rank: int
    processes: int
    folder: Path
    validation: Validation | None
    events: Events


def _learn(run: _Run, data: Iterator[tuple[torch.Tensor, torch.Tensor]], progress: Progress | None) -> None:
    """The loop: until the budget is spent, or no validation has been better for long enough."""
    settings, state, checkpoint = run.settings, run.state, run.checkpoint
    precision = choose_precision(settings.precision, run.device)
    layout = memory_layout(state.model, settings, run.device)
    forward = _forward(state.model, settings.compiled, run.processes)
    weight = torch.tensor([1.0, 1.0, settings.rare_weight, 1.0], device=run.device)
    saved = time.monotonic()
    state.model.train()
    for frames, labels in data:
        fraction = agreed(run.budget.spent(checkpoint), run.processes)
        if fraction >= 1 or (settings.patience and checkpoint.worse >= settings.patience):
            break
        began = time.monotonic()
        rate = learning_rate(fraction, settings)
        for group in state.optimiser.param_groups:
            group["lr"] = rate
        frames = frames.to(run.device, memory_format=layout, non_blocking=True)
        labels = labels.to(run.device, non_blocking=True)
        state.optimiser.zero_grad(set_to_none=True)
        with torch.autocast(run.device.type, precision, enabled=precision != torch.float32):
            logits = forward(frames)
        loss = mean_loss(logits.float(), labels, weight, settings.focal, settings.rim_weight, run.processes)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(state.model.parameters(), settings.clip)
        state.optimiser.step()
        checkpoint.step += 1
        update_average(state.average, state.model, min(settings.averaging, checkpoint.step / (checkpoint.step + 10)))
        # The pause for the next batch counts as well: a budget in minutes is one of the clock.
        checkpoint.seconds += time.monotonic() - min(began, run.events.last)
        mean = float(total(loss.detach(), run.processes)) / run.processes
        count, memory = len(frames) * run.processes, used_memory(run.device)
        event = run.events.write(checkpoint, mean, rate, fraction, count, memory)
        spent = agreed(run.budget.spent(checkpoint), run.processes)
        if int(spent * settings.validations) > checkpoint.validated:
            checkpoint.validated = int(spent * settings.validations)
            _validate(run)
        if run.rank == 0 and time.monotonic() - saved > CHECKPOINT_SECONDS:
            save_checkpoint(run.folder, checkpoint, state)
            saved = time.monotonic()
        if progress and run.rank == 0:
            progress(event)
    if checkpoint.best < 0:
        _validate(run)


def _validate(run: _Run) -> None:
    """Look at the held-out structures; keep the averaged weights where they are the best so far."""
    checkpoint, began = run.checkpoint, time.monotonic()
    scores = {"atomic_f1": 0.0, CHOSEN_BY: 0.0}
    if run.validation is not None:
        candidate = build_network(run.state.told["network"], run.state.told["arguments"]).to(run.device).eval()
        candidate.load_state_dict(run.state.average.state_dict())
        correct_prior(candidate, RARE, run.settings.rare_weight * run.settings.rare_excess)
        scores = run.validation.score(candidate, run.device)
        if scores[CHOSEN_BY] > checkpoint.best:
            save_tensors(candidate.state_dict(), run.folder / BEST, {"step": str(checkpoint.step)})
        run.events.write_validation(checkpoint, scores)
    score = agreed(scores[CHOSEN_BY], run.processes)
    checkpoint.worse = 0 if score > checkpoint.best else checkpoint.worse + 1
    if score > checkpoint.best:
        checkpoint.best, checkpoint.best_step = score, checkpoint.step
        checkpoint.best_f1 = scores["atomic_f1"]
    checkpoint.seconds += time.monotonic() - began
    run.events.last = time.monotonic()


def open_data(folder: str | Path) -> Dataset | LabelledFolder:
    """A simulated dataset, or a folder of experimental series with their corrected columns."""
    path = Path(folder)
    # What does not exist is asked for as a dataset: that is what its error should speak of.
    simulated = not path.is_dir() or any((path / name).exists() for name in ("zarr.json", "dataset.json"))
    return Dataset(path) if simulated else LabelledFolder(path)


def check_datasets(datasets: Sequence[Dataset | LabelledFolder], settings: TrainingSettings) -> TrainingSettings:
    """The settings with one source for each dataset.

    Raises
    ------
    TrainingError
        Where datasets and sources do not pair off, or the networks have other outputs than a material has classes.
    """
    sources = settings.examples.sources
    if len(sources) == 1:
        sources *= len(datasets)
    if len(datasets) != len(sources):
        raise TrainingError(
            f"{len(datasets)} datasets and {len(sources)} sources do not pair off: give the settings one source for "
            "each dataset, or one for all"
        )
    for dataset in datasets:
        names = dataset.class_names
        if len(names) != CLASSES - 1 and isinstance(dataset, Dataset):
            raise TrainingError(
                f"{dataset.settings.structure.material} has {len(names)} classes of columns ({', '.join(names)}), the "
                f"networks tell {CLASSES - 1}: train on a material with {CLASSES - 1}"
            )
    return settings.model_copy(update={"examples": settings.examples.model_copy(update={"sources": sources})})


def split(
    dataset: Dataset | LabelledFolder, held_out: int | None, structures: range | None = None
) -> tuple[Structures, Structures]:
    """Structures to train on (those at some places among them) and to validate on: never the same in both.

    Of labelled series a twentieth is held out, at least one; a single one is trained on.
    """
    if isinstance(dataset, LabelledFolder):
        cut = len(dataset) - (max(1, len(dataset) // 20) if len(dataset) > 1 else 0)
        return Structures(dataset, dataset.seeds[:cut]), Structures(dataset, dataset.seeds[cut:])
    count = max(1, len(dataset) // 20) if held_out is None else held_out
    if not 0 < count < len(dataset):
        raise TrainingError(
            f"{count} of {len(dataset)} structures cannot be held out: simulate more, or hold out another number"
        )
    cut = len(dataset) - count
    chosen = range(cut) if structures is None else structures
    if not chosen or min(chosen) < 0 or max(chosen) >= cut:
        raise TrainingError(
            f"places {chosen.start} to {chosen.stop - 1} are not among the {cut} structures to train on: simulate "
            "more, or take fewer"
        )
    return Structures(dataset, tuple(dataset.seeds[i] for i in chosen)), Structures(dataset, dataset.seeds[cut:])


def _state(
    network: str,
    arguments: dict[str, int],
    settings: TrainingSettings,
    device: torch.device,
    processes: int,
    start: str | Path | None,
) -> State:
    """Fresh weights, or those of another network, with the optimiser for them."""
    model = build_network(network, arguments)
    if start is not None:
        start_from(start, model, network, arguments)
    average = build_network(network, arguments).to(device).eval()
    average.load_state_dict(model.state_dict())
    if processes > 1:
        share_statistics(model)
    model = model.to(device).to(memory_format=memory_layout(model, settings, device))  # type: ignore[call-overload]
    kind = Muon if settings.optimiser == "muon" else torch.optim.AdamW
    optimiser = kind(model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    told: dict[str, Any] = {"network": network, "arguments": arguments, "processes": processes}
    return State(model, average, optimiser, told | settings.model_dump(mode="json"))


def _forward(model: nn.Module, compiled: bool, processes: int) -> Callable[[torch.Tensor], torch.Tensor]:
    module: nn.Module = model
    if processes > 1:
        # Statistics and weights begin equal and stay so; nothing needs to be sent around but gradients.
        module = DistributedDataParallel(module, broadcast_buffers=False)
    return torch.compile(module) if compiled else module


def _prepare(folder: Path, resume: bool) -> None:
    exists = (folder / "checkpoint.safetensors").exists()
    if resume and not exists:
        raise TrainingError(f"{folder} holds no checkpoint to resume from: leave --resume out")
    if exists and not resume:
        raise TrainingError(f"{folder} holds a training already: give --resume to go on with it, or another folder")
    folder.mkdir(parents=True, exist_ok=True)


def _endless(
    training: Sequence[Structures], run: _Run, workers: int | None
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches from the step of the checkpoint on; the visits of each step are shared out among the processes."""
    examples, seed = run.settings.examples, run.settings.seed
    own = visits_per_step(examples)
    visits = Visits(run.checkpoint.step, own, run.rank, run.processes)
    count = max(1, (os.cpu_count() or 2) - 1) if workers is None else workers
    return batches(Examples(training, examples, seed, visits), count)
