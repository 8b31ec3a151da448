"""`score`: tables of columns against a table that is held to be true."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hrtem_app.cli.values import real

if TYPE_CHECKING:
    from hrtem_app.columns import ColumnTable
    from hrtem_app.evaluation.hand_labelled import TableScore, Truth


def score(
    columns: Annotated[
        list[Path], typer.Argument(metavar="COLUMNS.csv", help="Tables of one image: columns-unet.csv columns.csv say.")
    ],
    truth: Annotated[
        Path, typer.Option(metavar="TRUTH.csv", help="The true columns: of a simulation, or corrected by hand.")
    ],
    reviewed_only: Annotated[
        bool,
        typer.Option("--reviewed-only", help="Judge only columns that a person reviewed or edited, and places there."),
    ] = False,
    distance: Annotated[
        float | None, typer.Option(parser=real, metavar="px", help="A hit lies within this.  [default: 3]")
    ] = None,
    border: Annotated[
        float | None,
        typer.Option(parser=real, metavar="px", help="Columns so near to the border do not count.  [default: 10]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Score tables of columns against the truth: F1, confusion, position error."""
    from hrtem_app.evaluation.hand_labelled import BORDER, DISTANCE, recorded_shape

    true = _truth(truth, reviewed_only)
    shape = next(filter(None, map(recorded_shape, [*columns, truth])), None)
    if shape is None:
        typer.echo(
            "warning: the size of the image is unknown, so columns at its border count too: leave the tables beside "
            "their analysis.json",
            err=True,
        )
    near = DISTANCE if distance is None else distance
    margin = BORDER if border is None else border
    scores = {str(path): _score(path, true, shape, near, margin) for path in columns}
    if not as_json:
        typer.echo("\n".join(_lines(scores)))
        return
    content = {
        "truth": str(truth),
        "reviewed_only": reviewed_only,
        "true_columns": true.table.select(true.judged).counts(),
        "sampling_A_per_px": true.table.sampling,
        "image_px": shape and {"x": shape[1], "y": shape[0]},
        "distance_px": near,
        "border_px": shape and margin,
        "files": {name: each.values() for name, each in scores.items()},
    }
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))


def _truth(path: Path, reviewed_only: bool) -> Truth:
    from hrtem_app.evaluation.hand_labelled import Truth, read_columns

    # Whatever sampling an empty table is read with, it is refused for being empty.
    table = read_columns(path, 1.0)
    try:
        return Truth(table, reviewed_only)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _score(path: Path, truth: Truth, shape: tuple[int, int] | None, distance: float, border: float) -> TableScore:
    from hrtem_app.evaluation.hand_labelled import read_columns, score_table

    table: ColumnTable = read_columns(path, truth.table.sampling)
    try:
        return score_table(table, truth, shape, distance=distance, border=border)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _lines(scores: Mapping[str, TableScore]) -> list[str]:
    """A table of all files, then what each took for what."""
    values = {name: each.values() for name, each in scores.items()}
    classes = next(iter(values.values()))["confusion"]
    header = ["table", "judged", "F1", *classes, "hits", "false", "missed", "error, pm"]
    rows = [[name, each["columns_judged"], *_numbers(each)] for name, each in values.items()]
    lines = _aligned([header, *rows])
    for name, each in values.items():
        confusion = each["confusion"]
        said = next(iter(confusion.values()))
        lines += ["", f"{name}: found in the place of true columns"]
        lines += _aligned([["", *said], *([true, *row.values()] for true, row in confusion.items())])
    return lines


def _numbers(values: Mapping[str, Any]) -> list[str]:
    counts = values["counts"].values()
    f1 = [values["atomic_f1"], *values["atomic_f1_per_class"].values()]
    return [
        *("–" if value is None else f"{value:.4f}" for value in f1),
        *(str(sum(each[kind] for each in counts)) for kind in ("hits", "false", "missed")),
        "–" if values["position_error_pm"] is None else f"{values['position_error_pm']:.2f}",
    ]


def _aligned(rows: Sequence[Sequence[Any]]) -> list[str]:
    """Lines of columns as wide as they need to be: the first from the left, numbers from the right."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]).rstrip()
        for row in texts
    ]
