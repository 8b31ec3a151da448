"""Counts at each time point, and how they change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import linregress

from hrtem_app.columns import ColumnTable
from hrtem_app.measure import measure
from hrtem_app.measure.vacancies import Density, Vacancies
from hrtem_app.recipe import MeasureSettings

# A line through two points has no scatter that would tell its error.
_FEWEST = 3


@dataclass(frozen=True)
class Counts:
    """What is counted at a time point.

    Parameters
    ----------
    columns
        Number of columns by class.
    vacancies, density
        See `hrtem_app.measure`.
    """

    columns: dict[str, int]
    vacancies: Vacancies
    density: Density


@dataclass(frozen=True)
class Rate:
    """Slope of a straight line through values against time, by least squares.

    Parameters
    ----------
    slope, error
        Per s, or per time point where times are unknown, and its standard error, as the scatter around the line tells.
    per
        "s" or "time point".
    """

    slope: float
    error: float
    per: str


def count(
    table: ColumnTable, settings: MeasureSettings, image_shape: Sequence[int], drift: NDArray[np.float64]
) -> Counts:
    """Count the columns of a time point.

    Parameters
    ----------
    table
        The columns.
    settings
        What counts; a region is that of the first time point, and goes with the drift.
    image_shape
        (y, x) size of the image in pixels.
    drift
        (2,) (dy, dx) in pixels since the first time point.
    """
    region = None if settings.region is None else np.array(settings.region) + drift
    measured = measure(table, region, settings, image_shape)
    return Counts(measured.counts(), measured.vacancies, measured.density)


def fit_rate(values: Sequence[float], times: Sequence[float | None]) -> Rate | None:
    """How values grow with time; None for less than three that are known, or all at one time.

    Vacancies that are there stay, so deviations from the line hold together over time where they are more than noise of
    the finding. The standard error knows nothing of that and is too small then.

    Parameters
    ----------
    values
        One for each time point; NaN where it is unknown.
    times
        In s; where one is unknown, the numbers of the time points are taken in place of all.
    """
    known = [time for time in times if time is not None]
    x = np.array(known if len(known) == len(times) else range(len(times)), float)
    y = np.array(values, float)
    there = np.isfinite(y)
    if there.sum() < _FEWEST or np.ptp(x[there]) == 0:
        return None
    per = "s" if len(known) == len(times) else "time point"
    if np.ptp(y[there]) == 0:
        return Rate(0.0, 0.0, per)
    line = linregress(x[there], y[there])
    return Rate(float(line.slope), float(line.stderr), per)
