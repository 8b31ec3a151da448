"""Scores of tables of columns against a table that is held to be true, one that a person corrected say."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.evaluation.metrics import ColumnScore, column_score

# SCIENCE section 8: a hit lies within so many pixels, and so many at the border do not count.
DISTANCE, BORDER = 3.0, 10.0
# In Å: half of the shortest distance of neighbours, a/√3, so that what is found within it is meant for this column.
REACH = 0.9
# Samplings are read off positions with five digits after the point.
_SAME_SAMPLING = 1e-4
_RECORD = "analysis.json"


@dataclass(frozen=True, eq=False)
class Truth:
    """What tables are scored against.

    Parameters
    ----------
    table
        All its columns.
    reviewed_only
        Only those are held to be true that a person reviewed or edited, and only near them anything is judged: a found
        column counts if the nearest column of the whole table is one of those, within `REACH` (or within the distance
        of a hit, where that is more). So a column counts as false there, but not where nobody looked, nor where a
        person deleted one, of which the table knows nothing.

    Raises
    ------
    ValueError
        Where there is no column to score against.
    """

    table: ColumnTable
    reviewed_only: bool = False

    def __post_init__(self) -> None:
        if len(self.table) == 0:
            raise ValueError("the truth holds no columns, so nothing can be right: give a table with some")
        if not self.judged.any():
            raise ValueError(
                f"none of the {len(self.table)} columns of the truth is reviewed or edited: review some in the window, "
                "or score against all of them, without --reviewed-only"
            )

    @property
    def judged(self) -> NDArray[np.bool_]:
        """(n,) which columns are held to be true."""
        if not self.reviewed_only:
            return np.ones(len(self.table), bool)
        return self.table.by_hand

    def counts_here(self, positions: NDArray[np.float64], reach: float) -> NDArray[np.bool_]:
        """(m,) which of (m, 2) places (y, x) in pixels are judged; `reach` in pixels."""
        if not self.reviewed_only or len(positions) == 0:
            return np.ones(len(positions), bool)
        distance, nearest = cKDTree(self.table.positions).query(positions)
        return np.asarray(self.judged[nearest] & (distance <= reach), np.bool_)


@dataclass(frozen=True, eq=False)
class TableScore:
    """How a table did.

    Parameters
    ----------
    columns
        How many of its columns were judged.
    sampling
        Å per pixel.
    score
        The counts.
    """

    columns: int
    sampling: float
    score: ColumnScore

    def values(self) -> dict[str, Any]:
        """All numbers as plain values for JSON; what could not be measured is None."""
        each = zip(CLASSES, self.score.hits, self.score.false, self.score.missed, strict=True)
        return {
            "columns_judged": self.columns,
            "atomic_f1": _known(self.score.f1()),
            "atomic_f1_per_class": {name: _known(value) for name, value in self.score.class_f1().items()},
            "counts": {name: {"hits": int(h), "false": int(f), "missed": int(m)} for name, h, f, m in each},
            "confusion": {
                name: dict(zip([*CLASSES, "nothing"], row.tolist(), strict=True))
                for name, row in zip(CLASSES, self.score.confusion, strict=True)
            },
            "position_error_pm": _known(self.score.position_error(self.sampling)),
        }


def score_table(
    found: ColumnTable,
    truth: Truth,
    shape: tuple[int, int] | None = None,
    *,
    distance: float = DISTANCE,
    border: float = BORDER,
) -> TableScore:
    """Score a table against the truth, as networks are scored on simulated series.

    Parameters
    ----------
    found
        In pixels of the same image.
    truth
        See `Truth`.
    shape
        (y, x) of the image in pixels; None: unknown, so columns at its border count like all others.
    distance
        A hit lies within this many pixels.
    border
        Columns within this many pixels of the border are left out.

    Raises
    ------
    ValueError
        For tables whose samplings differ, which cannot be of the same image, or an impossible distance or border.
    """
    if not math.isclose(found.sampling, truth.table.sampling, rel_tol=_SAME_SAMPLING):
        raise ValueError(
            f"its sampling is {found.sampling:.6g} Å/px, that of the truth {truth.table.sampling:.6g}: "
            "give tables of the same image with the same sampling"
        )
    for name, value in (("distance", distance), ("border", border)):
        if not (np.isfinite(value) and value >= 0):
            raise ValueError(f"a {name} of {value} px is impossible: give a number from 0 upwards")
    judged = found.select(truth.counts_here(found.positions, max(REACH / found.sampling, distance)))
    true = truth.table.select(truth.judged)
    # Without the image's size everything is inside.
    size, margin = ((0, 0), -np.inf) if shape is None else (shape, border)
    score = column_score(
        judged.positions, judged.classes, true.positions, true.classes, size, distance=distance, border=margin
    )
    return TableScore(len(judged), found.sampling, score)


def read_columns(path: str | Path, sampling: float) -> ColumnTable:
    """Read a table; one without rows, which cannot tell its sampling, gets the given one (Å/px).

    Raises
    ------
    ValueError
        For a file that is no table of columns.
    """
    table = ColumnTable.from_csv(path, sampling)
    return ColumnTable.from_csv(path) if len(table) else table


def recorded_shape(table: str | Path) -> tuple[int, int] | None:
    """(y, x) of the image, from the record of the analysis that lies beside a table; None where it tells none."""
    try:
        record = json.loads(Path(table).with_name(_RECORD).read_text(encoding="utf-8"))
        size = record["series"]["size_px"]
        return int(size["y"]), int(size["x"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
