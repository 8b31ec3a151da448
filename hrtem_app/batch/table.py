"""The table over all series of a batch, one row each."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from hrtem_app.columns import CLASSES
from hrtem_app.files import replacing

TABLE = "results.csv"
Value = str | int | float | None
HEADER = (
    "file",
    "name",
    "status",
    "error",
    "sampling_A",
    "frames",
    "frames_used",
    "energy_eV",
    "networks",
    "columns",
    *CLASSES,
    "disputed",
    "grains",
    "undecided_grains",
    "vacancies_1S",
    "vacancies_1S_low",
    "vacancies_1S_high",
    "area_nm2",
    "lattice_constant_A",
    "lattice_constant_error_A",
    "mean_votes",
    "warnings",
    "seconds",
    "folder",
)


def read_table(folder: Path) -> list[dict[str, str]]:
    """The rows of the table in a folder, as text; none where there is no table.

    Raises
    ------
    ValueError
        For a file of that name that is no such table.
    """
    path = folder / TABLE
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, restval="")
            named = set(reader.fieldnames or ())
            rows = list(reader)
    except FileNotFoundError:
        return []
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} cannot be read ({error}): choose another folder for the results") from error
    if not {"file", "name", "status"} <= named:
        raise ValueError(f"{path} is not a table over the series of a batch: choose another folder for the results")
    return rows


def start_table(folder: Path) -> None:
    """Write a table without rows where there is none, so that the folder is known for one of a batch."""
    if not (folder / TABLE).exists():
        _write(folder, [])


def put_row(folder: Path, row: Mapping[str, Value]) -> None:
    """Put a row into the table in place of what it said of that file, or of results of that name, before.

    Rows of other series stay. Whenever the process dies, the table is that of before or of after.

    Raises
    ------
    ValueError
        Where the table that is there is none.
    OSError
        Where it cannot be written.
    """
    told = {name: _text(row.get(name)) for name in HEADER}
    rows: list[dict[str, str]] = []
    placed = False
    for earlier in read_table(folder):
        if earlier["file"] != told["file"] and earlier["name"] != told["name"]:
            rows.append(earlier)
        elif not placed:
            rows.append(told)
            placed = True
    _write(folder, rows if placed else [*rows, told])


def _write(folder: Path, rows: list[dict[str, str]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, HEADER, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with replacing(folder / TABLE) as file:
        file.write(text.getvalue().encode())


def _text(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value)
