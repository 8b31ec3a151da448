"""Processes of this computer, told from later ones of the same number."""

from __future__ import annotations

import psutil

# Seconds by which two looks at the same process may differ.
_JITTER = 2

Marks = tuple[int, int]
"""When a process began, in seconds by the clock and since the computer's start: one outlives that the clock is set."""


def marks(process: psutil.Process) -> Marks:
    """The marks of a process that runs.

    Raises
    ------
    psutil.NoSuchProcess, psutil.AccessDenied
        Where it has ended, or may not be looked at.
    """
    started = process.create_time()
    return round(started), max(0, round(started - psutil.boot_time()))


def lives(pid: int, then: Marks) -> bool:
    """Whether a process is the one that began then; a number is given to another process some day."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        now = marks(process)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
    return any(abs(mark - before) <= _JITTER for mark, before in zip(now, then, strict=True))
