"""Whose turn it is: so many jobs at once on a device, the others in the order of their places.

There is no process that hands out turns. Each job that waits looks for itself, under a lock that all share, and holds a
lock of the device while it has its turn; the system takes that lock back when the process ends, however it ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from filelock import FileLock, Timeout
from pydantic import Field

from hrtem_app.jobs.files import read_json, write_json
from hrtem_app.jobs.folder import JobError, JobFolder
from hrtem_app.jobs.owner import is_owned
from hrtem_app.recipe import Part

_QUEUE, _LIMITS, _NEXT = ".queue", "queue.json", "next.json"
_PATIENCE = 30.0
_FOLDER = re.compile(r"(?P<number>\d{6,})-[a-z]+")


class Limits(Part):
    """How many jobs run at once."""

    at_once: Annotated[
        dict[str, Annotated[int, Field(ge=1, le=1000)]],
        Field(description="On each device, cpu or cuda:0 say; 1 where nothing is said."),
    ] = Field(default_factory=dict)

    def of(self, device: str) -> int:
        """On one device."""
        return self.at_once.get(device, 1)


def read_limits(root: Path) -> Limits:
    """How many jobs run at once; as by default where nobody said otherwise, or what was said cannot be read."""
    try:
        return Limits.model_validate(read_json(root / _LIMITS))
    except (OSError, ValueError):
        return Limits()


def set_limit(root: Path, device: str, number: int) -> Limits:
    """Let so many jobs run at once on a device; holds for those that wait already.

    Raises
    ------
    JobError
        For fewer than one, or more than a thousand.
    """
    if not 1 <= number <= 1000:
        raise JobError(f"{number} jobs at once on {device}: give 1 to 1000")
    with _lock(root, "limits"):
        limits = Limits(at_once=read_limits(root).at_once | {device: number})
        write_json(root / _LIMITS, limits.model_dump())
    return limits


def next_place(root: Path) -> int:
    """The number after all that were ever given in this folder: of a new job, or of one that queues up again."""
    with _lock(root, "places"):
        try:
            last = int(read_json(root / _NEXT)["last"])
        except (OSError, ValueError, KeyError, TypeError):
            last = 0
        place = max([last, *(number_of(job) for job in job_folders(root))]) + 1
        write_json(root / _NEXT, {"last": place})
    return place


def job_folders(root: Path) -> Iterator[JobFolder]:
    """The folders of jobs, in the order in which they were submitted."""
    paths = root.iterdir() if root.is_dir() else ()
    for path in sorted(path for path in paths if _FOLDER.fullmatch(path.name)):
        if path.is_dir():
            yield JobFolder(path)


def number_of(job: JobFolder) -> int:
    """The number that a job's folder begins with."""
    match = _FOLDER.fullmatch(job.path.name)
    return int(match["number"]) if match else 0


def take_turn(job: JobFolder, device: str, place: int) -> FileLock | None:
    """A lock of the device, to be held while the job runs there; None where it is not its turn yet.

    Parameters
    ----------
    job
        That waits.
    device
        For which.
    place
        Of the job; those with lower ones go first, as long as their processes live.
    """
    root = job.path.parent
    try:
        with _lock(root, f"{device}.turns", timeout=1.0):
            if _others_first(job, device, place):
                return None
            return _free(root, device)
    except Timeout:
        return None


def _others_first(job: JobFolder, device: str, place: int) -> bool:
    for other in job_folders(job.path.parent):
        if other.path.name == job.path.name:
            continue
        try:
            state = other.read_state()
        except JobError:
            continue
        if state.state == "queued" and state.waits_for == device and state.place < place and is_owned(other):
            return True
    return False


def _free(root: Path, device: str) -> FileLock | None:
    for number in range(read_limits(root).of(device)):
        lock = _lock(root, f"{device}.{number}")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        return lock
    return None


def _lock(root: Path, name: str, timeout: float = _PATIENCE) -> FileLock:
    folder = root / _QUEUE
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{re.sub(r'[^a-z0-9.-]', '_', name.lower())}.lock", timeout=timeout, thread_local=False)
