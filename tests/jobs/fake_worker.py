"""A worker with everything but science: what its step does stands in the title of the job.

Started in place of the real command, which it is told as its last argument.
"""

from __future__ import annotations

import errno
import os
import shlex
import sys
import time
import types
from pathlib import Path
from typing import Any

from hrtem_app.jobs import report, worker
from hrtem_app.jobs.folder import JobFolder

report._NEWS = 0.0


def do_step(job: JobFolder, step: str, said: report.Report) -> dict[str, Any]:
    """Count to a number, once in 20 ms, noting each in a file; or go wrong."""
    title = job.read_header().title
    kind, _, rest = title.partition(" ")
    out = Path(job.read_header().request["out"])
    out.mkdir(parents=True, exist_ok=True)
    (out / "pid").write_text(str(os.getpid()))
    said.begin()
    if kind == "count":
        return _count(int(rest), out / "counted", said)
    if kind == "stubborn":
        time.sleep(600)
    if kind == "full":
        raise OSError(errno.ENOSPC, "No space left on device", str(out))
    if kind == "wrong":
        raise ValueError(f"{rest} is wrong: give another")
    if kind == "killed":
        os.kill(os.getpid(), 9)
    if kind == "fill":
        _fill(job.path)
    return {}


def _count(goal: int, path: Path, said: report.Report) -> dict[str, Any]:
    """Goes on with what is in the file."""
    while True:
        count = len(path.read_text().splitlines()) if path.exists() else 0
        if count >= goal:
            return {"counted": count}
        with path.open("a") as file:
            file.write(f"{time.monotonic()} {os.getpid()}\n")
        said.progress((count + 1) / goal, f"{count + 1} of {goal}", rate=50.0, unit="numbers/s")
        said.check()
        time.sleep(0.02)


def _fill(folder: Path) -> None:
    """Take all room that there is."""
    with (folder / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 512)


if __name__ == "__main__":
    module = types.ModuleType("hrtem_app.jobs.steps")
    module.do_step = do_step  # type: ignore[attr-defined]
    sys.modules["hrtem_app.jobs.steps"] = module
    words = shlex.split(sys.argv[1])
    sys.exit(worker.main(*words[words.index("hrtem_app.jobs.worker") + 1 :]))
