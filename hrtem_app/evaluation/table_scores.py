"""Scores of several tables of one image against one truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hrtem_app.columns import ColumnTable
from hrtem_app.evaluation.hand_labelled import BORDER, DISTANCE, TableScore, Truth, score_table

# Tables that are no network's: what all of them found together, and what a person made of it.
SITES, CORRECTED = "sites", "corrected"


@dataclass(frozen=True, eq=False)
class Scores:
    """How the tables of an image did.

    Parameters
    ----------
    truth
        What they were scored against.
    source
        Where the truth is from, in words: the name of its file say.
    shape
        (y, x) of what was scored of the image in pixels; None: unknown, so columns at its border count too.
    distance
        A hit lies within this many pixels.
    border
        Columns within this many pixels of the border are left out.
    tables
        By name of the network, `SITES` or `CORRECTED`.
    """

    truth: Truth
    source: str
    shape: tuple[int, int] | None
    distance: float
    border: float
    tables: Mapping[str, TableScore]

    def told_checked(self) -> str:
        """How many true columns a person checked; empty for a truth that has nothing to do with networks."""
        true = self.truth.table
        if not (true.by_hand.any() or true.votes.any()):
            return ""
        return f"{int(true.by_hand.sum())} of {len(true)} columns were checked by a person"

    def values(self) -> dict[str, Any]:
        """All numbers as plain values for JSON; what could not be measured is None."""
        true = self.truth.table
        return {
            "truth": self.source,
            "reviewed_only": self.truth.reviewed_only,
            "checked_by_a_person": {"columns": int(true.by_hand.sum()), "of": len(true)},
            "true_columns": true.select(self.truth.judged).counts(),
            "sampling_A_per_px": true.sampling,
            "image_px": None if self.shape is None else {"x": self.shape[1], "y": self.shape[0]},
            "distance_px": self.distance,
            "border_px": None if self.shape is None else self.border,
            "tables": {name: score.values() for name, score in self.tables.items()},
        }


def score_tables(
    tables: Mapping[str, ColumnTable],
    truth: Truth,
    source: str,
    shape: tuple[int, int] | None = None,
    *,
    distance: float = DISTANCE,
    border: float = BORDER,
) -> Scores:
    """Score tables against the truth, each as `score_table` does.

    Parameters
    ----------
    tables
        By name, in pixels of the same image.
    truth, shape, distance, border
        See `score_table`.
    source
        Where the truth is from, in words.

    Raises
    ------
    ValueError
        Where `score_table` refuses a table; names it.
    """
    scores = {}
    for name, table in tables.items():
        try:
            scores[name] = score_table(table, truth, shape, distance=distance, border=border)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    return Scores(truth, source, shape, distance, border, scores)
