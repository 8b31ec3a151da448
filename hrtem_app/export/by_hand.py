"""What a person did to the columns that networks found: for the record, and how much of it for the report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from hrtem_app.columns import ColumnTable
from hrtem_app.correction import Corrections
from hrtem_app.correction.edits import edit_to_json


@dataclass(frozen=True, eq=False)
class ByHand:
    """The difference between columns as they were found and as they are; an edit that another one undid is none.

    Parameters
    ----------
    added, moved, reclassified, reviewed
        Numbers of columns.
    deleted
        The columns that are gone, as they were found.
    """

    added: int
    moved: int
    reclassified: int
    reviewed: int
    deleted: ColumnTable


def compare(corrections: Corrections) -> ByHand:
    """Compare the columns of a history with those that it began with."""
    before, after = corrections.base, corrections.table
    _, old, new = np.intersect1d(before.ids, after.ids, assume_unique=True, return_indices=True)
    return ByHand(
        added=len(after) - len(new),
        moved=int((before.positions[old] != after.positions[new]).any(axis=1).sum()),
        reclassified=int((before.classes[old] != after.classes[new]).sum()),
        reviewed=int(after.reviewed.sum()),
        deleted=before.select(~np.isin(before.ids, after.ids)),
    )


def record(corrections: Corrections) -> dict[str, Any]:
    """A history as plain values for JSON: numbers of columns, which were deleted, and the edits in order.

    Positions are in pixels; edits that were taken back are left out.
    """
    found = compare(corrections)
    gone = found.deleted
    return {
        "added": found.added,
        "moved": found.moved,
        "reclassified": found.reclassified,
        "reviewed": found.reviewed,
        "deleted": len(gone),
        "deleted_columns": [
            {"id": number, "class": name, "x_px": x, "y_px": y}
            for number, name, (y, x) in zip(gone.ids.tolist(), gone.class_names, gone.positions.tolist(), strict=True)
        ],
        "edits": [json.loads(edit_to_json(edit)) for edit in corrections.edits[: corrections.position]],
    }
