"""What a study trains: the thesis' sweeps over training-set sizes and architectures, as cells with names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

import torch
from pydantic import Field, model_validator

from hrtem_app.networks.catalog import build_network
from hrtem_app.networks.layers import parameter_count
from hrtem_app.recipe import Part
from hrtem_app.simulation.dataset import DatasetSettings
from hrtem_app.training.batches import ExampleSettings
from hrtem_app.training.settings import TrainingSettings, architecture_arguments

Network = Literal["unet", "unet_pp", "msd_net"]


class Architecture(Part):
    """One network of Table 2 or 3."""

    network: Annotated[Network, Field(description="unet, unet_pp or msd_net.")]
    channels: Annotated[int, Field(ge=1, le=256, description="Channels of its first level, or of each layer.")]
    layers: Annotated[int | None, Field(ge=1, le=256, description="Of msd_net; none: its default.")] = None
    kernel: Annotated[int | None, Field(ge=1, le=31, description="Of msd_net, odd; none: its default.")] = None

    @model_validator(mode="after")
    def _fits_its_network(self) -> Self:
        self.arguments(3)
        return self

    def arguments(self, frames: int) -> dict[str, int]:
        """All arguments of the network, for series of so many frames."""
        return architecture_arguments(self.network, self.channels, self.layers, frames, self.kernel)

    @property
    def label(self) -> str:
        """Short name for folders, tables and figures."""
        told = self.arguments(3)
        size = f"{self.channels}x{told['layers']}k{told['kernel']}" if "layers" in told else str(self.channels)
        return f"{self.network}-{size}"

    def parameters(self, frames: int) -> int:
        """Trainable parameters; takes no memory for them."""
        with torch.device("meta"):
            return parameter_count(build_network(self.network, self.arguments(frames)))


class Cell(Part):
    """One training of a study."""

    architecture: Architecture
    structures: Annotated[int, Field(ge=1)]
    repeat: Annotated[int, Field(ge=0)]

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.architecture.label}-n{self.structures:04d}-r{self.repeat}"

    def block(self, available: int) -> range:
        """Places of its structures among those that may be trained on: other ones for every repeat, where they suffice.

        Structures are independent draws, so any stretch of them is as good a sample as scattered ones.
        """
        start = self.repeat * self.structures
        if start + self.structures > available:
            start %= available - self.structures + 1
        return range(start, start + self.structures)


Size = Annotated[int, Field(ge=1, le=10**6)]


class StudySettings(Part):
    """Everything that decides the cells of a study and what they give."""

    sizes: Annotated[tuple[Size, ...], Field(description="Training structures of the first sweep; none: no such.")]
    chosen: Annotated[tuple[Architecture, ...], Field(description="Networks of the first sweep.")]
    architectures: Annotated[tuple[Architecture, ...], Field(description="Networks of the second sweep.")]
    architecture_size: Annotated[Size | None, Field(description="Its structures; none: the most of the sizes.")] = None
    repeats: Annotated[int, Field(ge=1, le=100, description="Trainings of every cell, of other seeds.")] = 3
    steps: Annotated[int | None, Field(ge=1, description="Of every training.")] = None
    minutes: Annotated[float | None, Field(gt=0, description="Of every training, in place of steps.")] = None
    seed: Annotated[int, Field(ge=0, description="Of the first repeat; the next ones count up.")] = 0
    training: TrainingSettings = TrainingSettings()
    dataset: Annotated[DatasetSettings, Field(description="Of waves that are simulated for the study.")] = (
        DatasetSettings()
    )
    training_seed: Annotated[int, Field(ge=0, description="Of the first simulated structure to train on.")] = 1000
    held_out: Annotated[int, Field(ge=1, description="Structures at the end that choose the weights of a run.")] = 12
    held_out_seed: Annotated[int, Field(ge=0, description="Of the first of these, if simulated.")] = 40_000
    test_structures: Annotated[int, Field(ge=1, description="Structures of a simulated test set.")] = 100
    test_seed: Annotated[int, Field(ge=0, description="Of the first of these.")] = 50_000
    test_images: Annotated[int, Field(ge=1, description="Microscopes that see each test structure.")] = 1

    @model_validator(mode="after")
    def _makes_a_study(self) -> Self:
        if (self.steps is None) == (self.minutes is None):
            raise ValueError(f"steps = {self.steps} and minutes = {self.minutes}: give one of the two")
        if not cells(self):
            raise ValueError(
                f"{len(self.sizes)} sizes of {len(self.chosen)} networks, and {len(self.architectures)} architectures "
                "at no size, are no cells: give sizes and chosen, or architectures and architecture_size"
            )
        if not self.training_seed + self.most_structures <= self.held_out_seed <= self.test_seed - self.held_out:
            raise ValueError(
                f"{self.most_structures} structures from seed {self.training_seed}, {self.held_out} held out from "
                f"{self.held_out_seed} and a test from {self.test_seed} overlap: give higher held_out_seed, test_seed"
            )
        return self

    @property
    def most_structures(self) -> int:
        """Training structures of the largest cell."""
        return max(cell.structures for cell in cells(self))


def cells(settings: StudySettings) -> tuple[Cell, ...]:
    """The trainings of both sweeps, each once, the first repeat of all before the second, small sets first."""
    most = settings.architecture_size or max(settings.sizes, default=None)
    wanted = [(a, n) for n in settings.sizes for a in settings.chosen]
    wanted += [(a, most) for a in settings.architectures if most is not None]
    found = {
        cell.name: cell
        for repeat in range(settings.repeats)
        for a, n in sorted(wanted, key=lambda pair: pair[1])
        for cell in [Cell(architecture=a, structures=n, repeat=repeat)]
    }
    return tuple(found.values())


def in_sweep(settings: StudySettings, cell: Cell, sweep: Literal["sizes", "architectures"]) -> bool:
    """Whether a cell is a point of that curve; one may belong to both."""
    if sweep == "sizes":
        return cell.structures in settings.sizes and cell.architecture in settings.chosen
    most = settings.architecture_size or max(settings.sizes, default=None)
    return cell.structures == most and cell.architecture in settings.architectures


def changed(
    settings: StudySettings,
    *,
    networks: Sequence[str] | None = None,
    channels: Sequence[int] | None = None,
    only: str | None = None,
    images_per_structure: int | None = None,
    **values: Any,
) -> StudySettings:
    """The settings with what a user overrules.

    Parameters
    ----------
    settings
        To begin with.
    networks
        Leave out all others.
    channels
        Replace the second sweep by the chosen networks with these channels; the first takes the last of them.
    only
        `sizes` or `architectures`: leave out the other sweep.
    images_per_structure
        Fixed images of each structure; 0: new ones at every visit.
    values
        Fields of the settings; None leaves them as they are. `steps` and `minutes` replace each other.

    Raises
    ------
    ValueError
        For what makes no study; names the value.
    """
    content = settings.model_dump()
    for name in ("chosen", "architectures"):
        kept = [a for a in content[name] if networks is None or a["network"] in networks]
        content[name] = kept
    missing = [n for n in networks or () if all(a["network"] != n for a in content["chosen"])]
    if missing:
        raise ValueError(f"the study has no network '{missing[0]}': choose of {_networks(settings)}")
    if channels is not None:
        content["architectures"] = [a | {"channels": c} for a in content["chosen"] for c in channels]
        content["chosen"] = [a | {"channels": channels[-1]} for a in content["chosen"]]
    if only not in (None, "sizes", "architectures"):
        raise ValueError(f"there is no sweep '{only}': give sizes or architectures")
    given = {name: value for name, value in values.items() if value is not None}
    if len(given.keys() & {"steps", "minutes"}) == 1:
        content |= {"steps": None, "minutes": None}
    content |= given
    if only == "architectures":
        content["architecture_size"] = content["architecture_size"] or max(content["sizes"], default=None)
    content |= {"sizes": {"sizes": ()}, "architectures": {"architectures": ()}, None: {}}[_other(only)]
    if images_per_structure is not None:
        content["training"]["examples"]["images_per_structure"] = images_per_structure or None
    return StudySettings.model_validate(content)


def _other(only: str | None) -> str | None:
    return None if only is None else "architectures" if only == "sizes" else "sizes"


def _networks(settings: StudySettings) -> str:
    return ", ".join(dict.fromkeys(a.network for a in settings.chosen)) or "none"


def _msd(channels: int, layers: int, kernel: int) -> Architecture:
    return Architecture(network="msd_net", channels=channels, layers=layers, kernel=kernel)


def _both(unet: Sequence[int], unet_pp: Sequence[int]) -> tuple[Architecture, ...]:
    return (
        *(Architecture(network="unet", channels=c) for c in unet),
        *(Architecture(network="unet_pp", channels=c) for c in unet_pp),
    )


# The sizes between 10 and 1000 are not printed in the thesis; its number of steps is not either: 50 000 steps of two
# series are ten visits to each of 10^4 images.
_THESIS = StudySettings(
    sizes=(10, 30, 100, 300, 1000),
    chosen=(*_both([64], [60]), _msd(3, 50, 5)),
    architectures=(
        *_both([4, 8, 16, 32, 64], [4, 8, 16, 32, 60]),
        *(_msd(*size) for size in ((3, 25, 5), (3, 50, 5), (5, 50, 5), (3, 50, 9), (7, 50, 5), (9, 50, 5))),
    ),
    steps=50_000,
    training=TrainingSettings(examples=ExampleSettings(batch=8, crops=4, images_per_structure=10)),
    test_structures=1000,
)
_SMALL = StudySettings(
    sizes=(4, 16, 64),
    chosen=(*_both([4], [4]), _msd(3, 12, 5)),
    architectures=(*_both([2, 4], [2, 4]), _msd(3, 6, 5), _msd(3, 12, 5)),
    repeats=1,
    steps=300,
    training=TrainingSettings(
        examples=ExampleSettings(batch=8, crops=4, crop=96, images_per_structure=10),
        validations=3,
        validation_series=4,
    ),
    held_out=4,
    test_structures=12,
)
PRESETS = {"thesis": _THESIS, "small": _SMALL}
