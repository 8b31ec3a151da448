"""Point defects, and 1S columns that are neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from hrtem_app.measure.crystal import Crystal
from hrtem_app.measure.pairs import MO
from hrtem_app.measure.sites import State

ONE_S = 2
# Names after Zhou et al., Nano Lett. 13, 2615 (2013): V for what is missing, otherwise what stands on whose site.
V_S, V_S2, V_MO, MO_ON_S, S_ON_MO = "V_S", "V_S2", "V_Mo", "Mo_S", "S_Mo"
DEFECT_KINDS = (V_S, V_S2, V_MO, MO_ON_S, S_ON_MO)
# Of neighbours in a row none lies this far off the line, in Å; the next row is 2.7 Å away.
_STRAIGHT = 0.8


@dataclass(frozen=True)
class Defect:
    """A point defect.

    Parameters
    ----------
    kind
        One of `DEFECT_KINDS`: `V_S` one sulphur atom of a pair missing (a 1S column), `V_S2` the pair missing, `V_Mo`
        molybdenum missing, `Mo_S` and `S_Mo` a column on the other sublattice's site.
    x, y
        In Å; of a missing column where its neighbours expect it.
    grain
        Number of the grain; -1 for none.
    rows
        The column itself, if there is one, then its nearest neighbours.
    at_edge
        Whether the column is at the flake's edge.
    """

    kind: str
    x: float
    y: float
    grain: int
    rows: tuple[int, ...]
    at_edge: bool


@dataclass(frozen=True)
class Cluster:
    """1S columns that are neighbours of each other on the sulphur sublattice.

    Parameters
    ----------
    rows
        Of the table.
    line
        Whether three or more stand in a row.
    """

    rows: tuple[int, ...]
    line: bool

    @property
    def size(self) -> int:
        """How many."""
        return len(self.rows)


@dataclass(frozen=True)
class NeighbourPairs:
    """Pairs of neighbouring 1S columns.

    Parameters
    ----------
    found
        How many there are.
    expected
        How many there would be if as many 1S columns were spread at random over the sulphur columns.
    """

    found: int
    expected: float


def missing_columns(crystal: Crystal, inside: NDArray[np.bool_]) -> list[Defect]:
    """`V_Mo` and `V_S2` of a crystal; `inside` (s,) says which sites count."""
    sites = crystal.sites
    found = []
    for site in np.flatnonzero((sites.state == State.MISSING) & inside).tolist():
        rows = sites.rows[sites.neighbours[site]]
        x, y = sites.points[site].tolist()
        kind = V_MO if sites.sublattice[site] == crystal.mo_sublattice else V_S2
        found.append(Defect(kind, x, y, crystal.number, tuple(rows[rows >= 0].tolist()), False))
    return found


def misplaced(
    crystal: Crystal, classes: NDArray[np.int64], pairs: NDArray[np.int64], largest: int
) -> tuple[NDArray[np.int64], int]:
    """Rows whose class does not fit their sublattice, and how many more stand together in larger groups.

    Parameters
    ----------
    crystal
        With a clear decision which sublattice is molybdenum; of others none are told.
    classes
        (n,) of all columns.
    pairs
        (p, 2) rows that are neighbours: by a bond, or on one sublattice.
    largest
        A larger group is no antisite but a twin, or a patch where Mo and S are read the wrong way round.
    """
    wrong = np.zeros(len(classes), bool)
    indexed = crystal.indexed
    wrong[indexed.rows] = (classes[indexed.rows] == MO) != (indexed.sublattice == crystal.mo_sublattice)
    if not crystal.is_clear:
        return np.empty(0, np.int64), 0
    groups = connected_groups(np.flatnonzero(wrong), pairs)
    single = sorted(row for group in groups if len(group) <= largest for row in group)
    return np.array(single, np.int64), int(wrong.sum()) - len(single)


def connected_groups(rows: NDArray[np.int64], pairs: NDArray[np.int64]) -> list[list[int]]:
    """The rows (ascending) in groups that pairs (p, 2) connect, each ascending."""
    if len(rows) == 0:
        return []
    both = np.isin(pairs, rows).all(axis=1)
    ends = np.searchsorted(rows, pairs[both])
    graph = sparse.coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(rows), len(rows)))
    number, group = connected_components(graph, directed=False)
    order = np.argsort(group, kind="stable")
    parts = np.split(rows[order], np.cumsum(np.bincount(group, minlength=number))[:-1])
    return [part.tolist() for part in parts]


def clusters(
    points: NDArray[np.float64], single: NDArray[np.bool_], sulphur: NDArray[np.bool_], pairs: NDArray[np.int64]
) -> tuple[tuple[Cluster, ...], NeighbourPairs]:
    """Clusters of 1S columns, the largest first, and how many pairs chance would make.

    Parameters
    ----------
    points
        (n, 2) columns (x, y) in Å.
    single, sulphur
        (n,) the 1S columns, and all sulphur columns, that count.
    pairs
        (p, 2) rows of neighbouring sulphur columns.
    """
    found = [
        Cluster(tuple(group), len(group) > 2 and _is_straight(points[group]))
        for group in connected_groups(np.flatnonzero(single), pairs)
    ]
    possible = int(sulphur[pairs].all(axis=1).sum())
    n, k = int(sulphur.sum()), int(single.sum())
    chance = k * (k - 1) / (n * (n - 1)) if n > 1 else 0.0
    both = int(single[pairs].all(axis=1).sum())
    return tuple(sorted(found, key=lambda c: -c.size)), NeighbourPairs(both, possible * chance)


def column_defects(
    rows: NDArray[np.int64],
    kinds: Sequence[str],
    points: NDArray[np.float64],
    grain: NDArray[np.int64],
    neighbours: dict[int, list[int]],
    at_edge: NDArray[np.bool_],
) -> list[Defect]:
    """Defects that are columns: 1S and antisites.

    Parameters
    ----------
    rows, kinds
        The columns, and the kind of each.
    points, grain, at_edge
        (n, 2) and (n,) of all columns.
    neighbours
        Rows of the bonded neighbours of each.
    """
    places = points[rows].tolist()
    return [
        Defect(kind, x, y, int(grain[row]), (row, *neighbours.get(row, [])), bool(at_edge[row]))
        for row, kind, (x, y) in zip(rows.tolist(), kinds, places, strict=True)
    ]


def _is_straight(points: NDArray[np.float64]) -> bool:
    centred = points - points.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    return bool(np.abs(centred @ axes[1]).max() < _STRAIGHT)
