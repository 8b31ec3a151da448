"""From intensity to recorded image: blur, pixels, dose, modulation transfer, readout; in torch."""

from __future__ import annotations

import torch


def resampled(images: torch.Tensor, side: float, points: int, blur: float = 0.0) -> torch.Tensor:
    """Periodic images on another grid over the same cell, blurred on the way; point 0 stays where it is.

    Parameters
    ----------
    images
        (n, y, x) real, square.
    side
        Side of the cell in Å.
    points
        Grid points along each axis of the result; frequencies that it cannot hold are cut off.
    blur
        Standard deviation of a Gaussian in Å.

    Returns
    -------
    (n, points, points) float32, not below zero.
    """
    size = images.shape[-1]
    spectrum = torch.fft.rfft2(images)
    kept = min(points, size)
    half = (kept - 1) // 2
    out = torch.zeros((len(images), points, points // 2 + 1), dtype=spectrum.dtype, device=images.device)
    out[:, : half + 1, : half + 1] = spectrum[:, : half + 1, : half + 1]
    if half:
        out[:, -half:, : half + 1] = spectrum[:, -half:, : half + 1]
    if blur > 0:
        ky = torch.fft.fftfreq(points, side / points, device=images.device)
        kx = torch.fft.rfftfreq(points, side / points, device=images.device)
        out = out * torch.exp(-2 * (torch.pi * blur) ** 2 * (ky[:, None] ** 2 + kx[None, :] ** 2))
    image: torch.Tensor = torch.fft.irfft2(out, s=(points, points)).mul_((points / size) ** 2)
    return image.clamp_(min=0)


def modulation_transfer(shape: tuple[int, int], c: float, device: torch.device | str = "cpu") -> torch.Tensor:
    """MTF(k) = (1-c)/(1+(k/(2 c k_N))²)+c, k_N the Nyquist frequency (thesis equation 2.1.22).

    Parameters
    ----------
    shape
        (y, x) of the image.
    c
        In (0, 1]; the thesis' Table 1 calls it C1.

    Returns
    -------
    (y, x//2+1) float32 in the order of `torch.fft.rfft2`.
    """
    ky = torch.fft.fftfreq(shape[0], 0.5, device=device)
    kx = torch.fft.rfftfreq(shape[1], 0.5, device=device)
    k = torch.hypot(ky[:, None], kx[None, :])  # in units of Nyquist
    return (1 - c) / (1 + (k / (2 * c)) ** 2) + c


def recorded(
    images: torch.Tensor, sampling: float, dose: float, mtf: float, readout: float, generator: torch.Generator
) -> torch.Tensor:
    """What a camera makes of an intensity: Poisson counts, modulation transfer, Gaussian readout noise.

    Parameters
    ----------
    images
        (n, y, x) intensity, 1 in vacuum.
    sampling
        Å per pixel.
    dose
        e/Å² in each frame.
    mtf
        c of `modulation_transfer`.
    readout
        Standard deviation as a fraction of the mean.
    generator
        Source of the noise.

    Returns
    -------
    (n, y, x) float32, 1 in vacuum.

    Raises
    ------
    ValueError
        For a dose that is not positive.
    """
    if dose <= 0:
        raise ValueError(f"a dose of {dose} e/Å² gives no image: it must be positive")
    electrons = dose * sampling**2
    counts = torch.poisson(images * electrons, generator=generator)
    transfer = modulation_transfer((images.shape[-2], images.shape[-1]), mtf, images.device)
    signal = torch.fft.irfft2(torch.fft.rfft2(counts) * transfer, s=images.shape[-2:]) / electrons
    noise = torch.randn(signal.shape, generator=generator, device=images.device)
    image: torch.Tensor = signal + readout * signal.mean() * noise
    return image
