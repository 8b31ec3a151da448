"""What a job is and where it stands, as whoever looks sees it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrtem_app.jobs.events import last_events
from hrtem_app.jobs.folder import JobError, JobFolder, State, default_root
from hrtem_app.jobs.launch import tail_of
from hrtem_app.jobs.owner import is_owned, owner_of
from hrtem_app.jobs.queue import job_folders, number_of

BROKEN = "broken"
AT_WORK = ("queued", "running")
# What can be asked of a job in each state.
_ACTIONS: dict[str, tuple[str, ...]] = {
    "queued": ("pause", "cancel"),
    "running": ("pause", "cancel"),
    "paused": ("resume", "cancel", "remove"),
    "finished": ("remove",),
    "failed": ("resume", "retry", "cancel", "remove"),
    "cancelled": ("retry", "remove"),
    BROKEN: ("remove",),
}


@dataclass(frozen=True)
class Progress:
    """How far the step of a job is.

    Parameters
    ----------
    step
        Which.
    fraction
        0…1, of this step.
    detail
        For people.
    rate, unit
        How many of what a second; None: not known.
    left
        Seconds until the step ends; None: not known.
    memory
        Bytes in use; None: not known.
    """

    step: str
    fraction: float
    detail: str = ""
    rate: float | None = None
    unit: str = ""
    left: float | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Job:
    """A job at the moment at which somebody looked.

    Parameters
    ----------
    number
        By which people call it; a later job has a higher one.
    path
        Its folder.
    kind
        simulate, train, evaluate or chain; empty where it is broken.
    title
        For people.
    state
        queued, running, paused, finished, failed, cancelled or broken.
    reason
        Why it failed, or stopped; empty where there is nothing to say.
    step
        That it is at, or stopped at.
    steps, done
        All steps, and those that are finished.
    progress
        Of the step, as far as was said.
    seconds
        That it has run, without waiting and without the step that runs now.
    attempt
        Counts the times that it was started.
    waits_for
        Device that a queued job waits for.
    submitted
        By the clock of then, ISO 8601.
    request
        As JSON.
    result
        What came out of each finished step.
    pid, host
        Process that works on it, or did.
    """

    number: int
    path: Path
    kind: str
    title: str
    state: str
    reason: str = ""
    step: str = ""
    steps: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    progress: Progress | None = None
    seconds: float = 0.0
    attempt: int = 1
    waits_for: str = ""
    submitted: str = ""
    request: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    pid: int | None = None
    host: str = ""

    @property
    def name(self) -> str:
        """Of its folder."""
        return self.path.name

    @property
    def at_work(self) -> bool:
        """Whether a process works on it or waits for its turn."""
        return self.state in AT_WORK

    @property
    def actions(self) -> tuple[str, ...]:
        """What can be asked of it now: pause, resume, cancel, retry, remove."""
        return _ACTIONS[self.state]

    def log(self, lines: int = 20) -> str:
        """The last lines of what its processes said."""
        return tail_of(JobFolder(self.path).log, lines)


def list_jobs(root: str | Path | None = None) -> tuple[Job, ...]:
    """All jobs in the order of their numbers; those whose folders hold garbage are `broken`.

    Parameters
    ----------
    root
        Where jobs lie; None: see `default_root`.
    """
    return tuple(look_at(folder) for folder in job_folders(_root(root)))


def find_job(which: str | int | Path, root: str | Path | None = None) -> Job:
    """The job of a number, a name, or a folder.

    Raises
    ------
    JobError
        Where there is none; says which there are.
    """
    place = _root(root)
    if isinstance(which, Path) and which.is_dir():
        return look_at(JobFolder(which.absolute()))
    folders = list(job_folders(place))
    for folder in folders:
        if str(which) in (folder.path.name, str(number_of(folder))):
            return look_at(folder)
    there = ", ".join(str(number_of(folder)) for folder in folders[-20:]) or "none"
    raise JobError(f"there is no job {which} in {place}: there are {there}")


def look_at(folder: JobFolder, *, locked: bool = False) -> Job:
    """A job as it stands: one whose process has gone without a word has failed.

    Parameters
    ----------
    folder
        Of the job.
    locked
        Whether the caller holds its lock.
    """
    number = number_of(folder)
    try:
        header, state = folder.read_header(), folder.read_state()
        state, reason = _as_it_is(folder, state, locked)
    except (JobError, OSError) as error:
        return Job(number, folder.path, "", "", BROKEN, f"{error}: remove it")
    owner = owner_of(folder)
    return Job(
        number=number,
        path=folder.path,
        kind=header.kind,
        title=header.title,
        state=state.state,
        reason=reason,
        step=state.step,
        steps=tuple(step.name for step in header.steps),
        done=state.done,
        progress=_progress(folder, state.step),
        seconds=state.seconds,
        attempt=state.attempt,
        waits_for=state.waits_for,
        submitted=header.submitted,
        request=header.request,
        result=folder.read_result(),
        pid=owner.pid if owner else None,
        host=owner.host if owner else "",
    )


def _as_it_is(folder: JobFolder, state: State, locked: bool) -> tuple[State, str]:
    if state.state not in AT_WORK or is_owned(folder, locked=locked):
        return state, state.reason
    # It may have ended between the two looks.
    state = folder.read_state()
    if state.state not in AT_WORK:
        return state, state.reason
    owner = owner_of(folder)
    process = f"its process ({owner.pid} on {owner.host})" if owner else "its process"
    reason = f"{process} ended without a word, killed or with the computer: resume goes on with what is done"
    return state.model_copy(update={"state": "failed", "reason": reason, "waits_for": ""}), reason


def _progress(folder: JobFolder, step: str) -> Progress | None:
    for event in reversed(last_events(folder.events)):
        if event.get("kind") == "begin":
            return None
        if event.get("kind") == "progress" and event.get("step") == step:
            return progress_of(event)
    return None


def progress_of(event: dict[str, Any]) -> Progress | None:
    """The progress that an event tells of; None where it is none."""
    try:
        return Progress(
            step=str(event["step"]),
            fraction=float(event["fraction"]),
            detail=str(event.get("detail") or ""),
            rate=_number(event.get("rate")),
            unit=str(event.get("unit") or ""),
            left=_number(event.get("left")),
            memory=None if event.get("memory") is None else int(event["memory"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _root(root: str | Path | None) -> Path:
    return default_root() if root is None else Path(root).expanduser().absolute()
