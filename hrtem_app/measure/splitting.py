"""Grains that hold several crystals: low-angle boundaries, across which the grains of an analysis are one.

For the question which sublattice is Mo they are, but a single lattice does not fit both sides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree
from skimage.filters import threshold_otsu

from hrtem_app.measure.indexing import IndexedGrain, index_grain

# The orientation around a column is the mean over so many Å; its noise is then some tenths of a degree.
_AROUND = 6.0
# Two crystals are turned against each other by this many degrees at least; a bend may make as much between two halves.
_LEAST_TURN = 3.0


def honeycombs(
    points: NDArray[np.float64],
    rows: NDArray[np.int64],
    side: NDArray[np.int64],
    bonds: NDArray[np.int64],
    smallest: int,
) -> list[IndexedGrain]:
    """The parts of a grain that have one honeycomb each; arguments as of `index_grain`.

    Where bonds do not fit a single honeycomb, the columns are divided by the orientation around them (at the threshold
    of Otsu, IEEE Trans. Syst. Man Cybern. 9, 62, 1979). This stands if it explains most of the misfits: a dislocation
    within a crystal stays one, wherever the crystal is cut.
    """
    parts = index_grain(points, rows, side, bonds, smallest)
    misfits = sum(part.misfits for part in parts)
    if misfits == 0:
        return parts
    turn = _orientations(points, rows, bonds)
    first = turn > threshold_otsu(turn)
    if min(first.sum(), (~first).sum()) < smallest or turn[first].mean() - turn[~first].mean() < _LEAST_TURN:
        return parts
    divided = [
        part
        for half in (rows[first], rows[~first])
        for part in honeycombs(points, half, side, bonds[np.isin(bonds, half).all(axis=1)], smallest)
    ]
    return divided if 2 * sum(part.misfits for part in divided) < misfits else parts


def _orientations(
    points: NDArray[np.float64], rows: NDArray[np.int64], bonds: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(m,) orientation around each column in degrees, relative to the mean; bonds repeat every 60°."""
    vectors = points[bonds[:, 1]] - points[bonds[:, 0]]
    phase = np.exp(6j * np.arctan2(vectors[:, 1], vectors[:, 0]))
    star = np.zeros(len(rows), complex)
    for end in np.searchsorted(rows, bonds).T:
        np.add.at(star, end, phase)
    pairs = cKDTree(points[rows]).query_pairs(_AROUND, output_type="ndarray")
    near = sparse.coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(rows), len(rows)))
    around = star + near @ star + near.T @ star
    turned: NDArray[np.float64] = np.rad2deg(np.angle(around * around.sum().conjugate()) / 6)
    return turned
