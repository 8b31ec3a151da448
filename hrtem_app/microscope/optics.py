"""The contrast transfer function, in abTEM's convention, for many series and defoci at once; in torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import torch
from scipy import constants

from hrtem_app.microscope.envelopes import aperture, spatial_envelope, temporal_envelope

Number = float | torch.Tensor
"""One for all series of a batch, or a tensor (b,) with one for each."""

Energy = TypeVar("Energy", float, torch.Tensor)


def wavelength(energy: Energy) -> Energy:
    """Relativistic electron wavelength in Å; `energy` in eV (0.053553 Å at 50 keV, 0.041757 Å at 80 keV)."""
    rest = float(constants.m_e * constants.c**2 / constants.e)
    factor = float(constants.h * constants.c / constants.e * 1e10)
    length: Energy = factor / (energy * (2 * rest + energy)) ** 0.5
    return length


def along_series(value: Number, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """A number as it is, one for each series along the first of the axes (series, frame, y, x)."""
    numbers = torch.as_tensor(value, dtype=dtype, device=device)
    return numbers.reshape(-1, 1, 1, 1) if numbers.ndim else numbers


@dataclass(frozen=True)
class Aberrations:
    """What the optics of a series do besides defocusing; frames of one series differ in defocus alone.

    Every field may be a tensor (b,) with one value for each series of a batch.

    Parameters
    ----------
    c12, phi12
        Twofold astigmatism in Å and its angle in rad.
    c21, phi21
        Axial coma in Å and its angle in rad.
    c30
        Spherical aberration in Å.
    focal_spread
        Δ of the temporal envelope in Å, its 1/e width (√2 standard deviations), as in abTEM.
    angular_spread
        Of the illumination, in rad, as abTEM defines it.
    aperture
        Semi-angle of the objective aperture in rad; None (inf in a tensor): no aperture.
    """

    c12: Number = 0.0
    phi12: Number = 0.0
    c21: Number = 0.0
    phi21: Number = 0.0
    c30: Number = 0.0
    focal_spread: Number = 0.0
    angular_spread: Number = 0.0
    aperture: Number | None = None


def transfer_function(
    points: int, side: float, energy: Number, defocus: torch.Tensor, aberrations: Aberrations
) -> torch.Tensor:
    """H = exp(-iχ)·A·E_t·E_s, χ = (2π/λ)·[½α²(C10 + C12 cos 2(φ-φ12)) + ⅓α³ C21 cos(φ-φ21) + ¼α⁴ C30], C10 = -defocus.

    Angles α = λk; φ runs from the x axis, the array's last, towards y. E_t, E_s and A are those of `envelopes`.

    Parameters
    ----------
    points, side
        The square periodic grid: points along each axis, and its side in Å.
    energy
        In eV.
    defocus
        (n,) in Å, or (b, n) for b series; in float64, or its rounding is seen at high angles.
    aberrations
        All else.

    Returns
    -------
    (n, y, x) or (b, n, y, x) complex64 in the order of `torch.fft.fft2`.
    """
    a, device = aberrations, defocus.device
    lam = wavelength(along_series(energy, device))
    k = torch.fft.fftfreq(points, side / points, dtype=torch.float64, device=device)
    y, x = lam * k[:, None], lam * k
    square = y**2 + x**2
    focus = defocus.to(torch.float64).reshape(-1, defocus.shape[-1], 1, 1)
    path = _Path(a, square, y, x)
    envelope = temporal_envelope(square, lam, along_series(a.focal_spread, device)).to(torch.float32)
    if a.aperture is not None:
        envelope = envelope * aperture(square.sqrt(), along_series(a.aperture, device), lam / side).to(torch.float32)
    # Defocus splits into a factor for each axis: its phase costs two vectors a frame, not an array.
    transfer = envelope * _phase_factor(path.length() / lam)
    transfer = transfer * (_phase_factor(-focus * y**2 / (2 * lam)) * _phase_factor(-focus * x**2 / (2 * lam)))
    if torch.as_tensor(a.angular_spread).any():
        spread = along_series(a.angular_spread, device)
        transfer *= spatial_envelope(path.slope_square(focus), lam, spread).to(torch.float32)
    return transfer.reshape(*defocus.shape, points, points)


class _Path:
    """The optical path χ·λ/2π without its defocus, in Å, as a polynomial in the two angles."""

    def __init__(self, aberrations: Aberrations, square: torch.Tensor, y: torch.Tensor, x: torch.Tensor) -> None:
        a, device = aberrations, square.device
        self.square, self.y, self.x = square, y, x
        c12, phi12 = along_series(a.c12, device), along_series(a.phi12, device)
        c21, phi21 = along_series(a.c21, device), along_series(a.phi21, device)
        self.c30 = along_series(a.c30, device)
        self.twofold_cos, self.twofold_sin = c12 * torch.cos(2 * phi12), c12 * torch.sin(2 * phi12)
        self.coma_y, self.coma_x = c21 * torch.sin(phi21), c21 * torch.cos(phi21)

    def length(self) -> torch.Tensor:
        """½α² C12 cos 2(φ-φ12) + ⅓α³ C21 cos(φ-φ21) + ¼α⁴ C30."""
        y, x, square = self.y, self.x, self.square
        twofold = self.twofold_cos * (x**2 - y**2) + (2 * self.twofold_sin * y) * x
        coma = self.coma_y * y + self.coma_x * x
        return twofold / 2 + square * (coma / 3 + self.c30 / 4 * square)

    def slope_square(self, defocus: torch.Tensor) -> torch.Tensor:
        """Square of the gradient of the whole path, defocus included, with respect to the angle."""
        y, x, square = self.y, self.x, self.square
        coma = (self.coma_y * y + self.coma_x * x) * (2 / 3)
        radial = self.c30 * square + coma - defocus
        slope_y = y * radial + self.twofold_sin * x - self.twofold_cos * y + square * (self.coma_y / 3)
        slope_x = x * radial + self.twofold_sin * y + self.twofold_cos * x + square * (self.coma_x / 3)
        return slope_y**2 + slope_x**2


def _phase_factor(waves: torch.Tensor) -> torch.Tensor:
    """exp(-2πi·waves); reduced in double precision, because χ reaches thousands of radians, too many for a float32."""
    angle = (-2 * torch.pi * (waves - waves.round())).to(torch.float32)
    return torch.polar(torch.ones_like(angle), angle)
