"""Series whose columns are known: recorded from a simulated dataset, or read from npz files that others made."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import CLASSES
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.microscope.record import RecordedSeries
from hrtem_app.simulation.dataset import Dataset, DatasetError, StoredStructure
from hrtem_app.simulation.recording import recorded_series

# Keeps the microscopes of a test apart from those of any training, whose seeds end in 1.
TEST = 2


@dataclass(frozen=True, eq=False)
class KnownSeries:
    """A series and the truth about it.

    Parameters
    ----------
    name
        For tables.
    frames
        (n, y, x) float32.
    sampling
        Å per pixel.
    positions, classes
        (m, 2) columns (y, x) in pixels and (m,) their classes.
    parameters
        What is known of the microscope: dose, defocus, …
    """

    name: str
    frames: NDArray[np.float32]
    sampling: float
    positions: NDArray[np.float64]
    classes: NDArray[np.int64]
    parameters: dict[str, Any]


class KnownSeriesSource:
    """All series of a dataset, or of a folder of npz files.

    Parameters
    ----------
    folder
        What `hrtem-app simulate` made, or npz files with `image`, `positions`, `cls` and `meta` (JSON with `sampling`).
    images_per_structure
        How many microscopes see each structure of a dataset.
    microscope
        Their ranges; None: the thesis'.

    Raises
    ------
    DatasetError
        Where the folder is neither.
    """

    def __init__(
        self, folder: str | Path, images_per_structure: int = 1, microscope: MicroscopeSettings | None = None
    ) -> None:
        self.folder = Path(folder)
        if images_per_structure < 1:
            raise DatasetError(f"{images_per_structure} images per structure: give at least 1")
        self.images = images_per_structure
        self.microscope = microscope or MicroscopeSettings()
        self.files = tuple(sorted(self.folder.glob("*.npz")))
        self.dataset = None if self.files else Dataset(self.folder)

    def __len__(self) -> int:
        return len(self.files) if self.dataset is None else len(self.dataset) * self.images

    def __iter__(self) -> Iterator[KnownSeries]:
        if self.dataset is None:
            yield from (read_known_series(path) for path in self.files)
            return
        for stored in self.dataset:
            for image in range(self.images):
                series = recorded_series(stored, self.microscope, (stored.seed, image, TEST))
                yield known_series(stored, series, image)


def known_series(stored: StoredStructure, series: RecordedSeries, image: int) -> KnownSeries:
    """A recorded series under its name, with all that was drawn for it."""
    return KnownSeries(
        name=f"{stored.seed:07d}-{image}",
        frames=series.frames,
        sampling=series.sampling,
        positions=series.positions,
        classes=series.classes,
        parameters={"energy": stored.energy} | stored.parameters | series.microscope.parameters(),
    )


def read_known_series(path: Path) -> KnownSeries:
    """Read one npz file; DatasetError names the file and what is wrong with it."""
    try:
        with np.load(path, allow_pickle=False) as content:
            frames = np.asarray(content["image"], np.float32)
            positions = np.asarray(content["positions"], float).reshape(-1, 2)
            classes = np.asarray(content["cls"], np.int64)
            meta = json.loads(str(content["meta"]))
        sampling = float(meta["sampling"])
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise DatasetError(
            f"{path} is not a series with its truth ({error}): it needs image, positions, cls and meta"
        ) from error
    if frames.ndim != 3 or len(positions) != len(classes) or not np.isin(classes, range(len(CLASSES))).all():
        raise DatasetError(
            f"{path} holds {frames.shape} frames, {len(positions)} positions and {len(classes)} classes: "
            "they do not fit together"
        )
    return KnownSeries(path.stem, frames, sampling, positions, classes, meta)
