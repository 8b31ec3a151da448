"""Experimental series whose columns people have corrected by hand: what a network is fine-tuned on.

A folder holds, for each series, a file of its frames and beside it, with the same name and the ending `.csv`, its
columns as the application exports them. A folder of exported results (`filtered.tif` with `columns.csv`) counts as one
such series.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.inference.resample import resample, to_map
from hrtem_app.io import load_series
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.series import SeriesError
from hrtem_app.simulation.dataset import DatasetError

_RESULTS = ("filtered.tif", "columns.csv")


@dataclass(frozen=True, eq=False)
class LabelledSeries:
    """A series and what people say about it.

    Parameters
    ----------
    frames
        (n, y, x) float32.
    sampling
        Å per pixel.
    positions, classes
        (m, 2) columns (y, x) in pixels, and (m,) their classes.
    """

    frames: NDArray[np.float32]
    sampling: float
    positions: NDArray[np.float64]
    classes: NDArray[np.int64]

    def with_frames(self, frames: NDArray[np.float32]) -> LabelledSeries:
        """The same series with other frames of the same shape."""
        return replace(self, frames=frames)


class LabelledFolder:
    """The labelled series of a folder; they take the place of a dataset's structures.

    Parameters
    ----------
    folder
        See the module.

    Raises
    ------
    DatasetError
        Where the folder holds none.
    """

    class_names = CLASSES

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.pairs = tuple(_pairs(self.folder)) if self.folder.is_dir() else ()
        if not self.pairs:
            raise DatasetError(
                f"{self.folder} is neither a simulated dataset nor does it hold labelled series: give each series a "
                "CSV of its columns with the same name beside it"
            )
        self.seeds = tuple(range(len(self.pairs)))

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def names(self) -> list[str]:
        """Of the files, within the folder."""
        return [str(series.relative_to(self.folder)) for series, _ in self.pairs]

    def recorded(self, number: int, settings: MicroscopeSettings, _: tuple[int, ...]) -> LabelledSeries:
        """One of the series with as many frames as the settings have, and at a sampling within their range.

        Raises
        ------
        DatasetError
            For files that cannot be read, and for too few frames; names them.
        """
        path, table_path = self.pairs[number]
        try:
            series = load_series(path)
            table = ColumnTable.from_csv(table_path, series.sampling)
        except (SeriesError, ValueError, OSError) as error:
            raise DatasetError(f"the labelled series {path} cannot be used: {error}") from error
        if len(series) < settings.frames:
            raise DatasetError(
                f"the labelled series {path} has {len(series)} frames and the network takes {settings.frames}: give "
                "whole focal series, or train a network for fewer frames"
            )
        order = series.defocus_order()[: settings.frames]
        frames, sampling = series.select(order).frames, table.sampling
        low, high = settings.sampling
        if low <= sampling <= high:
            return LabelledSeries(frames, sampling, table.positions, table.classes)
        wanted = (low + high) / 2
        scale = wanted / sampling
        return LabelledSeries(resample(frames, scale), wanted, to_map(table.positions, scale), table.classes)


def _pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Files of frames, each with its table."""
    found = []
    for table in sorted(folder.rglob("*.csv")):
        if table.name == _RESULTS[1] and (table.parent / _RESULTS[0]).exists():
            found.append((table.parent / _RESULTS[0], table))
            continue
        same = [p for p in sorted(table.parent.iterdir()) if p.stem == table.stem and p.suffix not in (".csv", ".json")]
        found += [(same[0], table)] if same else []
    return found
