"""What became of the series of a batch, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hrtem_app.batch.finding import SeriesFiles
from hrtem_app.batch.table import Value

Status = Literal["done", "skipped", "failed"]


@dataclass(frozen=True)
class Outcome:
    """What became of one series.

    Parameters
    ----------
    series
        Its files.
    status
        `done`, `skipped` as it was done before, or `failed`.
    row
        Its row of the table, by `HEADER`; numbers as such, what is unknown is None.
    folder
        Of its results; None where there are none.
    error
        Why it failed; empty if it did not.
    """

    series: SeriesFiles
    status: Status
    row: dict[str, Value]
    folder: Path | None = None
    error: str = ""


@dataclass(frozen=True)
class BatchProgress:
    """How far a batch is.

    Parameters
    ----------
    number, count
        Which series it is at, counted from 1, of how many.
    name
        Of that series.
    step
        What is being done with it.
    fraction
        How much of the whole batch lies behind, 0…1.
    outcome
        What became of the series, where that was just decided.
    """

    number: int
    count: int
    name: str
    step: str
    fraction: float
    outcome: Outcome | None = None
