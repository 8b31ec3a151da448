"""Neighbouring columns and their distances in projection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

# Bonds are a/√3 = 1.83 Å long in projection, as in `inference.grains`; neighbours of one sublattice are a = 3.17 Å
# apart, and their next ones √3 a = 5.5 Å.
BOND = (1.25, 2.4)
SAME_SUBLATTICE = (2.4, 4.2)
PAIRS = ("Mo-S", "Mo-Mo", "S-S")
MO = 0


@dataclass(frozen=True, eq=False)
class Distances:
    """Distances of nearest neighbours of one kind.

    Parameters
    ----------
    pair
        `Mo-S`, `Mo-Mo` or `S-S`; sulphur is 2S and 1S alike.
    rows
        (p, 2) rows of the table that make each pair.
    values
        (p,) in Å.
    """

    pair: str
    rows: NDArray[np.int64]
    values: NDArray[np.float64]

    @property
    def mean(self) -> float:
        """In Å; NaN for no pairs."""
        return float(self.values.mean()) if len(self.values) else float("nan")

    @property
    def deviation(self) -> float:
        """Standard deviation of the sample in Å; NaN for fewer than two pairs."""
        return float(self.values.std(ddof=1)) if len(self.values) > 1 else float("nan")


def pairs_within(points: NDArray[np.float64], reach: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(p, 2) rows of all pairs that are no farther apart than `reach`, and (p,) their distances."""
    if len(points) == 0:
        return np.empty((0, 2), np.int64), np.empty(0)
    pairs = cKDTree(points).query_pairs(reach, output_type="ndarray").astype(np.int64)
    return pairs, np.linalg.norm(points[pairs[:, 1]] - points[pairs[:, 0]], axis=1)


def nearest_distances(
    classes: NDArray[np.int64], pairs: NDArray[np.int64], length: NDArray[np.float64], chosen: NDArray[np.bool_]
) -> tuple[Distances, ...]:
    """Distances of each kind of `PAIRS`, in that order.

    Parameters
    ----------
    classes
        (n,) of the columns.
    pairs, length
        All pairs up to 4.2 Å, and their distances in Å: between Mo and S 1.25-2.4 Å, otherwise 2.4-4.2 Å are taken for
        nearest neighbours.
    chosen
        (n,) columns that count; both of a pair must.
    """
    both = chosen[pairs].all(axis=1)
    metals = (classes[pairs] == MO).sum(axis=1)
    ranges = {"Mo-S": (1, BOND), "Mo-Mo": (2, SAME_SUBLATTICE), "S-S": (0, SAME_SUBLATTICE)}
    found = []
    for pair in PAIRS:
        number, (least, most) = ranges[pair]
        those = both & (metals == number) & (length >= least) & (length <= most)
        found.append(Distances(pair, pairs[those], length[those]))
    return tuple(found)
