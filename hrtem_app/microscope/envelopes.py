"""What limits the transfer to high angles: focal spread, angular spread and the objective aperture, as in abTEM."""

from __future__ import annotations

import torch


def temporal_envelope(angle_square: torch.Tensor, wavelength: torch.Tensor, focal_spread: torch.Tensor) -> torch.Tensor:
    """E_t = exp(-(πΔα²/(2λ))²), the quasi-coherent effect of a focal spread Δ (Kirkland, 2nd edition, chapter 3.2).

    Parameters
    ----------
    angle_square
        α² in rad².
    wavelength, focal_spread
        In Å.
    """
    return torch.exp(-((torch.pi / 2 * focal_spread / wavelength * angle_square) ** 2))


def spatial_envelope(
    slope_square: torch.Tensor, wavelength: torch.Tensor, angular_spread: torch.Tensor
) -> torch.Tensor:
    """E_s = exp(-(θ/2)²·|∇χ|²), the quasi-coherent effect of an illumination from many angles.

    Parameters
    ----------
    slope_square
        (λ/2π)²·|∇χ|² in Å², the gradient with respect to the angle.
    wavelength
        In Å.
    angular_spread
        θ in rad.
    """
    return torch.exp(-((torch.pi * angular_spread / wavelength) ** 2) * slope_square)


def aperture(angle: torch.Tensor, semiangle: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
    """1 inside, 0 outside, and a linear edge one step of the frequency grid wide in between.

    Parameters
    ----------
    angle
        α in rad.
    semiangle
        Where the edge is at one half, in rad; inf for no aperture.
    step
        Distance in rad of neighbouring points of the frequency grid.
    """
    return torch.where(angle > 0, ((semiangle - angle) / step + 0.5).clamp(0, 1), 1.0)
