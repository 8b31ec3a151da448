"""Simulating a dataset, on this machine's cores or on a cluster."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hrtem_app.simulation.cluster import Pace, open_client, read_slurm_settings, run_tasks
from hrtem_app.simulation.cluster.memory import share_of_memory
from hrtem_app.simulation.dataset import DatasetError, DatasetSettings, structure_path
from hrtem_app.simulation.store import prepare, scratch, simulate_structure

if TYPE_CHECKING:
    from distributed import Client


def simulate(
    out: str | Path,
    structures: int,
    seed: int,
    *,
    settings: DatasetSettings | None = None,
    workers: int | None = None,
    memory: str | int | None = None,
    scheduler: str | None = None,
    slurm: str | Path | None = None,
    device: str = "cpu",
    progress: Callable[[Pace], None] | None = None,
) -> None:
    """Simulate a dataset, or go on with one that was interrupted.

    A structure depends on its seed and the settings alone, so a dataset is the same whatever the workers, and whatever
    was killed on the way; see `hrtem-app dataset verify`.

    Parameters
    ----------
    out
        The folder.
    structures
        How many, with seeds `seed`, `seed + 1`, …
    seed
        The first seed.
    settings
        Everything that decides what a seed gives; None: the defaults.
    workers
        Processes on this machine; None: one per core; 0: none but this one.
    memory
        For all workers on this machine together, "8GiB" say.
    scheduler
        Address of a dask scheduler whose workers to use, in place of this machine.
    slurm
        YAML file that describes the SLURM jobs to use, likewise.
    device
        `cpu`, or `gpu` where the workers have CuPy.
    progress
        Called with the count and the rate after every structure.

    Raises
    ------
    DatasetError
        Where the folder holds a dataset of other settings, or numbers are impossible.
    ClusterError
        Where workers cannot be had or are lost again and again.
    """
    if structures < 1 or seed < 0:
        raise DatasetError(
            f"{structures} structures from seed {seed}: give at least one structure and a seed of 0 or more"
        )
    check_device(device)
    _check_workers(workers, memory, scheduler, slurm)
    settings = settings or DatasetSettings()
    folder = Path(out).absolute()
    prepare(folder, settings)
    with scratch(folder) as own:
        wanted = [s for s in range(seed, seed + structures) if not structure_path(folder, s).exists()]
        pace = Pace(structures, structures - len(wanted))
        if progress:
            progress(pace)
        if not wanted:
            return
        _check_space(folder, settings, len(wanted))

        def done(_: int) -> None:
            pace.done()
            if progress:
                progress(pace)

        if scheduler is None and slurm is None and workers is None:
            workers = _fewest(len(wanted))
        task = partial(_simulate, folder, own, settings, device)
        with _client(workers, memory, scheduler, slurm) as client:
            run_tasks(client, task, wanted, done, name="structure")


def _simulate(folder: Path, own: Path, settings: DatasetSettings, device: str, seed: int) -> int:
    return simulate_structure(folder, own, settings, seed, device)


def _fewest(tasks: int) -> int | None:
    """No more workers than tasks; None where that is no limit."""
    import os

    return tasks if tasks < (os.cpu_count() or 1) else None


def _client(
    workers: int | None, memory: str | int | None, scheduler: str | None, slurm: str | Path | None
) -> AbstractContextManager[Client | None]:
    if workers == 0 and scheduler is None and slurm is None:
        return nullcontext()
    return open_client(workers=workers, memory=memory, scheduler=scheduler, slurm=slurm)


def _check_workers(
    workers: int | None, memory: str | int | None, scheduler: str | None, slurm: str | Path | None
) -> None:
    """ClusterError for options that no workers can be had with, before anything is written."""
    open_client(workers=workers, memory=memory, scheduler=scheduler, slurm=slurm)
    if slurm is not None:
        read_slurm_settings(slurm)
    elif scheduler is None and workers != 0:
        share_of_memory(workers, memory)


def check_device(device: str) -> None:
    """DatasetError where abTEM cannot run on the device."""
    from importlib.util import find_spec

    if device not in ("cpu", "gpu"):
        raise DatasetError(f"there is no device '{device}' for multislice: give cpu or gpu")
    if device == "gpu" and find_spec("cupy") is None:
        raise DatasetError(
            "multislice on a GPU needs CuPy, which is not installed: pip install cupy-cuda12x, or use cpu"
        )


def estimate_bytes(settings: DatasetSettings, structures: int) -> int:
    """Size on disk in bytes: compressed waves of 8 bytes a point keep nine tenths of it, and the rest is small."""
    waves = settings.multislice.configurations * settings.stored_points**2 * 8
    return math.ceil(structures * (0.9 * waves + 10_000))


def _check_space(folder: Path, settings: DatasetSettings, structures: int) -> None:
    needed, free = estimate_bytes(settings, structures), shutil.disk_usage(folder).free
    if needed > free:
        raise DatasetError(
            f"{structures} structures need about {needed / 1e9:.3g} GB and {folder} has {free / 1e9:.3g} GB free: give "
            "fewer structures, fewer configurations or another folder"
        )
