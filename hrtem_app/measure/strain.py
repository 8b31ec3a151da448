"""Local strain from the positions of neighbouring columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

# A column and five neighbours: fewer say nothing about how far noise goes.
_FEWEST = 6
# Least spread of the neighbours along the narrower direction, as a variance in Å².
_NARROWEST = 0.5


@dataclass(frozen=True, eq=False)
class LocalStrain:
    """Strain at each of m columns, NaN where too few neighbours are known; x to the right, y downwards.

    Parameters
    ----------
    xx, yy, xy
        (m,) components of the strain tensor, without unit.
    rotation
        (m,) in rad, from +x towards +y.
    error
        (m,) standard error of `xx` and `yy` from the noise of the positions.
    noise
        Standard deviation of the positions in Å, per axis, from what local fits leave; NaN where there is none.
    """

    xx: NDArray[np.float64]
    yy: NDArray[np.float64]
    xy: NDArray[np.float64]
    rotation: NDArray[np.float64]
    error: NDArray[np.float64]
    noise: float


def local_strain(reference: NDArray[np.float64], points: NDArray[np.float64], radius: float) -> LocalStrain:
    """Strain at each column, by an affine fit to it and its neighbours.

    The deformation gradient F that maps the neighbours' reference places best onto where they are, in the sense of
    least squares, is that of Falk and Langer (Phys. Rev. E 57, 7192, 1998, equations 2.11 to 2.14), here relative to
    the mean of the neighbours rather than to the column in the middle, so that its own noise is not counted n times.
    Its polar decomposition F = R U gives the rotation R and the strain U - 1 (Biot's), which no rotation feigns.

    Parameters
    ----------
    reference
        (m, 2) places (x, y) in Å of an undeformed lattice.
    points
        (m, 2) where the columns are, in Å.
    radius
        In Å, of the neighbourhood in the undeformed lattice.
    """
    count = len(points)
    pairs = cKDTree(reference).query_pairs(radius, output_type="ndarray")
    near = sparse.coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    near = (near + near.T + sparse.eye_array(count)).tocsr()
    # Small numbers keep their digits in the sums.
    r, u = reference - reference.mean(axis=0), points - reference
    u = u - u.mean(axis=0)
    number = near @ np.ones(count)
    r_mean, u_mean = (near @ r) / number[:, np.newaxis], (near @ u) / number[:, np.newaxis]
    spread = _moments(near, r, r, r_mean, r_mean, number)
    shared = _moments(near, u, r, u_mean, r_mean, number)
    enough = (number >= _FEWEST) & (np.linalg.eigvalsh(spread)[:, 0] > _NARROWEST * number)
    spread[~enough] = np.eye(2)
    inverse = np.linalg.inv(spread)
    gradient = shared @ inverse
    left = np.trace(_moments(near, u, u, u_mean, u_mean, number) - gradient @ shared.transpose(0, 2, 1), 0, 1, 2)
    freedom = float(2 * (number[enough] - 3).sum())
    noise = float(np.sqrt(max(float(left[enough].sum()), 0.0) / freedom)) if freedom else float("nan")
    error = noise * np.sqrt(np.trace(inverse, 0, 1, 2) / 2)
    rotation, stretch = _polar(np.eye(2) + gradient)
    values = [stretch[:, 0, 0] - 1, stretch[:, 1, 1] - 1, stretch[:, 0, 1], rotation, error]
    xx, yy, xy, turned, error = (np.where(enough, value, np.nan) for value in values)
    return LocalStrain(xx, yy, xy, turned, error, noise)


def _moments(
    near: sparse.csr_array,
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    a_mean: NDArray[np.float64],
    b_mean: NDArray[np.float64],
    number: NDArray[np.float64],
) -> NDArray[np.float64]:
    """(m, 2, 2) sums over the neighbourhood of (a - ā)(b - b̄)ᵀ."""
    products = (a[:, :, np.newaxis] * b[:, np.newaxis]).reshape(-1, 4)
    means = a_mean[:, :, np.newaxis] * b_mean[:, np.newaxis] * number[:, np.newaxis, np.newaxis]
    sums: NDArray[np.float64] = (near @ products).reshape(-1, 2, 2) - means
    return sums


def _polar(f: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(m,) angle of the rotation R in rad and (m, 2, 2) stretch U of F = R U."""
    angle = np.arctan2(f[:, 1, 0] - f[:, 0, 1], f[:, 0, 0] + f[:, 1, 1])
    c, s = np.cos(angle), np.sin(angle)
    back = np.stack([np.stack([c, s], axis=1), np.stack([-s, c], axis=1)], axis=1)
    return angle, back @ f
