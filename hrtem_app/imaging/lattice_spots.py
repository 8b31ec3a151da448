"""Places of a hexagonal lattice's first-order spots, to a small part of a pixel of the power spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hrtem_app.imaging.lattice_ring import SIXTH, Ring

# Distances in units of a spot's own width, that of exp(-u²) near its top: the part a parabola is fitted to, how far
# a spot may lie from its place in the hexagon, and the ring around it that tells the background.
_PARABOLA = 0.7
_ASTRAY = 1.2
_BACKGROUND = (2.5, 4.5)
# The finely sampled neighbourhood of a spot reaches as far; steps along each side.
_STEPS = 61
# The hexagon is sought within ±2 widths in size and turn.
_HEXAGONS = np.linspace(-2, 2, 41)
_TINY = 1e-30


@dataclass(frozen=True, eq=False)
class Spot:
    """One pair of spots of a lattice.

    Parameters
    ----------
    place
        (2,) frequency (ky, kx) in cycles per pixel.
    covariance
        (2, 2) of it.
    signal
        Power at the top over the background's.
    """

    place: NDArray[np.float64]
    covariance: NDArray[np.float64]
    signal: float


@dataclass(frozen=True, eq=False)
class _Window:
    """A window (y, x), the widths that it gives to a spot, and those that it gives to the slope of the noise.

    Parameters
    ----------
    pixels
        (y, x).
    metric
        (2, 2): a distance d in cycles per pixel is |metric · d| widths of a spot.
    noise
        (2, 2) second moments of the squared window in px².
    """

    pixels: NDArray[np.float64]
    metric: NDArray[np.float64]
    noise: NDArray[np.float64]

    @classmethod
    def of(cls, pixels: NDArray[np.float64]) -> _Window:
        """Measure a window."""
        values, vectors = np.linalg.eigh(_second_moments(pixels))
        metric = 2 * np.pi * vectors @ np.diag(np.sqrt(np.maximum(values, 1))) @ vectors.T
        return cls(pixels, metric, _second_moments(pixels**2))


def find_spots(frames: NDArray[np.float32], window: NDArray[np.float64], ring: Ring) -> tuple[Ring, list[Spot]]:
    """Fit the three pairs of spots of a ring.

    Parameters
    ----------
    frames
        (n, y, x) with mean zero.
    window
        (y, x), see `hrtem_app.imaging.lattice_window`.
    ring
        About where they are.

    Returns
    -------
    The ring of the regular hexagon that fits them best, and the spots in the order of their angles.
    """
    measured = _Window.of(window)
    level = (frames * window).sum(axis=(1, 2)) / window.sum()
    windowed = ((frames - level[:, np.newaxis, np.newaxis]) * window).astype(np.float32)
    patches = [_Patch.around(windowed, place, measured) for place in hexagon(ring)]
    ring = _best_hexagon(patches, ring)
    return ring, [patch.spot(place, measured) for patch, place in zip(patches, hexagon(ring), strict=True)]


def hexagon(ring: Ring) -> NDArray[np.float64]:
    """(3, 2) frequencies (ky, kx) of the first half of a ring's spots, in cycles per pixel."""
    angles = ring.angle + SIXTH * np.arange(3)
    return ring.radius * np.stack([np.sin(angles), np.cos(angles)], axis=1)


@dataclass(frozen=True, eq=False)
class _Patch:
    """The power spectrum around a spot, finely sampled: (61,) frequencies along each axis and (61, 61) powers."""

    ky: NDArray[np.float64]
    kx: NDArray[np.float64]
    power: NDArray[np.float64]

    @classmethod
    def around(cls, windowed: NDArray[np.float32], place: NDArray[np.float64], window: _Window) -> _Patch:
        """Sum over the frames of the Fourier transform's power; two matrices evaluate it where it is wanted."""
        reach = _BACKGROUND[1] / np.sqrt(np.diag(window.metric @ window.metric))
        ky, kx = (k + r * np.linspace(-1, 1, _STEPS) for k, r in zip(place, reach, strict=True))
        height, width = windowed.shape[1:]
        rows = np.exp(-2j * np.pi * np.outer(ky, np.arange(height))).astype(np.complex64)
        columns = np.exp(-2j * np.pi * np.outer(np.arange(width), kx)).astype(np.complex64)
        power = np.zeros((_STEPS, _STEPS))
        for frame in windowed:
            power += np.abs((rows.real @ frame + 1j * (rows.imag @ frame)) @ columns) ** 2
        return cls(ky, kx, power)

    def at(self, ky: NDArray[np.float64], kx: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logarithm of the power, with the background's median added so that its troughs do not count."""
        places = [(k - axis[0]) / (axis[1] - axis[0]) for k, axis in ((ky, self.ky), (kx, self.kx))]
        logarithm = np.log(self.power + np.median(self.power) + _TINY)
        values: NDArray[np.float64] = ndimage.map_coordinates(logarithm, places, order=1, mode="nearest")
        return values

    def spot(self, expected: NDArray[np.float64], window: _Window) -> Spot:
        """The top of the peak near a place, by a parabola through the logarithm of the power.

        The covariance is that of noise as strong as the background, and as if it were the same in all frames: what
        lies between the spots is structure rather than noise at most doses.
        """
        grid = np.stack(np.meshgrid(self.ky, self.kx, indexing="ij"), axis=-1)

        def widths(place: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(np.linalg.norm((grid - place) @ window.metric, axis=-1))

        near = np.where(widths(expected) < _ASTRAY, self.power, -1)
        top = grid[np.unravel_index(near.argmax(), near.shape)]
        curvature, height = window.metric @ window.metric, float(near.max())
        for _ in range(3):
            rows = widths(top) < _PARABOLA
            fitted = _parabola((grid[rows] - top) @ window.metric, np.log(self.power[rows] + _TINY))
            if fitted is None:
                break
            step, bend, height = fitted
            top = top + np.linalg.solve(window.metric, step)
            curvature = window.metric @ bend @ window.metric
        distance = widths(top)
        background = float(np.median(self.power[(distance > _BACKGROUND[0]) & (distance < _BACKGROUND[1])]))
        signal = max(height / max(background, _TINY), _TINY)
        # With P = |F|² and κ the curvature of ln P, δk = κ⁻¹ Re(n'/F), and n' has the squared window's moments.
        inverse = np.linalg.inv(curvature)
        return Spot(top, 2 * np.pi**2 / signal * inverse @ window.noise @ inverse, signal)


def _parabola(
    places: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float] | None:
    """Top, half the curvature (2, 2) and the height, exponentiated, of a parabola over (n, 2) places; None: no top."""
    y, x = places.T
    level, slope_y, slope_x, yy, xx, yx = np.linalg.lstsq(
        np.stack([np.ones_like(y), y, x, y * y, x * x, y * x], axis=1), values, rcond=None
    )[0]
    bend = -np.array([[yy, yx / 2], [yx / 2, xx]])
    if np.linalg.eigvalsh(bend)[0] < 0.05:
        return None
    slope = np.array([slope_y, slope_x])
    top = np.linalg.solve(2 * bend, slope)
    if np.hypot(*top) > 1:
        return None
    return top, bend, float(np.exp(level + slope @ top / 2))


def _best_hexagon(patches: list[_Patch], ring: Ring) -> Ring:
    """The regular hexagon with the greatest product of powers at its spots."""
    step = max(patch.ky[-1] - patch.ky[0] for patch in patches) / 2 / _BACKGROUND[1]
    step = max(step, max(patch.kx[-1] - patch.kx[0] for patch in patches) / 2 / _BACKGROUND[1])
    radii, turns = np.meshgrid(ring.radius + step * _HEXAGONS, step * _HEXAGONS / ring.radius, indexing="ij")
    total = np.zeros(radii.shape)
    for number, patch in enumerate(patches):
        angle = ring.angle + turns + number * SIXTH
        total += patch.at(radii * np.sin(angle), radii * np.cos(angle))
    best = np.unravel_index(total.argmax(), total.shape)
    return Ring(float(radii[best]), float(ring.angle + turns[best]), ring.strength)


def _second_moments(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 2) second moments of a distribution over pixels around its middle, in px²."""
    y, x = (np.arange(size, dtype=float) for size in weights.shape)
    total = weights.sum()
    y -= weights.sum(axis=1) @ y / total
    x -= weights.sum(axis=0) @ x / total
    yx = y @ weights @ x / total
    return np.array([[weights.sum(axis=1) @ y**2 / total, yx], [yx, weights.sum(axis=0) @ x**2 / total]])
