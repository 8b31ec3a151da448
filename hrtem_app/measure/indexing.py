"""Which place of a honeycomb each column of a grain takes.

A walk from bond to bond counts lattice vectors, so it stays right where strain or a bend adds up to more than a bond
over the whole grain. Of the two sublattices A is the grain's side +1 and B its side -1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order, connected_components

from hrtem_app.measure.lattice import fit_lattice

# The bond k = 0, 1, 2 of A in the cell (i, j) goes to B in the cell (i, j) - STEPS[k]; that of B to A in the cell plus
# STEPS[k]. With B at (1/3, 1/3) of a cell, bonds of A are BONDS in lattice coordinates, 120° from each other.
STEPS = np.array([[0, 0], [1, 0], [0, 1]])
BONDS = 1 / 3 - STEPS
# A bond may be turned by this fraction of 120° against its grain; at one half it would be that of a twin.
_MOST_TURNED = 0.25


@dataclass(frozen=True, eq=False)
class IndexedGrain:
    """Columns of a grain with their places on its honeycomb.

    Parameters
    ----------
    rows
        (m,) of the table.
    cells
        (m, 2) whole numbers (i, j) of the cell.
    sublattice
        (m,) 0 for A, 1 for B.
    misfits
        How many bonds join columns that are no neighbours by their places, and how many columns had a place that was
        taken: around a dislocation both are unavoidable.
    """

    rows: NDArray[np.int64]
    cells: NDArray[np.int64]
    sublattice: NDArray[np.int64]
    misfits: int

    @property
    def coordinates(self) -> NDArray[np.float64]:
        """(m, 2) in units of the lattice vectors."""
        return lattice_coordinates(self.cells, self.sublattice)


def lattice_coordinates(cells: NDArray[np.int64], sublattice: NDArray[np.int64]) -> NDArray[np.float64]:
    """(m, 2) coordinates of sites in units of the lattice vectors."""
    coordinates: NDArray[np.float64] = cells + sublattice[:, np.newaxis] / 3
    return coordinates


def index_grain(
    points: NDArray[np.float64],
    rows: NDArray[np.int64],
    side: NDArray[np.int64],
    bonds: NDArray[np.int64],
    smallest: int,
) -> list[IndexedGrain]:
    """Walk over the bonds of a grain, part by part where no walk reaches everything; the largest part comes first.

    Bonds that join two columns of one sublattice, or that point elsewhere than those of their grain, do not count. So
    the two domains of a mirror twin, whose bonds point in opposite directions, are two parts.

    Parameters
    ----------
    points
        (n, 2) all columns (x, y) in Å.
    rows
        (m,) those of the grain, ascending.
    side
        (n,) +1 or -1 for columns of the grain.
    bonds
        (b, 2) rows of columns of the grain that are a bond apart.
    smallest
        Parts of fewer columns are left out.
    """
    bonds = bonds[side[bonds[:, 0]] != side[bonds[:, 1]]]
    bonds = np.where(side[bonds[:, :1]] > 0, bonds, bonds[:, ::-1])
    direction, fits = _directions(points[bonds[:, 1]] - points[bonds[:, 0]])
    ends, direction = np.searchsorted(rows, bonds[fits]), direction[fits]
    # Zero means "no bond" to a sparse matrix.
    graph = sparse.coo_array((direction + 1, (ends[:, 0], ends[:, 1])), shape=(len(rows), len(rows))).tocsr()
    graph = (graph + graph.T).tocsr()
    _, part = connected_components(graph, directed=False)
    size = np.bincount(part)
    large = [number for number in np.argsort(-size, kind="stable").tolist() if size[number] >= smallest]
    cells = np.zeros((len(rows), 2), np.int64)
    for number in large:
        _walk(graph, int((part == number).argmax()), side[rows], cells)
    is_open = (cells[ends[:, 1]] - cells[ends[:, 0]] != -STEPS[direction]).any(axis=1)
    open_bonds = np.bincount(part[ends[is_open, 0]], minlength=len(size))
    found = [_indexed(points, rows, cells, side[rows], np.flatnonzero(part == number)) for number in large]
    misfits = [int(open_bonds[number]) + int(size[number]) for number in large]
    return [
        replace(grain, misfits=misfit - len(grain.rows))
        for grain, misfit in zip(found, misfits, strict=True)
        if len(grain.rows) >= smallest
    ]


def _indexed(
    points: NDArray[np.float64],
    rows: NDArray[np.int64],
    cells: NDArray[np.int64],
    side: NDArray[np.int64],
    members: NDArray[np.int64],
) -> IndexedGrain:
    """One part of a grain; of several columns on one place the nearest to it stays."""
    sublattice = (side < 0).astype(np.int64)
    places = np.column_stack([cells[members], sublattice[members]])
    # Three places that a walk joins are never on a line.
    if 3 <= len(np.unique(places, axis=0)) < len(members):
        coordinates = lattice_coordinates(cells[members], sublattice[members])
        off = points[rows[members]] - fit_lattice(coordinates, points[rows[members]]).places(coordinates)
        order = np.argsort(np.linalg.norm(off, axis=1), kind="stable")
        members, places = members[order], places[order]
    _, first = np.unique(places, axis=0, return_index=True)
    kept = np.sort(members[first])
    return IndexedGrain(rows[kept], cells[kept], sublattice[kept], 0)


def _directions(vectors: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(b,) which of the three bonds each vector from A to B is, and whether it is one."""
    angle = np.arctan2(vectors[:, 1], vectors[:, 0])
    turn = np.angle(np.exp(3j * angle).sum()) / 3
    thirds = (angle - turn) / (2 * np.pi / 3)
    nearest = np.rint(thirds)
    return nearest.astype(np.int64) % 3, np.abs(thirds - nearest) < _MOST_TURNED


def _walk(graph: sparse.csr_array, start: int, side: NDArray[np.int64], cells: NDArray[np.int64]) -> None:
    """Set the cells of all columns that can be reached from `start`, whose own is (0, 0)."""
    order, before = breadth_first_order(graph, start, directed=False)
    reached = order[1:]
    steps = STEPS[np.asarray(graph[before[reached], reached]).ravel() - 1] * side[reached, np.newaxis]
    known = {start: (0, 0)}
    for column, parent, (i, j) in zip(reached.tolist(), before[reached].tolist(), steps.tolist(), strict=True):
        known[column] = (known[parent][0] + i, known[parent][1] + j)
    cells[order] = [known[column] for column in order.tolist()]
