"""Envelopes and aperture in closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hrtem_app.microscope.envelopes import aperture
from hrtem_app.microscope.optics import Aberrations, transfer_function, wavelength

SIDE, POINTS, ENERGY = 25.6, 128, 80e3
LAM = wavelength(ENERGY)


def _amplitude(aberrations: Aberrations, defocus: float, index: int) -> float:
    transfer = transfer_function(POINTS, SIDE, ENERGY, torch.tensor([defocus], dtype=torch.float64), aberrations)
    return float(transfer[0, 0, index].abs())


@pytest.mark.parametrize("index", [1, 10, 30])
def test_focal_spread_damps_with_the_fourth_power(index: int) -> None:
    expected = np.exp(-((np.pi * 12.0 * LAM * (index / SIDE) ** 2 / 2) ** 2))
    assert _amplitude(Aberrations(focal_spread=12.0), 0.0, index) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("defocus", "c30"), [(300.0, 0.0), (0.0, 2e5), (-200.0, 1e5)])
def test_angular_spread_damps_where_the_phase_is_steep(defocus: float, c30: float) -> None:
    index, spread = 20, 1e-3
    alpha = LAM * index / SIDE
    slope = 2 * np.pi / LAM * (-defocus * alpha + c30 * alpha**3)
    expected = np.exp(-((spread / 2 * slope) ** 2))
    assert 0.01 < expected < 0.99
    assert _amplitude(Aberrations(c30=c30, angular_spread=spread), defocus, index) == pytest.approx(expected, rel=1e-5)


def test_the_aperture_has_an_edge_one_step_wide() -> None:
    step = torch.tensor(0.001)
    angle = torch.tensor([0.0, 0.019, 0.0195, 0.02, 0.02025, 0.0205, 0.03])
    expected = torch.tensor([1.0, 1.0, 1.0, 0.5, 0.25, 0.0, 0.0])
    torch.testing.assert_close(aperture(angle, torch.tensor(0.02), step), expected, rtol=0, atol=1e-4)


def test_the_undiffracted_beam_always_passes() -> None:
    assert float(aperture(torch.zeros(1), torch.tensor(1e-6), torch.tensor(0.1))) == 1
    assert float(aperture(torch.tensor([3.0]), torch.tensor(torch.inf), torch.tensor(0.1))) == 1
