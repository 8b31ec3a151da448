"""A program to kill: for each folder that it is told, a child that edits and notes there until it is killed."""

from __future__ import annotations

import os
import sys
from itertools import count
from pathlib import Path

import numpy as np

from hrtem_app.columns import ColumnTable
from hrtem_app.correction import Corrections, Delete, Move
from hrtem_app.series import FocalSeries
from hrtem_app.sessions import Autosave, SessionContent

# Edits until the next series or the next table begins; how often the editor waits for the disk.
RUN, WAIT = 24, 10


def base(run: int) -> ColumnTable:
    """Another table for each run."""
    rng = np.random.default_rng(run)
    count = 200 + run
    positions, classes = rng.random((count, 2)), rng.integers(0, 3, count)
    return ColumnTable(positions, classes, 0.2, rng.integers(1, 4, count), rng.random(count))


def corrections(state: int, before: Corrections | None = None) -> Corrections:
    """The history of a state: so many edits of the table of its run; from the state before, where that is at hand."""
    run, edits = divmod(state, RUN)
    history = before if before is not None and edits else Corrections.begin(base(run))
    for number in range(history.position, edits):
        move = Move(ids=(number, number + 1), positions=((run + 0.1 * number, 0.2), (0.3, number / 3)))
        history = history.do(Delete(ids=(100 + number,)) if number % 5 == 4 else move)
    return history


def series(run: int) -> FocalSeries:
    """Another one in every third run."""
    return FocalSeries(np.random.default_rng(run // 3).random((2, 40, 40)), name=f"series {run // 3}")


def edit_until_killed(root: Path) -> None:
    """Note one state after the other; tell which ones are on the disk for certain."""
    autosave = Autosave(root, on_problem=lambda text: print(text, flush=True))  # noqa: T201
    history = None
    for state in count():
        if state % RUN == 0:
            shown = series(state // RUN)
        history = corrections(state, history)
        autosave.note(SessionContent(shown, corrections=history, view={"state": state}))
        if state % WAIT == 0:
            autosave.flush()
            print(state, flush=True)  # noqa: T201


if __name__ == "__main__":
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            edit_until_killed(Path(line.strip()))
        print("child", child, flush=True)  # noqa: T201
        os.waitpid(child, 0)
        print("dead", flush=True)  # noqa: T201
