"""Fixed series with their truth, for test sets and for other programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.io import save_series
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.microscope.record import RecordedSeries
from hrtem_app.series import FocalSeries
from hrtem_app.simulation.dataset import Dataset, DatasetError, StoredStructure
from hrtem_app.simulation.recording import recorded_series
from hrtem_app.simulation.structures import draw_structure, write_structure

Format = Literal["npz", "tiff"]
# Keeps exported microscopes apart from those of trainings and evaluations.
_EXPORT = 3


def export_dataset(
    dataset: Dataset,
    out: str | Path,
    *,
    images_per_structure: int = 1,
    formats: Sequence[Format] = ("npz",),
    structures: bool = False,
    microscope: MicroscopeSettings | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Record every structure with fixed microscopes and write the series with their truth.

    Parameters
    ----------
    dataset
        The waves.
    out
        Folder for `<seed>-<image>.npz`, or `.tif` and `.csv`.
    images_per_structure
        How many microscopes see each structure: the thesis' image epochs.
    formats
        `npz`: `image` (n, y, x) float32, `positions` (m, 2) float32 (row, column) in pixels, `cls` (m,) int8 and
        `meta`, JSON with `sampling` (Å/px), `defocus` (Å), dose, aberrations and all other parameters.
        `tiff`: the frames with sampling, defocus and energy, and the truth as columns CSV.
    structures
        Also write `<seed>.xyz`, the atoms as extended XYZ.
    microscope
        Ranges; None: the thesis'.
    seed
        Of the microscopes and the noise: the same seed gives the same series.
    progress
        Called with (done, all) structures.

    Returns
    -------
    The files written.

    Raises
    ------
    DatasetError
        For an impossible number of images, an unknown format, or truth that a format cannot hold.
    """
    _check(dataset, images_per_structure, formats)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for number, stored in enumerate(dataset, start=1):
        for image in range(images_per_structure):
            series = recorded_series(stored, microscope or MicroscopeSettings(), (seed, stored.seed, image, _EXPORT))
            path = folder / f"{stored.seed:07d}-{image}"
            written += _written(path, stored, series, formats)
        if structures:
            written.append(folder / f"{stored.seed:07d}.xyz")
            write_structure(draw_structure(stored.seed, dataset.settings.structure), written[-1])
        if progress:
            progress(number, len(dataset))
    return written


def _check(dataset: Dataset, images: int, formats: Sequence[str]) -> None:
    if images < 1:
        raise DatasetError(f"{images} images per structure: give at least 1")
    for name in formats:
        if name not in ("npz", "tiff"):
            raise DatasetError(f"there is no format '{name}' for series: give npz, tiff or both")
    if "tiff" in formats and len(dataset.class_names) != len(CLASSES):
        raise DatasetError(
            f"{dataset.settings.structure.material} has the classes {', '.join(dataset.class_names)}, which a columns "
            "CSV cannot hold: export npz"
        )


def _written(path: Path, stored: StoredStructure, series: RecordedSeries, formats: Sequence[Format]) -> list[Path]:
    written = []
    if "npz" in formats:
        meta = {"seed": stored.seed, "energy": stored.energy} | stored.parameters | series.microscope.parameters()
        written.append(path.with_name(f"{path.name}.npz"))
        partial = path.with_name(f".{path.name}.npz.part")
        with partial.open("wb") as file:
            np.savez_compressed(
                file,
                image=series.frames,
                positions=series.positions.astype(np.float32),
                cls=series.classes.astype(np.int8),
                meta=np.array(json.dumps(meta | {"sampling": series.sampling})),
            )
        partial.replace(written[-1])
    if "tiff" in formats:
        written += _written_tiff(path, stored, series)
    return written


def _written_tiff(path: Path, stored: StoredStructure, series: RecordedSeries) -> list[Path]:
    image, truth = path.with_name(f"{path.name}.tif"), path.with_name(f"{path.name}-truth.csv")
    frames = FocalSeries(
        series.frames,
        sampling=series.sampling,
        defocus=series.microscope.defocus,
        energy=stored.energy,
        name=path.name,
    )
    save_series(frames, image)
    ones = np.ones(len(series.classes))
    ColumnTable(series.positions, series.classes, series.sampling, ones.astype(np.int64), ones).to_csv(truth)
    return [image, truth]
