"""Tilt and ripples: small slopes of the whole stack against the beam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hrtem_app.ranges import draw
from hrtem_app.simulation.structure_settings import StructureSettings

_WAVES = 3


@dataclass(frozen=True, eq=False)
class HeightField:
    """Height h(x, y) = slope·(r - middle) + Σ amplitude·sin(2π k·r + phase), all lengths in Å.

    Parameters
    ----------
    middle
        (2,) where the tilt has no height.
    slope
        (2,) dh/dx and dh/dy of the tilt.
    k
        (waves, 2) in 1/Å.
    amplitude, phase
        (waves,) in Å and rad.
    """

    middle: NDArray[np.float64]
    slope: NDArray[np.float64]
    k: NDArray[np.float64]
    amplitude: NDArray[np.float64]
    phase: NDArray[np.float64]

    def height(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) h at (n, 2) points (x, y)."""
        waves: NDArray[np.float64] = np.sin(2 * np.pi * points @ self.k.T + self.phase) @ self.amplitude
        return (points - self.middle) @ self.slope + waves

    def gradient(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 2) dh/dx and dh/dy at (n, 2) points."""
        waves = np.cos(2 * np.pi * points @ self.k.T + self.phase) * self.amplitude
        gradient: NDArray[np.float64] = self.slope + 2 * np.pi * waves @ self.k
        return gradient


def draw_height_field(settings: StructureSettings, rng: np.random.Generator) -> tuple[HeightField, dict[str, float]]:
    """A height field and what was drawn for it.

    Ripples are waves that fit the periodic cell. Their root mean square slope is the one drawn.
    """
    tilt, azimuth = draw(settings.tilt, rng), float(rng.uniform(0, 2 * np.pi))
    ripple = draw(settings.ripple, rng)
    wavelength = np.array([draw(settings.ripple_wavelength, rng) for _ in range(_WAVES)])
    directions = rng.uniform(0, np.pi, _WAVES)
    along = np.stack([np.cos(directions), np.sin(directions)], axis=1)
    turns = np.rint(along * (settings.cell / wavelength)[:, np.newaxis])
    turns[(turns == 0).all(axis=1), 0] = 1
    k = turns / settings.cell
    # Each wave carries the same share of the mean square slope, ½(2πk·amplitude)².
    amplitude = ripple * np.sqrt(2 / _WAVES) / (2 * np.pi * np.linalg.norm(k, axis=1))
    field = HeightField(
        middle=np.full(2, settings.cell / 2),
        slope=np.tan(tilt) * np.array([np.cos(azimuth), np.sin(azimuth)]),
        k=k,
        amplitude=amplitude,
        phase=rng.uniform(0, 2 * np.pi, _WAVES),
    )
    return field, {"tilt": tilt, "tilt_azimuth": azimuth, "ripple": ripple}


def deform(positions: NDArray[np.float64], field: HeightField, neutral: float) -> NDArray[np.float64]:
    """(n, 3) positions of a stack of sheets bent to a height field, to first order in the slope.

    Atoms rise by h and move sideways by -(z - neutral)·∇h, so that bonds across the sheets stay normal to them. At
    15 mrad the neglected second order is 0.1 pm per Å of height.
    """
    flat = positions[:, :2]
    sideways = flat - (positions[:, 2] - neutral)[:, np.newaxis] * field.gradient(flat)
    return np.column_stack([sideways, positions[:, 2] + field.height(flat)])
