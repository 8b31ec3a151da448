"""The sites of a grain's lattice: where a column is, where one is missing, and what lies outside of the flake."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from hrtem_app.measure.indexing import STEPS, IndexedGrain, lattice_coordinates
from hrtem_app.measure.lattice import Lattice

# Empty cells around the grain: an empty site at its rim then has all its neighbours.
_PADDING = 2
# A column that is no part of the lattice takes a site within this distance in Å.
_SAME_PLACE = 1.2
# A lattice constant: a gap to the next grain that no column would fit into is not the outside.
_TOUCHING = 3.2


class State(IntEnum):
    """What is at a site."""

    COLUMN = 0  # a column of the grain
    TAKEN = 1  # inside of the grain, a column that is not part of its lattice
    MISSING = 2  # inside of the grain, nothing
    OUTSIDE = 3  # beyond the grain's edge, nothing
    HOLE = 4  # like OUTSIDE, in a hole of the grain
    UNSEEN = 5  # beyond the grain's rim, out of the image or where another grain begins


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What is around the lattice of a grain.

    Parameters
    ----------
    low, high
        (2,) the part (x, y) of the image in Å within which a missing column would be noticed.
    strangers
        (s, 2) columns (x, y) in Å that are not part of the lattice.
    material
        (s,) which of these are part of a crystal, so that the flake goes on there.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    strangers: NDArray[np.float64]
    material: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Sites:
    """Sites of a grain's lattice, in a parallelogram around it.

    Parameters
    ----------
    rows
        (s,) row of the table, -1 where there is no column.
    neighbours
        (s, 3) nearest sites, in the order of `indexing.BONDS`; those of the outermost sites mean nothing.
    coordinates
        (s, 2) in units of the lattice vectors.
    sublattice
        (s,) 0 for A, 1 for B.
    points
        (s, 2) positions (x, y) in Å: of the column, or where it is expected from those around.
    state
        (s,) a `State`.
    """

    rows: NDArray[np.int64]
    neighbours: NDArray[np.int64]
    coordinates: NDArray[np.float64]
    sublattice: NDArray[np.int64]
    points: NDArray[np.float64]
    state: NDArray[np.int64]

    @property
    def filled(self) -> NDArray[np.bool_]:
        """(s,) which sites are part of the flake."""
        part: NDArray[np.bool_] = self.state <= State.MISSING
        return part


def find_sites(
    grain: IndexedGrain,
    lattice: Lattice,
    points: NDArray[np.float64],
    around: Surroundings,
    largest_vacancy: int,
) -> Sites:
    """Find out what is at each site.

    Empty sites that are joined by bonds are one gap. A gap that columns enclose is a vacancy or, where it is larger
    than `largest_vacancy` sites, a hole; the one that reaches the rim of the parallelogram is the outside.

    Parameters
    ----------
    grain, lattice
        The places of its columns, and the lattice that was fitted to them.
    points
        (n, 2) all columns (x, y) in Å.
    around
        Image and other columns.
    largest_vacancy
        In sites.
    """
    first = grain.cells.min(axis=0) - _PADDING
    shape = tuple(grain.cells.max(axis=0) + _PADDING + 1 - first)
    number = np.arange(2 * shape[0] * shape[1])
    i, j, sublattice = np.unravel_index(number, (*shape, 2))
    cells = np.column_stack([i, j]) + first
    rows = np.full(len(number), -1, np.int64)
    own = np.ravel_multi_index((*(grain.cells - first).T, grain.sublattice), (*shape, 2))
    rows[own] = grain.rows
    sign = np.where(sublattice == 0, -1, 1)[:, np.newaxis]
    beyond = [np.clip(n[:, np.newaxis] + sign * STEPS[:, axis], 0, shape[axis] - 1) for axis, n in enumerate((i, j))]
    neighbours = np.ravel_multi_index(
        (*beyond, np.broadcast_to(1 - sublattice[:, np.newaxis], beyond[0].shape)), (*shape, 2)
    )
    coordinates = lattice_coordinates(cells, sublattice)
    expected = _expected(lattice.places(coordinates), rows, neighbours, points)
    rim = (i == 0) | (j == 0) | (i == shape[0] - 1) | (j == shape[1] - 1)
    state = _states(rows, neighbours, expected, rim, around, largest_vacancy)
    return Sites(rows, neighbours, coordinates, sublattice, expected, state)


def _expected(
    ideal: NDArray[np.float64], rows: NDArray[np.int64], neighbours: NDArray[np.int64], points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(s, 2) positions; an empty site is displaced as its neighbours are, whose displacements it takes the mean of."""
    full = rows >= 0
    shift, known = np.zeros_like(ideal), full.astype(float)
    shift[full] = points[rows[full]] - ideal[full]
    for _ in range(2):
        weight = known[neighbours].sum(axis=1)
        mean = (shift * known[:, np.newaxis])[neighbours].sum(axis=1) / np.maximum(weight, 1)[:, np.newaxis]
        new = (known == 0) & (weight > 0)
        shift[new], known[new] = mean[new], 1
    return ideal + shift


def _states(
    rows: NDArray[np.int64],
    neighbours: NDArray[np.int64],
    points: NDArray[np.float64],
    rim: NDArray[np.bool_],
    around: Surroundings,
    largest_vacancy: int,
) -> NDArray[np.int64]:
    empty = rows < 0
    gap = _gaps(empty, neighbours, rim)
    outside = np.zeros(gap.max(initial=0) + 1, bool)
    outside[gap[rim]] = True
    size = np.bincount(gap[empty], minlength=len(outside))
    enclosed = empty & ~outside[gap]
    state = np.where(empty, State.OUTSIDE, State.COLUMN).astype(np.int64)
    state[enclosed] = np.where(size[gap[enclosed]] > largest_vacancy, State.HOLE, State.MISSING)
    state[(state == State.MISSING) & _near(points, around.strangers, _SAME_PLACE)] = State.TAKEN
    beyond = empty & ((points < around.low) | (points > around.high)).any(axis=1)
    beyond |= _near(points, around.strangers, _SAME_PLACE)
    beyond |= _near(points, around.strangers[around.material], _TOUCHING)
    state[beyond & (state >= State.OUTSIDE)] = State.UNSEEN
    return state


def _gaps(empty: NDArray[np.bool_], neighbours: NDArray[np.int64], rim: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(s,) number of the connected part of empty sites."""
    # The rim's own neighbours lie outside of the parallelogram.
    starts = np.flatnonzero(empty & ~rim)
    ends = neighbours[starts]
    joined = empty[ends]
    pairs = np.repeat(starts, joined.sum(axis=1)), ends[joined]
    graph = sparse.coo_array((np.ones(len(pairs[0])), pairs), shape=(len(empty), len(empty)))
    _, gap = connected_components(graph, directed=False)
    return np.asarray(gap, np.int64)


def _near(points: NDArray[np.float64], others: NDArray[np.float64], reach: float) -> NDArray[np.bool_]:
    """(s,) which points have another one within reach."""
    if len(others) == 0:
        return np.zeros(len(points), bool)
    distance, _ = cKDTree(others).query(points, distance_upper_bound=reach)
    near: NDArray[np.bool_] = np.isfinite(distance)
    return near
