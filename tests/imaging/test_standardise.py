"""Local standardisation against plain filters and its own definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from hrtem_app.imaging.standardise import gaussian_blur, standardise


@pytest.mark.parametrize(("shape", "sigma"), [((1, 90, 120), 6.0), ((2, 133, 101), 15.0)])
def test_blur_equals_scipys(shape: tuple[int, ...], sigma: float) -> None:
    images = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    expected = np.stack([ndimage.gaussian_filter(i.astype(float), sigma, mode="reflect", truncate=8) for i in images])
    np.testing.assert_allclose(gaussian_blur(images, sigma), expected, atol=2e-5)


def test_mean_and_scale_become_zero_and_one() -> None:
    rng = np.random.default_rng(1)
    x = np.linspace(0, 1, 400)
    frames = 5 + 3 * x + (1 + 4 * x) * rng.normal(size=(3, 400, 400))
    result = standardise(frames, 0.22)
    for part in (result[:, :, 50:150], result[:, :, 250:350]):
        assert abs(part.mean()) < 0.05
        assert part.std() == pytest.approx(1, abs=0.05)


def test_frames_share_one_mean_and_one_scale() -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(300, 300))
    result = standardise(np.stack([noise, 3 * noise + 1]), 0.22)
    assert result[1].std() / result[0].std() == pytest.approx(3, rel=0.01)
    assert result[1].mean() > 0.2 > -0.2 > result[0].mean()


def test_brightness_and_gain_of_the_camera_do_not_matter() -> None:
    frames = np.random.default_rng(3).normal(1, 0.1, (3, 128, 128))
    np.testing.assert_allclose(standardise(40000 + 700 * frames, 0.2), standardise(frames, 0.2), atol=2e-2)


def test_flat_images_give_zero() -> None:
    np.testing.assert_array_equal(standardise(np.full((3, 64, 64), 7.0), 0.2), np.zeros((3, 64, 64)))
