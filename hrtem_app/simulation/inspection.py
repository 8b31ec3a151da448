"""What a dataset holds, and whether all of it can be read."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrtem_app.simulation.dataset import Dataset, DatasetError, StoredStructure, structure_path

# Mean intensity of an exit wave: 1, less what the antialiasing aperture took.
_INTENSITY = (0.5, 1.05)


@dataclass(frozen=True)
class Summary:
    """What a dataset holds.

    Parameters
    ----------
    structures, columns, bytes
        How many, all columns by class name, and the size on disk.
    seeds
        First and last; `missing` of those between are not there.
    missing
        How many.
    parameters
        Values of every drawn parameter, by name.
    settings
        As JSON.
    versions
        Versions of each program that made any of it.
    """

    structures: int
    columns: dict[str, int]
    bytes: int
    seeds: tuple[int, int]
    missing: int
    parameters: dict[str, list[Any]]
    settings: dict[str, Any]
    versions: dict[str, list[str]]


def summarise(dataset: Dataset) -> Summary:
    """Read the attributes and classes of all structures; the waves stay on disk."""
    parameters: dict[str, list[Any]] = {}
    versions: dict[str, set[str]] = {}
    columns: Counter[str] = Counter()
    size = 0
    for seed in dataset.seeds:
        path = structure_path(dataset.folder, seed)
        attributes = _attributes(path)
        size += sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        for name, value in (attributes["parameters"] | {"energy": attributes["energy"]}).items():
            parameters.setdefault(name, []).append(value)
        for name, value in attributes["versions"].items():
            versions.setdefault(name, set()).add(value)
        columns.update(dataset.class_names[c] for c in _classes(path))
    seeds = dataset.seeds
    return Summary(
        structures=len(seeds),
        columns={name: columns[name] for name in dataset.class_names},
        bytes=size,
        seeds=(seeds[0], seeds[-1]),
        missing=seeds[-1] - seeds[0] + 1 - len(seeds),
        parameters={name: values for name, values in parameters.items() if name != "seed"},
        settings=dataset.settings.model_dump(mode="json"),
        versions={name: sorted(values) for name, values in sorted(versions.items())},
    )


def _attributes(path: Path) -> dict[str, Any]:
    try:
        attributes: dict[str, Any] = json.loads((path / "zarr.json").read_text(encoding="utf-8"))["attributes"]
        return attributes
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(f"{path} cannot be read ({error}): delete it and simulate again") from error


def _classes(path: Path) -> NDArray[np.int64]:
    import zarr

    try:
        return np.asarray(zarr.open_group(str(path), mode="r")["classes"])
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise DatasetError(f"{path} cannot be read ({error}): delete it and simulate again") from error


@dataclass(frozen=True)
class Verification:
    """What `verify` found.

    Parameters
    ----------
    structures
        How many were looked at.
    damaged
        What is wrong with which seed.
    content
        SHA-256 (hexadecimal) over the sound structures in the order of their seeds: equal for equal content.
    """

    structures: int
    damaged: dict[int, str]
    content: str


def verify(dataset: Dataset, progress: Callable[[int, int], None] | None = None) -> Verification:
    """Read every chunk of every structure, and check that it can be what it says."""
    digest, damaged = hashlib.sha256(), {}
    for number, seed in enumerate(dataset.seeds, start=1):
        try:
            stored = dataset.load(seed)
            _check(dataset, stored)
            digest.update(stored.hash())
        except DatasetError as error:
            damaged[seed] = str(error)
        if progress:
            progress(number, len(dataset))
    return Verification(len(dataset), damaged, digest.hexdigest())


def _check(dataset: Dataset, stored: StoredStructure) -> None:
    multislice, points = dataset.settings.multislice, dataset.settings.stored_points
    shape = (multislice.configurations, points, points)
    if stored.waves.shape != shape:
        raise DatasetError(f"waves of shape {stored.waves.shape}, the settings say {shape}")
    _check_chunks(structure_path(dataset.folder, stored.seed))
    intensity = np.mean(np.abs(stored.waves) ** 2, axis=(1, 2))
    if not ((intensity > _INTENSITY[0]) & (intensity < _INTENSITY[1])).all():
        raise DatasetError(f"mean intensities of {intensity.min():.3g} to {intensity.max():.3g}, which no wave has")
    if len(stored.positions) != len(stored.classes):
        raise DatasetError(f"{len(stored.positions)} positions and {len(stored.classes)} classes")
    if not np.isin(stored.classes, range(len(dataset.class_names))).all():
        raise DatasetError(f"a class beyond {dataset.class_names}")
    if not ((stored.positions >= 0) & (stored.positions <= stored.cell)).all():
        raise DatasetError("a column outside of the cell")


def _check_chunks(path: Path) -> None:
    """A chunk that is not there would be read as zeros."""
    import zarr

    for name, array in zarr.open_group(str(path), mode="r").arrays():
        if array.size and array.nchunks_initialized != array.nchunks:
            raise DatasetError(f"{array.nchunks - array.nchunks_initialized} chunks of {name} are gone")
