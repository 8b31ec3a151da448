"""What is measured: the table in Å, and which of its columns count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.measure import points_in_poly

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.measure.settings import MeasureSettings

_MO, _ONE_S = CLASSES.index("Mo"), CLASSES.index("1S")


@dataclass(frozen=True, eq=False)
class Scene:
    """A table with what is asked of it.

    Parameters
    ----------
    table
        The columns.
    points
        (n, 2) of them as (x, y) in Å.
    region
        (m, 2) corners (x, y) in Å; None: everything.
    inside
        (n,) which columns lie in the region.
    counted
        (n,) which of these are in the counts of classes.
    image
        Corners (x, y) in Å of the part of the image in which missing columns are noticed.
    settings
        As told.
    """

    table: ColumnTable
    points: NDArray[np.float64]
    region: NDArray[np.float64] | None
    inside: NDArray[np.bool_]
    counted: NDArray[np.bool_]
    image: tuple[NDArray[np.float64], NDArray[np.float64]]
    settings: MeasureSettings

    def holds(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(p,) which points (x, y) in Å lie in the region."""
        return _in_region(points, self.region)

    def single_sulphurs(self, rows: NDArray[np.int64]) -> tuple[int, int]:
        """How many 1S columns, and how many of 1S and 2S, are among the rows (r,) and count."""
        classes = self.table.classes[rows[self.counted[rows]]]
        return int((classes == _ONE_S).sum()), int((classes != _MO).sum())


def count_single_sulphurs(table: ColumnTable, settings: MeasureSettings) -> tuple[int, int]:
    """How many 1S columns, and how many of 1S and 2S, `measure` counts; without anything else of it.

    Parameters
    ----------
    table
        The columns.
    settings
        Which of them count, and the region.

    Raises
    ------
    ValueError
        For a region that is none.
    """
    return make_scene(table, settings.region, settings, None).single_sulphurs(np.arange(len(table)))


def make_scene(
    table: ColumnTable,
    region: ArrayLike | None,
    settings: MeasureSettings,
    image_shape: Sequence[int] | None,
) -> Scene:
    """Check what is asked, and say which columns count.

    Parameters
    ----------
    table
        The columns.
    region
        (m, 2) corners of a polygon (y, x) in pixels; None: everything.
    settings
        Which columns are in the counts.
    image_shape
        (y, x) size of the image in pixels; None: its far borders are taken to be at the last columns.

    Raises
    ------
    ValueError
        For a region or an image that is none.
    """
    points = table.positions[:, ::-1] * table.sampling
    corners = None if region is None else _checked_region(region) * table.sampling
    inside = _in_region(points, corners)
    counted = table.votes >= settings.votes
    if settings.decided_only:
        counted &= table.decided
    # No vote overrules a person, and what a person looked at is decided.
    counted = inside & (counted | table.by_hand)
    # Pixel centres are whole numbers, so the image begins half a pixel before 0.
    low = np.full(2, -0.5 * table.sampling)
    if image_shape is not None:
        high = (np.array(_checked_shape(image_shape)[::-1]) - 0.5) * table.sampling
    else:
        high = points.max(axis=0, initial=0.0)
    return Scene(table, points, corners, inside, counted, (low + settings.border, high - settings.border), settings)


def _in_region(points: NDArray[np.float64], corners: NDArray[np.float64] | None) -> NDArray[np.bool_]:
    if corners is None:
        return np.ones(len(points), bool)
    within: NDArray[np.bool_] = np.asarray(points_in_poly(points, corners), bool)
    return within


def _checked_region(region: ArrayLike) -> NDArray[np.float64]:
    """(m, 2) corners (x, y) in pixels."""
    corners = np.asarray(region, float)
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
        raise ValueError(f"a region of shape {corners.shape} is no polygon: give three corners or more, in pixels")
    if not np.isfinite(corners).all():
        raise ValueError(f"the corners {corners.tolist()} of the region are not all finite: give pixels")
    return corners[:, ::-1]


def _checked_shape(image_shape: Sequence[int]) -> tuple[int, int]:
    if len(image_shape) != 2 or min(image_shape) < 1:
        raise ValueError(f"an image of {tuple(image_shape)} pixels is impossible: give its height and its width")
    return int(image_shape[0]), int(image_shape[1])
