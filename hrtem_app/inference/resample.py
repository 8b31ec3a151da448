"""To the sampling that a network knows, and back to the pixels of the original image."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

# More pixels than this per frame is a mistaken sampling rather than an image.
_MOST_PIXELS = 2**28


def resample(frames: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """Bicubic resampling, blurred first where pixels get larger, so that nothing folds back.

    Parameters
    ----------
    frames
        (n, y, x).
    scale
        Old pixels per new pixel: the wanted sampling over the present one.

    Returns
    -------
    (n, ⌊y/scale⌋, ⌊x/scale⌋) float32; new pixel p has its centre at (p + ½)·scale - ½ of the old ones, see `to_image`.

    Raises
    ------
    ValueError
        Where nothing or absurdly much would be left; names the sizes.
    """
    height, width = (int(n / scale) for n in frames.shape[1:])
    if height < 1 or width < 1 or height * width > _MOST_PIXELS:
        raise ValueError(
            f"frames of {frames.shape[2]} x {frames.shape[1]} px would become {width} x {height} px "
            "at the network's sampling: check the sampling of the series"
        )
    # The scale is handed over as it is: rounded sizes would stretch the image by up to half a pixel.
    images = torch.from_numpy(np.array(frames, np.float32))[None]
    resampled = torch.nn.functional.interpolate(
        images,
        scale_factor=1 / scale,
        mode="bicubic",
        align_corners=False,
        antialias=True,
        recompute_scale_factor=False,
    )
    result: NDArray[np.float32] = resampled[0].numpy()
    return result


def to_image(positions: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """Positions in resampled pixels as positions in original pixels; pixel centres are integers in both."""
    return (positions + 0.5) * scale - 0.5


def to_map(positions: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """The inverse of `to_image`."""
    return (positions + 0.5) / scale - 0.5
