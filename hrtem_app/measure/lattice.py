"""The ideal lattice of a grain: two primitive vectors and an origin, fitted to all its columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Primitive vectors (x, y) of a hexagonal lattice of unit constant, as rows, 60° from each other.
HEXAGONAL = np.array([[1.0, 0.0], [0.5, np.sqrt(3) / 2]])
# Columns this many standard deviations away are left out of a fit; a normal distribution has 1 in 3000 there.
_OUTLYING = 4.0
# Of a length of two normal components, the median in units of their standard deviation.
_RAYLEIGH_MEDIAN = np.sqrt(2 * np.log(2))
_LEAST_SPREAD = 1e-3
_ROUNDS = 20


@dataclass(frozen=True, eq=False)
class Lattice:
    """A lattice r = origin + c₁ a₁ + c₂ a₂, (x, y) in Å.

    Parameters
    ----------
    origin
        (2,) in Å.
    vectors
        (2, 2) a₁ and a₂ as rows, about 60° from each other.
    covariance
        (2, 2) of the x components of a₁ and a₂ in Å², and of their y components just so.
    deviation
        Standard deviation of the columns from their sites in Å, per axis; without the outliers.
    columns
        How many columns it was fitted to.
    outliers
        How many more were too far off.
    """

    origin: NDArray[np.float64]
    vectors: NDArray[np.float64]
    covariance: NDArray[np.float64]
    deviation: float
    columns: int
    outliers: int

    @property
    def cell_area(self) -> float:
        """Area of the unit cell, |a₁ × a₂|, in Å²; a cell holds one Mo and one S site."""
        return float(abs(np.linalg.det(self.vectors)))

    @property
    def constant(self) -> float:
        """Lattice constant in Å: that of the hexagonal cell of the same area, √(2 |a₁ × a₂| / √3)."""
        return float(np.sqrt(2 / np.sqrt(3) * self.cell_area))

    @property
    def constant_error(self) -> float:
        """Standard error of the lattice constant in Å, as it follows from the covariance of the vectors."""
        (c11, c12), (_, c22) = self.covariance
        (a1, a2) = self.vectors
        area_variance = c11 * (a2 @ a2) + c22 * (a1 @ a1) - 2 * c12 * (a1 @ a2)
        return float(self.constant / (2 * self.cell_area) * np.sqrt(area_variance))

    @property
    def deformation(self) -> NDArray[np.float64]:
        """(2, 2) that turns and stretches the hexagonal lattice of unit constant into this one."""
        made: NDArray[np.float64] = np.linalg.solve(HEXAGONAL, self.vectors).T
        return made

    @property
    def turn(self) -> float:
        """Angle in rad from +x towards +y by which the lattice is turned: the rotation of the polar decomposition."""
        f = self.deformation
        return float(np.arctan2(f[1, 0] - f[0, 1], f[0, 0] + f[1, 1]))

    @property
    def orientation(self) -> float:
        """Angle in degrees, 0 to 60, from +x towards +y of a lattice vector; zigzag edges run along these."""
        return float(np.rad2deg(self.turn) % 60)

    @property
    def anisotropy(self) -> float:
        """λ₁/λ₂ - 1 of the principal stretches: 0 for a hexagonal lattice."""
        stretches = np.linalg.svd(self.deformation, compute_uv=False)
        return float(stretches[0] / stretches[1] - 1)

    @property
    def anisotropy_error(self) -> float:
        """Standard error of ε_xx - ε_yy and of 2 ε_xy of the fit; what noise alone would show as anisotropy."""
        inverse = np.linalg.inv(HEXAGONAL)
        return float(np.sqrt(np.trace(inverse @ self.covariance @ inverse.T)) / self.constant)

    @property
    def anisotropy_direction(self) -> float:
        """Angle in degrees, 0 to 180, from +x towards +y of the direction that is stretched most."""
        left, _, _ = np.linalg.svd(self.deformation)
        return float(np.rad2deg(np.arctan2(left[1, 0], left[0, 0])) % 180)

    def places(self, coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        """(m, 2) ideal positions (x, y) in Å of lattice coordinates."""
        placed: NDArray[np.float64] = self.origin + coordinates @ self.vectors
        return placed

    def hexagonal(self, constant: float | None = None) -> NDArray[np.float64]:
        """(2, 2) vectors of a hexagonal lattice turned like this one; its constant in Å, None: this one's."""
        c, s = np.cos(self.turn), np.sin(self.turn)
        turned: NDArray[np.float64] = (constant or self.constant) * HEXAGONAL @ np.array([[c, s], [-s, c]])
        return turned


def fit_lattice(coordinates: NDArray[np.float64], points: NDArray[np.float64]) -> Lattice:
    """Fit origin and vectors by least squares, leaving out columns more than four standard deviations away.

    The standard deviation is told by the median distance from the sites, so outliers do not hide each other.

    Parameters
    ----------
    coordinates
        (m, 2) in units of the lattice vectors, m at least 8 and not all on a line.
    points
        (m, 2) columns (x, y) in Å.
    """
    design = np.column_stack([np.ones(len(coordinates)), coordinates])
    used = np.ones(len(points), bool)
    for _ in range(_ROUNDS):
        solution, *_ = np.linalg.lstsq(design[used], points[used])
        off = np.linalg.norm(points - design @ solution, axis=1)
        spread = max(float(np.median(off)) / _RAYLEIGH_MEDIAN, _LEAST_SPREAD)
        before, used = used, off <= _OUTLYING * spread
        if (used == before).all() or np.linalg.matrix_rank(design[used]) < design.shape[1]:
            break
    number = int(before.sum())
    variance = float((off[before] ** 2).sum()) / (2 * number - 6)
    covariance = variance * np.linalg.inv(design[before].T @ design[before])[1:, 1:]
    origin, *vectors = solution.astype(np.float64)
    return Lattice(origin, np.array(vectors), covariance, float(np.sqrt(variance)), number, len(points) - number)
