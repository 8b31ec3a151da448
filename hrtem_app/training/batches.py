"""Training examples: a stored structure seen by a new microscope at every visit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from hrtem_app.imaging.lattice_filter import remove_lattice
from hrtem_app.imaging.standardise import standardise
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.microscope.record import RecordedSeries
from hrtem_app.recipe import LatticeFilter, Part, Standardisation
from hrtem_app.simulation.dataset import Dataset
from hrtem_app.simulation.labels import RADIUS, disk_labels
from hrtem_app.simulation.recording import recorded_series

Example = tuple[NDArray[np.float32], NDArray[np.int64]]


class ExampleSettings(Part):
    """How training examples are made; goes into the card of the network."""

    microscope: MicroscopeSettings = MicroscopeSettings()
    filter: LatticeFilter = LatticeFilter()
    standardisation: Standardisation = Standardisation()
    label_radius: Annotated[float, Field(gt=0.1, le=2, description="Radius of the label disks in Å.")] = RADIUS
    crop: Annotated[int, Field(ge=32, le=2048, multiple_of=8, description="Side of a crop in pixels.")] = 160
    crops: Annotated[int, Field(ge=1, le=64, description="Crops taken of each recorded series.")] = 2
    aimed: Annotated[float, Field(ge=0, le=1, description="Fraction of crops whose middle is a random column.")] = 0.8
    batch: Annotated[int, Field(ge=1, le=1024, description="Crops in a step.")] = 4
    images_per_structure: Annotated[
        int | None,
        Field(ge=1, le=10**6, description="Fixed microscopes for each structure, as in the thesis; none: always new."),
    ] = None


def network_input(series: RecordedSeries, settings: ExampleSettings) -> NDArray[np.float32]:
    """The filtered and standardised frames (n, y, x): the same functions as for an experiment."""
    filtered = remove_lattice(series.frames, series.sampling, settings.filter).frames
    return standardise(filtered, series.sampling, settings.standardisation.sigma)


class Examples(TorchDataset[tuple[torch.Tensor, torch.Tensor]]):
    """Item i: the crops of one recorded series, decided by (seed, i) alone, whichever process makes it.

    Parameters
    ----------
    dataset
        The waves.
    seeds
        Structures that may be visited.
    settings
        Microscope, filter, crops.
    seed
        Of the whole run.
    start, stop
        The visits that this object holds; a resumed run starts where the other stopped.
    """

    def __init__(
        self, dataset: Dataset, seeds: tuple[int, ...], settings: ExampleSettings, seed: int, start: int, stop: int
    ) -> None:
        self.dataset, self.seeds, self.settings = dataset, seeds, settings
        self.seed, self.start, self.stop = seed, start, stop
        self.background = len(dataset.class_names)

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        visit = self.start + index
        # Every round visits all structures once, in a new order.
        turn, place = divmod(visit, len(self.seeds))
        structure = self.seeds[np.random.default_rng([self.seed, turn]).permutation(len(self.seeds))[place]]
        # The image epochs of the thesis come back to the microscopes that they had before.
        fixed = self.settings.images_per_structure
        microscope = (self.seed, visit, 1) if fixed is None else (self.seed, structure, turn % fixed, 1)
        series = recorded_series(self.dataset.load(structure), self.settings.microscope, microscope)
        frames = network_input(series, self.settings)
        rng = np.random.default_rng([self.seed, visit, 2])
        examples = [self._crop(frames, series, rng) for _ in range(self.settings.crops)]
        return (
            torch.from_numpy(np.stack([frames for frames, _ in examples])),
            torch.from_numpy(np.stack([labels for _, labels in examples])),
        )

    def _crop(self, frames: NDArray[np.float32], series: RecordedSeries, rng: np.random.Generator) -> Example:
        side = min(self.settings.crop, *(8 * (n // 8) for n in frames.shape[1:]))
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

    def _corner(self, series: RecordedSeries, side: int, rng: np.random.Generator) -> tuple[int, int]:
        """Mostly around a column: bare support teaches little."""
        height, width = series.frames.shape[1:]
        if len(series.positions) and rng.random() < self.settings.aimed:
            middle = series.positions[rng.integers(len(series.positions))]
            corner = np.rint(middle - side / 2).astype(int)
            return int(np.clip(corner[0], 0, height - side)), int(np.clip(corner[1], 0, width - side))
        return int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))


def batches(examples: Examples, workers: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches (b, frames, y, x) and (b, y, x), in the order of the visits whatever the number of workers."""
    loader = DataLoader(
        examples,
        batch_size=max(1, examples.settings.batch // examples.settings.crops),
        num_workers=workers,
        # Spawned: forking after torch has started its threads can hang.
        multiprocessing_context="spawn" if workers else None,
        prefetch_factor=4 if workers else None,
        worker_init_fn=_one_thread,
    )
    for frames, labels in loader:
        yield frames.flatten(0, 1), labels.flatten(0, 1)


def _one_thread(_: int) -> None:
    torch.set_num_threads(1)
