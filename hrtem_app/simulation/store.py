"""Writing a dataset so that nothing half-written is ever read, whenever the run is killed.

A structure is written into a folder of the run's own, `.partial/<run>`, and moved to its place when it is whole.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hrtem_app.simulation.dataset import (
    FORMAT,
    STRUCTURES,
    DatasetError,
    DatasetSettings,
    read_settings,
    structure_path,
)
from hrtem_app.simulation.multislice import draw_energy, exit_waves
from hrtem_app.simulation.structures import draw_structure

_PARTIAL = ".partial"
_OWNER = "owner.json"


def versions() -> dict[str, str]:
    """What made the data."""
    return {name: version(name) for name in ("hrtem-app", "abtem", "ase", "numpy", "scipy")}


def prepare(folder: Path, settings: DatasetSettings) -> None:
    """Make the folder a dataset of these settings, or see that it is one.

    Raises
    ------
    DatasetError
        Where it is a file, holds something else, or a dataset of other settings.
    """
    if folder.exists() and not folder.is_dir():
        raise DatasetError(f"{folder} is a file: give a folder")
    if (folder / "zarr.json").exists() or (folder / "dataset.json").exists():
        if read_settings(folder) != settings:
            raise DatasetError(
                f"{folder} holds a dataset of other settings: give another folder, or the settings that "
                f"`hrtem-app dataset info --json` prints of it"
            )
        return
    left = [path.name for path in folder.iterdir()] if folder.exists() else []
    if set(left) - {_PARTIAL, STRUCTURES}:
        raise DatasetError(f"{folder} is not empty and holds no dataset: give an empty or a new folder")
    (folder / STRUCTURES).mkdir(parents=True, exist_ok=True)
    attributes = {"format": FORMAT, "settings": settings.model_dump(mode="json"), "versions": versions()}
    # The outer one last: with it, the folder is a dataset.
    _write_group(folder / STRUCTURES, {})
    _write_group(folder, attributes)


def _write_group(folder: Path, attributes: dict[str, Any]) -> None:
    """The metadata of a zarr group (version 3 of the format), there at once or not at all."""
    content = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    partial = folder / f"zarr.json.{uuid.uuid4().hex}"
    partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    partial.replace(folder / "zarr.json")


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A folder for half-written structures that is this run's own; those of runs that are dead are removed."""
    parent = folder / _PARTIAL
    for run in parent.glob("*"):
        if not _alive(run):
            shutil.rmtree(run, ignore_errors=True)
    own = parent / uuid.uuid4().hex
    own.mkdir(parents=True)
    owner = {"host": socket.gethostname(), "pid": os.getpid()}
    (own / _OWNER).write_text(json.dumps(owner), encoding="utf-8")
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)
        if parent.exists() and not any(parent.iterdir()):
            parent.rmdir()


def _alive(run: Path) -> bool:
    """Whether the run that owns the folder may still write into it; those of other machines are given a day."""
    import psutil

    try:
        owner = json.loads((run / _OWNER).read_text(encoding="utf-8"))
        if owner["host"] == socket.gethostname():
            return bool(psutil.pid_exists(int(owner["pid"])))
        return time.time() - run.stat().st_mtime < 24 * 3600
    except (OSError, ValueError, KeyError, TypeError):
        return False


def simulate_structure(folder: Path, own: Path, settings: DatasetSettings, seed: int, device: str = "cpu") -> int:
    """Simulate one structure and put it into the dataset; returns its seed.

    Wave after wave goes to the disk, so that memory holds one whatever the number of configurations.
    """
    import zarr
    from zarr.codecs import ZstdCodec

    if not own.is_dir():
        raise DatasetError(
            f"{own} is not there on {socket.gethostname()}: the folder must be on a file system that all workers share"
        )
    structure = draw_structure(seed, settings.structure)
    partial = own / f"{seed:07d}"
    shutil.rmtree(partial, ignore_errors=True)
    group = zarr.open_group(str(partial), mode="w")
    points = settings.stored_points
    checked = ZstdCodec(level=1, checksum=True)
    waves = group.create_array(
        "waves",
        shape=(settings.multislice.configurations, points, points),
        chunks=(1, points, points),
        dtype="complex64",
        compressors=checked,
    )
    for number, wave in enumerate(exit_waves(structure, settings.multislice, seed, device=device)):
        waves[number] = wave
    group.create_array("positions", data=structure.positions, compressors=checked)
    group.create_array("classes", data=structure.classes, compressors=checked)
    group.attrs.update(
        {
            "seed": seed,
            "energy": draw_energy(seed, settings.multislice),
            "parameters": structure.parameters,
            "versions": versions(),
        }
    )
    _move_in(partial, structure_path(folder, seed))
    return seed


def _move_in(partial: Path, path: Path) -> None:
    try:
        partial.rename(path)
    except OSError:
        # Another run on the same folder was quicker, with the same content.
        if not path.is_dir():
            raise
        shutil.rmtree(partial, ignore_errors=True)
