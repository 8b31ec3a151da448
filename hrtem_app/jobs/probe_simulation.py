"""What a simulation would cost: some of its structures, simulated and measured."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from hrtem_app.jobs.estimating import StepEstimate
from hrtem_app.jobs.peak import PeakMemory, folder_size
from hrtem_app.jobs.requests import SimulateJob
from hrtem_app.simulation.cluster import prepare_process, read_slurm_settings, remote_client
from hrtem_app.simulation.cluster.memory import share_of_memory
from hrtem_app.simulation.dataset import DatasetSettings, finished, structure_path
from hrtem_app.simulation.store import prepare, scratch, simulate_structure

# Structures that are tried at most, in their own size, and the side in Å of the smallest there are.
_MOST, _SMALLEST = 5, 20.0


@dataclass(frozen=True)
class Simulated:
    """What one structure costs, and how many there are to be.

    Parameters
    ----------
    request
        The simulation.
    loading, base
        Seconds before the first structure, and bytes of memory of a process that has loaded everything.
    seconds, disk, memory
        Of one structure: its time in s, its bytes on the disk, and the bytes of memory of the process that makes it.
    tried
        Which were, for people.
    """

    request: SimulateJob
    loading: float
    base: int
    seconds: float
    disk: float
    memory: int
    tried: str

    def of(self, request: SimulateJob) -> Simulated:
        """The same for other structures of the same settings."""
        return replace(self, request=request)

    def cost(self, step: str) -> StepEstimate:
        """What all structures that are not there yet would cost."""
        told = self.request.simulation
        there = set(finished(self.request.out))
        left = sum(seed not in there for seed in range(told.seed, told.seed + told.structures))
        workers = max(1, min(_workers(self.request), left))
        return StepEstimate(
            step=step,
            seconds=self.loading + left * self.seconds / workers,
            disk=round(left * self.disk),
            memory=workers * self.memory + (self.base if told.workers != 0 else 0),
            measured=f"{self.tried}; {workers} at once, as if they did not slow each other down",
        )


@dataclass(frozen=True)
class _Start:
    loading: float
    memory: int


@dataclass(frozen=True)
class _One:
    cell: float
    seconds: float
    disk: int
    memory: int


def probe_simulation(request: SimulateJob, folder: Path, seconds: float, least: int = 1) -> Simulated:
    """Simulate some of the structures; where one would take too long, smaller ones, and go on with the area.

    Parameters
    ----------
    request
        The simulation.
    folder
        For the dataset that is tried.
    seconds
        About so long it is tried.
    least
        Structures that are tried at least.
    """
    told, whole = request.simulation, request.simulation.settings
    side, cell = whole.structure.field_of_view, whole.structure.cell
    prepare_process()
    # The first one also compiles and fills caches.
    _try(_sized(whole, _SMALLEST), told.seed, folder.with_name("warm"), told.device)
    start = _Start(_since_start(), psutil.Process().memory_info().rss)
    small = _try(_sized(whole, max(_SMALLEST, side / 4)), told.seed, folder, told.device)
    shutil.rmtree(folder)
    if side <= 2 * _SMALLEST or small.seconds * (cell / small.cell) ** 2 <= seconds:
        return _of_real_ones(request, folder, seconds, least, start)
    larger, *_ = (_try(_sized(whole, side / 2), told.seed + i, folder, told.device) for i in range(least))

    def carried(first: float, second: float) -> float:
        slope = (second - first) / (larger.cell**2 - small.cell**2)
        return max(second, second + slope * (cell**2 - larger.cell**2))

    return Simulated(
        request,
        start.loading,
        start.memory,
        carried(small.seconds, larger.seconds),
        carried(small.disk, larger.disk),
        round(carried(small.memory, larger.memory)),
        f"structures of {small.cell:.0f} and {larger.cell:.0f} Å, carried on in proportion to the area",
    )


def _of_real_ones(request: SimulateJob, folder: Path, seconds: float, least: int, start: _Start) -> Simulated:
    told, began = request.simulation, time.monotonic()
    ones: list[_One] = []
    most = min(max(_MOST, least), told.structures)
    while len(ones) < most and (len(ones) < least or time.monotonic() - began < seconds):
        ones.append(_try(told.settings, told.seed + len(ones), folder, told.device))
    count = len(ones)
    return Simulated(
        request,
        start.loading,
        start.memory,
        sum(one.seconds for one in ones) / count,
        sum(one.disk for one in ones) / count,
        max(one.memory for one in ones),
        f"the first {count} of the structures" if count > 1 else "the first structure",
    )


def _sized(settings: DatasetSettings, side: float) -> DatasetSettings:
    """The same with a smaller field of view, and as many layers as there are on average."""
    structure = settings.structure
    layers = round(sum(structure.layers) / 2)
    changes = {"field_of_view": min(side, structure.field_of_view), "layers": (layers, layers)}
    return settings.model_copy(update={"structure": structure.model_copy(update=changes)})


def _try(settings: DatasetSettings, seed: int, folder: Path, device: str) -> _One:
    prepare(folder, settings)
    with scratch(folder) as own, PeakMemory() as peak:
        began = time.monotonic()
        simulate_structure(folder, own, settings, seed, device)
        seconds = time.monotonic() - began
    return _One(settings.structure.cell, seconds, folder_size(structure_path(folder, seed)), peak.bytes)


def _workers(request: SimulateJob) -> int:
    told = request.simulation
    if told.scheduler is not None:
        with remote_client(told.scheduler) as client:
            return max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
    if told.slurm is not None:
        slurm = read_slurm_settings(told.slurm)
        return slurm.jobs * slurm.workers
    return 1 if told.workers == 0 else share_of_memory(told.workers, told.memory)[0]


def _since_start() -> float:
    """Seconds that this process has been there: what loading costs."""
    return max(0.0, time.time() - float(psutil.Process().create_time()))
