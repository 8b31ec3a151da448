"""Agreement: the columns of several networks become one table of sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.inference.finding import keep_apart
from hrtem_app.inference.result import NetworkResult, ordered_networks
from hrtem_app.inference.settlement import settle
from hrtem_app.inference.sites import group_into_sites
from hrtem_app.recipe import Agreement, ColumnFinding, Sublattice

_PM_PER_ANGSTROM = 100
_MO = CLASSES.index("Mo")


@dataclass(frozen=True, eq=False)
class _Sites:
    """What each of K networks found at each of S sites: class index or -1, position (y, x) in pixels or NaN."""

    names: list[str]
    classes: NDArray[np.int64]  # (S, K)
    positions: NDArray[np.float64]  # (S, K, 2)

    def votes(self) -> NDArray[np.int64]:
        """(classes, S) how many networks found each class there."""
        return np.stack([(self.classes == c).sum(axis=1) for c in range(len(CLASSES))])

    def middles(self) -> NDArray[np.float64]:
        """(S, 2) mean positions over the networks that found anything there."""
        number = (self.classes >= 0).sum(axis=1, keepdims=True)
        middles: NDArray[np.float64] = np.nan_to_num(self.positions).sum(axis=1) / np.maximum(number, 1)
        return middles


@dataclass(frozen=True, eq=False)
class Consensus:
    """What several networks say together.

    Parameters
    ----------
    table
        The sites, ordered by y, then x.
    grains
        By grain and network, log odds for what the table shows of its sublattices; negative for the opposite.
    """

    table: ColumnTable
    grains: dict[int, dict[str, float]]


def agree(
    networks: Mapping[str, NetworkResult],
    columns: ColumnFinding | None = None,
    agreement: Agreement | None = None,
    sublattice: Sublattice | None = None,
) -> ColumnTable:
    """The table of `consensus`."""
    return consensus(networks, columns, agreement, sublattice).table


def consensus(
    networks: Mapping[str, NetworkResult],
    columns: ColumnFinding | None = None,
    agreement: Agreement | None = None,
    sublattice: Sublattice | None = None,
) -> Consensus:
    """Merge what several networks found into one table with one row per site.

    A site's class is the majority's; at a tie the one with the higher probability, averaged over all networks that ran.
    Its position is the mean over the networks that found this class there. What the others found is kept as a dispute.
    No two sites end up nearer than `columns.min_distance`: the more probable one stays, and another class that other
    networks had found at the one that goes is kept as a dispute too.

    A grain is one crystal: which of its sublattices is Mo is settled for all its sites at once, see `settle`, and only
    classes which that sublattice allows stand for election. A column of which all networks found
    another class counts as found with the likeliest that is allowed, as it does in the table of a single network. Where
    networks decide against each other, or none decides, the grain is marked as undecided.

    Parameters
    ----------
    networks
        What each network said, by name; at least one. Their order does not matter.
    columns
        Of which only `min_distance` (Å) counts here.
    agreement
        The distance in Å within which columns are the same site.
    sublattice
        The least number of sites in a grain, and how clear its evidence must be.
    """
    names = ordered_networks(networks)
    if not names:
        raise ValueError("no network ran, so there is nothing to agree on: name at least one")
    results = [networks[name] for name in names]
    sampling = results[0].columns.sampling
    min_distance = (columns or ColumnFinding()).min_distance
    sites = _sites(names, results, (agreement or Agreement()).distance)
    probabilities = _probabilities(sites, results)
    settled = settle(sites.middles() * sampling, probabilities, sublattice or Sublattice())
    sites = _with_allowed_classes(sites, probabilities.mean(axis=1), settled.sublattice)
    chosen, place, each = _verdicts(sites, results, settled.sublattice)
    mean = each.mean(axis=1)
    kept = keep_apart(place * sampling, mean, min_distance)
    disputed = _disputes(sites, chosen, place * sampling, kept, min_distance)
    rows = np.flatnonzero(kept)
    rows = rows[np.lexsort((place[rows, 1], place[rows, 0]))]
    table = ColumnTable(
        positions=place[rows],
        classes=chosen[rows],
        sampling=sampling,
        votes=sites.votes()[chosen[rows], rows],
        probability=mean[rows],
        network_probability={name: each[rows, k] for k, name in enumerate(names)},
        spread=_spread(sites, chosen, place)[rows] * sampling * _PM_PER_ANGSTROM,
        disputed=tuple(disputed[row] for row in rows),
        grain=settled.grain[rows],
        grain_evidence=settled.evidence[rows],
        decided=settled.decided[rows],
    )
    said = {grain: dict(zip(names, own.tolist(), strict=True)) for grain, own in enumerate(settled.networks)}
    return Consensus(table, said)


def _sites(names: list[str], results: Sequence[NetworkResult], distance: float) -> _Sites:
    tables = [result.columns for result in results]
    members = group_into_sites([table.positions * table.sampling for table in tables], distance)
    classes = np.full(members.shape, -1, np.int64)
    positions = np.full((*members.shape, 2), np.nan)
    for k, table in enumerate(tables):
        found = members[:, k] >= 0
        classes[found, k] = table.classes[members[found, k]]
        positions[found, k] = table.positions[members[found, k]]
    return _Sites(names, classes, positions)


def _probabilities(sites: _Sites, results: Sequence[NetworkResult]) -> NDArray[np.float64]:
    """(S, K, classes) what each network's maps say in the middle of each site."""
    places = sites.middles()
    each = [[result.probability_at(places, c) for c in range(len(CLASSES))] for result in results]
    return np.moveaxis(np.array(each), 2, 0)


def _with_allowed_classes(sites: _Sites, probabilities: NDArray[np.float64], sublattice: NDArray[np.int64]) -> _Sites:
    """Sites where nobody found a class that the sublattice allows, as found with the likeliest one that it does."""
    fits = np.where(sublattice[:, np.newaxis] > 0, sites.classes == _MO, sites.classes != _MO) & (sites.classes >= 0)
    lost = (sublattice != 0) & ~fits.any(axis=1)
    sulphur = np.where(np.arange(len(CLASSES)) == _MO, -1, probabilities).argmax(axis=1)
    likeliest = np.where(sublattice > 0, _MO, sulphur)
    changed = lost[:, np.newaxis] & (sites.classes >= 0)
    return _Sites(sites.names, np.where(changed, likeliest[:, np.newaxis], sites.classes), sites.positions)


def _verdicts(
    sites: _Sites, results: Sequence[NetworkResult], sublattice: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Per site its class (S,), its position (S, 2) and each network's probability of this class there (S, K).

    Only classes count that a site's sublattice, (S,) +1 Mo, -1 S or 0 open, allows.
    """
    votes = sites.votes()
    count = votes.shape[1]
    places, each = np.zeros((len(votes), count, 2)), np.zeros((len(votes), count, len(results)))
    for c in range(len(votes)):
        voted = np.flatnonzero(votes[c])
        agreed = (sites.classes[voted] == c)[..., np.newaxis]
        places[c, voted] = np.where(agreed, sites.positions[voted], 0).sum(axis=1) / votes[c, voted, np.newaxis]
        for k, result in enumerate(results):
            each[c, voted, k] = result.probability_at(places[c, voted], c)
    on_mo = (np.arange(len(votes)) == _MO)[:, np.newaxis]
    votes = np.where(on_mo, sublattice >= 0, sublattice <= 0) * votes
    leading = votes == votes.max(axis=0, initial=0)
    chosen = np.where(leading, each.mean(axis=2), -1).argmax(axis=0)
    row = np.arange(count)
    return chosen.astype(np.int64), places[chosen, row], each[chosen, row]


def _spread(sites: _Sites, chosen: NDArray[np.int64], place: NDArray[np.float64]) -> NDArray[np.float64]:
    """(S,) root mean square distance in pixels of the agreeing networks' positions from their mean."""
    agreed = sites.classes == chosen[:, np.newaxis]
    squares = np.where(agreed, ((sites.positions - place[:, np.newaxis]) ** 2).sum(axis=2), 0)
    spread: NDArray[np.float64] = np.sqrt(squares.sum(axis=1) / np.maximum(agreed.sum(axis=1), 1))
    return spread


def _disputes(
    sites: _Sites,
    chosen: NDArray[np.int64],
    place: NDArray[np.float64],
    kept: NDArray[np.bool_],
    min_distance: float,
) -> list[str]:
    """For each site what other networks found there, `1S:unet_pp`, joined by `;`; places in Å."""
    others: list[list[str]] = [[] for _ in chosen]

    def note(site: np.integer, source: np.integer, networks: NDArray[np.bool_]) -> None:
        for k in np.flatnonzero(networks):
            text = f"{CLASSES[sites.classes[source, k]]}:{sites.names[k]}"
            if text not in others[site]:
                others[site].append(text)

    differs = (sites.classes >= 0) & (sites.classes != chosen[:, np.newaxis])
    for site in np.flatnonzero(differs.any(axis=1)):
        note(site, site, differs[site])
    gone, stay = np.flatnonzero(~kept), np.flatnonzero(kept)
    near = cKDTree(place[stay]).query_ball_point(place[gone], min_distance) if len(gone) else []
    for site, winners in zip(gone, near, strict=True):
        for winner in stay[winners]:
            found = sites.classes[site]
            note(winner, site, (found >= 0) & (found != chosen[winner]) & (sites.classes[winner] < 0))
    return [";".join(texts) for texts in others]
