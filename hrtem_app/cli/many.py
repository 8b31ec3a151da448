"""`analyse` with many series: what is said while it runs, and at its end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from hrtem_app.cli.progress import ProgressLine

if TYPE_CHECKING:
    from hrtem_app.batch import BatchProgress, Outcome
    from hrtem_app.recipe import Recipe

FAILED = 1
_SAID = {"done": "done", "skipped": "done before, skipped", "failed": "failed"}


def analyse_each(
    paths: Sequence[Path],
    out: Path,
    recipe: Recipe,
    choices: Mapping[str, Any],
    recursive: bool,
    by_folder: bool,
    as_json: bool,
) -> int:
    """Analyse every series that the paths hold, into folders of their own and one table.

    Parameters
    ----------
    paths
        Files and folders.
    out
        Folder for all results.
    recipe
        What to do.
    choices
        Further arguments of `hrtem_app.batch.analyse_many`.
    recursive, by_folder
        See `hrtem_app.batch.find_series`.
    as_json
        Print JSON in place of the paths.

    Returns
    -------
    0, or 1 where a series failed.
    """
    ended: list[Outcome] = []
    count = 0
    try:
        with ProgressLine() as line:
            line.wait("loading")
            from hrtem_app.batch import analyse_many, find_series

            series = find_series(paths, recursive=recursive, by_folder=by_folder)
            count = len(series)

            def show(at: BatchProgress) -> None:
                if at.outcome is not None:
                    ended.append(at.outcome)
                step = at.step if at.outcome is None else _SAID[at.outcome.status]
                line.show(f"{at.number} of {at.count}, {at.name}: {step}", at.fraction)

            analyse_many(series, out, recipe, show, **choices)
    except KeyboardInterrupt:
        typer.echo(f"stopped after {len(ended)} of {count} series: the same command goes on from there", err=True)
        raise
    _report(ended, out, as_json)
    return FAILED if any(outcome.status == "failed" for outcome in ended) else 0


def _report(ended: Sequence[Outcome], out: Path, as_json: bool) -> None:
    """How many are done and why others are not to stderr; the folders and the table, or JSON, to stdout."""
    from hrtem_app.batch import TABLE

    counts = Counter[str](outcome.status for outcome in ended)
    told = ", ".join(f"{counts[status]} {words}" for status, words in _SAID.items() if counts[status])
    typer.echo(f"{len(ended)} series: {told}", err=True)
    for outcome in ended:
        if outcome.status == "failed":
            typer.echo(f"failed: {outcome.series.name}: {outcome.error}", err=True)
    if as_json:
        content = {"table": str(out / TABLE), "series": [outcome.row for outcome in ended]}
        typer.echo(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))
        return
    for outcome in ended:
        if outcome.folder is not None:
            typer.echo(str(outcome.folder))
    typer.echo(str(out / TABLE))
