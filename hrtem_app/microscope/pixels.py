"""From an intensity on the periodic grid to pixels of any size at any place, blurred on the way."""

from __future__ import annotations

import torch


def sampling_matrix(
    points: int,
    side: float,
    first: torch.Tensor,
    sampling: torch.Tensor,
    pixels: int,
    blur: torch.Tensor,
) -> torch.Tensor:
    """Matrix from the values on a periodic grid to those at `first + sampling·j`, exact for what the pixels can hold.

    It interpolates trigonometrically, with a Gaussian blur; frequencies from the pixels' Nyquist on are cut off.

    Parameters
    ----------
    points, side
        Grid points along the axis, and the period in Å.
    first
        (b,) place of the middle of the first pixel in Å; any number, as the grid is periodic.
    sampling
        (b,) Å per pixel.
    pixels
        How many.
    blur
        (b,) standard deviation of a Gaussian in Å.

    Returns
    -------
    (b, pixels, points) float32.
    """
    device = first.device
    first, sampling, blur = (v.to(torch.float64)[:, None] for v in (first, sampling, blur))
    # The frequency points/2 is left out: which way its wave is shifted cannot be told.
    order = torch.arange((points + 1) // 2, dtype=torch.float64, device=device)
    gain = torch.exp(-2 * (torch.pi * blur * order / side) ** 2) * (2 * sampling * order < side)
    places = (first + sampling * torch.arange(pixels, dtype=torch.float64, device=device)) / side
    turns = places[..., None] * order
    angle = (-2 * torch.pi * (turns - turns.round())).to(torch.float32)
    matrix: torch.Tensor = torch.fft.irfft(
        torch.polar(gain.to(torch.float32)[:, None].expand_as(angle), angle), n=points
    )
    return matrix


def sampled(images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Images at the pixels that two matrices stand for.

    Parameters
    ----------
    images
        (b, n, y, x) real.
    rows, columns
        (b, pixels, y) and (b, pixels, x), see `sampling_matrix`.

    Returns
    -------
    (b, n, pixels, pixels), not below zero.
    """
    return (rows[:, None] @ images @ columns[:, None].mT).clamp_(min=0)
