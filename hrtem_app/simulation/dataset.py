"""A simulated dataset: a folder with one zarr store of exit waves and truth per structure.

Images are not stored: they are formed from the waves when they are wanted, each time with another microscope.
A structure's store is written under another name and renamed when it is whole, so a run that was killed at any
moment goes on where it stopped, and nothing half-written is ever read.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from hrtem_app.recipe import Part, explain
from hrtem_app.simulation.multislice import MultisliceSettings, exit_waves
from hrtem_app.simulation.structures import StructureSettings, draw_structure

FORMAT = 1


class DatasetError(ValueError):
    """A dataset cannot be read or written; the message names the folder and the remedy."""


class DatasetSettings(Part):
    """Everything that decides what a seed gives."""

    structure: StructureSettings = StructureSettings()
    multislice: MultisliceSettings = MultisliceSettings()


@dataclass(frozen=True, eq=False)
class StoredStructure:
    """One structure of a dataset.

    Parameters
    ----------
    seed
        Which it is.
    waves
        (configuration, y, x) complex64 exit waves over the whole periodic cell.
    positions
        (n, 2) column positions (y, x) in Å in the cell.
    classes
        (n,) 0 Mo, 1 2S, 2 1S.
    cell, margin
        Side of the cell, and of the rim that images leave out, in Å.
    energy
        In eV.
    parameters
        Everything that was drawn.
    """

    seed: int
    waves: NDArray[np.complex64]
    positions: NDArray[np.float64]
    classes: NDArray[np.int64]
    cell: float
    margin: float
    energy: float
    parameters: dict[str, Any]


class Dataset:
    """A folder of simulated structures, ordered by seed.

    Parameters
    ----------
    folder
        As `simulate` made it.

    Raises
    ------
    DatasetError
        Where the folder is no dataset, or holds no finished structure.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.settings = _read_settings(self.folder)
        self.seeds = tuple(sorted(int(path.stem) for path in (self.folder / "structures").glob("*.zarr")))
        if not self.seeds:
            raise DatasetError(f"{self.folder} holds no finished structure yet: run `hrtem-app simulate` to its end")

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, index: int) -> StoredStructure:
        return self.load(self.seeds[index])

    def __iter__(self) -> Iterator[StoredStructure]:
        return (self.load(seed) for seed in self.seeds)

    def load(self, seed: int) -> StoredStructure:
        """Read one structure by its seed."""
        import zarr

        try:
            group = zarr.open_group(str(_path(self.folder, seed)), mode="r")
            waves, positions, classes = (np.asarray(group[name]) for name in ("waves", "positions", "classes"))
        except (OSError, KeyError, ValueError) as error:
            raise DatasetError(
                f"structure {seed} of {self.folder} cannot be read ({error}): delete it and simulate again"
            ) from error
        settings = self.settings
        return StoredStructure(
            seed=seed,
            waves=waves.astype(np.complex64, copy=False),
            positions=positions,
            classes=classes,
            cell=settings.structure.cell,
            margin=settings.structure.margin,
            energy=settings.multislice.energy,
            parameters=cast(dict[str, Any], group.attrs["parameters"]),
        )


def simulate(
    out: str | Path,
    structures: int,
    seed: int,
    *,
    field_of_view: float = 70.0,
    configurations: int = 3,
    settings: DatasetSettings | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Simulate a dataset, or go on with one that was interrupted.

    Parameters
    ----------
    out
        The folder.
    structures
        How many, with seeds `seed`, `seed + 1`, …
    seed
        The first seed. The same seed gives the same structure whatever the number of workers.
    field_of_view, configurations
        Side of the images in Å, and phonon configurations; ignored where `settings` are given.
    settings
        Everything else.
    workers
        Processes; None: one per core.
    progress
        Called with (done, all).

    Raises
    ------
    DatasetError
        Where the folder holds a dataset of other settings, or parameters are out of range.
    """
    if structures < 1 or seed < 0:
        raise DatasetError(
            f"{structures} structures from seed {seed}: give at least one structure and a seed of 0 or more"
        )
    folder = Path(out)
    settings = settings or _settings(field_of_view, configurations)
    _prepare(folder, settings)
    wanted = [s for s in range(seed, seed + structures) if not _path(folder, s).exists()]
    done = structures - len(wanted)
    if progress:
        progress(done, structures)
    workers = min(workers or os.cpu_count() or 1, max(len(wanted), 1))
    # Forking after numerical libraries have started their threads can hang, so workers are spawned.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        futures = [pool.submit(_simulate_one, folder, settings, s) for s in wanted]
        try:
            for future in as_completed(futures):
                future.result()
                done += 1
                if progress:
                    progress(done, structures)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _settings(field_of_view: float, configurations: int) -> DatasetSettings:
    try:
        return DatasetSettings(
            structure=StructureSettings(field_of_view=field_of_view),
            multislice=MultisliceSettings(configurations=configurations),
        )
    except ValidationError as error:
        raise DatasetError(explain(error)) from error


def _prepare(folder: Path, settings: DatasetSettings) -> None:
    if folder.exists() and not folder.is_dir():
        raise DatasetError(f"{folder} is a file: give a folder")
    if folder.exists() and any(folder.iterdir()) and not (folder / "dataset.json").exists():
        raise DatasetError(f"{folder} is not empty and holds no dataset: give an empty or a new folder")
    if (folder / "dataset.json").exists():
        if _read_settings(folder) != settings:
            raise DatasetError(
                f"{folder} holds a dataset of other settings: give another folder, or the settings in its dataset.json"
            )
    else:
        (folder / "structures").mkdir(parents=True, exist_ok=True)
        versions = {name: version(name) for name in ("abtem", "ase", "numpy")}
        text = json.dumps(
            {"format": FORMAT, "settings": settings.model_dump(mode="json"), "versions": versions}, indent=2
        )
        partial = folder / "dataset.json.partial"
        partial.write_text(text + "\n", encoding="utf-8")
        partial.replace(folder / "dataset.json")
    for leftover in (folder / "structures").glob("*.partial"):
        shutil.rmtree(leftover, ignore_errors=True)


def _read_settings(folder: Path) -> DatasetSettings:
    try:
        content = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise DatasetError(
                f"{folder} has dataset format {content['format']}, this version reads {FORMAT}: simulate it again"
            )
        return DatasetSettings.model_validate(content["settings"])
    except DatasetError:
        raise
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{folder} is not a dataset that `hrtem-app simulate` made: {error}") from error


def _path(folder: Path, seed: int) -> Path:
    return folder / "structures" / f"{seed:07d}.zarr"


def _one_thread() -> None:
    import abtem
    import torch

    torch.set_num_threads(1)
    # Measured FFT plans differ from run to run, and with them the last bits; estimated ones do not.
    quiet = {"local_diagnostics.progress_bar": False, "diagnostics.progress_bar": False}
    abtem.config.set(quiet | {"fftw.threads": 1, "fftw.planning_effort": "FFTW_ESTIMATE"})


def _simulate_one(folder: Path, settings: DatasetSettings, seed: int) -> None:
    import zarr

    structure = draw_structure(seed, settings.structure)
    waves = exit_waves(structure, settings.multislice, seed)
    path = _path(folder, seed)
    partial = path.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    group = zarr.open_group(str(partial), mode="w")
    group.create_array("waves", data=waves, chunks=(1, *waves.shape[1:]))
    group.create_array("positions", data=structure.positions)
    group.create_array("classes", data=structure.classes)
    group.attrs["parameters"] = structure.parameters
    partial.rename(path)
