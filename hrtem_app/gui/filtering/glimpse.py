"""A glimpse of the lattice filter: what it does to the pixels on screen, while its settings are being dragged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hrtem_app.gui.filtering.preview import Preview, PreviewSource
from hrtem_app.imaging.removed_part import removed_part
from hrtem_app.recipe import LatticeFilter


@dataclass(frozen=True, eq=False)
class ScreenArea:
    """The pixels of a series that are on screen; where there are more than dots of the screen, the one at each dot.

    Parameters
    ----------
    frame
        0-based.
    rows, columns
        Of the frame, 0-based and ascending.
    first
        Where the middle of the first dot, or pixel, lies: (y, x) in pixels, 0 in the middle of a pixel.
    step
        From there to the next, in pixels: 1 where every pixel is on screen.
    """

    frame: int
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    first: tuple[float, float]
    step: float


@dataclass(frozen=True, eq=False)
class Glimpse:
    """What the filter does to the pixels on screen, exactly.

    Parameters
    ----------
    source, settings
        Where it came from, and with which settings.
    area
        Which pixels they are.
    series, removed
        (rows, columns) float32, these pixels before the filter and what it takes out.
    """

    source: PreviewSource
    settings: LatticeFilter
    area: ScreenArea
    series: NDArray[np.float32]
    removed: NDArray[np.float32]


def make_glimpse(source: PreviewSource, settings: LatticeFilter, area: ScreenArea) -> Glimpse:
    """Filter the pixels on screen alone."""
    angles, _ = source.angles(settings)
    frame = source.frames[area.frame]
    series = frame[np.ix_(area.rows, area.columns)]
    if not angles:
        return Glimpse(source, settings, area, series, np.zeros_like(series))
    shape = (frame.shape[0], frame.shape[1])
    spectrum = source.spectrum(area.frame)
    removed = removed_part(spectrum, shape, source.sampling, angles, settings, area.rows, area.columns)
    return Glimpse(source, settings, area, series, removed)


def glimpse_of(preview: Preview, area: ScreenArea) -> Glimpse:
    """The pixels on screen of a result that is there already."""
    where = np.ix_(area.rows, area.columns)
    series, removed = (stack[area.frame][where] for stack in (preview.source.frames, preview.result.removed))
    return Glimpse(preview.source, preview.settings, area, series, removed)


def screen_area(
    frame: int, shape: tuple[int, int], centre: tuple[float, float], dots: tuple[int, int], pixels_per_dot: float
) -> ScreenArea | None:
    """The pixels that a screen shows; None where it shows none.

    Parameters
    ----------
    frame
        0-based.
    shape
        (y, x) of the frames.
    centre
        (y, x) in pixels that the middle of the screen shows.
    dots
        (y, x) of the screen.
    pixels_per_dot
        Of the image for one of the screen, along a side.
    """
    step = max(pixels_per_dot, 1.0)
    places = []
    for side, middle, count in zip(shape, centre, dots, strict=True):
        if pixels_per_dot > 1:
            along = middle + (np.arange(count) + 0.5 - count / 2) * pixels_per_dot
        else:
            reach = count / 2 * pixels_per_dot
            along = np.arange(np.floor(middle - reach + 0.5), np.floor(middle + reach + 0.5) + 1)
        places.append(along[(along > -0.5) & (along <= side - 0.5)])
    if not all(len(along) for along in places):
        return None
    # Halves go down, as where OpenGL draws the layer beneath: the middle of a screen is such a place.
    rows, columns = (np.ceil(along - 0.5).astype(np.int64) for along in places)
    return ScreenArea(frame, rows, columns, (float(places[0][0]), float(places[1][0])), step)
