"""Which columns lie in a box or a lasso that a person drew."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.measure import points_in_poly


def inside_box(positions: ArrayLike, corner: ArrayLike, opposite: ArrayLike) -> NDArray[np.bool_]:
    """Which points lie in a box, its border included.

    Parameters
    ----------
    positions
        (n, 2) as (y, x).
    corner, opposite
        (2,) two opposite corners, whichever and in any order.

    Returns
    -------
    (n,) mask.

    Raises
    ------
    ValueError
        For corners that are not two finite numbers each.
    """
    corners = _checked(np.array([corner, opposite], float), "a box")
    points = np.asarray(positions, float).reshape(-1, 2)
    within: NDArray[np.bool_] = ((points >= corners.min(axis=0)) & (points <= corners.max(axis=0))).all(axis=1)
    return within


def inside_lasso(positions: ArrayLike, polygon: ArrayLike) -> NDArray[np.bool_]:
    """Which points a closed line encloses an odd number of times.

    Parameters
    ----------
    positions
        (n, 2) as (y, x).
    polygon
        (m, 2) the corners of the line, which goes on from the last to the first; a line of fewer than three encloses
        nothing.

    Returns
    -------
    (n,) mask.

    Raises
    ------
    ValueError
        For corners that are not two finite numbers each.
    """
    corners = _checked(polygon, "a lasso")
    points = np.asarray(positions, float).reshape(-1, 2)
    within = np.zeros(len(points), bool)
    if len(corners) < 3:
        return within
    # Of many columns a lasso holds few, and outside of its box there are none.
    near = inside_box(points, corners.min(axis=0), corners.max(axis=0))
    within[near] = points_in_poly(points[near], corners)
    return within


def _checked(corners: ArrayLike, what: str) -> NDArray[np.float64]:
    values = np.asarray(corners, float)
    if values.size == 0:
        return np.empty((0, 2))
    if values.ndim != 2 or values.shape[1] != 2 or not np.isfinite(values).all():
        raise ValueError(f"the corners of {what} are (y, x) in finite numbers, not {values.tolist()[:3]}")
    return values
