"""The ring of six spots that a hexagonal lattice makes in a power spectrum, its radius and angle being unknown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

SIXTH = np.pi / 3
# A sixth of a turn in steps of 0.1°; three of them are the half plane that a real image's spectrum has.
_ANGLES = 600
_TURN = SIXTH / _ANGLES
# In pixels of the spectrum: from radius to radius, and the blur of its amplitude. A spot is about two wide.
_STEP = 0.25
_BLUR = 0.7
# A peak is the greatest within ±1 pixel and ±1°; what rises towards the border of a search belongs to another ring.
_NEIGHBOURS = (9, 21)
_BEYOND = 6


@dataclass(frozen=True)
class Ring:
    """Six spots of a hexagonal lattice in a power spectrum.

    Parameters
    ----------
    radius
        Of the ring, in cycles per pixel.
    angle
        Of the first spot in rad, in [0, π/3), from the kx axis towards ky.
    strength
        Geometric mean over the three pairs of spots of the amplitude over its median on the ring.
    """

    radius: float
    angle: float
    strength: float


def find_ring(power: NDArray[np.floating], low: float, high: float) -> Ring | None:
    """The strongest ring of six spots.

    Parameters
    ----------
    power
        (y, x) as `hrtem_app.imaging.lattice_filter.power_spectrum` gives it.
    low, high
        Radii between which it is sought, in cycles per pixel.

    Returns
    -------
    None where no place between the radii stands out from its neighbours, or the spectrum does not reach that far.
    """
    step = _STEP / max(power.shape)
    high = min(high, 0.5 - _BEYOND * step)
    if not (0 < low < high and power.any()):
        return None
    radii = low + step * np.arange(-_BEYOND, round((high - low) / step) + _BEYOND + 1)
    strength = _strengths(power, radii)
    peak = ndimage.maximum_filter(strength, _NEIGHBOURS, mode=("nearest", "wrap")) == strength
    peak &= ((radii >= low) & (radii <= high))[:, np.newaxis]
    if not peak.any():
        return None
    row, column = np.unravel_index(np.where(peak, strength, -np.inf).argmax(), strength.shape)
    radius = radii[row] + step * _vertex(np.log(strength[row - 1 : row + 2, column]))
    return Ring(float(radius), float(column * _TURN), float(strength[row, column]))


def _vertex(values: NDArray[np.float64]) -> float:
    """Where a parabola through values at -1, 0 and 1 has its top, if the middle one is the greatest."""
    before, middle, after = values
    bend = before - 2 * middle + after
    return float((before - after) / 2 / bend) if bend < 0 else 0.0


def _strengths(power: NDArray[np.floating], radii: NDArray[np.float64]) -> NDArray[np.float64]:
    """(radii, 600) how much three places, 60° apart, stand out from the ring that they lie on."""
    height, width = power.shape
    amplitude = ndimage.gaussian_filter(np.sqrt(power), _BLUR)
    angles = np.arange(3 * _ANGLES) * _TURN
    rows = height // 2 + height * radii[:, np.newaxis] * np.sin(angles)
    columns = width // 2 + width * radii[:, np.newaxis] * np.cos(angles)
    rings = ndimage.map_coordinates(amplitude, [rows, columns], order=1, mode="grid-wrap").astype(float)
    tiny = np.finfo(np.float32).tiny
    rings /= np.maximum(np.median(rings, axis=1, keepdims=True), tiny)
    logarithms = np.log(np.maximum(rings, tiny)).reshape(len(radii), 3, _ANGLES)
    strengths: NDArray[np.float64] = np.exp(logarithms.mean(axis=1))
    return strengths
