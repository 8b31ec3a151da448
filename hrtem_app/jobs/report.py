"""How far a step is: what it says while it runs, and where it may be stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from hrtem_app.jobs.events import EventLog
from hrtem_app.jobs.folder import JobFolder

# Seconds between two events about progress, and between two looks at commands.
_NEWS, _LOOK = 0.5, 0.1


class StoppedError(Exception):
    """The step stops because it was told to."""


class Report:
    """What a step says to those who follow the job.

    Parameters
    ----------
    job
        Whose events it writes; None: it says nothing, as the other processes of one step.
    step
        Its name.
    command
        Tells what the job is asked to do; empty: to go on.
    """

    def __init__(self, job: JobFolder | None, step: str, command: Callable[[], str]) -> None:
        self._step, self._command = step, command
        self._log = None if job is None else EventLog(job.events)
        self._said, self._looked = -_NEWS, -_LOOK
        self._first: tuple[float, float] | None = None

    @property
    def speaks(self) -> bool:
        """Whether this process is the one that speaks for the step."""
        return self._log is not None

    def begin(self, **values: Any) -> None:
        """The step begins."""
        self._write("begin", **values)

    def progress(
        self,
        fraction: float,
        detail: str,
        *,
        rate: float | None = None,
        unit: str = "",
        left: float | None = None,
        memory: int | None = None,
    ) -> None:
        """Say how far the step is, now and then.

        Parameters
        ----------
        fraction
            0…1.
        detail
            For people.
        rate, unit
            How many of what a second.
        left
            Seconds until the end; None: as the fraction has grown since the first call.
        memory
            Bytes in use.
        """
        now = time.monotonic()
        self._first = self._first or (now, fraction)
        if now - self._said < _NEWS and fraction < 1:
            return
        self._said = now
        left = self._left(now, fraction) if left is None else left
        values = {"detail": detail, "rate": rate, "unit": unit, "left": left, "memory": memory}
        self._write("progress", fraction=round(fraction, 6), **{k: _short(v) for k, v in values.items()})

    def message(self, text: str) -> None:
        """Say what a reader of the results should know."""
        self._write("message", text=text)

    def asked(self) -> str:
        """What the job is asked to do; empty: to go on. Looks now and then."""
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return ""
        self._looked = now
        return self._command()

    def check(self) -> None:
        """Where the step may be stopped: StoppedError where it is to."""
        if self.asked():
            raise StoppedError

    def _left(self, now: float, fraction: float) -> float | None:
        since, before = self._first or (now, fraction)
        return (now - since) * (1 - fraction) / (fraction - before) if fraction > before else None

    def _write(self, kind: str, **values: Any) -> None:
        if self._log is not None:
            self._log.write(kind, step=self._step, **values)


def _short(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value
