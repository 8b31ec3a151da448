"""Which of a crystal's two sublattices is molybdenum, decided for a whole grain.

Seen along the beam MoS2 is a honeycomb whose two sublattices differ in the direction of their three nearest
neighbours. Column
by column a network may take Mo for 2S where the defocus leaves it nearly open; but a grain is one crystal, so the
evidence of all its columns counts together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from hrtem_app.recipe import Sublattice

_MO, _TWO_S, _ONE_S = 0, 1, 2
# Nearest neighbours are a/√3 = 1.83 Å apart; the next nearest 3.17 Å.
_BOND = (1.25, 2.4)
# Probabilities are kept this far from 0, so that no single column outweighs a grain.
_LEAST = 0.01


@dataclass(frozen=True, eq=False)
class Grains:
    """The grains of a set of columns.

    Parameters
    ----------
    label
        (n,) grain of each column; -1 for a column that belongs to none.
    side
        (n,) which sublattice of its grain, +1 or -1; 0 for none.
    """

    label: NDArray[np.int64]
    side: NDArray[np.int64]


def decide_sublattices(
    positions: NDArray[np.float64],
    classes: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    settings: Sublattice,
) -> NDArray[np.int64]:
    """Give every column of a decided grain a class that its sublattice allows.

    Parameters
    ----------
    positions
        (n, 2) in Å.
    classes
        (n,) as found, column by column.
    probabilities
        (n, 3) of Mo, 2S and 1S at each column.
    settings
        How many columns a grain needs, and how clear its evidence must be.

    Returns
    -------
    (n,) classes. A grain whose evidence is below `settings.evidence` stays as it was found.
    """
    decided = classes.copy()
    if not settings.enabled or len(classes) == 0:
        return decided
    grains = find_grains(positions, settings)
    p = np.clip(probabilities, _LEAST, 1)
    log_odds = np.log(p[:, _MO] / np.maximum(p[:, _TWO_S], p[:, _ONE_S]))
    for grain in range(int(grains.label.max(initial=-1)) + 1):
        rows = np.flatnonzero(grains.label == grain)
        evidence = grain_evidence(log_odds[rows], grains.side[rows])
        if abs(evidence) < settings.evidence:
            continue
        is_mo = grains.side[rows] * np.sign(evidence) > 0
        sulphur = np.where(p[rows, _ONE_S] > p[rows, _TWO_S], _ONE_S, _TWO_S)
        decided[rows] = np.where(is_mo, _MO, np.where(classes[rows] == _MO, sulphur, classes[rows]))
    return decided


def grain_evidence(log_odds: NDArray[np.float64], side: NDArray[np.int64]) -> float:
    """Mean of the log odds "Mo against S" over a grain, counted with the sign of the sublattice.

    Positive: the sublattice +1 is molybdenum. Near zero: as much speaks for as against.
    """
    return float(np.mean(log_odds * side))


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
    if len(bonds) == 0:
        return Grains(label, side)
    # Of opposite bonds exp(3iφ) has opposite signs.
    phase = np.exp(3j * np.arctan2(vectors[:, 0], vectors[:, 1]))
    star = np.zeros(count, complex)
    np.add.at(star, bonds[:, 0], phase)
    np.add.at(star, bonds[:, 1], -phase)
    joined = bonds[_same_orientation(star, bonds)]
    graph = sparse.coo_array((np.ones(len(joined)), (joined[:, 0], joined[:, 1])), shape=(count, count))
    _, parts = connected_components(graph, directed=False)
    for number, part in enumerate(np.flatnonzero(np.bincount(parts) >= settings.columns)):
        rows = np.flatnonzero(parts == part)
        axis = np.exp(0.5j * np.angle((star[rows] ** 2).sum()))
        label[rows], side[rows] = number, np.where((star[rows] * axis.conjugate()).real >= 0, 1, -1)
    return Grains(label, side)


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
