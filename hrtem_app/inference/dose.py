"""The dose of raw frames, to within a factor of five or so, from their noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

# Between these fractions of the Nyquist frequency hardly anything but noise is left.
_BAND = (0.85, 1.1)
# Square of the modulation transfer there, in the middle of what cameras have (0.1 to 1).
_TRANSFER = 0.5
# The middle of larger frames tells as much; smaller ones have too few frequencies.
_MOST_PIXELS, _LEAST_PIXELS = 1024, 32
# Smoothed over this many pixels, raw frames vary by less than this fraction of their mean.
_SMOOTHING, _MOST_CONTRAST = 8.0, 0.2


def estimate_dose(frames: NDArray[np.float32], sampling: float) -> float | None:
    """Dose per frame from the power of the noise near the Nyquist frequency.

    N = dose · sampling² electrons per pixel give a pixel the relative variance 1/N, the same at all frequencies, and
    the camera's modulation transfer lets MTF² of it through: dose = MTF² · mean² / (power · sampling²). The gain of the
    camera cancels. The median of the power leaves out reflections.

    It is meant for the question of whether frames are noisier than those that a network knows. Smoothing and resampling
    take noise away, so processed frames seem to have any higher dose; readout noise hides the highest ones.

    Parameters
    ----------
    frames
        (n, y, x) as recorded.
    sampling
        Å per pixel.

    Returns
    -------
    e/Å², the median of the frames, infinite where there is no noise; None for frames whose mean is no intensity, as
    after subtraction of a background or stretching of the contrast, and for frames smaller than 32 pixels.
    """
    height, width = (min(size, _MOST_PIXELS) for size in frames.shape[1:])
    if min(height, width) < _LEAST_PIXELS:
        return None
    top, left = (frames.shape[1] - height) // 2, (frames.shape[2] - width) // 2
    doses = [_dose(frame[top : top + height, left : left + width].astype(float), sampling) for frame in frames]
    known = [dose for dose in doses if dose is not None]
    return float(np.median(known)) if len(known) == len(doses) else None


def _dose(frame: NDArray[np.float64], sampling: float) -> float | None:
    mean = frame.mean()
    if mean <= 0 or ndimage.gaussian_filter(frame, _SMOOTHING).std() > _MOST_CONTRAST * mean:
        return None
    height, width = frame.shape
    window = np.hanning(height)[:, np.newaxis] * np.hanning(width)
    frequency = 2 * np.hypot(np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width))
    band = (frequency > _BAND[0]) & (frequency < _BAND[1])
    power = np.abs(np.fft.rfft2((frame - mean) * window)[band]) ** 2
    # The power of noise has an exponential distribution, whose mean is its median over ln 2.
    variance = np.median(power) / np.log(2) / (window**2).sum()
    # What rounding leaves of a frame without noise is none.
    return float(_TRANSFER * mean**2 / (variance * sampling**2)) if variance > 1e-12 * mean**2 else float("inf")
