"""Where the spots of hexagonal lattices lie in Fourier space, and the mask that takes them out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrtem_app.recipe import LatticeFilter

SIXTH = np.pi / 3


def ring_radii(settings: LatticeFilter) -> tuple[float, ...]:
    """Radii in 1/Å of the rings of a hexagonal lattice: 2/(√3 a) times 1, √3 and 2."""
    first = 2 / (np.sqrt(3) * settings.lattice_constant)
    return tuple(float(first * factor) for factor in (1, np.sqrt(3), 2)[: settings.rings])


def spot_positions(angles: tuple[float, ...], settings: LatticeFilter) -> NDArray[np.float64]:
    """Where the spots of the lattices lie.

    Parameters
    ----------
    angles
        Angle in rad of the first spot of each lattice.
    settings
        The lattice constant and the number of rings.

    Returns
    -------
    (m, 3) rows (ky, kx, ring): six spots per ring and lattice; the second ring is turned by 30°.
    """
    rows = []
    for angle in angles:
        for number, radius in enumerate(ring_radii(settings), start=1):
            turned = angle + (np.pi / 6 if number == 2 else 0) + SIXTH * np.arange(6)
            rows += [(radius * np.sin(t), radius * np.cos(t), number) for t in turned]
    return np.array(rows, dtype=float).reshape(-1, 3)


def filter_mask(
    shape: tuple[int, int], sampling: float, angles: tuple[float, ...], settings: LatticeFilter
) -> NDArray[np.float32]:
    """The product of a disk with a Fermi edge, m(d) = 1 - 1/(1 + exp((d - r)/w)), over all spots.

    Parameters
    ----------
    shape
        (y, x) of the frames.
    sampling
        Å per pixel.
    angles
        Angle in rad of the first spot of each lattice.
    settings
        Radius r and edge w in 1/Å, rings and lattice constant.

    Returns
    -------
    (y, x) float32 in the layout of `numpy.fft.fft2`; the mean (DC) is always kept.
    """
    ky, kx = np.fft.fftfreq(shape[0], sampling), np.fft.fftfreq(shape[1], sampling)
    mask = np.ones(shape, np.float32)
    reach = mask_reach(settings)
    for spot_y, spot_x, _ in spot_positions(angles, settings):
        rows, columns = np.flatnonzero(np.abs(ky - spot_y) < reach), np.flatnonzero(np.abs(kx - spot_x) < reach)
        distance = np.hypot(ky[rows, np.newaxis] - spot_y, kx[columns] - spot_x)
        mask[np.ix_(rows, columns)] *= fermi_edge(distance, settings)
    mask[0, 0] = 1
    return mask


def mask_reach(settings: LatticeFilter) -> float:
    """Distance from a spot in 1/Å beyond which the mask is 1, to a part in ten million."""
    return settings.radius + 16 * settings.edge


def fermi_edge(distance: NDArray[Any], settings: LatticeFilter) -> NDArray[Any]:
    """1 - 1/(1 + exp((d - r)/w)), what is left at distances d in 1/Å from a spot; in the type of these."""
    left: NDArray[Any] = 1 - 1 / (1 + np.exp((distance - settings.radius) / settings.edge))
    return left
