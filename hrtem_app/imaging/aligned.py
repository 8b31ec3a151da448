"""The used frames of a series, shifted onto the first of them as a recipe says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hrtem_app.imaging.alignment import measure_drift
from hrtem_app.imaging.shifting import Area, common_area, shift_back
from hrtem_app.recipe import Alignment
from hrtem_app.series import FocalSeries, SeriesError


@dataclass(frozen=True, eq=False)
class Aligned:
    """Frames that were aligned, or left as they are.

    Parameters
    ----------
    series
        The frames, all of their old size.
    shifts
        (dy, dx) in pixels that were taken out of each; empty where nothing was done.
    area
        The pixels that all frames show; None: all.
    warnings
        What to doubt, one sentence each.
    """

    series: FocalSeries
    shifts: tuple[tuple[float, float], ...] = ()
    area: Area | None = None
    warnings: tuple[str, ...] = ()


def align(series: FocalSeries, settings: Alignment, numbers: Sequence[int] | None = None) -> Aligned:
    """Shift frames onto the first of them.

    Parameters
    ----------
    series
        The used frames, in order; their sampling must be known.
    settings
        Whether it is wanted at all; shifts given by hand, or how far to look for them.
    numbers
        What warnings call the frames; None: 0, 1, 2 …

    Raises
    ------
    SeriesError
        For fewer shifts than frames, or shifts that leave nothing that all frames show.
    """
    if not settings.enabled or len(series) < 2:
        return Aligned(series)
    if settings.shifts is None:
        drift = measure_drift(series.frames, series.known_sampling, largest=settings.largest, numbers=numbers)
        shifts, warnings = drift.shifts, (drift.warning,) if drift.warning else ()
    else:
        if len(settings.shifts) < len(series):
            raise SeriesError(
                f"{len(settings.shifts)} shifts for {len(series)} frames: give (dy, dx) in pixels for each frame "
                "that is used, 0 and 0 for the first"
            )
        given = np.array(settings.shifts[: len(series)])
        shifts, warnings = given - given[0], ()
    area = common_area(series.shape, shifts)
    return Aligned(
        series=series.with_frames(shift_back(series.frames, shifts)),
        shifts=tuple((float(dy), float(dx)) for dy, dx in shifts),
        area=area,
        warnings=warnings,
    )
