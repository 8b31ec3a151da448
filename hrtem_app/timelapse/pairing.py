"""Which points of two sets belong together, and which lie in view."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hrtem_app.imaging.shifting import Area


def mutual_neighbours(a: NDArray[np.float64], b: NDArray[np.float64], reach: float) -> NDArray[np.int64]:
    """(k, 2) indices into (n, 2) and (m, 2) points, each the other's nearest one and no further away than `reach`."""
    if len(a) == 0 or len(b) == 0:
        return np.empty((0, 2), np.int64)
    distance, to_b = cKDTree(b).query(a, distance_upper_bound=np.nextafter(reach, np.inf))
    _, to_a = cKDTree(a).query(b)
    rows = np.flatnonzero(np.isfinite(distance))
    rows = rows[to_a[to_b[rows]] == rows]
    return np.stack([rows, to_b[rows]], axis=1).astype(np.int64)


def inside(view: Area, positions: NDArray[np.float64], margin: float) -> NDArray[np.bool_]:
    """(n,) which of (n, 2) positions (y, x) lie in a view and no nearer to its border than the margin, in pixels."""
    y, x = positions.T
    inside: NDArray[np.bool_] = (
        (y >= view.top + margin)
        & (y <= view.bottom - 1 - margin)
        & (x >= view.left + margin)
        & (x <= view.right - 1 - margin)
    )
    return inside
