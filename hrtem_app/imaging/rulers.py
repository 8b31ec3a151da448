"""Hexagonal lattices that serve as rulers, and how they can be mistaken for each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hrtem_app.materials import GRAPHENE, MOS2_ON_GRAPHITE

# Lattices nearer to each other than that cannot be told apart by their scale.
_ALIKE = 0.03
_LEAST, _GREATEST = 0.5, 20.0


@dataclass(frozen=True)
class Ruler:
    """A hexagonal lattice.

    Parameters
    ----------
    name
        As on the command line.
    title
        In a sentence.
    constant
        Lattice constant in Å.
    """

    name: str
    title: str
    constant: float

    @property
    def first_ring(self) -> float:
        """Radius in 1/Å of the first ring of spots, 2/(√3 a)."""
        return float(2 / (np.sqrt(3) * self.constant))


RULERS = {
    "graphene": Ruler("graphene", "graphene", GRAPHENE.lattice_constant),
    "mos2": Ruler("mos2", "MoS2", MOS2_ON_GRAPHITE.lattice_constants[0]),
}


def find_ruler(lattice: str | float) -> Ruler:
    """The ruler of a name (in any case), or the one with a lattice constant in Å.

    Raises
    ------
    ValueError
        For a name that is not known, or a number that is no lattice constant.
    """
    known = RULERS.get(str(lattice).lower())
    if known is not None:
        return known
    try:
        constant = float(lattice)
    except ValueError:
        constant = float("nan")
    if not _LEAST < constant < _GREATEST:
        raise ValueError(
            f"there is no lattice '{lattice}': give {', '.join(RULERS)}, or a lattice constant in Å "
            f"between {_LEAST:g} and {_GREATEST:g}"
        )
    return Ruler(f"{constant:g}", f"a lattice of {constant:g} Å", constant)


def other_rulers(ruler: Ruler) -> list[Ruler]:
    """The known lattices that a ruler could be mistaken for."""
    return [other for other in RULERS.values() if abs(np.log(other.constant / ruler.constant)) > _ALIKE]


def nearest_mistake(ruler: Ruler) -> tuple[Ruler, float]:
    """The lattice whose ring is the nearest to the ruler's, and what a mistake multiplies the sampling by.

    First and second rings of the others count. MoS2's first ring taken for graphene's gives 2.46/3.16 = 0.78 times the
    sampling.
    """
    factors = [(o, ruler.constant / o.constant * order) for o in other_rulers(ruler) for order in (1.0, np.sqrt(3))]
    other, factor = min(factors, key=lambda pair: abs(np.log(pair[1])))
    return other, float(factor)
