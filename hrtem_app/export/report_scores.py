"""What the report says about scores against a truth."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hrtem_app.analysis import Analysis
from hrtem_app.columns import CLASSES
from hrtem_app.evaluation.hand_labelled import TableScore
from hrtem_app.evaluation.table_scores import CORRECTED, SITES, Scores
from hrtem_app.export.markup import paragraph, table
from hrtem_app.export.report import Section


def table_titles(analysis: Analysis) -> dict[str, str]:
    """What the tables of an analysis are called, by their name in `Scores`."""
    networks = {name: f"{result.card.title} ({name})" for name, result in analysis.networks.items()}
    return networks | {SITES: "all networks together", CORRECTED: "as corrected by hand"}


def score_section(scores: Scores, titles: Mapping[str, str]) -> Section:
    """F1, counts, position error and confusion of every table, and what the truth was.

    Parameters
    ----------
    scores
        What `score_tables` gave.
    titles
        What the tables are called, by their name.
    """
    header = ("columns of", "judged", "F1", *(f"F1 {name}" for name in CLASSES), "hits", "false", "missed", "error, pm")
    confusion = [
        (titles.get(name, name), true, *row)
        for name, each in scores.tables.items()
        for true, row in zip(CLASSES, each.score.confusion.tolist(), strict=True)
    ]
    return "Scores", [
        paragraph(_truth(scores)),
        table(header, [(titles.get(name, name), *_row(each)) for name, each in scores.tables.items()]),
        paragraph(_rules(scores)),
        table(("columns of", "true class", *(f"found as {name}" for name in CLASSES), "not found"), confusion),
    ]


def _truth(scores: Scores) -> str:
    truth = scores.truth
    counts = ", ".join(f"{number} {name}" for name, number in truth.table.select(truth.judged).counts().items())
    judged = " of them, those that a person reviewed or edited, are held to be true" if truth.reviewed_only else ""
    number = int(truth.judged.sum())
    checked = scores.told_checked()
    return f"Truth: {scores.source}, {len(truth.table)} columns; {number if judged else 'all'}{judged}: {counts}." + (
        f" {checked}." if checked else ""
    )


def _rules(scores: Scores) -> str:
    border = (
        "The size of the image is unknown, so columns at its border count too."
        if scores.shape is None
        else f"Columns within {scores.border:g} px of the border do not count."
    )
    return (
        f"A hit is a column of the true class within {scores.distance:g} px, matched one-to-one; F1 is 2·hits / "
        f"(2·hits + false + missed), and the error the root mean square distance of the hits. {border} "
        "The confusion is matched without regard to class."
    )


def _row(each: TableScore) -> tuple[str | int, ...]:
    score = each.score
    return (
        each.columns,
        *(_number(value, 4) for value in (score.f1(), *score.class_f1().values())),
        *(int(counts.sum()) for counts in (score.hits, score.false, score.missed)),
        _number(score.position_error(each.sampling), 2),
    )


def _number(value: float, digits: int) -> str:
    return "unknown" if math.isnan(value) else f"{value:.{digits}f}"
