"""What is scored against what, and the score of it; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hrtem_app.columns import ColumnTable
from hrtem_app.correction.review import waiting

if TYPE_CHECKING:
    from hrtem_app.analysis import Analysis
    from hrtem_app.evaluation.table_scores import Scores
    from hrtem_app.imaging.shifting import Area

OWN = "columns as corrected by hand"


@dataclass(frozen=True, eq=False)
class OfferedTruth:
    """True columns from a file.

    Parameters
    ----------
    path
        The file.
    table
        What is in it, in pixels of the open series.
    """

    path: Path
    table: ColumnTable


@dataclass(frozen=True, eq=False)
class ScoreTask:
    """Everything that a score depends on; what it holds is immutable, so tasks are compared by identity of that.

    Parameters
    ----------
    analysis
        Whose networks and sites are scored.
    table
        Its sites as corrected by hand.
    truth
        What they are scored against; None: the corrected sites.
    reviewed_only
        Whether only columns of the truth count that a person reviewed or edited.
    """

    analysis: Analysis
    table: ColumnTable
    truth: OfferedTruth | None
    reviewed_only: bool

    @property
    def true_table(self) -> ColumnTable:
        """The columns that are held to be true."""
        return self.table if self.truth is None else self.truth.table

    @property
    def is_checked(self) -> bool:
        """Whether the truth is more than what networks found: from a file, or with all reviewed that was disputed."""
        return self.truth is not None or bool(self.table.reviewed.any() and not waiting(self.table).any())

    def is_same(self, other: ScoreTask | None) -> bool:
        """Whether another task has the same score."""
        return (
            other is not None
            and other.analysis is self.analysis
            and other.table is self.table
            and other.truth is self.truth
            and other.reviewed_only == self.reviewed_only
        )


def score(task: ScoreTask) -> Scores:
    """Score networks and sites as they were found, and against a truth from elsewhere also the sites as corrected.

    Where frames were shifted, only what all of them show of the image is scored.

    Raises
    ------
    ValueError
        Where the truth does not fit; names what is wrong with it.
    """
    from hrtem_app.evaluation.hand_labelled import Truth
    from hrtem_app.evaluation.table_scores import CORRECTED, SITES, score_tables

    analysis, area = task.analysis, task.analysis.area
    tables = {name: result.columns for name, result in analysis.networks.items()} | {SITES: analysis.table}
    if task.truth is not None and task.table is not analysis.table:
        tables[CORRECTED] = task.table
    truth = Truth(_inside(task.true_table, area), task.reviewed_only)
    source = OWN if task.truth is None else task.truth.path.name
    shape = analysis.series.shape if area is None else (area.bottom - area.top, area.right - area.left)
    return score_tables({name: _inside(table, area) for name, table in tables.items()}, truth, source, shape)


def _inside(table: ColumnTable, area: Area | None) -> ColumnTable:
    """The columns in an area, in its pixels."""
    if area is None:
        return table
    kept = table.select(area.holds(table.positions))
    return replace(kept, positions=kept.positions - (area.top, area.left))
