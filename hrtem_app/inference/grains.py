"""Grains of one orientation, and the two sublattices of each.

Seen along the beam MoS2 is a honeycomb whose two sublattices differ in the direction of their three nearest neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from hrtem_app.recipe import Sublattice

# Nearest neighbours are a/√3 = 1.83 Å apart; the next nearest 3.17 Å.
_BOND = (1.25, 2.4)


@dataclass(frozen=True, eq=False)
class Grains:
    """The grains of a set of columns.

    Parameters
    ----------
    label
        (n,) grain of each column; -1 for a column that belongs to none.
    side
        (n,) which sublattice of its grain, +1 or -1; 0 for none.
    bonds
        (n,) how many nearest neighbours each column has, three inside of a crystal.
    """

    label: NDArray[np.int64]
    side: NDArray[np.int64]
    bonds: NDArray[np.int64]

    @property
    def number(self) -> int:
        """How many grains there are."""
        return int(self.label.max(initial=-1)) + 1

    def rows(self, grain: int) -> NDArray[np.int64]:
        """The columns of a grain."""
        return np.flatnonzero(self.label == grain)


def find_grains(positions: NDArray[np.float64], settings: Sublattice) -> Grains:
    """Group columns into grains of one orientation, and split each grain into its two sublattices.

    The three bonds of a column lie 120° apart, so the mean of exp(3iφ) over them is +exp(3iθ) on one sublattice and
    -exp(3iθ) on the other, θ being the orientation of the grain.

    Parameters
    ----------
    positions
        (n, 2) in Å.
    settings
        The least number of columns in a grain.
    """
    count = len(positions)
    label, side = np.full(count, -1, np.int64), np.zeros(count, np.int64)
    bonds = cKDTree(positions).query_pairs(_BOND[1], output_type="ndarray") if count else np.empty((0, 2), np.int64)
    vectors = positions[bonds[:, 1]] - positions[bonds[:, 0]]
    long_enough = np.linalg.norm(vectors, axis=1) >= _BOND[0]
    bonds, vectors = bonds[long_enough], vectors[long_enough]
    number = np.bincount(bonds.ravel(), minlength=count).astype(np.int64)
    if len(bonds) == 0:
        return Grains(label, side, number)
    # Of opposite bonds exp(3iφ) has opposite signs.
    phase = np.exp(3j * np.arctan2(vectors[:, 0], vectors[:, 1]))
    star = np.zeros(count, complex)
    np.add.at(star, bonds[:, 0], phase)
    np.add.at(star, bonds[:, 1], -phase)
    joined = bonds[_same_orientation(star, bonds)]
    graph = sparse.coo_array((np.ones(len(joined)), (joined[:, 0], joined[:, 1])), shape=(count, count))
    _, parts = connected_components(graph, directed=False)
    for grain, part in enumerate(np.flatnonzero(np.bincount(parts) >= settings.columns)):
        rows = np.flatnonzero(parts == part)
        axis = np.exp(0.5j * np.angle((star[rows] ** 2).sum()))
        label[rows], side[rows] = grain, np.where((star[rows] * axis.conjugate()).real >= 0, 1, -1)
    return Grains(label, side, number)


def _same_orientation(star: NDArray[np.complex128], bonds: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which bonds join columns whose surroundings are turned alike, to within 10°.

    The square of a column's star has lost the sign of the sublattice; the surroundings are two rounds of neighbours.
    """
    field = star**2
    for _ in range(2):
        spread = field.copy()
        np.add.at(spread, bonds[:, 0], field[bonds[:, 1]])
        np.add.at(spread, bonds[:, 1], field[bonds[:, 0]])
        field = spread
    # A turn by δ turns the field by 6δ.
    turned = np.abs(np.angle(field[bonds[:, 0]] * field[bonds[:, 1]].conjugate())) / 6
    alike: NDArray[np.bool_] = turned < np.deg2rad(10)
    return alike
