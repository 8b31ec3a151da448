"""Which order of which lattice a ring of spots is, told by the other rings that must or must not be there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hrtem_app.imaging.lattice_filter import FAINTEST_LATTICE
from hrtem_app.imaging.lattice_ring import Ring, find_ring
from hrtem_app.imaging.rulers import Ruler, other_rulers

# A ring lies within ±2 % of where it should be. Measured on 50 series: its strength over that of the ring beside it is
# 0.15 at most where another lattice has none, 0.38 at least where it has one.
_PLACE, _SHARE = 0.02, 0.25
# How exactly a second order is turned by 30° against the first.
_TURN = np.deg2rad(1.5)


def lowest_order(power: NDArray[np.floating], ring: Ring, ruler: Ruler) -> Ring:
    """The ruler's first order, where a ring may be a second order or another lattice's.

    Parameters
    ----------
    power
        (y, x) as `hrtem_app.imaging.lattice_filter.power_spectrum` gives it.
    ring
        The strongest of all, say.
    ruler
        The lattice whose first ring is wanted.
    """
    ring = _first_order(power, ring) or ring
    owns = (_own(power, ring, other.constant / ruler.constant) for other in other_rulers(ruler))
    return next((own for own in owns if own is not None), ring)


def other_scale(power: NDArray[np.floating], ring: Ring, ruler: Ruler, stated: float | None) -> float | None:
    """The sampling if a ring taken for the ruler's is another lattice's or a second order, where others speak for that.

    Parameters
    ----------
    power
        (y, x) as above.
    ring
        The one taken for the ruler's first order.
    ruler
        The lattice.
    stated
        Å per pixel, which decides between lattices that are possible; None: unknown.

    Returns
    -------
    Å per pixel; None where nothing speaks against the ring.
    """
    sampling = ring.radius / ruler.first_ring
    if _first_order(power, ring) is not None:
        scales = [sampling * r.constant / ruler.constant / np.sqrt(3) for r in (ruler, *other_rulers(ruler))]
        return float(min(scales, key=lambda scale: abs(np.log(scale / (stated or scales[0])))))
    ratios = [other.constant / ruler.constant for other in other_rulers(ruler)]
    return next((sampling * ratio for ratio in ratios if _own(power, ring, ratio) is not None), None)


def has_companion(power: NDArray[np.floating], ring: Ring, ruler: Ruler) -> bool:
    """Whether another known lattice has its ring where it should be, if a ring is the ruler's."""
    return any(_near(power, ring.radius * ruler.constant / other.constant) for other in other_rulers(ruler))


def _near(power: NDArray[np.floating], radius: float) -> Ring | None:
    """A clear ring at a radius."""
    ring = find_ring(power, radius * (1 - _PLACE), radius * (1 + _PLACE))
    return ring if ring is not None and ring.strength >= FAINTEST_LATTICE else None


def _first_order(power: NDArray[np.floating], ring: Ring) -> Ring | None:
    """The first order of a ring that is a second one: smaller by √3 and turned by 30°."""
    inner = _near(power, ring.radius / np.sqrt(3))
    if inner is None:
        return None
    turn = (inner.angle - ring.angle) % (np.pi / 3) - np.pi / 6
    return inner if abs(turn) < _TURN else None


def _own(power: NDArray[np.floating], ring: Ring, ratio: float) -> Ring | None:
    """The ruler's own ring where the one that was found is that of a lattice larger by a ratio."""
    own = _near(power, ring.radius * ratio)
    return own if own is not None and own.strength >= _SHARE * ring.strength else None
