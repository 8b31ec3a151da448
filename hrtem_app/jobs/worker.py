"""The process that does one step of a job and says how it ended."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import traceback
from pathlib import Path

from filelock import FileLock, Timeout

from hrtem_app.jobs.files import is_full, read_json, write_json
from hrtem_app.jobs.folder import JobFolder, Outcome
from hrtem_app.jobs.owner import Owner, owner_of
from hrtem_app.jobs.report import Report, StoppedError
from hrtem_app.jobs.runner import FULL, GRACE, STOPPED

_LOOK = 0.5
# Seconds that the runner on another computer may be silent; network file systems show changes late.
_SILENCE = 180.0
# Seconds that a step of an attempt before is given to end.
_PATIENCE = 30.0
# Seconds more than the runner gives, which ends its processes itself where they are on its computer.
_EXTRA = 2.0


def work(job: JobFolder, step: str, attempt: int) -> int:
    """Do a step; the exit code.

    Started several times by a launcher, all do the step together, and the first one speaks for them.
    """
    threading.Thread(target=_watch, args=(job, step, attempt), daemon=True).start()
    if int(os.environ.get("RANK", "0")) > 0:
        from hrtem_app.jobs.steps import do_step

        do_step(job, step, Report(None, step, lambda: ""))
        return 0
    lock = FileLock(job.work_lock, timeout=_PATIENCE, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return _tell(job, Outcome(attempt=attempt, step=step, outcome="failed", reason=(
            "what an attempt before had started is still running: end it, then resume"
        )))  # fmt: skip
    try:
        return _tell(job, _outcome(job, step, attempt))
    except OSError as error:
        _log_error()
        return FULL if is_full(error) else 1
    finally:
        lock.release()


def _outcome(job: JobFolder, step: str, attempt: int) -> Outcome:
    report = Report(job, step, lambda: job.read_command(attempt))
    try:
        report.check()
        from hrtem_app.jobs.steps import do_step

        return Outcome(attempt=attempt, step=step, outcome="done", result=do_step(job, step, report))
    except StoppedError:
        return Outcome(attempt=attempt, step=step, outcome="stopped")
    except Exception as error:  # noqa: BLE001 - whatever it is, the job failed by it
        _log_error()
        return Outcome(attempt=attempt, step=step, outcome="failed", reason=words(error))


def words(error: Exception) -> str:
    """Why a step failed, in a sentence for people."""
    said = " ".join(str(error).split())
    if is_full(error):
        place = getattr(error, "filename", None)
        return f"the disk is full{f' at {place}' if place else ''}: make room where the job writes, then resume"
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return f"there is not enough memory ({said or 'the system gives none'}): choose a smaller batch or network"
    if isinstance(error, ValueError):
        return said
    return f"{type(error).__name__}: {said}; the log has the rest"


def _log_error() -> None:
    """Write the error that is being handled to the log, which may be on a full disk."""
    with contextlib.suppress(OSError):
        traceback.print_exc()


def _tell(job: JobFolder, outcome: Outcome) -> int:
    write_json(job.outcome, outcome.model_dump())
    return {"done": 0, "stopped": STOPPED, "failed": 1}[outcome.outcome]


def _watch(job: JobFolder, step: str, attempt: int) -> None:
    """End this process when its runner has gone, or when it does not stop as it was told.

    It may be on another computer, started by a cluster's queue, where nobody else would end it.
    """
    owner = owner_of(job)
    beat, heard, asked = "", time.monotonic(), 0.0
    while True:
        time.sleep(_LOOK)
        now = time.monotonic()
        last = _read(job.beat)
        if last != beat:
            beat, heard = last, now
        if _gone(owner, now - heard):
            os._exit(STOPPED)
        command = job.read_command(attempt)
        asked = (asked or now) if command else 0.0
        if command and now - asked > GRACE[command if step == "train" else "cancel"] + _EXTRA:
            os._exit(STOPPED)


def _gone(owner: Owner | None, silence: float) -> bool:
    if owner is not None and owner.here:
        return not owner.lives()
    return silence > _SILENCE


def _read(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(encoding="utf-8")
    return ""


def _is_wanted(job: JobFolder, attempt: int) -> bool:
    """Whether the attempt goes on that this step is of: a cluster's queue may start it long after."""
    try:
        state = read_json(job.state)
    except (OSError, ValueError):
        return False
    return bool(state.get("state") == "running" and state.get("attempt") == attempt)


def main(folder: str, step: str, attempt: str) -> int:
    """As from the command line."""
    job = JobFolder(Path(folder))
    return work(job, step, int(attempt)) if _is_wanted(job, int(attempt)) else STOPPED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
