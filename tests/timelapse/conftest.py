"""Stacks over time made from the geometry alone, with the truth of what became of every column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hrtem_app.columns import ColumnTable
from hrtem_app.imaging.shifting import Area

SAMPLING = 0.2
MO, TWO_S, ONE_S = 0, 1, 2
A = 3.17


def sheet(size: int, degrees: float = 17.0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(n, 2) positions (y, x) in Å of a sheet around the origin, and classes."""
    i, j = (n.ravel() for n in np.meshgrid(np.arange(-size, size + 1), np.arange(-size, size + 1)))
    mo = np.stack([A * (i + j / 2), A * np.sqrt(3) / 2 * j], axis=1)
    points = np.concatenate([mo, mo + A / 2 * np.array([1, 1 / np.sqrt(3)])])
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return (points @ np.array([[c, s], [-s, c]]))[:, ::-1], np.repeat([MO, TWO_S], len(mo))


@dataclass(frozen=True, eq=False)
class Stack:
    """Tables of all time points, the site of each of their rows, where the content lies, and each site's class."""

    tables: list[ColumnTable]
    site_of_row: list[NDArray[np.int64]]
    drift: NDArray[np.float64]
    shape: tuple[int, int]
    classes: NDArray[np.int64]

    @property
    def views(self) -> list[Area]:
        return [Area(0, self.shape[0], 0, self.shape[1])] * len(self.tables)


def make_table(positions: Any, classes: Any, **more: Any) -> ColumnTable:
    """Columns at (y, x) in pixels."""
    ones = np.ones(len(classes))
    values = {"votes": 3 * ones.astype(np.int64), "probability": ones} | more
    return ColumnTable(np.asarray(positions, float), np.asarray(classes, np.int64), SAMPLING, **values)


def make_stack(
    seed: int = 0,
    time_points: int = 5,
    *,
    drift: float = 8.0,
    jitter: float = 0.08,
    missed: float = 0.02,
    flicker: float = 0.02,
    vacancies: float = 0.05,
    radius: float | None = None,
    shape: tuple[int, int] = (260, 240),
) -> Stack:
    """A sheet, or a disk of it, that drifts by up to so many Å a time point; jitter in Å per axis."""
    rng = np.random.default_rng(seed)
    points, classes = sheet(30, rng.uniform(0, 60))
    classes[(classes == TWO_S) & (rng.random(len(classes)) < vacancies)] = ONE_S
    if radius is not None:
        inside = np.linalg.norm(points, axis=1) < radius
        points, classes = points[inside], classes[inside]
    where, tables, sites, drifts = np.zeros(2), [], [], []
    for number in range(time_points):
        if number:
            angle = rng.uniform(0, 2 * np.pi)
            where = where + rng.uniform(0, drift) * np.array([np.sin(angle), np.cos(angle)])
        found = (points + where + rng.normal(0, jitter, points.shape)) / SAMPLING + np.array(shape) / 2
        seen = np.where((rng.random(len(classes)) < flicker) & (classes != MO), 3 - classes, classes)
        there = (
            (rng.random(len(classes)) >= missed) & (found > 0).all(axis=1) & (found < np.array(shape) - 1).all(axis=1)
        )
        rows = rng.permutation(np.flatnonzero(there))
        tables.append(make_table(found[rows], seen[rows]))
        sites.append(rows)
        drifts.append(where / SAMPLING)
    return Stack(tables, sites, np.array(drifts), shape, classes)


@pytest.fixture
def stack() -> Callable[..., Stack]:
    """Makes a stack, see `make_stack`."""
    return make_stack


@pytest.fixture
def table() -> Callable[..., ColumnTable]:
    """Makes a table, see `make_table`."""
    return make_table


@pytest.fixture
def crystal() -> Callable[..., tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Makes a sheet, see `sheet`."""
    return sheet
