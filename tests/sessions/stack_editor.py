"""A program to kill: for each folder that it is told, a child that edits one time point after the other."""

from __future__ import annotations

import os
import sys
from itertools import count
from pathlib import Path

import numpy as np

from hrtem_app.columns import ColumnTable
from hrtem_app.correction import Corrections, Move
from hrtem_app.series import FocalSeries
from hrtem_app.sessions import Autosave, SessionContent, StackContent, StackPoint
from hrtem_app.timelapse import split

# Edits until the next time point is on screen; how often the editor waits for the disk.
RUN, WAIT, POINTS = 7, 10, 3


def begin() -> list[StackPoint]:
    """A film without files, its columns as yet uncorrected."""
    film = FocalSeries(np.random.default_rng(0).random((2 * POINTS, 20, 20)), name="film")
    points = []
    for point in split(film, 2):
        rng = np.random.default_rng(point.number)
        positions, classes = rng.random((50, 2)), rng.integers(0, 3, 50)
        table = ColumnTable(positions, classes, 0.2, rng.integers(1, 4, 50), rng.random(50))
        points.append(StackPoint(point, point.load(), None, Corrections.begin(table)))
    return points


def edited(points: list[StackPoint], state: int) -> None:
    """One edit more, at the time point that is on screen then."""
    number = state // RUN % POINTS
    held = points[number]
    assert held.corrections is not None
    move = Move(ids=(state % 50,), positions=((state + 0.1, state / 3),))
    points[number] = StackPoint(held.point, held.series, None, held.corrections.do(move))


def content(points: list[StackPoint], state: int) -> SessionContent:
    """What is noted then."""
    held = points[state // RUN % POINTS]
    assert held.series is not None
    stack = StackContent(tuple(points))
    return SessionContent(held.series, corrections=held.corrections, view={"state": state}, stack=stack)


def after(state: int) -> SessionContent:
    """The same, made from the start."""
    points = begin()
    for number in range(state + 1):
        edited(points, number)
    return content(points, state)


def edit_until_killed(root: Path) -> None:
    """Note one state after the other; tell which ones are on the disk for certain."""
    autosave = Autosave(root, on_problem=lambda text: print(text, flush=True))  # noqa: T201
    points = begin()
    for state in count():
        edited(points, state)
        autosave.note(content(points, state))
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
