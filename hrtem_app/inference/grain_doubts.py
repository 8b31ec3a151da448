"""What a reader should be told of grains in which it stays open which sublattice is molybdenum."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hrtem_app.columns import ColumnTable
from hrtem_app.recipe import Sublattice

# More grains than this are not told one by one.
_MOST_TOLD = 3


def grain_doubts(table: ColumnTable, said: Mapping[int, Mapping[str, float]], sublattice: Sublattice) -> list[str]:
    """Warnings of undecided grains, and of grains that networks decide against each other, one sentence each.

    Parameters
    ----------
    table
        The sites on which the networks agree or do not.
    said
        By grain and network, log odds for what the table shows; see `Consensus`.
    sublattice
        How clear the evidence must be.
    """
    grains = np.unique(table.grain[table.grain >= 0]).tolist()
    open_grains = [grain for grain in grains if not table.decided[table.grain == grain].any()]
    disputed = [grain for grain in open_grains if _is_disputed(said[grain], sublattice.evidence)]
    undecided = [grain for grain in open_grains if grain not in disputed]
    sentences = []
    if undecided:
        evidence = [np.abs(table.grain_evidence[table.grain == grain]).max() for grain in undecided]
        values = " to ".join(dict.fromkeys(f"{value:.2f}" for value in (min(evidence), max(evidence))))
        sentences.append(
            f"{_counted(table, undecided, len(grains))}: which sublattice is Mo stays undecided (evidence {values}, "
            f"needs {sublattice.evidence:g}), so Mo and S may be swapped there as a whole"
        )
    if disputed:
        told = "; ".join(", ".join(f"{n} {e:+.2f}" for n, e in said[grain].items()) for grain in disputed[:_MOST_TOLD])
        sentences.append(
            f"{_counted(table, disputed, len(grains))}: the networks disagree which sublattice is Mo ({told}), "
            "so these columns follow most of them, or the clearer ones, and are marked as undecided"
        )
    return sentences


def _is_disputed(said: Mapping[str, float], least: float) -> bool:
    """Whether networks are clear enough on either side."""
    return min(said.values()) <= -least and max(said.values()) >= least


def _counted(table: ColumnTable, grains: list[int], total: int) -> str:
    columns = int(np.isin(table.grain, grains).sum())
    return f"{len(grains)} of {total} {'grain' if total == 1 else 'grains'}, {columns} columns"
