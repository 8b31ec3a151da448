"""Processes: one that outlives whoever started it, one below another, and the end of them."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from hrtem_app.bundle import module_command
from hrtem_app.jobs.files import write_json
from hrtem_app.jobs.folder import JobFolder
from hrtem_app.jobs.owner import Owner

_RUNNER, _WORKER = "hrtem_app.jobs.runner", "hrtem_app.jobs.worker"
COMMAND = "{command}"
# Those that were started from here: asked now and then whether they have ended, so that none stays as a zombie.
_started: list[subprocess.Popen[bytes]] = []


def start_runner(job: JobFolder) -> int:
    """Start the process that takes a job to its end, in a session of its own; returns its number.

    It has no terminal, reads nothing and writes into the job's log, so it goes on when this process, its terminal or
    its window ends.
    """
    _started[:] = [process for process in _started if process.poll() is None]
    with job.log.open("ab") as log:
        process = subprocess.Popen(
            module_command(_RUNNER, [str(job.path)]),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=job.path.parent,
            **_detached(),
        )
    _started.append(process)
    # The process notes itself too; until it does, this tells others that it is on its way.
    with contextlib.suppress(psutil.Error, OSError):
        write_json(job.owner, Owner.of(process.pid).model_dump())
    return process.pid


def _detached() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def start_worker(job: JobFolder, launch: Sequence[str], arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start the process that does a step; it writes to where this one does.

    Parameters
    ----------
    job
        Whose step it is.
    launch
        Words before the command, see `launched`.
    arguments
        Of the worker, behind the job's folder.
    """
    return subprocess.Popen(
        launched(launch, [str(job.path), *arguments]), stdin=subprocess.DEVNULL, cwd=job.path.parent, **_hidden()
    )


def _hidden() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW}
    return {}


def launched(launch: Sequence[str], arguments: Sequence[str]) -> list[str]:
    """The command line of a worker.

    Parameters
    ----------
    launch
        Words that go before it: nothing; those of a launcher of modules, which end in `-m` (torchrun … -m); those of a
        launcher of programs (srun …); or words of which one holds `{command}`, in whose place the command goes
        (sbatch --wait --wrap {command}).
    arguments
        Of the worker.
    """
    command = module_command(_WORKER, arguments)
    if launch and launch[-1] == "-m":
        return [*launch, _WORKER, *arguments]
    if any(COMMAND in word for word in launch):
        return [word.replace(COMMAND, shlex.join(command)) for word in launch]
    return [*launch, *command]


def end_processes(pid: int, patience: float) -> None:
    """End a process of this computer and all below it: asked first, and killed where they do not end in so many s."""
    try:
        first = psutil.Process(pid)
        processes = [*first.children(recursive=True), first]
    except psutil.NoSuchProcess:
        return
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, left = psutil.wait_procs(processes, timeout=patience)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=patience)


def tail_of(path: Path, lines: int = 20) -> str:
    """The last lines of a log; empty where there is none."""
    try:
        return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
