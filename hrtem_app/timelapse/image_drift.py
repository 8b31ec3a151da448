"""The drift from one time point to the next, told by their images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hrtem_app.imaging.alignment import LARGEST, measure_drift
from hrtem_app.series import FocalSeries

# More frames of a time point than that add little and cost much.
_MOST_FRAMES = 3
# Of the smaller side of a frame: no drift is sought beyond it.
_PART = 0.45


@dataclass(frozen=True)
class ImageDrift:
    """How far the content of a time point lies from where it is in the one before.

    Parameters
    ----------
    shift
        (dy, dx) in pixels.
    clear
        Whether no other shift fits nearly as well.
    """

    shift: tuple[float, float]
    clear: bool


def image_drift(before: FocalSeries, after: FocalSeries, largest: float = LARGEST) -> ImageDrift:
    """Compare the images of two time points.

    Frames of equal place in both, which have one defocus, are compared with each other and with their neighbours, by
    `hrtem_app.imaging.alignment`: it leaves lattices out, so that the shift cannot be wrong by a lattice vector unseen.

    Parameters
    ----------
    before, after
        The frames in use, alike in size, number and sampling.
    largest
        Drift in Å within which it is sought.

    Raises
    ------
    SeriesError
        For frames of another size, or an unknown sampling.
    """
    used = min(len(before), len(after), _MOST_FRAMES)
    frames = np.stack([before.frames[:used], after.frames[:used]], axis=1).reshape(-1, *before.shape)
    reach = min(largest, _PART * min(before.shape) * before.known_sampling)
    drift = measure_drift(frames, before.known_sampling, largest=reach)
    dy, dx = (drift.shifts[1::2] - drift.shifts[::2]).mean(axis=0)
    return ImageDrift((float(dy), float(dx)), not drift.warning)
