"""Dose, modulation transfer and readout."""

from __future__ import annotations

import pytest
import torch

from hrtem_app.microscope.detector import modulation_transfer, recorded

FLAT = torch.ones(1, 256, 256)


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("c", [0.05, 0.4, 1.0])
@pytest.mark.parametrize(("index", "k"), [(0, 0.0), (16, 0.5), (32, 1.0)])
def test_modulation_transfer_at_zero_half_and_full_nyquist(c: float, index: int, k: float) -> None:
    transfer = modulation_transfer((64, 64), c)
    assert float(transfer[0, index]) == pytest.approx((1 - c) / (1 + (k / (2 * c)) ** 2) + c)
    assert float(transfer[index, 0]) == pytest.approx(float(transfer[0, index]))


def test_counts_have_the_variance_of_the_dose() -> None:
    dose, sampling = 1000.0, 0.2
    image = recorded(FLAT, sampling, dose, mtf=1.0, readout=0.0, generator=_generator())
    assert float(image.mean()) == pytest.approx(1, abs=0.003)
    assert float(image.var()) == pytest.approx(1 / (dose * sampling**2), rel=0.03)


def test_counts_are_poisson_distributed_where_there_are_few() -> None:
    """At two electrons per pixel e⁻² of the pixels see none, and all see whole numbers."""
    counts = recorded(FLAT, 1.0, 2.0, mtf=1.0, readout=0.0, generator=_generator()) * 2
    torch.testing.assert_close(counts, counts.round(), rtol=0, atol=1e-4)
    assert float((counts.round() == 0).float().mean()) == pytest.approx(0.1353, abs=0.005)


def test_the_modulation_transfer_acts_on_the_counts() -> None:
    """The power of shot noise falls with frequency as the square of the transfer."""
    c, dose, sampling = 0.3, 1000.0, 0.2
    image = recorded(FLAT.expand(8, -1, -1), sampling, dose, mtf=c, readout=0.0, generator=_generator())
    power = (torch.fft.rfft2(image).abs() ** 2).mean(0) / 256**2 * dose * sampling**2
    transfer = modulation_transfer((256, 256), c)
    for low, high in ((0.3, 0.5), (0.6, 0.8), (0.9, 1.0)):
        ring = (transfer < transfer[0, int(128 * low)]) & (transfer > transfer[0, int(128 * high)])
        assert float(power[ring].mean()) == pytest.approx(float((transfer[ring] ** 2).mean()), rel=0.03)


def test_readout_noise_is_a_fraction_of_the_mean_and_is_not_blurred() -> None:
    image = recorded(0.5 * FLAT, 0.2, 1e9, mtf=0.2, readout=0.01, generator=_generator())
    assert float(image.std()) == pytest.approx(0.005, rel=0.03)
    assert float((image[:, 1:] - image[:, :-1]).std()) == pytest.approx(0.005 * 2**0.5, rel=0.03)


def test_without_a_dose_there_is_no_noise_but_the_modulation_transfer() -> None:
    x = torch.arange(64) / 64
    wave = (1 + 0.1 * torch.cos(2 * torch.pi * 16 * x)).expand(1, 64, 64)
    image = recorded(wave, 0.2, None, mtf=0.4, readout=0.1)
    transfer = float(modulation_transfer((64, 64), 0.4)[0, 16])
    torch.testing.assert_close(image - 1, (wave - 1) * transfer, rtol=0, atol=1e-6)


@pytest.mark.parametrize("dose", [-3.0, 0.0, torch.tensor([10.0, -3.0])])
def test_a_dose_of_nothing_is_refused(dose: float | torch.Tensor) -> None:
    with pytest.raises(ValueError, match="positive"):
        recorded(torch.ones(2, 1, 8, 8), 0.2, dose, 0.5, 0.01)


def test_each_series_of_a_batch_has_its_own_camera() -> None:
    sampling, dose = torch.tensor([0.2, 0.4, 0.2]), torch.tensor([1000.0, 1000.0, 1e9])
    mtf, readout = torch.ones(3), torch.tensor([0.0, 0.0, 0.05])
    images = recorded(torch.ones(3, 2, 200, 200), sampling, dose, mtf, readout, _generator())
    expected = torch.tensor([1 / 40, 1 / 160, 0.05**2])
    torch.testing.assert_close(images.var(dim=(1, 2, 3)), expected, rtol=0.03, atol=0)


def test_a_batch_without_noise_is_its_series() -> None:
    images = torch.rand(2, 3, 32, 30, generator=_generator())
    batch = recorded(images, torch.tensor([0.2, 0.3]), None, torch.tensor([0.2, 0.7]), torch.zeros(2))
    for image, got, c in zip(images, batch, (0.2, 0.7), strict=True):
        torch.testing.assert_close(got, recorded(image, 0.2, None, c, 0.0), rtol=0, atol=1e-6)
