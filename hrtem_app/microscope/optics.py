"""From exit wave to image: the contrast transfer function and the imaging of waves, in torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from scipy import constants


def wavelength(energy: float) -> float:
    """Relativistic electron wavelength in Å; `energy` in eV (0.053553 Å at 50 keV, 0.041757 Å at 80 keV)."""
    rest = constants.m_e * constants.c**2 / constants.e
    return float(constants.h * constants.c / np.sqrt(energy * (2 * rest + energy)) / constants.e * 1e10)


@dataclass(frozen=True)
class Aberrations:
    """Aberrations of one series in abTEM's convention; only the defocus differs between its frames.

    Parameters
    ----------
    c12, phi12
        Twofold astigmatism in Å and its angle in rad.
    c21, phi21
        Axial coma in Å and its angle in rad.
    c30
        Spherical aberration in Å.
    focal_spread
        Δ of the temporal envelope in Å.
    """

    c12: float = 0.0
    phi12: float = 0.0
    c21: float = 0.0
    phi21: float = 0.0
    c30: float = 0.0
    focal_spread: float = 0.0


@lru_cache(maxsize=8)
def frequencies(points: int, side: float, device: torch.device | str = "cpu") -> tuple[torch.Tensor, torch.Tensor]:
    """Polar spatial frequencies of a square periodic grid in the order of `torch.fft.fft2`.

    Parameters
    ----------
    points
        Grid points along each axis.
    side
        Side of the grid in Å.

    Returns
    -------
    k, phi
        (y, x) in 1/Å and rad, the angle from the x axis (the array's last) towards y.
    """
    k = torch.fft.fftfreq(points, side / points, dtype=torch.float64, device=device)
    return torch.hypot(k[:, None], k[None, :]), torch.atan2(k[:, None], k[None, :])


def transfer_function(
    points: int, side: float, energy: float, defocus: torch.Tensor, aberrations: Aberrations
) -> torch.Tensor:
    """H = exp(-iχ)·E_t, χ = (2π/λ)·[½α²(C10 + C12 cos 2(φ-φ12)) + ⅓α³ C21 cos(φ-φ21) + ¼α⁴ C30], C10 = -defocus.

    Parameters
    ----------
    points, side
        The square periodic grid: points along each axis, and its side in Å.
    energy
        In eV.
    defocus
        (n,) in Å.
    aberrations
        All else.

    Returns
    -------
    (n, y, x) complex64 in the order of `torch.fft.fft2`.
    """
    k, phi = frequencies(points, side, defocus.device)
    lam = wavelength(energy)
    alpha = lam * k
    a = aberrations
    fixed = (
        alpha**2 / 2 * a.c12 * torch.cos(2 * (phi - a.phi12))
        + alpha**3 / 3 * a.c21 * torch.cos(phi - a.phi21)
        + alpha**4 / 4 * a.c30
    )
    chi = 2 * torch.pi / lam * (fixed - alpha**2 / 2 * defocus.to(torch.float64)[:, None, None])
    # Reduced in double precision: χ reaches hundreds of radians, too many for a float32 cosine.
    chi = torch.remainder(chi, 2 * torch.pi).to(torch.float32)
    envelope = torch.exp(-((torch.pi * a.focal_spread * alpha**2 / (2 * lam)) ** 2)).to(torch.float32)
    return torch.polar(envelope.expand_as(chi), -chi)


def image_intensity(waves: torch.Tensor, transfer: torch.Tensor) -> torch.Tensor:
    """Mean over phonon configurations of |F⁻¹(H·F(ψ))|².

    Parameters
    ----------
    waves
        (c, y, x) complex exit waves of the configurations.
    transfer
        (n, y, x) complex transfer functions.

    Returns
    -------
    (n, y, x) float32.
    """
    spectra = torch.fft.fft2(waves)
    # One configuration at a time: memory then does not grow with their number.
    total = torch.zeros(transfer.shape, dtype=torch.float32, device=waves.device)
    for spectrum in spectra:
        image = torch.fft.ifft2(spectrum * transfer)
        total += image.real.square() + image.imag.square()
    return total / len(spectra)
