"""True columns in files: tables as CSV, and the npz files of simulations."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from hrtem_app.columns import CSV_COLUMNS, ColumnTable

SUFFIXES = (".csv", ".npz")
"""Of files that may hold true columns."""

_HEADER_BYTES = 4096


def is_column_table(path: str | Path) -> bool:
    """Whether a CSV begins with our header; everybody's CSV files have that suffix."""
    if Path(path).suffix.lower() != ".csv":
        return False
    try:
        # A spreadsheet puts a byte order mark in front.
        with Path(path).open(encoding="utf-8-sig") as file:
            header = file.readline(_HEADER_BYTES).strip().split(",")
    except (OSError, UnicodeDecodeError):
        return False
    return tuple(header[: len(CSV_COLUMNS)]) == CSV_COLUMNS


def read_truth(path: str | Path, sampling: float) -> ColumnTable:
    """Read true columns: a table as CSV, or the truth in a simulation's npz file.

    Parameters
    ----------
    path
        The file.
    sampling
        Å per pixel, for a table without rows.

    Raises
    ------
    ValueError
        For a file that holds neither.
    """
    from hrtem_app.evaluation.hand_labelled import read_columns

    if Path(path).suffix.lower() != ".npz":
        return read_columns(path, sampling)
    from hrtem_app.evaluation.truth import read_known_series

    known = read_known_series(Path(path))
    ones = np.ones(len(known.classes))
    return ColumnTable(known.positions, known.classes, known.sampling, ones.astype(np.int64), ones)


def truths_beside(files: Iterable[Path]) -> list[Path]:
    """Files with the true columns of a series, as far as their names tell.

    Parameters
    ----------
    files
        Those that the series was read from.

    Returns
    -------
    `NAME-truth.csv` and `NAME.csv`, if they are tables of columns, and npz files, which may hold their own truth.
    """
    found = []
    for file in files:
        beside = (file.with_name(f"{file.stem}-truth.csv"), file.with_name(f"{file.stem}.csv"))
        found += [path for path in beside if is_column_table(path)]
        found += [file] if file.suffix.lower() == ".npz" else []
    return found
