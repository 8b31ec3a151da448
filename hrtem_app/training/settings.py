"""How a network is trained: settings, architecture arguments, the budget and the learning rate along it."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from hrtem_app.networks.catalog import architectures
from hrtem_app.recipe import Part
from hrtem_app.training.batches import ExampleSettings
from hrtem_app.training.checkpoint import Checkpoint

DEFAULTS = {"unet": {"channels": 8}, "unet_pp": {"channels": 8}, "msd_net": {"channels": 8, "layers": 12, "kernel": 5}}


class TrainingError(ValueError):
    """A training cannot start or go on; the message names the value and the remedy."""


class TrainingSettings(Part):
    """How a network is trained."""

    examples: ExampleSettings = ExampleSettings()
    optimiser: Annotated[
        Literal["muon", "adamw"], Field(description="muon follows rare directions faster, see `Muon`.")
    ] = "muon"
    learning_rate: Annotated[float, Field(gt=0, le=1, description="Highest learning rate.")] = 5e-3
    weight_decay: Annotated[float, Field(ge=0, le=1, description="Decoupled from the gradients.")] = 1e-4
    warm_up: Annotated[float, Field(ge=0, le=0.5, description="Fraction of the run in which the rate rises.")] = 0.03
    clip: Annotated[float, Field(gt=0, description="Largest gradient norm.")] = 1.0
    averaging: Annotated[float, Field(ge=0, lt=1, description="Decay of the averaged weights per step.")] = 0.995
    rare_weight: Annotated[float, Field(gt=0, le=100, description="Weight of the 1S class in the cross-entropy.")] = 2.0
    rare_excess: Annotated[
        float,
        Field(gt=0, le=100, description="How many times more 1S the training set has than the networks will meet."),
    ] = 1.0
    focal: Annotated[
        float, Field(ge=0, le=5, description="Exponent of the focal term (1-p)^γ; 0: plain cross-entropy.")
    ] = 0.0
    rim_weight: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            description="Weight of the pixels at the edges of label disks, which say where a column is but not what.",
        ),
    ] = 1.0
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"],
        Field(description="Of convolutions; auto: bfloat16 where the device calculates with it natively."),
    ] = "auto"
    compiled: Annotated[bool, Field(description="Use torch.compile; needs a C++ compiler on a CPU.")] = False
    validations: Annotated[
        int, Field(ge=1, le=1000, description="How many times along the run the held-out structures are looked at.")
    ] = 10
    validation_series: Annotated[
        int, Field(ge=1, le=10_000, description="Most series that are recorded of the held-out structures.")
    ] = 32
    patience: Annotated[
        int | None, Field(ge=1, description="End after so many validations without a better one; none: never.")
    ] = None
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


def make_budget(minutes: float | None, steps: int | None) -> Budget:
    if minutes is not None and steps is not None:
        raise TrainingError(f"{minutes} minutes and {steps} steps were given: give one of the two")
    if (minutes is not None and minutes <= 0) or (steps is not None and steps < 1):
        raise TrainingError(f"a run of {minutes if steps is None else steps} is empty: give a positive number")
    return Budget(steps=steps, minutes=minutes)


def architecture_arguments(
    network: str, channels: int | None, layers: int | None, frames: int, kernel: int | None = None
) -> dict[str, int]:
    """The arguments of an architecture with the defaults filled in; TrainingError for what makes no network."""
    if network not in architectures():
        raise TrainingError(f"there is no network '{network}': choose {', '.join(architectures())}")
    arguments = dict(DEFAULTS.get(network, {"channels": 8}))
    for name, value in (("channels", channels), ("layers", layers), ("kernel", kernel)):
        if value is None:
            continue
        if name != "channels" and network != "msd_net":
            raise TrainingError(f"{network} has no adjustable {name} ({value} given): leave --{name} out")
        if name == "kernel" and value % 2 == 0:
            raise TrainingError(f"a kernel of {value} has no middle: give an odd number, 5 say")
        if not 1 <= value <= 256:
            raise TrainingError(f"{value} {name} are out of range: give 1 to 256")
        arguments[name] = value
    return arguments | {"frames": frames}


def learning_rate(fraction: float, settings: TrainingSettings) -> float:
    """Linear rise, then a cosine to zero, along the fraction of the run that lies behind."""
    if fraction < settings.warm_up:
        return settings.learning_rate * (fraction + 1e-3) / (settings.warm_up + 1e-3)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * min(fraction, 1)))
