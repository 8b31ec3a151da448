"""Which sublattice of a grain is molybdenum, settled between networks that decided it each for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import ColumnTable
from hrtem_app.inference.grains import find_grains
from hrtem_app.recipe import Sublattice


@dataclass(frozen=True, eq=False)
class Settlement:
    """What networks say together about the grains of their sites.

    Parameters
    ----------
    grain
        (S,) number of its grain; -1 for none.
    evidence
        (S,) mean over the networks of their log odds that the site's sublattice is Mo; NaN for no grain.
    sublattice
        (S,) +1 where the site belongs on Mo, -1 on S, 0 where no network decided.
    decided
        (S,) whether networks decided, none of them against the others, and the mean evidence is clear enough.
    """

    grain: NDArray[np.int64]
    evidence: NDArray[np.float64]
    sublattice: NDArray[np.int64]
    decided: NDArray[np.bool_]


def settle(
    places: NDArray[np.float64],
    members: NDArray[np.int64],
    tables: Sequence[ColumnTable],
    settings: Sublattice,
) -> Settlement:
    """Settle every grain of the sites as one: by the majority of the networks that decided it, else the clearer ones.

    Parameters
    ----------
    places
        (S, 2) of the sites, in Å.
    members
        (S, K) rows of the networks' columns that make each site, -1 where a network found nothing.
    tables
        The K networks' columns.
    settings
        The least number of sites in a grain, and how clear its evidence must be.
    """
    count = len(places)
    evidence, decided = _gathered(members, tables)
    grains = find_grains(places, settings)
    settled = Settlement(
        grains.label if settings.enabled else np.full(count, -1, np.int64),
        np.full(count, np.nan),
        np.zeros(count, np.int64),
        np.zeros(count, bool),
    )
    for grain in range(grains.number if settings.enabled else 0):
        rows = grains.rows(grain)
        side = grains.side[rows]
        own = _means(evidence[rows] * side[:, np.newaxis])
        # A network that decided only fragments of this grain has its say where they are most of what it found.
        voting = _means(np.where(np.isnan(evidence[rows]), np.nan, decided[rows])) > 0.5
        mean = float(np.nanmean(own)) if np.isfinite(own).any() else 0.0
        settled.evidence[rows] = mean * side
        if voting.any():
            votes = np.sign(own[voting])
            settled.sublattice[rows] = side * int(np.sign(votes.sum()) or np.sign(mean) or 1)
            settled.decided[rows] = bool(np.all(votes == votes[0])) and abs(mean) >= settings.evidence
    return settled


def _gathered(
    members: NDArray[np.int64], tables: Sequence[ColumnTable]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(S, K) each network's log odds that the site's sublattice is Mo, NaN for none, and whether it decided."""
    evidence, decided = np.full(members.shape, np.nan), np.zeros(members.shape, bool)
    for k, table in enumerate(tables):
        found = members[:, k] >= 0
        evidence[found, k] = table.grain_evidence[members[found, k]]
        decided[found, k] = table.decided[members[found, k]]
    return evidence, decided


def _means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K,) means over the sites that have a value; NaN where none has."""
    there = np.isfinite(values)
    number = there.sum(axis=0)
    return np.where(number > 0, np.where(there, values, 0).sum(axis=0) / np.maximum(number, 1), np.nan)
