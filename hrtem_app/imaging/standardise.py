"""Local standardisation: every place of a series gets mean zero and scale one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft


def gaussian_blur(images: NDArray[np.floating], sigma: float) -> NDArray[np.float32]:
    """Gaussian blur over the last two axes with mirrored borders, exact for any width.

    With half-sample mirrored borders the Gaussian is diagonal in the type-II cosine transform, so the cost does not
    grow with its width, as it would in real space (here σ is 50 px and more).

    Parameters
    ----------
    images
        (…, y, x).
    sigma
        Standard deviation in pixels.
    """
    height, width = images.shape[-2:]
    wy = np.exp(-0.5 * (sigma * np.pi * np.arange(height) / height) ** 2)
    wx = np.exp(-0.5 * (sigma * np.pi * np.arange(width) / width) ** 2)
    transfer = (wy[:, np.newaxis] * wx).astype(np.float32)
    spectrum = fft.dctn(np.asarray(images, np.float32), axes=(-2, -1), norm="ortho", overwrite_x=False)
    blurred: NDArray[np.float32] = fft.idctn(spectrum * transfer, axes=(-2, -1), norm="ortho", overwrite_x=True)
    return blurred


def standardise(frames: NDArray[np.floating], sampling: float, sigma: float = 12.0) -> NDArray[np.float32]:
    """Standardise a series locally (thesis equation 3.3.1).

    All frames share one mean and one scale, so their relative contrast survives. Run it over whole frames, never
    over tiles.

    Parameters
    ----------
    frames
        (n, y, x) intensities of a series.
    sampling
        Å per pixel.
    sigma
        Standard deviation in Å of the Gaussian that says what "local" is.

    Returns
    -------
    (n, y, x) float32: (I - mean of G(I)) / mean of √G((I - mean of G(I))²), means over frames; zero where the scale
    is zero.
    """
    width = sigma / sampling
    images = np.asarray(frames, np.float32)
    # The level is taken off first: float32 loses the local mean of a series that sits on a large constant.
    images = images - images.mean(dtype=np.float64).astype(np.float32)
    centred = images - gaussian_blur(images.mean(axis=0), width)
    scale = np.sqrt(np.maximum(gaussian_blur(centred**2, width), 0)).mean(axis=0)
    floor = 1e-6 * float(scale.max())
    usable = scale > floor
    standardised: NDArray[np.float32] = np.where(usable, centred / np.where(usable, scale, 1), 0).astype(np.float32)
    return standardised
