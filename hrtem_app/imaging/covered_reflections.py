"""Which spots of the lattice filter take reflections of the material with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hrtem_app.imaging.lattice_mask import SIXTH, ring_radii, spot_positions
from hrtem_app.recipe import LatticeFilter


@dataclass(frozen=True)
class CoveredReflection:
    """A spot of the filter that covers a reflection, or may do so.

    Parameters
    ----------
    spot
        Its row in `spot_positions`.
    lattice
        0-based, which of the lattices it is of.
    ring
        1, 2 or 3.
    angle
        Direction of the spot in rad, in [0, 2π), from kx towards ky.
    distance
        From the middle of the spot to the nearest reflection, 1/Å.
    """

    spot: int
    lattice: int
    ring: int
    angle: float
    distance: float


def covered_reflections(
    angles: tuple[float, ...],
    settings: LatticeFilter,
    constants: tuple[float, float],
    orientations: tuple[float, ...] | None = None,
) -> tuple[CoveredReflection, ...]:
    """Spots that are nearer than their radius and edge to a reflection of a hexagonal lattice.

    Parameters
    ----------
    angles
        Angle in rad of the first spot of each lattice that is removed.
    settings
        The filter: radius and edge in 1/Å, rings and lattice constant.
    constants
        Least and greatest lattice constant in Å that the material may have.
    orientations
        Angle in rad of the first reflection of each flake; None: unknown, so every direction counts.
    """
    if not settings.enabled:
        return ()
    spots = spot_positions(angles, settings)
    places = spots[:, 1] + 1j * spots[:, 0]
    distances = _distances(places, ring_radii(settings)[-1] + settings.radius, constants, orientations)
    per_lattice = max(1, 6 * settings.rings)
    return tuple(
        CoveredReflection(
            int(spot),
            int(spot) // per_lattice,
            int(spots[spot, 2]),
            float(np.angle(places[spot]) % (2 * np.pi)),
            float(distances[spot]),
        )
        for spot in np.flatnonzero(distances < settings.radius + settings.edge)
    )


def _distances(
    places: NDArray[np.complexfloating],
    farthest: float,
    constants: tuple[float, float],
    orientations: tuple[float, ...] | None,
) -> NDArray[np.float64]:
    """(m,) distance in 1/Å from places kx + i ky to the nearest reflection, over all lattice constants between two."""
    shortest, longest = (2 / (np.sqrt(3) * constant) for constant in sorted(constants, reverse=True))
    order = int(2 * farthest / shortest) + 1
    h, k = np.mgrid[-order : order + 1, -order : order + 1].reshape(2, -1)
    lattice = (h + k * np.exp(1j * SIXTH))[(h != 0) | (k != 0)]
    if orientations is None:
        sizes = np.unique(np.abs(lattice).round(9))
        radii = np.abs(places)[:, np.newaxis]
        away = np.abs(radii - np.clip(radii, shortest * sizes, longest * sizes))
    else:
        directions = np.concatenate([lattice * np.exp(1j * angle) for angle in orientations])
        sizes, units = np.abs(directions), directions / np.abs(directions)
        along = (places[:, np.newaxis] * units.conj()).real
        away = np.abs(places[:, np.newaxis] - np.clip(along, shortest * sizes, longest * sizes) * units)
    distances: NDArray[np.float64] = away.min(axis=1, initial=np.inf)
    return distances
