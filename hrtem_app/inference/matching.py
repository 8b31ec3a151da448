"""One-to-one matching of two sets of points: the most pairs, and of those choices the shortest."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching
from scipy.spatial import cKDTree


def match(a: ArrayLike, b: ArrayLike, distance: float) -> NDArray[np.int64]:
    """Pair points of two sets one-to-one.

    Of all ways to pair points within the distance, that with the most pairs, and among those the one with the least sum
    of distances. Exact: a sparse assignment problem with one stand-in per point of `a` for "left alone".

    Parameters
    ----------
    a, b
        (n, 2) and (m, 2) positions in the same unit; any number of dimensions does.
    distance
        The longest distance of a pair.

    Returns
    -------
    (k, 2) indices into `a` and `b`, in ascending order of the first.

    Raises
    ------
    ValueError
        For a distance that is negative or not finite.
    """
    if not (np.isfinite(distance) and distance >= 0):
        raise ValueError(f"a matching distance of {distance} is impossible: give a number from 0 upwards")
    first, second = np.asarray(a, float), np.asarray(b, float)
    if first.size == 0 or second.size == 0:
        return np.empty((0, 2), np.int64)
    near = cKDTree(first).sparse_distance_matrix(cKDTree(second), distance, output_type="ndarray")
    rows, columns, lengths = near["i"].astype(np.int64), near["j"].astype(np.int64), near["v"]
    alone = (np.bincount(rows)[rows] == 1) & (np.bincount(columns)[columns] == 1)
    obvious = np.stack([rows[alone], columns[alone]], axis=1)
    contested = _assign(rows[~alone], columns[~alone], lengths[~alone] / max(distance, np.finfo(float).tiny))
    pairs = np.concatenate([obvious, contested])
    return pairs[np.argsort(pairs[:, 0], kind="stable")]


def _assign(rows: NDArray[np.int64], columns: NDArray[np.int64], costs: NDArray[np.float64]) -> NDArray[np.int64]:
    """The matching where points have several candidates; costs are between 0 and 1."""
    if len(rows) == 0:
        return np.empty((0, 2), np.int64)
    row_ids, row = np.unique(rows, return_inverse=True)
    column_ids, column = np.unique(columns, return_inverse=True)
    n, m = len(row_ids), len(column_ids)
    graph = sparse.coo_array((np.ones(len(row)), (row, column + n)), shape=(n + m, n + m))
    _, group = connected_components(graph, directed=False)
    # Leaving a point alone must cost more than any re-pairing of its group can save; small groups keep numbers exact.
    # Zero would mean "no edge" to the solver, hence the 1, which every row pays once.
    left_alone = 2.0 + np.bincount(group)[group[:n]]
    edges = sparse.coo_array(
        (
            np.concatenate([1.0 + costs, 1.0 + left_alone]),
            (np.concatenate([row, np.arange(n)]), np.concatenate([column, m + np.arange(n)])),
        ),
        shape=(n, m + n),
    )
    chosen_row, chosen_column = min_weight_full_bipartite_matching(edges.tocsr())
    paired = chosen_column < m
    return np.stack([row_ids[chosen_row[paired]], column_ids[chosen_column[paired]]], axis=1)
