"""Resampling keeps places: what is at a position before is there after."""

import numpy as np
import pytest

from hrtem_app.inference.resample import resample, to_image, to_map


@pytest.mark.parametrize("scale", [0.45, 0.9, 1.13, 2.0, 2.37, 3.1])
def test_a_spot_stays_where_it_is(scale):
    y, x = np.mgrid[:203, :251]
    width = max(3.0, 3 * scale)
    for place in ([60.3, 71.8], [120.1, 190.6]):
        frame = np.exp(-((y - place[0]) ** 2 + (x - place[1]) ** 2) / (2 * width**2)).astype(np.float32)
        small = resample(frame[np.newaxis], scale)[0]
        rows, columns = np.mgrid[: small.shape[0], : small.shape[1]]
        centre = np.array([[(small * rows).sum(), (small * columns).sum()]]) / small.sum()
        assert to_image(centre, scale)[0] == pytest.approx(place, abs=0.02)


def test_to_map_is_the_inverse():
    positions = np.array([[0.0, 0.0], [3.7, 100.2]])
    assert to_map(to_image(positions, 2.3), 2.3) == pytest.approx(positions)
    assert to_image(np.zeros((1, 2)), 2.0).tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("scale", [100.0, 1e-4])
def test_refuses_absurd_sizes(scale):
    with pytest.raises(ValueError, match="check the sampling"):
        resample(np.zeros((1, 64, 64), np.float32), scale)
