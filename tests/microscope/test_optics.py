"""The transfer function: images against abTEM's own, closed forms, batches."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hrtem_app.microscope.imaging import mean_intensity
from hrtem_app.microscope.optics import Aberrations, transfer_function, wavelength

SIDE, POINTS = 25.6, 128


@pytest.mark.parametrize(("energy", "expected"), [(50e3, 0.053553), (80e3, 0.041757), (300e3, 0.019687)])
def test_wavelength(energy: float, expected: float) -> None:
    assert wavelength(energy) == pytest.approx(expected, abs=1e-6)
    assert float(wavelength(torch.tensor([energy]))) == pytest.approx(expected, abs=1e-6)


def _wave(rng: np.random.Generator) -> NDArray[np.complex64]:
    """A strong wave without any symmetry, (y, x)."""
    k = np.fft.fftfreq(POINTS, SIDE / POINTS)
    low_pass = np.exp(-(np.hypot(k[:, None], k) ** 2))
    phase = np.fft.ifft2(np.fft.fft2(rng.normal(size=(POINTS, POINTS))) * low_pass).real
    return np.exp(1j * 3 * phase).astype(np.complex64)


def _aberrations(rng: np.random.Generator, case: str) -> Aberrations:
    return Aberrations(
        c12=rng.uniform(0, 300),
        phi12=rng.uniform(-7, 7),
        c21=rng.uniform(0, 6000),
        phi21=rng.uniform(-7, 7),
        c30=rng.uniform(-1e6, 1e6) if case != "plain" else rng.uniform(-15e4, 15e4),
        focal_spread=rng.uniform(0, 50) if case in ("spreads", "all") else 0.0,
        angular_spread=rng.uniform(0, 2e-3) if case in ("spreads", "all") else 0.0,
        aperture=rng.uniform(0.01, 0.06) if case in ("aperture", "all") else None,
    )


def _abtem_image(wave: NDArray[np.complex64], energy: float, defocus: float, a: Aberrations) -> NDArray[np.float64]:
    abtem = pytest.importorskip("abtem")
    options: dict[str, Any] = {"defocus": defocus, "C12": a.c12, "phi12": a.phi12, "C21": a.c21, "phi21": a.phi21}
    options |= {"C30": a.c30, "focal_spread": a.focal_spread, "angular_spread": 1e3 * a.angular_spread}
    options["semiangle_cutoff"] = np.inf if a.aperture is None else 1e3 * a.aperture
    # abTEM's own single precision is off by 5e-5 here. Its arrays are (x, y).
    with abtem.config.set({"precision": "float64"}):
        waves = abtem.Waves(wave.T.astype(np.complex128), energy=energy, extent=SIDE)
        return np.asarray(waves.apply_ctf(abtem.CTF(energy=energy, **options)).intensity().array).T


@pytest.mark.parametrize("case", ["plain", "spreads", "aperture", "all"])
@pytest.mark.parametrize("seed", range(8))
def test_images_equal_those_of_abtem(case: str, seed: int) -> None:
    rng = np.random.default_rng([seed, len(case)])
    wave, energy, defocus = _wave(rng), float(rng.uniform(50e3, 300e3)), float(rng.uniform(-400, 400))
    aberrations = _aberrations(rng, case)
    expected = _abtem_image(wave, energy, defocus, aberrations)
    transfer = transfer_function(POINTS, SIDE, energy, torch.tensor([defocus], dtype=torch.float64), aberrations)
    image = mean_intensity([wave], transfer)[0].numpy()
    assert expected.std() > 0.05
    assert np.abs(image - expected).max() < 1e-5 * min(expected.mean(), 2 * expected.std())


def test_a_batch_is_its_series() -> None:
    rng = np.random.default_rng(3)
    series = [_aberrations(rng, "all") for _ in range(4)]
    energies = torch.tensor(rng.uniform(50e3, 300e3, 4))
    defocus = torch.tensor(rng.uniform(-400, 400, (4, 3)))
    columns = {f.name: torch.tensor([getattr(a, f.name) for a in series]) for f in fields(Aberrations)}
    batch = transfer_function(POINTS, SIDE, energies, defocus, Aberrations(**columns))
    assert batch.shape == (4, 3, POINTS, POINTS)
    assert batch.dtype == torch.complex64
    for transfer, energy, d, aberrations in zip(batch, energies, defocus, series, strict=True):
        single = transfer_function(POINTS, SIDE, float(energy), d, aberrations)
        torch.testing.assert_close(transfer, single, rtol=0, atol=1e-6)


def test_numbers_and_columns_can_be_mixed() -> None:
    defocus = torch.tensor([[10.0, 20.0], [30.0, 40.0]], dtype=torch.float64)
    mixed = transfer_function(32, SIDE, 80e3, defocus, Aberrations(c12=torch.tensor([5.0, 5.0]), c30=1e5))
    plain = transfer_function(32, SIDE, 80e3, defocus, Aberrations(c12=5.0, c30=1e5))
    torch.testing.assert_close(mixed, plain)


def test_without_aberrations_nothing_changes() -> None:
    transfer = transfer_function(POINTS, SIDE, 50e3, torch.tensor([0.0]), Aberrations())
    torch.testing.assert_close(transfer, torch.ones_like(transfer))


def test_defocus_has_the_sign_of_abtem() -> None:
    """A weak phase object shows contrast -2 sin(χ)·φ, χ = -π λ k² defocus: dark atoms at positive defocus."""
    k, lam = 8 / SIDE, wavelength(50e3)
    x = torch.arange(POINTS) * SIDE / POINTS
    phase = 0.01 * torch.cos(2 * torch.pi * k * x).expand(POINTS, POINTS)
    wave = torch.polar(torch.ones_like(phase), phase)
    transfer = transfer_function(POINTS, SIDE, 50e3, torch.tensor([60.0]), Aberrations())
    image = mean_intensity([wave], transfer)[0]
    expected = 1 - 2 * np.sin(np.pi * lam * k**2 * 60) * phase
    torch.testing.assert_close(image, expected, atol=3e-4, rtol=0)


def test_astigmatism_defocuses_one_axis_and_its_normal_the_other_way() -> None:
    """C12 at φ12 = 0 adds to C10 along x and is taken from it along y."""
    transfer = transfer_function(POINTS, SIDE, 50e3, torch.tensor([0.0, -30.0, 30.0]), Aberrations(c12=30.0))
    focused = transfer_function(POINTS, SIDE, 50e3, torch.tensor([-30.0, 30.0]), Aberrations())
    torch.testing.assert_close(transfer[0, 0, :], focused[0, 0, :], rtol=0, atol=1e-5)
    torch.testing.assert_close(transfer[0, :, 0], focused[1, :, 0], rtol=0, atol=1e-5)
    torch.testing.assert_close(transfer[1, :, 0], torch.ones(POINTS, dtype=torch.complex64), rtol=0, atol=1e-5)
