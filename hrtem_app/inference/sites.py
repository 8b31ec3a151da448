"""Which columns of several networks are the same site."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from hrtem_app.inference.matching import match


def group_into_sites(positions: Sequence[NDArray[np.float64]], distance: float) -> NDArray[np.int64]:
    """Group the columns of several networks into sites.

    Every two networks are matched one-to-one; matched columns make a site if each lies within the distance of each
    other. Where chains of matches are too long for that, or would bring two columns of one network together, the
    shortest matches are honoured first. Nothing depends on the order of the networks, but for matches of exactly the
    same length.

    Parameters
    ----------
    positions
        For each network (n, 2) in the unit of the distance.
    distance
        The longest distance within a site.

    Returns
    -------
    (sites, networks) row numbers of the columns that make each site, -1 where a network found nothing.
    """
    counts = [len(p) for p in positions]
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    network = np.repeat(np.arange(len(positions)), counts)
    points = np.concatenate([np.asarray(p, float).reshape(-1, 2) for p in positions])
    pairs = np.concatenate(
        [np.empty((0, 2), np.int64)]
        + [
            match(positions[a], positions[b], distance) + offsets[[a, b]]
            for a, b in combinations(range(len(positions)), 2)
        ]
    )
    labels = _labels(points, network, pairs, distance)
    numbers, site = np.unique(labels, return_inverse=True)
    members = np.full((len(numbers), len(positions)), -1, np.int64)
    members[site, network] = np.arange(len(points)) - offsets[network]
    return members


def _labels(
    points: NDArray[np.float64], network: NDArray[np.int64], pairs: NDArray[np.int64], distance: float
) -> NDArray[np.int64]:
    """(n,) site numbers of all columns."""
    total = len(points)
    graph = sparse.coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(total, total))
    groups, connected = connected_components(graph, directed=False)
    labels: NDArray[np.int64] = np.asarray(connected, np.int64)
    # Almost all groups are plain: complete pairings, each network once. The few others are taken apart one by one.
    size = np.bincount(labels, minlength=groups)
    edges = np.bincount(labels[pairs[:, 0]], minlength=groups)
    kinds = int(network.max(initial=0)) + 1
    distinct = np.bincount(np.unique(labels * kinds + network) // kinds, minlength=groups)
    plain = (edges == size * (size - 1) // 2) & (distinct == size)
    for number, group in enumerate(np.flatnonzero(~plain)):
        inside = pairs[labels[pairs[:, 0]] == group]
        for part, rows in enumerate(_taken_apart(points, network, np.flatnonzero(labels == group), inside, distance)):
            if part:
                labels[rows] = groups + number * total + part
    return labels


def _taken_apart(
    points: NDArray[np.float64],
    network: NDArray[np.int64],
    rows: NDArray[np.int64],
    pairs: NDArray[np.int64],
    distance: float,
) -> list[list[int]]:
    """Sites within one group, the shortest pairs joined first."""
    site = {int(row): [int(row)] for row in rows}
    lengths = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    for a, b in pairs[np.lexsort((pairs[:, 1], pairs[:, 0], lengths))]:
        first, second = site[int(a)], site[int(b)]
        if first is second or set(network[first]) & set(network[second]):
            continue
        apart = np.linalg.norm(points[first][:, np.newaxis] - points[second], axis=2)
        if apart.max() <= distance:
            first += second
            site |= dict.fromkeys(second, first)
    return list({id(members): members for members in site.values()}.values())
