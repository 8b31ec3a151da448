"""What the screen shows, worked out from the session by pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.gui.session import Session, View
from hrtem_app.recipe import Recipe
from hrtem_app.series import FocalSeries

if TYPE_CHECKING:
    from hrtem_app.analysis import Analysis

DEFAULT_FRAMES = 3


def used_frames(series: FocalSeries, recipe: Recipe, count: int = DEFAULT_FRAMES) -> tuple[int, ...]:
    """The frames that networks wanting `count` of them see: the recipe's, else the first ones in defocus order.

    Where there are fewer, networks for a single frame see the first.
    """
    if recipe.frames is not None:
        return tuple(i for i in recipe.frames if i < len(series))
    return series.defocus_order()[: count if len(series) >= count else 1]


def shown_rows(table: ColumnTable, view: View) -> NDArray[np.bool_]:
    """(n,) which rows have enough votes, or were corrected by a person, whom no vote overrules."""
    return np.asarray((table.votes >= view.votes) | table.edited)


@dataclass(frozen=True)
class Counts:
    """Numbers of columns per class: of the sites that are shown and of each network."""

    shown: dict[str, int]
    networks: dict[str, dict[str, int]]
    disputed: int


def counts(analysis: Analysis, table: ColumnTable, view: View) -> Counts:
    """Count what is shown of a table: that of the analysis, with its corrections."""
    rows = shown_rows(table, view)
    found = np.bincount(table.classes[rows], minlength=len(CLASSES)).tolist()
    return Counts(
        shown=dict(zip(CLASSES, found, strict=True)),
        networks={name: result.columns.counts() for name, result in analysis.networks.items()},
        disputed=sum(map(bool, compress(table.disputed, rows.tolist()))),
    )


def features(table: ColumnTable) -> pd.DataFrame:
    """The table as the features of a Points layer, one row per column."""
    return pd.DataFrame(
        {
            "id": table.ids,
            "class": pd.Categorical.from_codes(table.classes, categories=list(CLASSES)),
            "votes": table.votes,
            "probability": table.probability,
            **{f"p_{name}": values for name, values in table.network_probability.items()},
            "spread_pm": table.spread,
            "disputed": list(table.disputed),
            "edited": table.edited,
            "grain": table.grain,
            "grain_evidence": table.grain_evidence,
            "decided": table.decided,
            "reviewed": table.reviewed,
        }
    )


def status_line(session: Session) -> str:
    """What to do next, in one sentence."""
    if session.series is None:
        return "Open a focal series: drop files here, or begin with the sample."
    if not session.ready:
        return "Give the sampling in Å per pixel: the file does not state it."
    if session.analysis is None:
        return "Look at the lattice filter, then run the networks."
    if session.stale:
        return "Something was changed after these results were computed: run again."
    return "Results are up to date: look through them, then export."
