"""Which process works on a job, and whether it is still there."""

from __future__ import annotations

import os
import socket
from typing import Annotated, Self

import psutil
from filelock import FileLock, Timeout
from pydantic import Field

from hrtem_app.jobs.folder import JobFolder
from hrtem_app.processes import lives, marks
from hrtem_app.recipe import Part


class Owner(Part):
    """A process, told from a later one of the same number by when it began."""

    host: Annotated[str, Field(min_length=1, description="Of the computer.")]
    pid: Annotated[int, Field(ge=1, description="Number of the process.")]
    started: Annotated[int, Field(description="When it began, in seconds by the clock.")]
    uptime: Annotated[int, Field(description="When it began, in seconds since the computer's start.")]

    @classmethod
    def of(cls, pid: int | None = None) -> Self:
        """A process that runs now on this computer; None: this one."""
        process = psutil.Process(pid or os.getpid())
        started, uptime = marks(process)
        return cls(host=socket.gethostname(), pid=process.pid, started=started, uptime=uptime)

    @property
    def here(self) -> bool:
        """Whether it is one of this computer."""
        return self.host == socket.gethostname()

    def lives(self) -> bool:
        """Whether that very process runs on this computer; of another one nobody here knows: no."""
        return self.here and lives(self.pid, (self.started, self.uptime))


def owner_of(job: JobFolder) -> Owner | None:
    """The process that is noted in a job's folder; None where there is none, or nothing sensible is noted."""
    try:
        return Owner.model_validate_json(job.owner.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def is_owned(job: JobFolder, *, locked: bool = False) -> bool:
    """Whether a living process works on a job, or waits for its turn, on this computer or on another.

    Parameters
    ----------
    job
        Which.
    locked
        Whether the caller holds the lock of the job, so that nobody else does.
    """
    owner = owner_of(job)
    if owner is not None and owner.lives():
        return True
    if locked or not job.lock.exists():
        return False
    # A lock goes with its process, on computers that share the folder too.
    try:
        with FileLock(job.lock).acquire(blocking=False):
            return False
    except Timeout:
        return True
    except OSError:
        # Who may only read the folder cannot lock in it, and believes what others have noted.
        return owner is not None and not owner.here
