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
# Arrays of a table that may be missing, and their names among the features.
_FIELDS = {
    "ids": "id",
    "spread": "spread_pm",
    "grain": "grain",
    "grain_evidence": "grain_evidence",
    "decided": "decided",
    "reviewed": "reviewed",
}


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


def table_from_features(positions: NDArray[np.float64], features: pd.DataFrame, sampling: float) -> ColumnTable:
    """The table whose `features` these are; of points that somebody else made, their classes alone.

    Parameters
    ----------
    positions
        (n, 2) as (y, x) in pixels.
    features
        Of the points, a row each.
    sampling
        Å per pixel.

    Raises
    ------
    ValueError
        Where the features hold no class, or one that is none of ours.
    """
    if "class" not in features:
        raise ValueError(
            f"the points have no feature 'class': give each of them one of {', '.join(CLASSES)}, "
            "or save them as plain points"
        )
    names = features["class"].astype(str).tolist()
    unknown = sorted({name for name in names if name not in CLASSES})
    if unknown:
        raise ValueError(f"class '{unknown[0]}' of the points is none of {', '.join(CLASSES)}")
    n = len(names)
    # Points that a person drew and classified are what a person says of these columns.
    given = {"votes": np.zeros(n), "probability": np.full(n, np.nan), "edited": np.ones(n, bool)}
    given |= {name: features[name].to_numpy() for name in given if name in features}
    known = {field: features[name].to_numpy() for field, name in _FIELDS.items() if name in features}
    if len(np.unique(known.get("ids", ()))) < n:
        # Points that were copied brought the numbers of the others with them.
        known.pop("ids", None)
    return ColumnTable(
        positions=positions,
        classes=np.array([CLASSES.index(name) for name in names], np.int64),
        sampling=sampling,
        network_probability={n[2:]: features[n].to_numpy() for n in features if str(n).startswith("p_")},
        disputed=tuple(features["disputed"].astype(str)) if "disputed" in features else (),
        **given,
        **known,
    )


def status_line(session: Session) -> str:
    """What is going on, else what to do next, in one sentence."""
    return _going_on(session) or _next(session)


def _going_on(session: Session) -> str:
    if "open" in session.busy:
        return "Reading…"
    if "analyse" in session.busy:
        progress = session.progress
        return "Running…" if progress is None else f"Running: {progress.step}, {progress.fraction:.0%}."
    if "export" in session.busy:
        return "Writing the results…"
    return ""


def _next(session: Session) -> str:
    if session.series is None:
        return "Open a focal series: drop files here, or begin with the sample."
    if not session.ready:
        return "Give the sampling in Å per pixel: the file does not state it."
    if session.analysis is None:
        return "Look at the lattice filter, then run the networks."
    if session.stale:
        return "Something was changed after these results were computed: run again."
    if session.exported is None:
        return "Results are up to date: look through them, then export."
    if session.exported is not session.table:
        return "Columns were changed since they were written: export again."
    return "The results are written: correct further, or open another series."
