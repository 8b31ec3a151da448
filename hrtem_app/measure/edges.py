"""Edges of the flake: straight pieces, their direction against the lattice and the columns that end it.

A bond from a column to an empty site crosses the edge; the hexagon centres on either side of it are a lattice constant
apart, and from bond to bond they make a closed line around the flake. It encloses half a unit cell for every site.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hrtem_app.measure.indexing import BONDS
from hrtem_app.measure.lattice import HEXAGONAL, Lattice
from hrtem_app.measure.pairs import MO
from hrtem_app.measure.settings import MeasureSettings
from hrtem_app.measure.sites import Sites, State

ZIGZAG_MO, ZIGZAG_S, ZIGZAG, ARMCHAIR, MIXED = "zigzag Mo", "zigzag S", "zigzag", "armchair", "mixed"
EDGE_KINDS = (ZIGZAG_MO, ZIGZAG_S, ZIGZAG, ARMCHAIR, MIXED)
# A further piece must bring the corners of an edge nearer to their lines by this much, in squared lattice constants:
# less than the 0.7 that a corner of 120° costs between sides of two lattice constants, and so much that neither a notch
# where one column is missing nor the swing of an armchair edge is taken apart.
_PIECE = 0.6
# No piece has more corners, so that the time grows with the length of the edge and not with its square.
_LONGEST = 500
# Of the columns that end a zigzag edge, this fraction must be of one element.
_PURE = 2 / 3


@dataclass(frozen=True, eq=False)
class EdgeSegment:
    """A straight piece of the flake's edge.

    Parameters
    ----------
    kind
        One of `EDGE_KINDS`: `zigzag` where neither element prevails, `mixed` where the piece is short or runs between
        zigzag and armchair.
    grain
        Number of the grain.
    length
        From end to end in Å.
    angle
        Between the piece and the next zigzag direction in degrees: 0 zigzag, 30 armchair.
    mo_fraction
        Of the columns that end it.
    hole
        Whether it is the edge of a hole in the flake.
    rows
        The columns that lack a neighbour there, in order along the edge.
    path
        (m, 2) the line (x, y) in Å from hexagon centre to hexagon centre, with the flake on one side.
    """

    kind: str
    grain: int
    length: float
    angle: float
    mo_fraction: float
    hole: bool
    rows: tuple[int, ...]
    path: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Chain:
    """Bonds that cross the edge, one after the other: (m,) site inside and (m,) which of its bonds."""

    site: NDArray[np.int64]
    bond: NDArray[np.int64]


def find_edges(
    sites: Sites, lattice: Lattice, classes: NDArray[np.int64], chosen: NDArray[np.bool_], grain: int,
    settings: MeasureSettings,
) -> list[EdgeSegment]:  # fmt: skip
    """The edges of a grain, cut where the image ends, another grain begins or a column is not chosen.

    Parameters
    ----------
    sites, lattice
        Of the grain.
    classes
        (n,) of all columns.
    chosen
        (n,) the columns that count.
    grain
        Its number.
    settings
        From which length and up to which angle an edge has a kind.
    """
    segments = []
    for chain in _chains(sites, chosen):
        corners = _hexagon_centres(sites, chain)
        for start, stop in _straight(corners @ HEXAGONAL):
            rows = list(dict.fromkeys(sites.rows[chain.site[start:stop]].tolist()))
            outside = sites.neighbours[chain.site[start], chain.bond[start]]
            chord = corners[stop] - corners[start]
            length = float(np.linalg.norm(chord @ lattice.vectors))
            angle = _from_zigzag(chord @ HEXAGONAL)
            mo_fraction = float((classes[rows] == MO).mean())
            segments.append(
                EdgeSegment(
                    kind=_kind(length, angle, mo_fraction, settings),
                    grain=grain,
                    length=length,
                    angle=angle,
                    mo_fraction=mo_fraction,
                    hole=bool(sites.state[outside] == State.HOLE),
                    rows=tuple(rows),
                    path=lattice.places(corners[start : stop + 1]),
                )
            )
    return segments


def _kind(length: float, angle: float, mo_fraction: float, settings: MeasureSettings) -> str:
    if length < settings.shortest_edge:
        return MIXED
    if angle >= 30 - settings.edge_angle:
        return ARMCHAIR
    if angle > settings.edge_angle:
        return MIXED
    if mo_fraction >= _PURE:
        return ZIGZAG_MO
    return ZIGZAG_S if 1 - mo_fraction >= _PURE else ZIGZAG


def _from_zigzag(vector: NDArray[np.float64]) -> float:
    """Angle in degrees, 0 to 30, to the next lattice vector."""
    angle = np.rad2deg(np.arctan2(vector[1], vector[0])) % 60
    return float(min(angle, 60 - angle))


def _chains(sites: Sites, chosen: NDArray[np.bool_]) -> list[_Chain]:
    """Closed lines around the flake, or the pieces of them that count."""
    chains = []
    for site, bond in _loops(sites.filled, sites.neighbours):
        rows, beyond = sites.rows[site], sites.state[sites.neighbours[site, bond]]
        counts = (rows >= 0) & chosen[rows] & (beyond != State.UNSEEN)
        if counts.all():
            # Where a closed line begins there is a corner, so it should begin at one.
            pieces = _straight(_hexagon_centres(sites, _Chain(site, bond)) @ HEXAGONAL)
            begin = pieces[len(pieces) // 2][0]
            chains.append(_Chain(np.roll(site, -begin), np.roll(bond, -begin)))
            continue
        begin = int(np.argmin(counts))
        site, bond, counts = (np.roll(each, -begin) for each in (site, bond, counts))
        runs = np.split(np.arange(len(site)), np.flatnonzero(np.diff(counts)) + 1)
        chains += [_Chain(site[run], bond[run]) for run in runs if counts[run[0]]]
    return chains


def _loops(
    filled: NDArray[np.bool_], neighbours: NDArray[np.int64]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Closed lines around the filled sites: site and bond of each crossing, in the order of a walk around the flake.

    The walk turns around a hexagon, from a bond that crosses the edge to the next bond of the same site; while that
    one leads to a filled site, it goes there and looks at the next bond of that.
    """
    inside, next_to = filled.tolist(), neighbours.tolist()
    crossing = np.argwhere(filled[:, np.newaxis] & ~filled[neighbours]).tolist()
    left = dict.fromkeys((site, bond) for site, bond in crossing)
    loops = []
    while left:
        site, bond = next(iter(left))
        line = []
        while (site, bond) in left:
            del left[site, bond]
            line.append((site, bond))
            bond = (bond + 1) % 3
            while inside[next_to[site][bond]]:
                site, bond = next_to[site][bond], (bond + 1) % 3
        whole = np.array(line, np.int64)
        loops.append((whole[:, 0], whole[:, 1]))
    return loops


def _hexagon_centres(sites: Sites, chain: _Chain) -> NDArray[np.float64]:
    """(m + 1, 2) hexagon centres before the first bond and behind each, in lattice coordinates."""
    sign = np.where(sites.sublattice[chain.site] == 0, 1, -1)[:, np.newaxis]
    place = sites.coordinates[chain.site]
    before = place - sign * BONDS[(chain.bond + 1) % 3]
    behind = place - sign * BONDS[(chain.bond + 2) % 3]
    # Made exact, so that places can be compared.
    centres: NDArray[np.float64] = np.rint(np.concatenate([before[:1], behind]) - 2 / 3) + 2 / 3
    return centres


def _straight(corners: NDArray[np.float64]) -> list[tuple[int, int]]:
    """First and last corner of each straight piece, in units of the lattice constant.

    Of all ways to take the line apart the one with the least cost, found by dynamic programming (Bellman, Commun. ACM
    4, 284, 1961): the squared distances of the corners from the lines through their pieces, and `_PIECE` for each.
    """
    x, y = (corners - corners.mean(axis=0)).T
    sums = np.cumsum(np.column_stack([np.ones(len(x)), x, y, x * x, y * y, x * y]), axis=0)
    sums = np.concatenate([np.zeros((1, 6)), sums])
    cost, before = np.zeros(len(corners)), np.zeros(len(corners), np.int64)
    for stop in range(1, len(corners)):
        starts = np.arange(max(0, stop - _LONGEST), stop)
        total = cost[starts] + _unevenness(sums[stop + 1] - sums[starts]) + _PIECE
        before[stop] = starts[total.argmin()]
        cost[stop] = total.min()
    pieces, stop = [], len(corners) - 1
    while stop > 0:
        pieces.append((int(before[stop]), stop))
        stop = int(before[stop])
    return pieces[::-1]


def _unevenness(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """(p,) sums of squared distances from the best line, from (p, 6) sums of 1, x, y, x², y² and xy."""
    number, x, y, xx, yy, xy = sums.T
    sxx, syy, sxy = xx - x * x / number, yy - y * y / number, xy - x * y / number
    least: NDArray[np.float64] = (sxx + syy) / 2 - np.hypot((sxx - syy) / 2, sxy)
    return np.maximum(least, 0)
