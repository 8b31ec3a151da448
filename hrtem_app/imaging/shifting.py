"""Moving frames by parts of a pixel, and what of the image all of them still show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from hrtem_app.series import SeriesError


@dataclass(frozen=True)
class Area:
    """A rectangle of whole pixels: rows `top` to `bottom` and columns `left` to `right`, the last of each left out."""

    top: int
    bottom: int
    left: int
    right: int

    def crop(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """(…, y, x) frames cut to the rectangle."""
        return frames[..., self.top : self.bottom, self.left : self.right]

    def holds(self, positions: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(n,) which of (n, 2) positions (y, x) lie on its pixels."""
        y, x = np.asarray(positions, float).reshape(-1, 2).T
        inside: NDArray[np.bool_] = (
            (y >= self.top - 0.5) & (y <= self.bottom - 0.5) & (x >= self.left - 0.5) & (x <= self.right - 0.5)
        )
        return inside


def shift_back(frames: NDArray[np.floating], shifts: ArrayLike) -> NDArray[np.float32]:
    """Move every frame so that what lies at r + shift comes to lie at r.

    Interpolation is exact for what the pixels resolve (by the Fourier transform along one axis after the other), so the
    noise keeps its strength and its spectrum. What comes in from outside is the mirror image of the frame's rim.

    Parameters
    ----------
    frames
        (n, y, x).
    shifts
        (n, 2) as (dy, dx) in pixels; see `hrtem_app.imaging.alignment.Drift`.

    Returns
    -------
    (n, y, x) float32.
    """
    images = np.asarray(frames, np.float32)
    moved = [_shifted(_shifted(f, dy, 0), dx, 1) for f, (dy, dx) in zip(images, np.asarray(shifts, float), strict=True)]
    return np.stack(moved).astype(np.float32)


def common_area(shape: tuple[int, int], shifts: ArrayLike) -> Area:
    """The pixels that every frame shows after `shift_back`.

    Parameters
    ----------
    shape
        (y, x) of the frames.
    shifts
        (n, 2) as (dy, dx) in pixels.

    Raises
    ------
    SeriesError
        Where the shifts leave nothing.
    """
    drift = np.asarray(shifts, float).reshape(-1, 2)
    first = np.ceil(np.maximum(-drift, 0).max(axis=0)).astype(int)
    last = np.array(shape) - np.ceil(np.maximum(drift, 0).max(axis=0)).astype(int)
    if (last <= first).any():
        largest = np.abs(drift).max()
        raise SeriesError(
            f"shifts of up to {largest:.4g} px leave nothing that all frames of {shape[0]} × {shape[1]} px show: "
            "use frames that lie nearer to each other"
        )
    return Area(int(first[0]), int(last[0]), int(first[1]), int(last[1]))


def _shifted(frame: NDArray[np.floating], shift: float, axis: int) -> NDArray[np.floating]:
    """A frame whose content at r + shift along an axis comes to r; continued by its mirror image, it is periodic."""
    if shift == 0:
        return frame
    size = 2 * frame.shape[axis]
    spectrum = fft.rfft(np.concatenate([frame, np.flip(frame, axis)], axis), axis=axis)
    phase = np.exp(2j * np.pi * shift / size * np.arange(spectrum.shape[axis]))
    whole: NDArray[np.floating] = fft.irfft(
        spectrum * (phase[:, np.newaxis] if axis == 0 else phase), n=size, axis=axis
    )
    return np.take(whole, np.arange(frame.shape[axis]), axis)
