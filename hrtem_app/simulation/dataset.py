"""A simulated dataset: a zarr store with the exit waves of each structure and the truth about it.

Images are not stored: they are formed from the waves when they are wanted, each time with another microscope.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from hrtem_app.materials import find_material
from hrtem_app.recipe import Part
from hrtem_app.simulation.multislice import MultisliceSettings
from hrtem_app.simulation.structure_settings import StructureSettings

FORMAT = 2
STRUCTURES = "structures"
# Points of the potential along an axis; beyond, one array of it has half a GiB.
_MOST_POINTS = 8192


class DatasetError(ValueError):
    """A dataset cannot be read or written; the message names the folder and the remedy."""


class DatasetSettings(Part):
    """Everything that decides what a seed gives."""

    structure: StructureSettings = StructureSettings()
    multislice: MultisliceSettings = MultisliceSettings()

    @model_validator(mode="after")
    def _the_grid_is_of_a_size(self) -> Self:
        points = self.structure.cell / self.multislice.sampling
        if points > _MOST_POINTS:
            raise ValueError(
                f"a sampling of {self.multislice.sampling:g} Å divides a cell of {self.structure.cell:g} Å into "
                f"{points:.0f}² points: give at least {self.structure.cell / _MOST_POINTS:.3g} Å, or a smaller field "
                "of view"
            )
        return self

    @property
    def stored_points(self) -> int:
        """Points of the stored waves along each axis."""
        return int(np.ceil(self.structure.cell / self.multislice.stored_sampling))


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
        (n,) indices into the material's classes (of MoS2: 0 Mo, 1 2S, 2 1S).
    cell, margin
        Side of the cell, and of the rim that images leave out, in Å.
    energy
        In eV.
    parameters
        Everything that was drawn.
    versions
        Of the programs that made it.
    """

    seed: int
    waves: NDArray[np.complex64]
    positions: NDArray[np.float64]
    classes: NDArray[np.int64]
    cell: float
    margin: float
    energy: float
    parameters: dict[str, Any]
    versions: dict[str, str]

    def hash(self) -> bytes:
        """SHA-256 of all that matters for training: equal for equal content, whatever made it."""
        digest = hashlib.sha256()
        header = [self.seed, self.cell, self.margin, self.energy, self.parameters]
        digest.update(json.dumps(header, sort_keys=True).encode())
        for array in (self.waves, self.positions, self.classes):
            digest.update(f"{array.dtype.str}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
        return digest.digest()


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
        self.settings = read_settings(self.folder)
        self.seeds = finished(self.folder)
        if not self.seeds:
            raise DatasetError(f"{self.folder} holds no finished structure yet: run `hrtem-app simulate` to its end")

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, index: int) -> StoredStructure:
        return self.load(self.seeds[index])

    def __iter__(self) -> Iterator[StoredStructure]:
        return (self.load(seed) for seed in self.seeds)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the column classes, in the order of their indices."""
        return find_material(self.settings.structure.material).class_names

    def load(self, seed: int) -> StoredStructure:
        """Read one structure by its seed; DatasetError where it cannot be read."""
        import zarr

        try:
            group = zarr.open_group(str(structure_path(self.folder, seed)), mode="r")
            waves, positions, classes = (np.asarray(group[name]) for name in ("waves", "positions", "classes"))
            attributes = cast(dict[str, Any], group.attrs.asdict())
            parameters, energy = attributes["parameters"], float(attributes["energy"])
        # Checksums that do not match come as RuntimeError.
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            raise DatasetError(
                f"structure {seed} of {self.folder} cannot be read ({error}): delete it and simulate again"
            ) from error
        return StoredStructure(
            seed=seed,
            waves=waves.astype(np.complex64, copy=False),
            positions=positions,
            classes=classes,
            cell=self.settings.structure.cell,
            margin=self.settings.structure.margin,
            energy=energy,
            parameters=parameters,
            versions=attributes.get("versions", {}),
        )


def structure_path(folder: Path, seed: int) -> Path:
    """Where the structure of a seed lies."""
    return folder / STRUCTURES / f"{seed:07d}"


def finished(folder: Path) -> tuple[int, ...]:
    """Seeds of the structures that are whole, ascending."""
    places = (folder / STRUCTURES).glob("[0-9]*") if folder.is_dir() else ()
    return tuple(sorted(int(path.name) for path in places if path.name.isdigit()))


def read_settings(folder: Path) -> DatasetSettings:
    """The settings that a dataset was made with; DatasetError where the folder is none."""
    if (folder / "dataset.json").exists():
        raise DatasetError(
            f"{folder} was made by an earlier version, this one reads format {FORMAT}: simulate it again"
        )
    try:
        attributes = json.loads((folder / "zarr.json").read_text(encoding="utf-8"))["attributes"]
        if attributes["format"] != FORMAT:
            raise DatasetError(
                f"{folder} has dataset format {attributes['format']}, this version reads {FORMAT}: simulate it again"
            )
        return DatasetSettings.model_validate(attributes["settings"])
    except DatasetError:
        raise
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{folder} is not a dataset that `hrtem-app simulate` made: {error}") from error
