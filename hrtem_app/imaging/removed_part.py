"""What the lattice filter takes out of a frame, at some of its pixels only: quick enough to follow a dragged slider."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from hrtem_app.imaging.lattice_mask import fermi_edge, mask_reach, ring_radii, spot_positions
from hrtem_app.recipe import LatticeFilter

# Transforms of fewer points are done before another thread has begun.
_MANY = 2**19


def removed_part(
    spectrum: NDArray[np.complexfloating],
    shape: tuple[int, int],
    sampling: float,
    angles: tuple[float, ...],
    settings: LatticeFilter,
    rows: NDArray[np.integer],
    columns: NDArray[np.integer],
) -> NDArray[np.float32]:
    """`remove_lattice(...).removed[frame]` where rows and columns of pixels cross.

    Only the disks around the spots differ from zero: no column of the spectrum beyond them is transformed, and of what
    that gives only the rows that are wanted. So this takes a quarter of a whole transform for a screen's pixels.

    Parameters
    ----------
    spectrum
        (y, x // 2 + 1) `scipy.fft.rfft2` of the frame.
    shape
        (y, x) of the frame.
    sampling
        Å per pixel.
    angles
        Angle in rad of the first spot of each lattice.
    settings
        Radius and edge in 1/Å, rings and lattice constant.
    rows, columns
        0-based, in any order and at any distance from each other.

    Returns
    -------
    (rows, columns) float32.
    """
    if not angles:
        return np.zeros((len(rows), len(columns)), np.float32)
    band = np.zeros((shape[0], _highest(shape[1], sampling, settings) + 1), np.complex64)
    for part, ky, kx in _taken_out(spectrum, shape, sampling, angles, settings):
        band[ky % shape[0], kx] += part
    workers = -1 if band.size > _MANY else 1
    lines = fft.ifft(band, axis=0, workers=workers, overwrite_x=True)[rows]
    values = fft.irfft(lines, n=shape[1], axis=1, workers=workers, overwrite_x=True)[:, columns]
    return np.ascontiguousarray(values, np.float32)


def _highest(side: int, sampling: float, settings: LatticeFilter) -> int:
    """The greatest frequency that a disk reaches, in steps of the spectrum along an axis."""
    reach = ring_radii(settings)[-1] + mask_reach(settings)
    return min(int(reach * side * sampling), side // 2)


def _taken_out(
    spectrum: NDArray[np.complexfloating],
    shape: tuple[int, int],
    sampling: float,
    angles: tuple[float, ...],
    settings: LatticeFilter,
) -> Iterator[tuple[NDArray[np.complexfloating], NDArray[np.int64], slice]]:
    """What each disk takes out of what those before it left, with its ky in steps of the spectrum and its columns."""
    lengths = shape[0] * sampling, shape[1] * sampling
    lowest = -_highest(shape[0], sampling, settings)
    reach = mask_reach(settings)
    kept = np.ones((1 - 2 * lowest, _highest(shape[1], sampling, settings) + 1), np.float32)
    for spot_y, spot_x, _ in spot_positions(angles, settings):
        ky = _near(spot_y, reach, lengths[0], -(shape[0] // 2), (shape[0] - 1) // 2)
        kx = _near(spot_x, reach, lengths[1], 0, shape[1] // 2)
        if not (len(ky) and len(kx)):
            continue
        y, x = (ky / lengths[0] - spot_y).astype(np.float32), (kx / lengths[1] - spot_x).astype(np.float32)
        mask = fermi_edge(np.hypot(y[:, np.newaxis], x), settings)
        if ky[0] <= 0 <= ky[-1] and kx[0] == 0:
            # The mean is always kept.
            mask[-ky[0], 0] = 1
        columns = slice(int(kx[0]), int(kx[-1]) + 1)
        left = kept[ky[0] - lowest : ky[-1] - lowest + 1, columns]
        yield spectrum[ky % shape[0], columns] * (left * (1 - mask)), ky, columns
        left *= mask


def _near(spot: float, reach: float, length: float, lowest: int, highest: int) -> NDArray[np.int64]:
    """Frequencies in steps of 1/length that are nearer to a spot than its reach."""
    first, last = int(np.ceil((spot - reach) * length)), int(np.floor((spot + reach) * length))
    return np.arange(max(first, lowest), min(last, highest) + 1)
