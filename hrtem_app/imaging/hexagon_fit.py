"""The regular and the strained hexagon that fit the first-order spots of a lattice best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hrtem_app.imaging.lattice_ring import SIXTH, Ring
from hrtem_app.imaging.lattice_spots import Spot, hexagon

# Six coordinates less the four numbers of the map.
_LEFT_OVER = 2


@dataclass(frozen=True, eq=False)
class HexagonFit:
    """What three pairs of spots say about the lattice and the pixels that it was recorded with.

    Parameters
    ----------
    radius, radius_error
        Distance of the spots from zero, averaged over all directions, and its standard error, in cycles per pixel.
    angle
        Of the first spot in rad, in [0, π/3), from the kx axis towards ky.
    anisotropy, anisotropy_error
        Scale along the axis where it is largest over that across it, less one, and its standard error.
    direction
        Of that axis in rad, in [0, π), from x towards y.
    residuals
        (3, 2) of the spots from the regular hexagon of that radius and angle, in cycles per pixel.
    """

    radius: float
    radius_error: float
    angle: float
    anisotropy: float
    anisotropy_error: float
    direction: float
    residuals: NDArray[np.float64]


def fit_hexagon(ring: Ring, spots: Sequence[Spot]) -> HexagonFit:
    """Fit the linear map from a regular hexagon onto measured spots by weighted least squares.

    The map is k = (1 + E) q with a small matrix E, which holds a dilation, a turn and two strains. Six numbers are
    known of the spots, so two are left over and tell how well it fits; errors are widened by a bad fit.

    Parameters
    ----------
    ring
        The regular hexagon, near the spots.
    spots
        The three pairs of spots in the order of their angles, with the covariance of each.
    """
    places = hexagon(ring)
    design, values = [], []
    for spot, (y, x) in zip(spots, places, strict=True):
        # Rows y and x; columns dilation, turn from x towards y, stretch along x less that along y, shear.
        effects = np.array([[y, x, -y, x], [x, -y, x, y]])
        weight = np.linalg.cholesky(np.linalg.inv(spot.covariance)).T
        design.append(weight @ effects)
        values.append(weight @ (spot.place - (y, x)))
    matrix = np.concatenate(design)
    covariance = np.linalg.inv(matrix.T @ matrix)
    solution = covariance @ matrix.T @ np.concatenate(values)
    # Spots that are split, by boundaries in the crystal say, fit worse than their widths tell.
    misfit = float(((matrix @ solution - np.concatenate(values)) ** 2).sum()) / _LEFT_OVER
    covariance *= max(misfit, 1)
    dilation, turn, stretch, shear = solution
    regular = Ring(ring.radius * (1 + dilation), ring.angle + turn, ring.strength)
    return HexagonFit(
        radius=float(regular.radius),
        radius_error=float(ring.radius * np.sqrt(covariance[0, 0])),
        angle=float(regular.angle % SIXTH),
        anisotropy=float(2 * np.hypot(stretch, shear) / (1 + dilation)),
        anisotropy_error=float(2 * np.sqrt((covariance[2, 2] + covariance[3, 3]) / 2)),
        direction=float((np.arctan2(shear, stretch) / 2) % np.pi),
        residuals=np.stack([spot.place for spot in spots]) - hexagon(regular),
    )
