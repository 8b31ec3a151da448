"""A polygon around chosen columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Corners = tuple[tuple[float, float], ...]

# So far outside of the columns a straight border lies, and as far the border around each of them, in Å: half a bond,
# and a little more than the way from a column to the middle of a hexagon.
_MARGIN, _CELL = 0.9, 2.0
_STEP = 0.3
_CIRCLE = np.exp(2j * np.pi * np.arange(12) / 12)


def region_around(positions: NDArray[np.float64], chosen: NDArray[np.bool_], sampling: float) -> Corners:
    """A polygon that holds the chosen columns and, if possible, no others.

    It is their convex hull where that holds no other columns, else the outline of what is nearer to them than to
    others; where that falls into parts, the hull all the same.

    Parameters
    ----------
    positions
        (n, 2) columns (y, x) in px.
    chosen
        (n,) at least one of them.
    sampling
        Å per pixel.

    Returns
    -------
    Corners (y, x) in px.
    """
    from skimage.measure import points_in_poly

    hull = _hull(positions[chosen], _MARGIN / sampling)
    outline = hull
    if not np.array_equal(points_in_poly(positions, hull), chosen):
        outline = _outline(positions, chosen, sampling)
    if not np.array_equal(points_in_poly(positions, outline), chosen):
        outline = hull
    return tuple((float(y), float(x)) for y, x in outline)


def _hull(points: NDArray[np.float64], margin: float) -> NDArray[np.float64]:
    """(m, 2) the convex hull of circles around the points."""
    from scipy.spatial import ConvexHull

    circles = points[:, np.newaxis] + margin * np.column_stack([_CIRCLE.imag, _CIRCLE.real])
    places = circles.reshape(-1, 2)
    corners: NDArray[np.float64] = places[ConvexHull(places).vertices]
    return corners


def _outline(positions: NDArray[np.float64], chosen: NDArray[np.bool_], sampling: float) -> NDArray[np.float64]:
    """(m, 2) the longest border of what is nearer to chosen columns than to others."""
    from scipy.spatial import cKDTree
    from skimage.measure import approximate_polygon, find_contours

    step, reach = _STEP / sampling, _CELL / sampling
    low = positions[chosen].min(axis=0) - reach - step
    high = positions[chosen].max(axis=0) + reach + step
    y, x = (np.arange(start, stop, step) for start, stop in zip(low, high, strict=True))
    places = np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1)
    _, nearest = cKDTree(positions).query(places, distance_upper_bound=reach)
    # Where none is near, the tree says n.
    mask = np.append(chosen, False)[nearest]
    longest = max(find_contours(np.pad(mask, 1).astype(float), 0.5), key=len) - 1
    outline: NDArray[np.float64] = low + step * approximate_polygon(longest, tolerance=0.5)[:-1]
    return outline
