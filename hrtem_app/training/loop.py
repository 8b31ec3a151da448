"""Training: a plain loop that reads from top to bottom, and goes on where it was stopped."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import nn

from hrtem_app.inference.device import choose_device
from hrtem_app.networks.catalog import build_network, save_network
from hrtem_app.networks.layers import CLASSES
from hrtem_app.simulation.dataset import Dataset
from hrtem_app.training.batches import Examples, batches
from hrtem_app.training.card import training_card
from hrtem_app.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from hrtem_app.training.events import Events
from hrtem_app.training.settings import (
    RARE,
    TrainingError,
    TrainingSettings,
    architecture_arguments,
    learning_rate,
    make_budget,
)

CHECKPOINT_SECONDS = 60.0


def train(
    network: str,
    data: str | Path,
    out: str | Path,
    *,
    channels: int | None = None,
    layers: int | None = None,
    minutes: float | None = None,
    steps: int | None = None,
    resume: bool = False,
    seed: int = 0,
    settings: TrainingSettings | None = None,
    held_out: int | None = None,
    device: str = "auto",
    workers: int | None = None,
    progress: Callable[[dict[str, float]], None] | None = None,
) -> Path:
    """Train a network on a simulated dataset.

    Parameters
    ----------
    network
        `unet`, `unet_pp` or `msd_net`.
    data
        A folder that `simulate` made.
    out
        Folder for checkpoint, events (JSON lines), weights and card.
    channels, layers
        Of the architecture; None: the default.
    minutes, steps
        When to end; 30 minutes if neither is given. The learning rate falls to zero along this budget.
    resume
        Go on with the checkpoint in `out`.
    seed
        Of weights and data.
    settings
        All else.
    held_out
        Structures at the end of the dataset that are never trained on, but validated; None: a twentieth, at least one.
    device
        auto, cpu, cuda, …
    workers
        Processes that make examples; None: one less than the cores.
    progress
        Called after every step with step, loss, learning_rate, fraction and images_per_second.

    Returns
    -------
    The weights file; its card lies beside it.

    Raises
    ------
    TrainingError
        For values that make no training.
    """
    budget = make_budget(minutes, steps)
    settings = (settings or TrainingSettings()).model_copy(update={"seed": seed})
    arguments = architecture_arguments(network, channels, layers, settings.examples.microscope.frames)
    dataset = Dataset(data)
    check_classes(dataset)
    training_seeds, validation_seeds = split(dataset, held_out)
    folder = Path(out)
    _prepare(folder, resume)
    target = choose_device(device)

    torch.manual_seed(settings.seed)
    model = build_network(network, arguments)
    # Which memory layout trains faster on a CPU depends on the network (measured); GPUs like channels last.
    layout = torch.channels_last if target.type == "cuda" else getattr(model, "cpu_layout", torch.contiguous_format)
    model = model.to(target).to(memory_format=layout)  # type: ignore[call-overload]
    average = build_network(network, arguments).to(target)
    average.load_state_dict(model.state_dict())
    optimiser = torch.optim.AdamW(model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    checkpoint = Checkpoint()
    if resume:
        checkpoint = load_checkpoint(folder, model, average, optimiser)
    weight = torch.tensor([1.0, 1.0, settings.rare_weight, 1.0], device=target)
    loss_function = nn.CrossEntropyLoss(weight)
    events = Events(folder / "events.jsonl", checkpoint.step)
    saved = time.monotonic()

    model.train()
    for frames, labels in _endless(dataset, training_seeds, settings, checkpoint.step, workers):
        fraction = budget.spent(checkpoint)
        if fraction >= 1:
            break
        began = time.monotonic()
        rate = learning_rate(fraction, settings)
        for group in optimiser.param_groups:
            group["lr"] = rate
        frames = frames.to(target, memory_format=layout, non_blocking=True)
        optimiser.zero_grad(set_to_none=True)
        loss = loss_function(model(frames), labels.to(target, non_blocking=True))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
        optimiser.step()
        checkpoint.step += 1
        update_average(average, model, min(settings.averaging, checkpoint.step / (checkpoint.step + 10)))
        # The pause for the next batch counts as well: a budget in minutes is one of the clock.
        checkpoint.seconds += time.monotonic() - min(began, events.last)
        event = events.write(checkpoint, float(loss.detach()), rate, fraction, len(frames))
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            save_checkpoint(folder, checkpoint, model, average, optimiser)
            saved = time.monotonic()
        if progress:
            progress(event)

    save_checkpoint(folder, checkpoint, model, average, optimiser)
    card = training_card(network, arguments, average, dataset, settings, checkpoint, training_seeds, validation_seeds)
    correct_prior(average, RARE, settings.rare_weight * settings.rare_excess)
    return save_network(average.eval(), card, folder)


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move the averaged weights, and the statistics of batch normalisation, towards those of the model."""
    for old, new in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.lerp_(new, 1 - decay)
        else:
            old.copy_(new)


@torch.no_grad()
def correct_prior(module: nn.Module, index: int, factor: float) -> None:
    """Take back that a class was shown, or weighted, `factor` times too much.

    A network trained so gives probabilities in proportion to that factor (Saerens et al., Neural Computation 14, 21,
    2002). Its logarithm, taken off the bias of the class in the head, makes vacancies as frequent as they are.
    """
    head = module.get_submodule("head")
    if not isinstance(head, nn.Conv2d) or head.bias is None:
        raise TypeError(
            f"{type(module).__name__} has no convolution with a bias as its head, so its priors cannot be corrected"
        )
    head.bias[index] -= math.log(factor)


def check_classes(dataset: Dataset) -> None:
    """TrainingError where the networks have not as many outputs as the material has classes, with the background."""
    names = dataset.class_names
    if len(names) != CLASSES - 1:
        raise TrainingError(
            f"{dataset.settings.structure.material} has {len(names)} classes of columns ({', '.join(names)}), the "
            f"networks tell {CLASSES - 1}: train on a material with {CLASSES - 1}"
        )


def split(dataset: Dataset, held_out: int | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Seeds to train on and seeds to validate on: never the same structure in both."""
    count = max(1, len(dataset) // 20) if held_out is None else held_out
    if not 0 <= count < len(dataset):
        raise TrainingError(
            f"{count} of {len(dataset)} structures cannot be held out: simulate more, or hold out fewer"
        )
    cut = len(dataset) - count
    return dataset.seeds[:cut], dataset.seeds[cut:]


def _prepare(folder: Path, resume: bool) -> None:
    exists = (folder / "checkpoint.safetensors").exists()
    if resume and not exists:
        raise TrainingError(f"{folder} holds no checkpoint to resume from: leave --resume out")
    if exists and not resume:
        raise TrainingError(f"{folder} holds a training already: give --resume to go on with it, or another folder")
    folder.mkdir(parents=True, exist_ok=True)


def _endless(
    dataset: Dataset, seeds: tuple[int, ...], settings: TrainingSettings, step: int, workers: int | None
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    per_step = max(1, settings.examples.batch // settings.examples.crops)
    count = max(1, (os.cpu_count() or 2) - 1) if workers is None else workers
    start, far = step * per_step, 10**9
    return batches(Examples(dataset, seeds, settings.examples, settings.seed, start, start + far), count)
