"""From the numbers of a file to finite float32 frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrtem_app.io.signals import Signal
from hrtem_app.series import SeriesError

_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue, ITU-R BT.601."""


def frames_of(signal: Signal, path: Path) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """The pixels of a data set as (n, y, x) float32, and warnings.

    Raises
    ------
    SeriesError
        For pixels that are not finite, or images that are the same everywhere.
    """
    data = np.asarray(signal.read())
    warnings: tuple[str, ...] = ()
    if signal.colour:
        data, coloured = _grey(data)
        if coloured:
            warnings = (f"'{path.name}' is a colour image: its luminance was taken",)
    with np.errstate(over="ignore"):
        frames = data.reshape((-1, *data.shape[-2:])).astype(np.float32, copy=False)
    _check_finite(frames, path)
    return frames, warnings + _check_contrast(frames, path)


def _grey(data: NDArray[Any]) -> tuple[NDArray[Any], bool]:
    """One sample per pixel, and whether the samples differed; an alpha channel is ignored."""
    if data.shape[-1] < 3:
        return data[..., 0], False
    first = data[..., 0]
    if np.array_equal(first, data[..., 1]) and np.array_equal(first, data[..., 2]):
        return first, False
    return data[..., :3].astype(np.float32) @ _LUMINANCE, True


def _check_finite(frames: NDArray[np.float32], path: Path) -> None:
    bad = int(frames.size - np.count_nonzero(np.isfinite(frames)))
    if bad:
        raise SeriesError(
            f"'{path}' has {bad} pixels of {frames.size} that are NaN or infinite: replace them, then open it again"
        )


def _check_contrast(frames: NDArray[np.float32], path: Path) -> tuple[str, ...]:
    flat = [index for index, frame in enumerate(frames) if frame.min() == frame.max()]
    if len(flat) == len(frames):
        raise SeriesError(
            f"'{path}' shows nothing: all its pixels are {frames[0, 0, 0]:g}; give an image that was exposed"
        )
    if flat:
        numbers = ", ".join(str(index) for index in flat)
        return (f"'{path.name}' has frames without any contrast: {numbers}; leave them out of the analysis",)
    return ()
