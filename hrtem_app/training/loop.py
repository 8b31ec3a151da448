"""Training: a plain loop that reads from top to bottom, and goes on where it was stopped."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import nn

from hrtem_app.columns import CLASSES
from hrtem_app.networks.catalog import NetworkCard, architectures, build_network, save_network
from hrtem_app.networks.layers import parameter_count
from hrtem_app.recipe import Part
from hrtem_app.simulation.dataset import Dataset
from hrtem_app.training.batches import Examples, ExampleSettings, batches
from hrtem_app.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

RARE = CLASSES.index("1S")
TITLES = {"unet": "U-net", "unet_pp": "U-net++", "msd_net": "MSD-net"}
DEFAULTS = {"unet": {"channels": 8}, "unet_pp": {"channels": 8}, "msd_net": {"channels": 8, "layers": 12, "kernel": 5}}
CHECKPOINT_SECONDS = 60.0


class TrainingError(ValueError):
    """A training cannot start or go on; the message names the value and the remedy."""


class TrainingSettings(Part):
    """How a network is trained."""

    examples: ExampleSettings = ExampleSettings()
    learning_rate: Annotated[float, Field(gt=0, le=1, description="Highest learning rate of AdamW.")] = 2e-3
    weight_decay: Annotated[float, Field(ge=0, le=1, description="Of AdamW.")] = 1e-4
    warm_up: Annotated[float, Field(ge=0, le=0.5, description="Fraction of the run in which the rate rises.")] = 0.03
    clip: Annotated[float, Field(gt=0, description="Largest gradient norm.")] = 1.0
    averaging: Annotated[float, Field(ge=0, lt=1, description="Decay of the averaged weights per step.")] = 0.995
    rare_weight: Annotated[float, Field(gt=0, le=100, description="Weight of the 1S class in the cross-entropy.")] = 2.0
    rare_excess: Annotated[
        float,
        Field(gt=0, le=100, description="How many times more 1S the training set has than the networks will meet."),
    ] = 1.0
    seed: Annotated[int, Field(ge=0)] = 0


class Budget(Part):
    """When a run ends: after `steps`, or after `minutes` of training."""

    steps: Annotated[int, Field(ge=1)] | None = None
    minutes: Annotated[float, Field(gt=0)] | None = None

    def spent(self, checkpoint: Checkpoint) -> float:
        """Fraction of the run that lies behind."""
        if self.steps is not None:
            return checkpoint.step / self.steps
        return checkpoint.seconds / (60 * (self.minutes or 30))


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
    budget = _budget(minutes, steps)
    settings = (settings or TrainingSettings()).model_copy(update={"seed": seed})
    arguments = architecture_arguments(network, channels, layers, settings.examples.microscope.frames)
    dataset = Dataset(data)
    training_seeds, validation_seeds = split(dataset, held_out)
    folder = Path(out)
    _prepare(folder, resume)
    target = choose(device)

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
    events = _Events(folder / "events.jsonl", checkpoint.step)
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
    card = _card(network, arguments, average, dataset, settings, checkpoint, training_seeds, validation_seeds)
    correct_prior(average, RARE, settings.rare_weight * settings.rare_excess)
    return save_network(average.eval(), card, folder)


def architecture_arguments(network: str, channels: int | None, layers: int | None, frames: int) -> dict[str, int]:
    """The arguments of an architecture with the defaults filled in; TrainingError for what makes no network."""
    if network not in architectures():
        raise TrainingError(f"there is no network '{network}': choose {', '.join(architectures())}")
    arguments = dict(DEFAULTS.get(network, {"channels": 8}))
    for name, value in (("channels", channels), ("layers", layers)):
        if value is None:
            continue
        if name == "layers" and network != "msd_net":
            raise TrainingError(f"{network} has no adjustable layers ({layers} given): leave --layers out")
        if not 1 <= value <= 256:
            raise TrainingError(f"{value} {name} are out of range: give 1 to 256")
        arguments[name] = value
    return arguments | {"frames": frames}


def learning_rate(fraction: float, settings: TrainingSettings) -> float:
    """Linear rise, then a cosine to zero, along the fraction of the run that lies behind."""
    if fraction < settings.warm_up:
        return settings.learning_rate * (fraction + 1e-3) / (settings.warm_up + 1e-3)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * min(fraction, 1)))


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


def split(dataset: Dataset, held_out: int | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Seeds to train on and seeds to validate on: never the same structure in both."""
    count = max(1, len(dataset) // 20) if held_out is None else held_out
    if not 0 <= count < len(dataset):
        raise TrainingError(
            f"{count} of {len(dataset)} structures cannot be held out: simulate more, or hold out fewer"
        )
    cut = len(dataset) - count
    return dataset.seeds[:cut], dataset.seeds[cut:]


def choose(device: str) -> torch.device:
    """The device to train on; `auto` takes a GPU where there is one."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)


def _budget(minutes: float | None, steps: int | None) -> Budget:
    if minutes is not None and steps is not None:
        raise TrainingError(f"{minutes} minutes and {steps} steps were given: give one of the two")
    if (minutes is not None and minutes <= 0) or (steps is not None and steps < 1):
        raise TrainingError(f"a run of {minutes if steps is None else steps} is empty: give a positive number")
    return Budget(steps=steps, minutes=minutes)


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


class _Events:
    """Appends one JSON line per step."""

    def __init__(self, path: Path, step: int) -> None:
        self.path, self.last = path, time.monotonic()
        kept = []
        if step and path.exists():  # steps after the checkpoint are made again
            kept = [line for line in path.read_text(encoding="utf-8").splitlines() if _step_of(line) <= step]
        path.write_text("".join(line + "\n" for line in kept), encoding="utf-8")

    def write(self, checkpoint: Checkpoint, loss: float, rate: float, fraction: float, images: int) -> dict[str, float]:
        now = time.monotonic()
        event = {
            "step": checkpoint.step,
            "seconds": round(checkpoint.seconds, 3),
            "fraction": round(fraction, 6),
            "loss": loss,
            "learning_rate": rate,
            "images_per_second": round(images / max(now - self.last, 1e-9), 3),
        }
        self.last = now
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")
        return event


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf


def _card(
    network: str,
    arguments: dict[str, int],
    model: nn.Module,
    dataset: Dataset,
    settings: TrainingSettings,
    checkpoint: Checkpoint,
    training_seeds: tuple[int, ...],
    validation_seeds: tuple[int, ...],
) -> NetworkCard:
    examples = settings.examples
    microscope = examples.microscope
    record: dict[str, Any] = {
        "structures": len(training_seeds),
        "structure_seeds": [training_seeds[0], training_seeds[-1]],
        "held_out_seeds": [validation_seeds[0], validation_seeds[-1]] if validation_seeds else [],
        "steps": checkpoint.step,
        "minutes": round(checkpoint.seconds / 60, 2),
        "settings": settings.model_dump(mode="json"),
        "dataset": dataset.settings.model_dump(mode="json"),
        "torch": torch.__version__,
    }
    last = microscope.defocus[1] + (microscope.frames - 1) * microscope.defocus_step[1]
    return NetworkCard(
        name=network,
        title=TITLES.get(network, network),
        architecture=network,
        settings=arguments,
        parameters=parameter_count(model),
        frames=microscope.frames,
        sampling=round(sum(microscope.sampling) / 2, 6),
        sampling_range=microscope.sampling,
        filter=examples.filter,
        standardisation=examples.standardisation,
        dose_range=microscope.dose,
        defocus_range=(microscope.defocus[0], last),
        energy=dataset.settings.multislice.energy,
        label_radius=examples.label_radius,
        training=record,
    )
