"""The dose is estimated from the noise of raw frames; of others nothing is said, or nothing low."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage

from hrtem_app.inference.dose import estimate_dose
from hrtem_app.microscope.detector import recorded


def _frames(dose: float, sampling: float = 0.22, mtf: float = 0.4, size: int = 200) -> NDArray[np.float32]:
    """Three frames of a lattice with a contrast of 15 %, as a camera records them."""
    y, x = np.mgrid[:size, :size] * sampling
    lattice = sum(np.cos(2 * np.pi * (x * np.cos(t) + y * np.sin(t)) / 2.7) for t in np.pi / 3 * np.arange(3))
    images = torch.from_numpy(np.stack([1 + 0.05 * lattice] * 3).astype(np.float32))
    return recorded(images, sampling, dose, mtf, 0.01, torch.Generator().manual_seed(0)).numpy()


@pytest.mark.parametrize("dose", [10.0, 1e2, 1e3, 1e4, 1e5])
@pytest.mark.parametrize(("sampling", "mtf"), [(0.22, 0.2), (0.22, 0.6), (0.1, 0.4), (0.4, 0.4)])
def test_to_within_a_factor_of_five(dose: float, sampling: float, mtf: float) -> None:
    estimate = estimate_dose(_frames(dose, sampling, mtf), sampling)
    assert estimate is not None
    if dose * sampling**2 < 2000:  # above, the readout noise of 1 % of the mean is more than the shot noise
        assert dose / 5 < estimate < dose * 5
    else:
        assert estimate > 1e4


def test_the_gain_and_the_size_of_the_frames_do_not_matter() -> None:
    frames = _frames(1e3)
    expected = estimate_dose(frames, 0.22)
    assert estimate_dose(37.5 * frames, 0.22) == pytest.approx(expected, rel=1e-3)
    assert estimate_dose(frames[:, 20:150, 10:190], 0.22) == pytest.approx(expected, rel=0.1)


def test_smoothed_frames_never_seem_to_have_a_lower_dose() -> None:
    frames = _frames(1e3)
    smooth = ndimage.gaussian_filter(frames, (0, 1, 1))
    assert estimate_dose(smooth, 0.22) > 10 * estimate_dose(frames, 0.22)


def test_frames_without_an_intensity_are_not_judged() -> None:
    frames = _frames(1e3)
    assert estimate_dose(frames - frames.mean(), 0.22) is None
    assert estimate_dose(-frames, 0.22) is None
    assert estimate_dose(frames - frames.min(), 0.22) is not None
    assert estimate_dose(frames[:, :20], 0.22) is None


def test_frames_without_noise_have_an_infinite_dose() -> None:
    assert estimate_dose(np.ones((2, 64, 64), np.float32), 0.22) == np.inf
