"""What a time point leaves for good, once its images and maps are let go."""

from __future__ import annotations

from dataclasses import dataclass

from hrtem_app.analysis import Analysis
from hrtem_app.columns import ColumnTable
from hrtem_app.imaging.shifting import Area
from hrtem_app.recipe import Recipe
from hrtem_app.series import FocalSeries
from hrtem_app.timelapse.image_drift import ImageDrift
from hrtem_app.timelapse.points import TimePoint


@dataclass(frozen=True, eq=False)
class Observation:
    """The columns of a time point, and how its images drifted.

    Parameters
    ----------
    number, time, name
        As of the time point.
    table
        Its columns.
    shape
        (y, x) of its images in pixels.
    view
        The pixels in which columns were sought.
    frames
        0-based, those that were used.
    recipe
        What its analysis was told.
    drift
        From the time point before to this one, told by the images; None for the first.
    warnings
        Of its analysis.
    """

    number: int
    time: float | None
    name: str
    table: ColumnTable
    shape: tuple[int, int]
    view: Area
    frames: tuple[int, ...]
    recipe: Recipe
    drift: ImageDrift | None = None
    warnings: tuple[str, ...] = ()


def observed(point: TimePoint, series: FocalSeries, analysis: Analysis) -> Observation:
    """What is kept of the analysis of a time point's series; it knows of no drift yet."""
    height, width = series.shape
    return Observation(
        number=point.number,
        time=point.time,
        name=point.name,
        table=analysis.table,
        shape=series.shape,
        view=analysis.area or Area(0, height, 0, width),
        frames=analysis.frames,
        recipe=analysis.recipe,
        warnings=analysis.warnings,
    )
