"""What the filter takes out of some pixels, against the filter worked out in full another way."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import fft

from hrtem_app.imaging.lattice_filter import remove_lattice
from hrtem_app.imaging.removed_part import removed_part
from hrtem_app.recipe import LatticeFilter

LATTICE = 2 / (np.sqrt(3) * 2.467)
# Of the removed part's standard deviation; transforms in float32 have errors of 1e-6 of an image's mean.
TOLERANCE = 2e-3


def _image(shape: tuple[int, int], sampling: float) -> NDArray[np.float32]:
    """Fringes of graphene at 17° and noise."""
    y, x = np.indices(shape) * sampling
    angles = np.deg2rad(17) + np.pi / 3 * np.arange(3)
    fringes = sum(np.cos(2 * np.pi * LATTICE * (x * np.cos(a) + y * np.sin(a))) for a in angles)
    return (1 + 0.1 * fringes + np.random.default_rng(3).normal(0, 0.2, shape)).astype(np.float32)


def _removed(
    image: NDArray[np.float32], sampling: float, angles: tuple[float, ...], settings: LatticeFilter
) -> NDArray[np.float64]:
    """In double precision, with every spot's disk over the whole plane."""
    ky, kx = (np.fft.fftfreq(n, sampling) for n in image.shape)
    mask = np.ones(image.shape)
    for angle in angles:
        for factor, turned in ((1, 0), (np.sqrt(3), np.pi / 6), (2, 0)):
            for direction in angle + turned + np.pi / 3 * np.arange(6):
                place = factor * LATTICE * np.array([np.sin(direction), np.cos(direction)])
                distance = np.hypot(ky[:, np.newaxis] - place[0], kx - place[1])
                with np.errstate(over="ignore"):
                    mask *= 1 - 1 / (1 + np.exp((distance - settings.radius) / settings.edge))
    mask[0, 0] = 1
    half = slice(image.shape[1] // 2 + 1)
    return np.fft.irfft2(np.fft.rfft2(image.astype(float)) * (1 - mask[:, half]), s=image.shape)


@pytest.mark.parametrize(
    ("shape", "sampling"),
    [((240, 300), 0.22), ((245, 315), 0.22), ((192, 97), 0.22), ((96, 90), 0.6), ((91, 120), 0.5)],
)
@pytest.mark.parametrize("angles", [(0.3,), (0.3, 0.34, 0.9)], ids=["one lattice", "three that overlap"])
def test_it_is_what_the_whole_filter_removes_there(
    shape: tuple[int, int], sampling: float, angles: tuple[float, ...]
) -> None:
    image = _image(shape, sampling)
    settings = LatticeFilter(angles=angles, radius=0.05, edge=0.006)
    # As a screen shows them that is coarser than the image, and as it is not.
    rows, columns = np.floor(np.arange(3.7, shape[0], 2.6)).astype(int), np.arange(17, shape[1])
    found = removed_part(fft.rfft2(image), shape, sampling, angles, settings, rows, columns)
    expected = _removed(image, sampling, angles, settings)[np.ix_(rows, columns)]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=TOLERANCE * float(expected.std()))


def test_it_agrees_with_remove_lattice_to_rounding() -> None:
    image, settings = _image((320, 320), 0.22), LatticeFilter(angles=(0.3,))
    whole = remove_lattice(image[np.newaxis], 0.22, settings).removed[0]
    rows, columns = np.arange(1, 320, 2), np.arange(0, 160, 3)
    part = removed_part(fft.rfft2(image), (320, 320), 0.22, (0.3,), settings, rows, columns)
    np.testing.assert_allclose(part, whole[np.ix_(rows, columns)], atol=2e-6)


def test_no_lattice_leaves_everything() -> None:
    spectrum, some = fft.rfft2(_image((64, 64), 0.22)), np.arange(0, 64, 4)
    part = removed_part(spectrum, (64, 64), 0.22, (), LatticeFilter(), some, some[:8])
    np.testing.assert_array_equal(part, np.zeros((16, 8)))
