"""The part of an image that a lattice fills, as a window whose edges are soft."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

# Å: the lattice's amplitude is averaged over a Gaussian of this width, and the window rises from the lattice's edge
# over that length. Measured on 25 series: 4 to 7 and 12 to 18 do equally well.
_AVERAGE = 6.0
_RISE = 15.0
# Of the amplitude's upper tenth: less is outside the lattice.
_INSIDE = 0.55
# 1/Å around a spot that the map of the amplitude is made of, which gives it a grid of 2.5 Å.
_REACH = 0.2


def hann(shape: tuple[int, int]) -> NDArray[np.float64]:
    """(y, x) Hann window over a whole image."""
    window: NDArray[np.float64] = np.hanning(shape[0])[:, np.newaxis] * np.hanning(shape[1])
    return window


def lattice_window(frames: NDArray[np.float32], spots: NDArray[np.float64], sampling: float) -> NDArray[np.float64]:
    """A Hann window that ends where the lattice ends.

    At a flake's edge the microscope does not image the fringes where they are: the slope of its transfer at their
    frequency displaces them, all away from the flake or all into it, which looks like another lattice constant.

    Parameters
    ----------
    frames
        (n, y, x) with mean zero.
    spots
        (m, 2) frequencies (ky, kx) of the lattice in cycles per pixel.
    sampling
        Å per pixel.

    Returns
    -------
    (y, x) between 0 and 1.
    """
    height, width = frames.shape[1:]
    amplitude = _amplitude(frames, spots, sampling)
    inside = amplitude > _INSIDE * np.quantile(amplitude, 0.9)
    steps = np.array([height, width]) * sampling / inside.shape
    # The lattice goes on beyond the image: there the Hann window ends.
    margins = [(int(_RISE / step) + 2,) * 2 for step in steps]
    depth = ndimage.distance_transform_edt(np.pad(inside, margins, mode="edge"), sampling=steps)
    depth = depth[tuple(slice(first, -last) for first, last in margins)]
    rise = min(_RISE, max(float(depth.max()), float(steps.max())))
    coarse = np.sin(np.pi / 2 * np.minimum(depth / rise, 1)) ** 2
    rows = np.arange(height)[:, np.newaxis] * sampling / steps[0]
    columns = np.arange(width) * sampling / steps[1]
    places = np.broadcast_arrays(rows, columns)
    window: NDArray[np.float64] = hann((height, width)) * ndimage.map_coordinates(
        coarse, places, order=1, mode="nearest"
    )
    return window


def _amplitude(frames: NDArray[np.float32], spots: NDArray[np.float64], sampling: float) -> NDArray[np.float64]:
    """Amplitude of the lattice over the image, on a coarse grid; over all frames and spots."""
    height, width = frames.shape[1:]
    reach = [int(np.ceil(_REACH * sampling * size)) for size in (height, width)]
    spectra = fft.fft2(frames, workers=-1)
    squares = np.zeros([2 * r + 1 for r in reach])
    for ky, kx in spots:
        rows, columns = (
            round(k * size) + np.arange(-r, r + 1) for k, size, r in zip((ky, kx), (height, width), reach, strict=True)
        )
        distance = np.hypot((rows / height - ky)[:, np.newaxis], columns / width - kx) / sampling
        patches = spectra[:, rows[:, np.newaxis] % height, columns % width] * np.exp(
            -2 * (np.pi * _AVERAGE * distance) ** 2
        )
        squares += (np.abs(fft.ifft2(fft.ifftshift(patches, axes=(1, 2)))) ** 2).sum(axis=0)
    amplitude: NDArray[np.float64] = np.sqrt(squares)
    return amplitude
