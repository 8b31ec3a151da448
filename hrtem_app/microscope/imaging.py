"""From exit waves to the intensity behind the lens, averaged over phonon configurations one at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import fft

from hrtem_app.microscope.optics import Aberrations, wavelength

Wave = torch.Tensor | NDArray[np.complex64]

# The interference of two beams may fold back into the pixels' band where the product of their temporal envelopes is
# below this. Measured on MoS2 on graphite at 50 and 80 keV, focal spreads of 0 and 5-20 Å, pixels of 0.15-0.3 Å: no
# pixel is wrong by more than 4e-5 of the mean intensity (1e-4 with 0.1 in place of 0.05). On the waves' own grid of
# 0.2 Å it would be 1e-3 at a focal spread of 5 Å, and 1.5e-2 without one.
_FOLDED = 0.05


def mean_intensity(waves: Iterable[Wave], transfer: torch.Tensor) -> torch.Tensor:
    """Mean over phonon configurations of |F⁻¹(H·F(ψ))|².

    Parameters
    ----------
    waves
        The configurations, each (y, x) or, for b series, (b, y, x) complex; any iterable. Each is let go before the
        next is asked for, so memory does not grow with their number.
    transfer
        (n, y, x) or (b, n, y, x) complex transfer functions. Where their grid is another than that of the waves, over
        the same cell, the waves are brought onto it: a finer one keeps the intensity, which has twice the bandwidth
        of the waves, from folding back.

    Returns
    -------
    (n, y, x) or (b, n, y, x) float32, on the grid of `transfer`.

    Raises
    ------
    ValueError
        For no waves at all.
    """
    total, count = torch.zeros(transfer.shape, dtype=torch.float32, device=transfer.device), 0
    for wave in waves:
        spectrum = torch.fft.fft2(torch.as_tensor(wave, device=transfer.device))
        image = torch.fft.ifft2(regridded(spectrum, transfer.shape[-1]).unsqueeze(-3) * transfer)
        total += image.real.square()
        total += image.imag.square()
        count += 1
        del wave, spectrum, image
    if not count:
        raise ValueError("there are no exit waves to make an image of: give at least one")
    return total.div_(count)


def regridded(spectrum: torch.Tensor, points: int) -> torch.Tensor:
    """The spectrum of the same periodic functions on another grid; frequencies that it cannot hold are cut off.

    Parameters
    ----------
    spectrum
        (…, y, x) square, in the order of `torch.fft.fft2`.
    points
        Along each axis of the result.
    """
    size = spectrum.shape[-1]
    if size == points:
        return spectrum
    kept = min(size, points)
    out = spectrum.new_zeros((*spectrum.shape[:-2], points, points))
    parts = (slice((kept + 1) // 2), slice(-(kept // 2), None))
    for y in parts:
        for x in parts:
            out[..., y, x] = spectrum[..., y, x]
    return out.mul_((points / size) ** 2)


def image_points(size: int, side: float, energy: float, aberrations: Aberrations, sampling: float) -> int:
    """Points of the coarsest grid that the intensity can be calculated on, for pixels of a given size.

    A grid with F points per Å folds interference at frequencies over F - 1/(2·sampling) back into the band of the
    pixels, and two beams with that distance are each damped at least as much as two at half of it.

    Parameters
    ----------
    size, side
        Points of the waves' grid along each axis, and its side in Å.
    energy
        In eV.
    aberrations
        Of one series; its fields are numbers.
    sampling
        Å per pixel.
    """
    lam = wavelength(energy)
    limit = size / (2 * side)
    if aberrations.aperture is not None:
        limit = min(limit, float(aberrations.aperture) / lam + 0.5 / side)
    if aberrations.focal_spread:
        rate = 2 * (math.pi / 2 * float(aberrations.focal_spread) * lam) ** 2
        limit = min(limit, (-math.log(_FOLDED) / rate) ** 0.25)
    return int(fft.next_fast_len(math.ceil((2 * limit + 0.5 / sampling) * side), real=True))
