"""Pixels, dose, modulation transfer and readout."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hrtem_app.microscope.detector import modulation_transfer, recorded, resampled
from hrtem_app.microscope.draw import MicroscopeSettings, draw_microscope, record


def _wave(points: int, cycles: int) -> torch.Tensor:
    x = torch.arange(points) / points
    return (1 + 0.3 * torch.cos(2 * torch.pi * cycles * x + 0.4)).expand(1, points, points).clone()


@pytest.mark.parametrize("points", [96, 97, 128, 160])
def test_resampling_is_exact_for_what_both_grids_hold(points: int) -> None:
    torch.testing.assert_close(resampled(_wave(128, 7), 20.0, points), _wave(points, 7), rtol=0, atol=1e-5)


def test_blur_damps_as_a_gaussian() -> None:
    side, cycles, blur = 20.0, 10, 0.2
    image = resampled(_wave(128, cycles), side, 128, blur)
    damping = float((image.max() - 1) / (_wave(128, cycles).max() - 1))
    assert damping == pytest.approx(np.exp(-2 * (np.pi * blur * cycles / side) ** 2), rel=1e-3)


def test_modulation_transfer_at_zero_half_and_full_nyquist() -> None:
    c = 0.4
    transfer = modulation_transfer((64, 64), c)
    for index, k in ((0, 0.0), (16, 0.5), (32, 1.0)):
        assert float(transfer[0, index]) == pytest.approx((1 - c) / (1 + (k / (2 * c)) ** 2) + c)
        assert float(transfer[index, 0]) == pytest.approx(float(transfer[0, index]))


def test_counts_have_the_variance_of_the_dose() -> None:
    dose, sampling = 1000.0, 0.2
    flat = torch.ones(1, 256, 256)
    image = recorded(flat, sampling, dose, mtf=1.0, readout=0.0, generator=torch.Generator().manual_seed(0))
    assert float(image.mean()) == pytest.approx(1, abs=0.003)
    assert float(image.var()) == pytest.approx(1 / (dose * sampling**2), rel=0.03)


def test_readout_noise_adds_to_it() -> None:
    flat = torch.ones(1, 256, 256)
    image = recorded(flat, 0.2, 1e9, mtf=1.0, readout=0.01, generator=torch.Generator().manual_seed(0))
    assert float(image.std()) == pytest.approx(0.01, rel=0.03)


def test_a_dose_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"-3.*positive"):
        recorded(torch.ones(1, 8, 8), 0.2, -3, 0.5, 0.01, torch.Generator())


def test_draws_stay_in_their_ranges_and_repeat() -> None:
    settings = MicroscopeSettings()
    for seed in range(50):
        drawn = draw_microscope(settings, np.random.default_rng(seed))
        assert drawn == draw_microscope(settings, np.random.default_rng(seed))
        steps = np.diff(drawn.defocus)
        assert len(drawn.defocus) == 3
        assert settings.defocus[0] <= drawn.defocus[0] <= settings.defocus[1]
        assert ((steps >= 49) & (steps <= 51)).all()
        for name in ("dose", "sampling", "mtf", "readout", "blur"):
            low, high = getattr(settings, name)
            assert low <= getattr(drawn, name) <= high


def test_atoms_are_recorded_where_the_truth_says() -> None:
    """A phase bump in an in-focus, weakly aberrated microscope is seen at its column's pixel."""
    cell, points = 40.0, 200
    y, x = np.indices((points, points)) * cell / points
    place = np.array([[13.37, 25.11]])
    bump = np.exp(-((y - place[0, 0]) ** 2 + (x - place[0, 1]) ** 2) / (2 * 0.4**2))
    waves = torch.from_numpy((1 - 0.3 * bump).astype(np.complex64))[None]
    settings = MicroscopeSettings(
        frames=1, defocus=(0, 0), c12=(0, 0), c21=(0, 0), c30=(0, 0), dose=(1e7, 1e7), readout=(0, 0), mtf=(0.6, 0.6)
    )
    drawn = draw_microscope(settings, np.random.default_rng(1))
    series = record(waves, cell, 3.0, 50e3, place, np.array([0]), drawn, torch.Generator().manual_seed(0))
    image = series.frames[0]
    dark = np.clip(image.mean() - 0.02 - image, 0, None)
    rows, columns = np.indices(image.shape)
    centre = ((dark * rows).sum() / dark.sum(), (dark * columns).sum() / dark.sum())
    assert centre == pytest.approx(tuple(series.positions[0]), abs=0.1)
    assert series.sampling == pytest.approx(cell / round(cell / drawn.sampling))
