"""Training examples: a stored structure seen by a new microscope at every visit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from hrtem_app.columns import CLASSES
from hrtem_app.imaging.lattice_filter import remove_lattice
from hrtem_app.imaging.standardise import standardise
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.microscope.record import RecordedSeries
from hrtem_app.microscope.treatment import TreatmentSettings, treated
from hrtem_app.recipe import LatticeFilter, Part, Standardisation
from hrtem_app.simulation.dataset import Dataset, DatasetError
from hrtem_app.simulation.labels import RADIUS, disk_labels
from hrtem_app.simulation.recording import recorded_series
from hrtem_app.training.labelled import LabelledFolder, LabelledSeries

Example = tuple[NDArray[np.float32], NDArray[np.int64]]
RARE = CLASSES.index("1S")
# Shares of sources are kept exactly in every block of so many visits.
BLOCK = 20
# In pixels; below it the networks see nothing but the rim.
LEAST_CROP = 32


class Source(Part):
    """How the structures of one dataset are seen."""

    share: Annotated[float, Field(gt=0, le=1000, description="How often it is visited, against the other sources.")] = (
        1.0
    )
    microscope: MicroscopeSettings = MicroscopeSettings()
    treatment: TreatmentSettings = TreatmentSettings()


class ExampleSettings(Part):
    """How training examples are made; goes into the card of the network."""

    sources: Annotated[
        tuple[Source, ...], Field(min_length=1, max_length=BLOCK, description="One for each dataset, in their order.")
    ] = (Source(),)
    filter: LatticeFilter = LatticeFilter()
    standardisation: Standardisation = Standardisation()
    label_radius: Annotated[float, Field(gt=0.1, le=2, description="Radius of the label disks in Å.")] = RADIUS
    crop: Annotated[
        int,
        Field(
            ge=LEAST_CROP,
            le=2048,
            multiple_of=8,
            description="Side of a crop in pixels; of all, where an image is smaller.",
        ),
    ] = 160
    crops: Annotated[int, Field(ge=1, le=64, description="Crops taken of each recorded series.")] = 2
    aimed: Annotated[float, Field(ge=0, le=1, description="Fraction of crops whose middle is a random column.")] = 0.8
    aimed_rare: Annotated[
        float, Field(ge=0, le=1, description="Fraction of those whose column is a 1S, where there are any.")
    ] = 0.0
    batch: Annotated[int, Field(ge=1, le=1024, description="Crops in a step and process.")] = 4
    images_per_structure: Annotated[
        int | None,
        Field(ge=1, le=10**6, description="Fixed microscopes for each structure, as in the thesis; none: always new."),
    ] = None

    @model_validator(mode="after")
    def _frames_agree(self) -> Self:
        frames = [source.microscope.frames for source in self.sources]
        if len(set(frames)) > 1:
            raise ValueError(f"sources with {', '.join(map(str, frames))} frames make no network: give all the same")
        return self

    @property
    def frames(self) -> int:
        """Frames of every series."""
        return self.sources[0].microscope.frames


Series = RecordedSeries | LabelledSeries


@dataclass(frozen=True)
class Structures:
    """Structures of a dataset, or labelled series of a folder, that may be visited."""

    dataset: Dataset | LabelledFolder
    seeds: tuple[int, ...]

    def recorded(self, seed: int, microscope: MicroscopeSettings, drawn: tuple[int, ...]) -> Series:
        """One of them, as a microscope drawn from the seed `drawn` records it; labelled series are as they are."""
        if isinstance(self.dataset, LabelledFolder):
            return self.dataset.recorded(seed, microscope, drawn)
        return recorded_series(self.dataset.load(seed), microscope, drawn)

    def least_side(self, microscope: MicroscopeSettings) -> int:
        """Pixels of the shortest side that any of their images has, at the largest pixels of the microscopes."""
        if isinstance(self.dataset, LabelledFolder):
            return int(min(min(self.recorded(seed, microscope, ()).frames.shape[1:]) for seed in self.seeds))
        return int(self.dataset.settings.structure.field_of_view / microscope.sampling[1])


def network_input(series: Series, settings: ExampleSettings) -> NDArray[np.float32]:
    """The filtered and standardised frames (n, y, x): the same functions as for an experiment."""
    filtered = remove_lattice(series.frames, series.sampling, settings.filter).frames
    return standardise(filtered, series.sampling, settings.standardisation.sigma)


class Examples(TorchDataset[tuple[torch.Tensor, torch.Tensor]]):
    """Item i: the crops of one recorded series, decided by (seed, visit) alone, whichever process makes it.

    Parameters
    ----------
    structures
        For each source of the settings, the structures that may be visited.
    settings
        Microscopes, treatment, filter, crops.
    seed
        Of the whole run.
    visits
        Numbers of the visits that this object holds; a resumed run starts where the other stopped.

    Raises
    ------
    DatasetError
        Where images are smaller than the least crop.
    """

    def __init__(
        self, structures: Sequence[Structures], settings: ExampleSettings, seed: int, visits: Sequence[int]
    ) -> None:
        self.structures, self.settings, self.seed, self.visits = tuple(structures), settings, seed, visits
        self.background = len(self.structures[0].dataset.class_names)
        self.block = visiting_order([source.share for source in settings.sources])
        # One for the whole run: crops of one step are stacked, and images differ in size as their pixels do.
        self.side = min(settings.crop, 8 * (self._least_side() // 8))

    def __len__(self) -> int:
        return len(self.visits)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        visit = self.visits[index]
        chosen, count = self._source(visit)
        source, structures = self.settings.sources[chosen], self.structures[chosen]
        seeds = structures.seeds
        # Every round visits all structures of a source once, in a new order.
        turn, place = divmod(count, len(seeds))
        structure = seeds[np.random.default_rng([self.seed, turn]).permutation(len(seeds))[place]]
        # The image epochs of the thesis come back to the microscopes that they had before.
        fixed = self.settings.images_per_structure
        microscope = (self.seed, visit, 1) if fixed is None else (self.seed, structure, turn % fixed, 1)
        series = structures.recorded(structure, source.microscope, microscope)
        rng = np.random.default_rng([self.seed, visit, 2])
        if source.treatment.treated:
            series = series.with_frames(treated(series.frames, series.sampling, source.treatment, rng))
        frames = network_input(series, self.settings)
        examples = [self._crop(frames, series, rng) for _ in range(self.settings.crops)]
        return (
            torch.from_numpy(np.stack([frames for frames, _ in examples])),
            torch.from_numpy(np.stack([labels for _, labels in examples])),
        )

    def _least_side(self) -> int:
        sides = []
        for part, source in zip(self.structures, self.settings.sources, strict=True):
            if (side := part.least_side(source.microscope)) < LEAST_CROP:
                raise DatasetError(
                    f"{part.dataset.folder} has images of {side} pixels and a crop takes {LEAST_CROP} at least: give "
                    "series, or simulate structures, with a larger field of view"
                )
            sides.append(side)
        return min(sides)

    def _source(self, visit: int) -> tuple[int, int]:
        """Which source a visit goes to, and how many visits that source has had before."""
        blocks, place = divmod(visit, BLOCK)
        chosen = self.block[place]
        return chosen, blocks * self.block.count(chosen) + self.block[:place].count(chosen)

    def _crop(self, frames: NDArray[np.float32], series: Series, rng: np.random.Generator) -> Example:
        side = self.side
        y, x = self._corner(series, side, rng)
        labels = disk_labels(
            series.positions - (y, x),
            series.classes,
            (side, side),
            series.sampling,
            self.settings.label_radius,
            self.background,
        )
        crop = frames[:, y : y + side, x : x + side]
        turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
        crop, labels = np.rot90(crop, turns, axes=(1, 2)), np.rot90(labels, turns)
        if mirrored:
            crop, labels = crop[:, :, ::-1], labels[:, ::-1]
        return np.ascontiguousarray(crop), np.ascontiguousarray(labels)

    def _corner(self, series: Series, side: int, rng: np.random.Generator) -> tuple[int, int]:
        """Mostly around a column: bare support teaches little."""
        height, width = series.frames.shape[1:]
        if len(series.positions) and rng.random() < self.settings.aimed:
            rare = np.flatnonzero(series.classes == RARE)
            wanted = len(rare) > 0 and self.settings.aimed_rare > 0 and rng.random() < self.settings.aimed_rare
            chosen = rng.choice(rare) if wanted else rng.integers(len(series.positions))
            middle = series.positions[chosen]
            corner = np.rint(middle - side / 2).astype(int)
            return int(np.clip(corner[0], 0, height - side)), int(np.clip(corner[1], 0, width - side))
        return int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))


def visiting_order(shares: Sequence[float]) -> list[int]:
    """The sources of `BLOCK` visits, evenly mixed; each at least once.

    Parameters
    ----------
    shares
        How often each is visited, in any unit.
    """
    order, had = [], np.zeros(len(shares))
    part = np.asarray(shares, float) / sum(shares)
    for place in range(1, BLOCK + 1):
        behind = part * place - had
        if BLOCK - place < (had == 0).sum():  # the last chance of those that have had none
            behind[had > 0] = -np.inf
        chosen = int(behind.argmax())
        had[chosen] += 1
        order.append(chosen)
    return order


def batches(examples: Examples, workers: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches (b, frames, y, x) and (b, y, x), in the order of the visits whatever the number of workers."""
    loader = DataLoader(
        examples,
        batch_size=visits_per_step(examples.settings),
        num_workers=workers,
        # Spawned: forking after torch has started its threads can hang.
        multiprocessing_context="spawn" if workers else None,
        prefetch_factor=4 if workers else None,
        worker_init_fn=_one_thread,
        # Of its own, so that a resumed run draws no other random numbers than one that never stopped.
        generator=torch.Generator(),
    )
    for frames, labels in loader:
        yield frames.flatten(0, 1), labels.flatten(0, 1)


def visits_per_step(settings: ExampleSettings) -> int:
    """Series that a process records for a step."""
    return max(1, settings.batch // settings.crops)


class Visits(Sequence[int]):
    """The visits of one process: of every step from `step` on, its own part.

    Parameters
    ----------
    step
        First step.
    own
        Visits of a process in a step.
    rank, processes
        Which process of how many.
    """

    def __init__(self, step: int, own: int, rank: int, processes: int) -> None:
        self.step, self.own, self.rank, self.processes = step, own, rank, processes

    def __len__(self) -> int:
        return 10**9

    def __getitem__(self, index: Any) -> Any:
        step, place = divmod(index, self.own)
        return ((self.step + step) * self.processes + self.rank) * self.own + place


def _one_thread(_: int) -> None:
    torch.set_num_threads(1)
