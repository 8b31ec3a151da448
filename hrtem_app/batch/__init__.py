"""Many series with one recipe: which they are, their analyses one after the other, and a table over all."""

from hrtem_app.batch.finding import SeriesFiles, find_series
from hrtem_app.batch.outcome import BatchProgress, Outcome
from hrtem_app.batch.results import describe
from hrtem_app.batch.run import analyse_many, batch_steps
from hrtem_app.batch.table import HEADER, TABLE

__all__ = [
    "HEADER",
    "TABLE",
    "BatchProgress",
    "Outcome",
    "SeriesFiles",
    "analyse_many",
    "batch_steps",
    "describe",
    "find_series",
]
