"""Submitting jobs, and telling them what to do."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from filelock import FileLock, Timeout

from hrtem_app.jobs.files import write_json
from hrtem_app.jobs.folder import Command, Header, JobError, JobFolder, State, default_root
from hrtem_app.jobs.launch import end_processes, start_runner
from hrtem_app.jobs.owner import Owner, owner_of
from hrtem_app.jobs.queue import next_place
from hrtem_app.jobs.status import AT_WORK, BROKEN, Job, look_at

if TYPE_CHECKING:
    from hrtem_app.jobs.requests import Request

# Seconds that a runner is given to do what it is told before its processes are ended from here.
_PATIENCE = {"pause": 70.0, "cancel": 6.0}
_LOOK = 0.05
_TERMINATION = 2.0


def submit(request: Request, *, root: str | Path | None = None) -> Job:
    """Begin a job: its process outlives this one, and waits for its turn.

    Parameters
    ----------
    request
        What to do.
    root
        Where jobs lie; None: see `default_root`.

    Raises
    ------
    ValueError
        For a device that this computer does not have.
    OSError
        Where the folder cannot be written.
    """
    from hrtem_app.jobs.plan import steps_of, title_of

    header = Header(
        kind=request.kind,
        title=title_of(request),
        submitted=datetime.now(UTC).isoformat(timespec="seconds"),
        steps=steps_of(request),
        request=request.model_dump(mode="json"),
    )
    return submit_prepared(header, default_root() if root is None else Path(root).expanduser().absolute())


def submit_prepared(header: Header, root: Path) -> Job:
    """As `submit`, for who knows the steps already; loads nothing but what a runner does.

    Parameters
    ----------
    header
        What the job is.
    root
        Where jobs lie, an absolute path.
    """
    root.mkdir(parents=True, exist_ok=True)
    number = next_place(root)
    # Under another name until it is whole: nobody sees half of a job.
    partial = JobFolder(root / f".new-{uuid4().hex[:8]}")
    partial.path.mkdir()
    try:
        write_json(partial.request, header.model_dump(mode="json"))
        first = header.steps[0]
        # From now on nobody who comes later goes first, though its process should start sooner.
        partial.write_state(State(place=number, step=first.name, waits_for=first.device))
        write_json(partial.owner, Owner.of().model_dump())
        job = JobFolder(root / f"{number:06d}-{header.kind}")
        partial.path.rename(job.path)
    finally:
        shutil.rmtree(partial.path, ignore_errors=True)
    start_runner(job)
    return look_at(job)


def pause(job: Job, *, wait: bool = True) -> Job:
    """Stop a job so that it can go on later; a training writes a checkpoint first.

    Parameters
    ----------
    job
        That is queued or running.
    wait
        Until it has stopped; else it is only told to.

    Raises
    ------
    JobError
        For a job of another state.
    """
    return _told(job, "pause", wait)


def cancel(job: Job, *, wait: bool = True) -> Job:
    """End a job for good; what it has written so far stays.

    Raises
    ------
    JobError
        For a job that has ended.
    """
    if look_at(JobFolder(job.path)).at_work:
        return _told(job, "cancel", wait)
    with _held(job, "cancel") as folder:
        state = folder.read_state()
        folder.write_state(state.model_copy(update={"state": "cancelled", "reason": "", "waits_for": ""}))
    return look_at(folder)


def resume(job: Job) -> Job:
    """Let a job that was paused, or has failed, go on with what it has done; it queues up behind the others.

    Raises
    ------
    JobError
        For a job of another state.
    """
    return _started_again(job, "resume", anew=False)


def retry(job: Job) -> Job:
    """Begin what a failed or cancelled job has not finished from nothing: its training, without the old checkpoint.

    Steps that are finished, simulated structures, and trainings that were in the folder before the job are kept.

    Raises
    ------
    JobError
        For a job of another state.
    """
    return _started_again(job, "retry", anew=True)


def remove(job: Job) -> None:
    """Remove a job from the list, with its log and events; what it has made stays where it is.

    Raises
    ------
    JobError
        For a job that is at work.
    """
    if look_at(JobFolder(job.path)).state == BROKEN:
        shutil.rmtree(job.path, ignore_errors=True)
        return
    with _held(job, "remove"):
        # Windows moves no folder in which a file is open, the lock for one.
        gone = job.path.with_name(f".gone-{uuid4().hex[:8]}")
    # In one go, so that nobody sees half of it.
    job.path.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _told(job: Job, command: str, wait: bool) -> Job:
    folder = JobFolder(job.path)
    job = look_at(folder)
    _check(job, command)
    folder.write_command(Command.model_validate({"command": command, "attempt": job.attempt}))
    if not wait:
        return look_at(folder)
    until = time.monotonic() + _PATIENCE[command]
    while (now := look_at(folder)).at_work and now.attempt == job.attempt:
        owner = owner_of(folder)
        if time.monotonic() > until:
            if owner is None or not owner.lives():
                raise JobError(f"job {job.number} on {job.host} has not answered: it will when it sees the folder")
            # It hangs; nothing is lost that is on the disk.
            end_processes(owner.pid, _TERMINATION)
            break
        time.sleep(_LOOK)
    return _settled(folder, command) if now.at_work or _died(folder, job) else now


def _died(folder: JobFolder, job: Job) -> bool:
    """Whether the process ended without noting what it was told."""
    state = folder.read_state()
    return state.attempt == job.attempt and state.state in AT_WORK


def _settled(folder: JobFolder, command: str) -> Job:
    """Note for a process that was ended what it was told."""
    with _held(look_at(folder), "cancel") as held:
        state = held.read_state().model_copy(update={"reason": "", "waits_for": ""})
        held.write_state(state.model_copy(update={"state": "cancelled" if command == "cancel" else "paused"}))
    return look_at(folder)


def _started_again(job: Job, action: str, anew: bool) -> Job:
    with _held(job, action) as folder:
        state = folder.read_state()
        step = next(step for step in folder.read_header().steps if step.name not in state.done)
        again = {"state": "queued", "reason": "", "anew": anew, "attempt": state.attempt + 1, "step": step.name}
        again |= {"waits_for": step.device, "place": next_place(folder.path.parent)}
        folder.write_state(state.model_copy(update=again))
        # Until its own process is there, this one answers for it.
        write_json(folder.owner, Owner.of().model_dump())
        with contextlib.suppress(OSError):
            folder.command.unlink(missing_ok=True)
    start_runner(folder)
    return look_at(folder)


@contextmanager
def _held(job: Job, action: str) -> Iterator[JobFolder]:
    """The folder of a job that nobody works on, locked; JobError where the action is not for its state."""
    folder = JobFolder(job.path)
    if not folder.path.is_dir():
        raise JobError(f"job {job.number} is not there any more")
    try:
        with FileLock(folder.lock, timeout=2.0, thread_local=False):
            _check(look_at(folder, locked=True), action)
            yield folder
    except Timeout:
        _check(look_at(folder), action)
        raise JobError(f"job {job.number} is being changed by somebody else: try again") from None


def _check(job: Job, action: str) -> None:
    if action not in job.actions:
        can = f"{', '.join(job.actions)} would do" if job.actions else "nothing can be done"
        raise JobError(f"job {job.number} is {job.state}, so there is nothing to {action}: {can}")
