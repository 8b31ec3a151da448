"""The transfer function and the images against abTEM's own, and against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hrtem_app.microscope.optics import Aberrations, image_intensity, transfer_function, wavelength

SIDE, POINTS = 25.6, 128


@pytest.mark.parametrize(("energy", "expected"), [(50e3, 0.053553), (80e3, 0.041757), (300e3, 0.019687)])
def test_wavelength(energy: float, expected: float) -> None:
    assert wavelength(energy) == pytest.approx(expected, abs=1e-6)


def _wave(rng: np.random.Generator) -> NDArray[np.complex64]:
    """A band-limited wave without any symmetry, (y, x)."""
    phase = np.fft.ifft2(np.fft.fft2(rng.normal(size=(POINTS, POINTS))) * _low_pass()).real
    return np.exp(1j * 3 * phase).astype(np.complex64)


def _low_pass() -> NDArray[np.float64]:
    k = np.fft.fftfreq(POINTS, SIDE / POINTS)
    return np.exp(-((np.hypot(k[:, None], k) / 1.0) ** 2))


@pytest.mark.parametrize("seed", range(6))
def test_images_equal_those_of_abtem(seed: int) -> None:
    abtem = pytest.importorskip("abtem")
    rng = np.random.default_rng(seed)
    energy = float(rng.uniform(50e3, 300e3))
    aberrations = Aberrations(
        c12=rng.uniform(0, 25),
        phi12=rng.uniform(0, 6),
        c21=rng.uniform(0, 600),
        phi21=rng.uniform(0, 6),
        c30=rng.uniform(-15e4, 15e4),
        focal_spread=rng.uniform(5, 10),
    )
    defocus = rng.uniform(-150, 150)
    wave = _wave(rng)
    # abTEM's arrays are (x, y).
    waves = abtem.Waves(wave.T.copy(), energy=energy, extent=SIDE)
    ctf = abtem.CTF(
        energy=energy,
        defocus=defocus,
        C12=aberrations.c12,
        phi12=aberrations.phi12,
        C21=aberrations.c21,
        phi21=aberrations.phi21,
        C30=aberrations.c30,
        focal_spread=aberrations.focal_spread,
        semiangle_cutoff=np.inf,
    )
    expected = np.asarray(waves.apply_ctf(ctf).intensity().array).T
    transfer = transfer_function(POINTS, SIDE, energy, torch.tensor([defocus]), aberrations)
    image = image_intensity(torch.from_numpy(wave)[None], transfer)[0].numpy()
    contrast = expected.std()
    assert contrast > 0.02
    assert np.abs(image - expected).max() < 1e-3 * contrast


def test_a_perfect_microscope_shows_the_intensity_of_the_wave() -> None:
    wave = 1.2 * _wave(np.random.default_rng(1))
    transfer = transfer_function(POINTS, SIDE, 50e3, torch.tensor([0.0]), Aberrations())
    image = image_intensity(torch.from_numpy(wave)[None], transfer)[0]
    torch.testing.assert_close(image, torch.full_like(image, 1.44), rtol=1e-4, atol=1e-4)


def test_intensities_not_waves_are_averaged() -> None:
    wave = torch.from_numpy(_wave(np.random.default_rng(2)))
    transfer = transfer_function(POINTS, SIDE, 50e3, torch.tensor([0.0]), Aberrations())
    image = image_intensity(torch.stack([wave, -wave]), transfer)[0]
    torch.testing.assert_close(image, torch.ones_like(image), rtol=1e-4, atol=1e-4)


def test_defocus_has_the_sign_of_abtem() -> None:
    """A weak phase object shows contrast -2 sin(χ)·φ, χ = -π λ k² defocus: dark atoms at positive defocus."""
    k, lam = 8 / SIDE, wavelength(50e3)
    x = torch.arange(POINTS) * SIDE / POINTS
    phase = 0.01 * torch.cos(2 * torch.pi * k * x).expand(POINTS, POINTS)
    wave = torch.polar(torch.ones_like(phase), phase)
    transfer = transfer_function(POINTS, SIDE, 50e3, torch.tensor([60.0]), Aberrations())
    image = image_intensity(wave[None], transfer)[0]
    expected = 1 - 2 * np.sin(np.pi * lam * k**2 * 60) * phase
    torch.testing.assert_close(image, expected, atol=3e-4, rtol=0)
