"""What a reader should be told of grains in which it stays open which sublattice is molybdenum."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.spatial import cKDTree

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.inference.result import NetworkResult
from hrtem_app.recipe import Agreement, Sublattice

_MO = CLASSES.index("Mo")
# More grains than this are not told one by one.
_MOST_TOLD = 3


def grain_doubts(
    table: ColumnTable, networks: Mapping[str, NetworkResult], agreement: Agreement, sublattice: Sublattice
) -> list[str]:
    """Warnings of undecided grains, and of grains that networks decided against each other, one sentence each.

    Parameters
    ----------
    table
        The sites on which the networks agree or do not.
    networks
        What each network said, by name.
    agreement
        The distance in Å within which columns are the same site.
    sublattice
        How clear the evidence must be.
    """
    grains = np.unique(table.grain[table.grain >= 0])
    open_grains = [grain for grain in grains if not table.decided[table.grain == grain].any()]
    said = {grain: _said(table, networks, agreement, grain) for grain in open_grains}
    disputed = [grain for grain in open_grains if min(said[grain].values(), default=0) < 0 < max(said[grain].values())]
    undecided = [grain for grain in open_grains if grain not in disputed]
    sentences = []
    if undecided:
        evidence = [np.abs(table.grain_evidence[table.grain == grain]).max() for grain in undecided]
        values = " to ".join(dict.fromkeys(f"{value:.2f}" for value in (min(evidence), max(evidence))))
        sentences.append(
            f"{_counted(table, undecided, len(grains))}: which sublattice is Mo stays undecided (evidence {values}, "
            f"needs {sublattice.evidence:g}), so Mo and 2S may be swapped there"
        )
    if disputed:
        told = "; ".join(", ".join(f"{n} {e:+.2f}" for n, e in said[grain].items()) for grain in disputed[:_MOST_TOLD])
        sentences.append(
            f"{_counted(table, disputed, len(grains))}: the networks disagree which sublattice is Mo ({told}), "
            "so these columns follow most of them, or the clearer ones, and are marked as undecided"
        )
    return sentences


def _said(
    table: ColumnTable, networks: Mapping[str, NetworkResult], agreement: Agreement, grain: int
) -> dict[str, float]:
    """The evidence of each network that decided a grain, positive for Mo where the table has it."""
    rows = np.flatnonzero(table.grain == grain)
    reading = np.where(table.classes[rows] == _MO, 1, -1)
    said = {}
    for name, result in networks.items():
        own = result.columns.select(result.columns.decided)
        if len(own) == 0:
            continue
        distance, nearest = cKDTree(own.positions).query(table.positions[rows])
        near = distance * table.sampling <= agreement.distance
        # As when the grain was settled: who decided less than half of what it found there has no say.
        if near.sum() > len(rows) / 2:
            said[name] = float(np.mean(own.grain_evidence[nearest[near]] * reading[near]))
    return said


def _counted(table: ColumnTable, grains: list[int], total: int) -> str:
    columns = int(np.isin(table.grain, grains).sum())
    return f"{len(grains)} of {total} {'grain' if total == 1 else 'grains'}, {columns} columns"
