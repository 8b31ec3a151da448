"""The drift from one table of columns to the next, told by the columns alone.

A lattice fits itself at every lattice vector. What tells these apart are its faults: single sulphurs, missing columns
and edges. So all shifts at which the sublattices come to lie on themselves are compared by what the faults say of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.imaging.shifting import Area
from hrtem_app.timelapse.pairing import inside, mutual_neighbours

LARGEST = 10.0
"""Å: how far the columns of the next time point are sought."""
CLEAR = 6.0
"""Log odds against the best other shift from which a drift counts as clear."""

MO = CLASSES.index("Mo")
# Å: bins of the map of differences, and how near two columns must come to be one.
_BIN, _SAME = 0.15, 0.6
# Å: two shifts nearer than that are one; nearer to the border than that, a column may well be missed.
_APART, _BORDER = 1.2, 2.0
# Of the highest peak of differences: a shift that fewer pairs of columns ask for is not looked at.
_LEAST_PEAK = 0.4
# Probability that a column is missed or taken for another class from one time point to the next.
_ERROR = 0.05


@dataclass(frozen=True)
class ColumnDrift:
    """How far the columns of a time point lie from where they are in the one before.

    Parameters
    ----------
    shift
        (dy, dx) in pixels.
    evidence
        Log odds against the best other shift; infinite where there is no other.
    """

    shift: tuple[float, float]
    evidence: float


def column_drift(
    before: ColumnTable, after: ColumnTable, views: tuple[Area, Area], largest: float = LARGEST
) -> ColumnDrift:
    """Compare the columns of two time points.

    The score of a shift is the log likelihood of what lies on each column's place in the other table, against what the
    sublattices alone would make of it: single sulphurs that meet single sulphurs speak for it, columns that meet none
    or one of another class against it. Of shifts between which the scores do not decide, the smallest is taken.

    Parameters
    ----------
    before, after
        The columns, of one sampling.
    views
        The pixels in which columns of each would have been found.
    largest
        Drift in Å within which it is sought.
    """
    sampling = before.sampling
    points = before.positions * sampling, after.positions * sampling
    shifts = _candidates(points, (before.classes, after.classes), largest)
    if len(shifts) == 0:
        return ColumnDrift((0.0, 0.0), 0.0)
    gains = _gains(np.concatenate([before.classes, after.classes]))
    scores = np.array([_score(before, after, views, shift, gains) for shift in shifts])
    best = int(scores.argmax())
    evidence = float(scores[best] - np.delete(scores, best).max(initial=-np.inf))
    possible = np.flatnonzero(scores > scores[best] - CLEAR)
    dy, dx = shifts[possible[np.hypot(*shifts[possible].T).argmin()]] / sampling
    return ColumnDrift((float(dy), float(dx)), evidence)


def _candidates(
    points: tuple[NDArray[np.float64], NDArray[np.float64]],
    classes: tuple[NDArray[np.int64], NDArray[np.int64]],
    largest: float,
) -> NDArray[np.float64]:
    """(m, 2) shifts in Å that bring many columns onto columns of the same sublattice."""
    between = np.concatenate(
        [_differences(points[0][own], points[1][other], largest) for own, other in _sublattices(*classes)]
    )
    if len(between) == 0:
        return np.empty((0, 2))
    edges = np.arange(-largest - 2 * _BIN, largest + 3 * _BIN, _BIN)
    counts = ndimage.gaussian_filter(np.histogram2d(between[:, 0], between[:, 1], bins=[edges, edges])[0], 1.0)
    wide = 2 * round(_APART / _BIN / 2) + 1
    is_peak = (counts == ndimage.maximum_filter(counts, wide)) & (counts > _LEAST_PEAK * counts.max())
    places = edges[np.argwhere(is_peak)] + _BIN / 2
    near = cKDTree(between).query_ball_point(places, _SAME)
    return np.array([between[rows].mean(axis=0) for rows in near if rows]).reshape(-1, 2)


def _sublattices(
    before: NDArray[np.int64], after: NDArray[np.int64]
) -> tuple[tuple[NDArray[np.bool_], NDArray[np.bool_]], ...]:
    return (before == MO, after == MO), (before != MO, after != MO)


def _differences(a: NDArray[np.float64], b: NDArray[np.float64], largest: float) -> NDArray[np.float64]:
    """(p, 2) from every point to all those of the other set that are no further away."""
    if len(a) == 0 or len(b) == 0:
        return np.empty((0, 2))
    near = cKDTree(a).sparse_distance_matrix(cKDTree(b), largest, output_type="ndarray")
    between: NDArray[np.float64] = b[near["j"]] - a[near["i"]]
    return between


def _gains(classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """(classes,) how much it says that a column of a class meets one of that class: the rarer on its sublattice."""
    counts = np.bincount(classes, minlength=len(CLASSES)).astype(float)
    own = np.array([counts[c] if c == MO else counts.sum() - counts[MO] for c in range(len(CLASSES))])
    gains: NDArray[np.float64] = np.log((own + 1) / (counts + 1))
    return gains


def _score(
    before: ColumnTable,
    after: ColumnTable,
    views: tuple[Area, Area],
    shift: NDArray[np.float64],
    gains: NDArray[np.float64],
) -> float:
    sampling = before.sampling
    moved = before.positions + shift / sampling
    back = after.positions - shift / sampling
    pairs = mutual_neighbours(moved, after.positions, _SAME / sampling)
    first, second = before.classes[pairs[:, 0]], after.classes[pairs[:, 1]]
    same = first == second
    margin = _BORDER / sampling
    alone = int(np.delete(inside(views[1], moved, margin), pairs[:, 0]).sum())
    alone += int(np.delete(inside(views[0], back, margin), pairs[:, 1]).sum())
    return float(gains[first[same]].sum() + np.log(_ERROR) * (int((~same).sum()) + alone))
