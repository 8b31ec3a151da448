"""The crystals of a table: each grain with its lattice, its sites and its sublattices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hrtem_app.inference.grains import Grains, find_grains
from hrtem_app.measure.indexing import IndexedGrain
from hrtem_app.measure.lattice import Lattice, fit_lattice
from hrtem_app.measure.pairs import BOND, MO
from hrtem_app.measure.settings import MeasureSettings
from hrtem_app.measure.sites import Sites, Surroundings, find_sites
from hrtem_app.measure.splitting import honeycombs
from hrtem_app.recipe import Sublattice

# Below this fraction of columns that fit their sublattice it is open which of the two is Mo.
CLEAR = 0.8
# Beyond the columns of a grain, in Å: an empty site there, and what may be next to it.
_AROUND = 6.0


@dataclass(frozen=True, eq=False)
class Crystal:
    """A grain with its lattice.

    Parameters
    ----------
    number
        Of the grain.
    indexed
        Its columns and their places.
    lattice
        Fitted to all of them.
    sites
        What is at each site.
    mo_sublattice
        0 if A is molybdenum, 1 if B is.
    agreement
        Fraction of its columns whose class fits that.
    """

    number: int
    indexed: IndexedGrain
    lattice: Lattice
    sites: Sites
    mo_sublattice: int
    agreement: float

    @property
    def is_clear(self) -> bool:
        """Whether the classes tell which sublattice is molybdenum."""
        return self.agreement >= CLEAR


@dataclass(frozen=True, eq=False)
class Crystals:
    """The crystals of a table.

    Parameters
    ----------
    grains
        Grain and number of bonds of each column.
    crystals
        In the order of their numbers.
    """

    grains: Grains
    crystals: tuple[Crystal, ...]


def find_crystals(
    points: NDArray[np.float64],
    classes: NDArray[np.int64],
    told: NDArray[np.int64],
    pairs: NDArray[np.int64],
    length: NDArray[np.float64],
    image: tuple[NDArray[np.float64], NDArray[np.float64]],
    settings: MeasureSettings,
) -> Crystals:
    """Find grains and fit a lattice to each.

    Grains are found from the positions, so that columns that a person added or moved belong to them; they keep the
    numbers that the table has for most of their columns.

    Parameters
    ----------
    points
        (n, 2) columns (x, y) in Å.
    classes, told
        (n,) classes and the table's numbers of grains.
    pairs, length
        All pairs up to 4.2 Å and their distances in Å.
    image
        Corners (x, y) in Å of the part of the image in which missing columns are noticed.
    settings
        Sizes of grains and vacancies.
    """
    found = find_grains(points[:, ::-1], Sublattice(columns=settings.smallest_grain))
    grains = Grains(_numbered(found, told), found.side, found.bonds)
    bonded = pairs[(length >= BOND[0]) & (length <= BOND[1])]
    bonded = bonded[grains.label[bonded[:, 0]] == grains.label[bonded[:, 1]]]
    of_bond = grains.label[bonded[:, 0]]
    parts: list[IndexedGrain] = []
    for number in np.unique(grains.label[grains.label >= 0]).tolist():
        own = bonded[of_bond == number]
        parts += honeycombs(points, grains.rows(number), grains.side, own, settings.smallest_grain)
    _number_parts(parts, grains, told)
    crystals = []
    for indexed in parts:
        lattice = fit_lattice(indexed.coordinates, points[indexed.rows])
        around = _surroundings(points, grains, indexed.rows, image)
        sites = find_sites(indexed, lattice, points, around, settings.largest_vacancy)
        on_a = float(((classes[indexed.rows] == MO) == (indexed.sublattice == 0)).mean())
        number = int(grains.label[indexed.rows[0]])
        crystals.append(Crystal(number, indexed, lattice, sites, int(on_a < 1 / 2), max(on_a, 1 - on_a)))
    return Crystals(grains, tuple(sorted(crystals, key=lambda crystal: crystal.number)))


def _number_parts(parts: list[IndexedGrain], grains: Grains, told: NDArray[np.int64]) -> None:
    """Give parts of a grain behind its first numbers of their own, that the table does not use."""
    fresh = max(grains.number, int(told.max(initial=-1)) + 1)
    seen: set[int] = set()
    for part in parts:
        number = int(grains.label[part.rows[0]])
        if number in seen:
            grains.label[part.rows] = fresh
            fresh += 1
        seen.add(number)


def _surroundings(
    points: NDArray[np.float64], grains: Grains, rows: NDArray[np.int64], image: tuple[NDArray[np.float64], ...]
) -> Surroundings:
    """What lies near the columns `rows` and is none of them."""
    low, high = points[rows].min(axis=0) - _AROUND, points[rows].max(axis=0) + _AROUND
    strange = ((points > low) & (points < high)).all(axis=1)
    strange[rows] = False
    # Two bonds and more: not just a dot that a network saw beside the flake.
    return Surroundings(image[0], image[1], points[strange], grains.bonds[strange] >= 2)


def _numbered(found: Grains, told: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) numbers of grains, the table's where it has one; the largest grain chooses first."""
    label = np.full_like(found.label, -1)
    used: set[int] = set()
    fresh = int(told.max(initial=-1)) + 1
    for grain in np.argsort(-np.bincount(found.label[found.label >= 0]), kind="stable").tolist():
        rows = found.rows(grain)
        names, counts = np.unique(told[rows][told[rows] >= 0], return_counts=True)
        free = [int(name) for name in names[np.argsort(-counts, kind="stable")] if int(name) not in used]
        number = free[0] if free else fresh
        fresh = max(fresh, number + 1)
        used.add(number)
        label[rows] = number
    return label
