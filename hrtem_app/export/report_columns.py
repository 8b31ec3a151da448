"""What the report says about the columns: counts, votes, disputes, grains, corrections by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from hrtem_app.analysis import Analysis
from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.correction import Corrections
from hrtem_app.correction.edits import counted
from hrtem_app.export.by_hand import compare
from hrtem_app.export.markup import paragraph, table
from hrtem_app.recipe import Sublattice

_MO = CLASSES.index("Mo")


def summary(analysis: Analysis) -> str:
    """The counts in a sentence."""
    found = analysis.table
    counts = ", ".join(f"{number} {name}" for name, number in found.counts().items())
    disputed = sum(bool(text) for text in found.disputed)
    by_hand = int(found.by_hand.sum())
    return f"{len(found)} columns: {counts}; {disputed} disputed, {by_hand} reviewed or edited by hand."


def count_parts(analysis: Analysis) -> list[str]:
    """How many columns of each class, all networks together and each by itself."""
    tables = {"all networks together": analysis.table} | {
        f"{result.card.title} ({name})": result.columns for name, result in analysis.networks.items()
    }
    rows = [(name, *each.counts().values(), len(each)) for name, each in tables.items()]
    return [table(("columns of", *CLASSES, "all"), rows)]


def vote_parts(found: ColumnTable, networks: int) -> list[str]:
    """How many columns of each class have how many votes."""
    rows = [
        (f"{votes} of {networks}", *_per_class(found, found.votes == votes))
        for votes in range(max(networks, int(found.votes.max(initial=0))), -1, -1)
    ]
    return [
        table(("networks that found this class here", *CLASSES, "all"), rows),
        paragraph("Columns without votes are those whose class no network found there: a grain's, or a person's."),
    ]


def dispute_parts(found: ColumnTable) -> list[str]:
    """What others found in the place of columns, and how often."""
    said = Counter(
        (name, *entry.partition(":")[::2])
        for name, text in zip(found.class_names, found.disputed, strict=True)
        for entry in text.split(";")
        if entry
    )
    if not said:
        return [paragraph("None.")]
    rows = [(*case, number) for case, number in said.most_common()]
    total = sum(bool(text) for text in found.disputed)
    return [
        paragraph(f"{total} of {len(found)} columns, each of which columns.csv names in its field disputed."),
        table(("class in the table", "found there instead", "by", "columns"), rows),
    ]


def grain_parts(found: ColumnTable, sublattice: Sublattice) -> list[str]:
    """Each grain: its columns, the evidence which of its sublattices is Mo, and what was decided."""
    grains = np.unique(found.grain[found.grain >= 0]).tolist()
    if not grains:
        off = "the recipe switches them off" if not sublattice.enabled else "there is none"
        return [paragraph(f"No grain of {sublattice.columns} columns or more: {off}.")]
    rows = [_grain(found, grain) for grain in grains]
    outside = int((found.grain < 0).sum())
    return [
        paragraph(
            "Which sublattice of a grain is Mo is decided from all its columns together, where the mean log odds of "
            f"the networks reach {sublattice.evidence:g}; in an undecided grain Mo and S may be swapped as a whole. "
            f"{outside} columns are outside of all grains."
        ),
        table(("grain", "columns", *CLASSES, "evidence, natural log odds", "decision"), rows),
    ]


def correction_parts(found: ColumnTable, corrections: Corrections | None = None) -> list[str]:
    """How many columns of each class a person edited or reviewed, and how many were deleted.

    Parameters
    ----------
    found
        The columns as corrected.
    corrections
        What led to them; None: unknown.
    """
    deleted = _deleted(corrections)
    if not found.by_hand.any():
        return [paragraph(f"Edited or reviewed: None. {deleted}")]
    kinds = {
        "edited: added, moved or of another class": found.edited,
        "reviewed: settled by a person": found.reviewed,
        "either": found.by_hand,
    }
    return [
        table(("columns", *CLASSES, "all"), [(name, *_per_class(found, rows)) for name, rows in kinds.items()]),
        paragraph(deleted),
    ]


def _deleted(corrections: Corrections | None) -> str:
    if corrections is None:
        return "Columns that a person deleted leave no trace in a table."
    gone = compare(corrections).deleted
    if not len(gone):
        return "None was deleted."
    kinds = ", ".join(f"{number} {name}" for name, number in gone.counts().items() if number)
    return f"{counted(len(gone))} deleted: {kinds}; analysis.json names them and lists all edits."


def _per_class(found: ColumnTable, rows: NDArray[np.bool_]) -> tuple[int, ...]:
    """How many of the rows are of each class, and their number."""
    counts = found.select(rows).counts()
    return *counts.values(), int(rows.sum())


def _grain(found: ColumnTable, grain: int) -> tuple[object, ...]:
    rows = found.grain == grain
    evidence = found.grain_evidence[rows]
    known = np.isfinite(evidence)
    clear = float(np.abs(evidence[known]).mean()) if known.any() else float("nan")
    return grain, int(rows.sum()), *_per_class(found, rows)[:-1], f"{clear:.2f}", _decision(found.select(rows))


def _decision(part: ColumnTable) -> str:
    """What was decided for the columns of a grain; against the evidence of the networks only a person decides."""
    if not part.decided.any():
        return "undecided"
    known = np.isfinite(part.grain_evidence)
    against = (part.classes == _MO) != (part.grain_evidence > 0)
    return "turned round by hand" if 2 * (against & known).sum() > known.sum() else "decided"
