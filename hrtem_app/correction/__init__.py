"""Correcting columns by hand: edits as values, a history of them, review, selections; no window.

What needs the networks' maps is in `hrtem_app.correction.from_maps`.
"""

from hrtem_app.correction.apply import apply
from hrtem_app.correction.edits import (
    Add,
    ConfirmSublattices,
    Delete,
    Edit,
    Move,
    Reclassify,
    Review,
    SwapSublattices,
    edit_from_json,
    edit_to_json,
)
from hrtem_app.correction.history import Corrections
from hrtem_app.correction.rebase import Rebased, rebased
from hrtem_app.correction.review import next_to_review, review_order
from hrtem_app.correction.saving import SavedCorrections, from_json, restored, saved, to_json
from hrtem_app.correction.selection import inside_box, inside_lasso
from hrtem_app.correction.walk import ReviewWalk

__all__ = [
    "Add",
    "ConfirmSublattices",
    "Corrections",
    "Delete",
    "Edit",
    "Move",
    "Rebased",
    "Reclassify",
    "Review",
    "ReviewWalk",
    "SavedCorrections",
    "SwapSublattices",
    "apply",
    "edit_from_json",
    "edit_to_json",
    "from_json",
    "inside_box",
    "inside_lasso",
    "next_to_review",
    "rebased",
    "restored",
    "review_order",
    "saved",
    "to_json",
]
