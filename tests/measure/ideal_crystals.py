"""Ideal MoS2 tables, made from the geometry alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import ColumnTable

A = 3.17
SAMPLING = 0.2
MO, TWO_S, ONE_S = 0, 1, 2
Points = NDArray[np.float64]


def sheet(size: int, a: float = A) -> tuple[Points, NDArray[np.int64]]:
    """(n, 2) positions (x, y) in Å of a sheet around the origin, and classes: zigzag rows along x, Mo at (0, 0)."""
    i, j = (n.ravel() for n in np.meshgrid(np.arange(-size, size + 1), np.arange(-size, size + 1)))
    mo = np.stack([a * (i + j / 2), a * np.sqrt(3) / 2 * j], axis=1)
    return np.concatenate([mo, mo + a / 2 * np.array([1, 1 / np.sqrt(3)])]), np.repeat([MO, TWO_S], len(mo))


def cut(size: int, inside: Callable[[Points], NDArray[np.bool_]], a: float = A) -> tuple[Points, NDArray[np.int64]]:
    """The part of a sheet for which `inside` holds."""
    points, classes = sheet(size, a)
    kept = inside(points)
    return points[kept], classes[kept]


def turned(points: Points, degrees: float) -> Points:
    """Turned from +x towards +y."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return points @ np.array([[c, s], [-s, c]])


def table(
    points: Points, classes: NDArray[np.int64], noise_pm: float = 0, seed: int = 0, **more: object
) -> ColumnTable:
    """A table of columns at (x, y) in Å, the least of them 20 Å from the corner of the image."""
    moved = points - points.min(axis=0) + 20 + np.random.default_rng(seed).normal(0, noise_pm / 100, points.shape)
    ones = np.ones(len(points))
    values = {"votes": 3 * ones.astype(np.int64), "probability": ones} | more
    return ColumnTable(moved[:, ::-1] / SAMPLING, classes, SAMPLING, **values)  # type: ignore[arg-type]


def roomy(made: ColumnTable) -> tuple[int, int]:
    """(y, x) size of an image in which the flake has 20 Å around it."""
    y, x = np.ceil(made.positions.max(axis=0) + 20 / SAMPLING).astype(int).tolist()
    return y, x


def disk(radius: float) -> Callable[[Points], NDArray[np.bool_]]:
    """Within so many Å of the origin."""
    return lambda points: np.linalg.norm(points, axis=1) < radius


def polygon(normals: tuple[float, ...], sides: float, a: float = A) -> Callable[[Points], NDArray[np.bool_]]:
    """Half planes at equal distance from a hexagon centre, their normals in degrees; sides so many constants long.

    Lines through hexagon centres cut bonds in their middle, so with normals 60° or 120° apart every side is a zigzag
    edge of exactly that length: Mo ends those with normals at 30°, 150° and 270°, S the others.
    """
    across = 360 / len(normals)
    distance = sides * a / 2 / np.tan(np.deg2rad(across / 2))
    # Of a hexagon's centre; a triangle's middle is one only if its sides are multiples of three constants.
    middle = np.array([0, a / np.sqrt(3)])
    directions = np.stack([np.cos(np.deg2rad(normals)), np.sin(np.deg2rad(normals))])
    return lambda points: ((points - middle) @ directions < distance).all(axis=1)


HEXAGON = (30.0, 90.0, 150.0, 210.0, 270.0, 330.0)
MO_TRIANGLE, S_TRIANGLE = (30.0, 150.0, 270.0), (90.0, 210.0, 330.0)
