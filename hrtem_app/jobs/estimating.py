"""What a job would cost, measured on a small part of it before it is submitted."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import psutil
from pydantic import Field

from hrtem_app.bundle import module_command
from hrtem_app.jobs.folder import JobError
from hrtem_app.jobs.launch import end_processes
from hrtem_app.recipe import Part

if TYPE_CHECKING:
    from hrtem_app.jobs.requests import Request

_PROBE = "hrtem_app.jobs.probe"
_LOOK, _TERMINATION = 0.1, 2.0


class StepEstimate(Part):
    """What one step would cost."""

    step: str
    seconds: Annotated[float, Field(ge=0, description="From its beginning to its end.")]
    disk: Annotated[int, Field(ge=0, description="Bytes that it leaves on the disk.")]
    memory: Annotated[int, Field(ge=0, description="Bytes that all its processes have at once, at most.")]
    gpu_memory: Annotated[int | None, Field(ge=0, description="Bytes of the GPU at most; None: no GPU.")] = None
    measured: Annotated[str, Field(description="On what, for people.")]


class Estimate(Part):
    """What a job would cost: times and room add up, of memory the greatest counts."""

    steps: Annotated[tuple[StepEstimate, ...], Field(min_length=1)]
    free_disk: Annotated[int, Field(ge=0, description="Bytes that are free where it would write.")]
    free_memory: Annotated[int, Field(ge=0, description="Bytes of memory that are free now.")]

    @property
    def seconds(self) -> float:
        """From its beginning to its end, without waiting for its turn."""
        return sum(step.seconds for step in self.steps)

    @property
    def disk(self) -> int:
        """Bytes that it leaves on the disk."""
        return sum(step.disk for step in self.steps)

    @property
    def memory(self) -> int:
        """Bytes of memory at most."""
        return max(step.memory for step in self.steps)

    @property
    def gpu_memory(self) -> int | None:
        """Bytes of the GPU's memory at most; None: no GPU."""
        return max((step.gpu_memory for step in self.steps if step.gpu_memory is not None), default=None)

    @property
    def doubts(self) -> tuple[str, ...]:
        """What there may not be enough of, in sentences."""
        found = []
        if self.disk > self.free_disk:
            found.append(f"it writes {_gb(self.disk)} and {_gb(self.free_disk)} are free: choose another folder")
        if self.memory > self.free_memory:
            found.append(
                f"it takes {_gb(self.memory)} of memory and {_gb(self.free_memory)} are free: take less at once"
            )
        return tuple(found)


def estimate(request: Request, *, seconds: float = 10.0, cancelled: Callable[[], bool] | None = None) -> Estimate:
    """Measure what a job would cost, in a process of its own that does a small part of it.

    Parameters
    ----------
    request
        As for `submit`.
    seconds
        About so long each step is tried; loading and compiling come on top.
    cancelled
        Asked now and then whether to give up.

    Raises
    ------
    JobError
        Where the part could not be done, with the reason for which the job would fail; or where it was cancelled.
    """
    told = json.dumps({"request": request.model_dump(mode="json"), "seconds": seconds})
    process = subprocess.Popen(
        module_command(_PROBE),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    given: str | None = told
    try:
        while True:
            try:
                out, err = process.communicate(given, timeout=_LOOK)
                break
            except subprocess.TimeoutExpired:
                given = None
                if cancelled is not None and cancelled():
                    raise JobError("the estimate was cancelled") from None
    finally:
        if process.poll() is None:
            end_processes(process.pid, _TERMINATION)
            process.communicate()
    if process.returncode:
        lines = err.strip().splitlines() or [f"it ended with code {process.returncode}"]
        raise JobError(f"nothing can be estimated: {lines[-1]}")
    content = json.loads(out.strip().splitlines()[-1])
    return Estimate.model_validate(content | {"free_memory": psutil.virtual_memory().available})


def _gb(size: int) -> str:
    return f"{size / 1e9:.3g} GB"
