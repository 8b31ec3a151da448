"""From intensity to recorded image: dose, modulation transfer, readout; in torch, for one series or many."""

from __future__ import annotations

import torch

from hrtem_app.microscope.optics import Number, along_series


def modulation_transfer(shape: tuple[int, int], c: Number, device: torch.device | str = "cpu") -> torch.Tensor:
    """MTF(k) = (1-c)/(1+(k/(2 c k_N))²)+c, k_N the Nyquist frequency (thesis equation 2.1.22).

    Parameters
    ----------
    shape
        (y, x) of the image.
    c
        In (0, 1], or (b,) of them; the thesis' Table 1 calls it C1.

    Returns
    -------
    (y, x//2+1), or (b, 1, y, x//2+1), float32 in the order of `torch.fft.rfft2`.
    """
    floor = along_series(c, device, torch.float32)
    ky = torch.fft.fftfreq(shape[0], 0.5, device=device)
    kx = torch.fft.rfftfreq(shape[1], 0.5, device=device)
    square = ky[:, None] ** 2 + kx**2  # in units of Nyquist
    transfer: torch.Tensor = (1 - floor) / (1 + square / (2 * floor) ** 2) + floor
    return transfer


def recorded(
    images: torch.Tensor,
    sampling: Number,
    dose: Number | None,
    mtf: Number,
    readout: Number,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """What a camera makes of an intensity: Poisson counts, modulation transfer, Gaussian readout noise.

    Parameters
    ----------
    images
        (n, y, x) or (b, n, y, x) intensity, 1 in vacuum.
    sampling
        Å per pixel. This and the following may be tensors (b,), one for each series.
    dose
        e/Å² in each frame; None: no noise of either kind.
    mtf
        c of `modulation_transfer`.
    readout
        Standard deviation as a fraction of the mean of the series.
    generator
        Source of the noise, on the device of the images; None: torch's own.

    Returns
    -------
    Of the shape of the images, float32, 1 in vacuum.

    Raises
    ------
    ValueError
        For a dose that is not positive.
    """
    transfer = modulation_transfer((images.shape[-2], images.shape[-1]), mtf, images.device)
    if dose is None:
        return _transferred(images, transfer)
    if not (torch.as_tensor(dose) > 0).all():
        raise ValueError(f"a dose of {dose} e/Å² gives no image: it must be positive, or None for no noise")
    device = images.device
    electrons = (along_series(dose, device) * along_series(sampling, device) ** 2).to(torch.float32)
    signal = _transferred(torch.poisson(images * electrons, generator=generator) / electrons, transfer)
    deviation = along_series(readout, device, torch.float32) * signal.mean(dim=(-3, -2, -1), keepdim=True)
    noise = torch.randn(signal.shape, generator=generator, device=device)
    return signal.addcmul_(noise, deviation.expand_as(signal))


def _transferred(images: torch.Tensor, transfer: torch.Tensor) -> torch.Tensor:
    spectrum = torch.fft.rfft2(images).mul_(transfer)
    image: torch.Tensor = torch.fft.irfft2(spectrum, s=images.shape[-2:])
    return image
