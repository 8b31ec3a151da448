"""The hexagonal filter on lattices whose angle is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hrtem_app.imaging.lattice_filter import find_lattice_angles, find_lattices, power_spectrum, remove_lattice
from hrtem_app.imaging.lattice_mask import filter_mask, ring_radii, spot_positions
from hrtem_app.recipe import LatticeFilter

SAMPLING = 0.22
FILTER = LatticeFilter()


def _lattice(shape: tuple[int, int], angle: float, a: float = 2.46) -> NDArray[np.float64]:
    """The six first-order waves of a hexagonal lattice, contrast 1."""
    y, x = np.indices(shape) * SAMPLING
    k = 2 / (np.sqrt(3) * a)
    turns = angle + np.arange(3) * np.pi / 3
    return sum(np.cos(2 * np.pi * k * (x * np.cos(t) + y * np.sin(t)) + 0.3) for t in turns) / 3


def _frames(shape: tuple[int, int], angle: float, noise: float = 0.3) -> NDArray[np.float32]:
    rng = np.random.default_rng(7)
    return (1 + 0.2 * _lattice(shape, angle) + noise * rng.normal(size=(3, *shape))).astype(np.float32)


def _difference(a: float, b: float) -> float:
    return float(abs((a - b + np.pi / 6) % (np.pi / 3) - np.pi / 6))


def test_rings_of_graphene() -> None:
    assert ring_radii(LatticeFilter(lattice_constant=2.46)) == pytest.approx((0.469, 0.813, 0.939), abs=5e-4)


@pytest.mark.parametrize("degrees", [0.0, 7.3, 29.9, 45.0, 59.95])
@pytest.mark.parametrize("shape", [(301, 320), (512, 384)])
def test_the_angle_is_found(degrees: float, shape: tuple[int, int]) -> None:
    angle = np.deg2rad(degrees)
    (found,) = find_lattice_angles(_frames(shape, angle), SAMPLING, FILTER)
    assert _difference(found, angle) < np.deg2rad(0.25)


def test_two_turned_lattices_are_found() -> None:
    angles = np.deg2rad([10.0, 32.0])
    frames = _frames((400, 400), angles[0]) + 0.2 * _lattice((400, 400), angles[1]).astype(np.float32)
    found = find_lattice_angles(frames, SAMPLING, LatticeFilter(lattices=4))
    assert len(found) == 2
    assert all(min(_difference(f, a) for f in found) < np.deg2rad(0.3) for a in angles)


@pytest.mark.parametrize("seed", range(5))
def test_noise_has_no_lattice(seed: int) -> None:
    frames = np.random.default_rng(seed).normal(1, 0.3, (3, 320, 320))
    assert find_lattices(frames, SAMPLING, FILTER) == ((), ())
    result = remove_lattice(frames, SAMPLING, FILTER)
    np.testing.assert_array_equal(result.frames, frames.astype(np.float32))
    assert result.spots.shape == (0, 3)


def test_the_lattice_goes_and_the_rest_stays() -> None:
    shape, angle = (360, 360), np.deg2rad(17.0)
    y, x = np.indices(shape)
    defect = np.exp(-((y - 180) ** 2 + (x - 150) ** 2) / (2 * 8**2))
    frames = (1 + 0.2 * _lattice(shape, angle) + 0.3 * defect)[np.newaxis].astype(np.float32)
    result = remove_lattice(frames, SAMPLING, FILTER)
    inner = (slice(30, -30), slice(30, -30))
    left = result.frames[0][inner] - (1 + 0.3 * defect)[inner]
    assert left.std() < 0.12 * (0.2 * _lattice(shape, angle))[inner].std()
    np.testing.assert_allclose(result.frames + result.removed, frames, atol=1e-5)
    np.testing.assert_allclose(result.frames.mean(), frames.mean(), rtol=1e-5)


def test_spots_repeat_every_60_degrees_and_the_second_ring_is_turned() -> None:
    spots = spot_positions((0.2,), FILTER)
    assert spots.shape == (18, 3)
    for ring, turn in ((1, 0.2), (2, 0.2 + np.pi / 6), (3, 0.2)):
        ky, kx = spots[spots[:, 2] == ring, :2].T
        np.testing.assert_allclose(np.hypot(ky, kx), ring_radii(FILTER)[ring - 1])
        turned = (np.arctan2(ky, kx) - turn + np.pi / 6) % (np.pi / 3) - np.pi / 6
        np.testing.assert_allclose(turned, 0, atol=1e-12)


def test_the_mask_has_a_fermi_edge_keeps_the_mean_and_is_symmetric() -> None:
    shape = (400, 512)
    mask = filter_mask(shape, SAMPLING, (0.3,), FILTER)
    ky, kx = np.fft.fftfreq(shape[0], SAMPLING), np.fft.fftfreq(shape[1], SAMPLING)
    spot = spot_positions((0.3,), FILTER)[0]
    distance = np.hypot(ky[:, None] - spot[0], kx - spot[1])
    near = distance < 0.09
    expected = 1 - 1 / (1 + np.exp((distance[near] - FILTER.radius) / FILTER.edge))
    np.testing.assert_allclose(mask[near], expected, atol=1e-5)
    assert mask[0, 0] == 1
    mirrored = np.roll(mask[::-1, ::-1], (1, 1), axis=(0, 1))
    np.testing.assert_allclose(mask[1:200, 1:256], mirrored[1:200, 1:256], atol=1e-6)


def test_the_filter_can_be_told_the_angle_or_switched_off() -> None:
    frames = _frames((256, 256), 0.1)
    told = remove_lattice(frames, SAMPLING, LatticeFilter(angles=(0.5,)))
    assert told.angles == (0.5,)
    off = remove_lattice(frames, SAMPLING, LatticeFilter(enabled=False))
    np.testing.assert_array_equal(off.frames, frames)


def test_a_spectrum_given_by_the_caller_changes_nothing() -> None:
    from scipy import fft

    frames = _frames((200, 250), 0.4)
    np.testing.assert_allclose(
        remove_lattice(frames, SAMPLING, FILTER, fft.rfft2(frames)).frames,
        remove_lattice(frames, SAMPLING, FILTER).frames,
        atol=1e-6,
    )


def test_pixels_too_coarse_for_the_lattice_are_left_alone() -> None:
    frames = np.random.default_rng(0).normal(size=(1, 64, 64))
    assert find_lattices(frames, 1.35, FILTER) == ((), ())


def test_power_spectrum_has_its_peak_where_the_wave_is() -> None:
    y, x = np.indices((128, 160))
    wave = np.cos(2 * np.pi * (10 * y / 128 + 24 * x / 160))[np.newaxis]
    power = power_spectrum(wave)
    peak = np.unravel_index(power.argmax(), power.shape)
    assert (abs(peak[0] - 64), abs(peak[1] - 80)) == (10, 24)


@pytest.mark.parametrize("shape", [(96, 128), (97, 131), (96, 131)])
def test_power_spectrum_is_the_mean_of_the_whole_plane(shape: tuple[int, int]) -> None:
    frames = np.random.default_rng(2).normal(3, 1, (3, *shape))
    window = np.hanning(shape[0])[:, np.newaxis] * np.hanning(shape[1])
    spectra = np.fft.fft2((frames - frames.mean(axis=(1, 2), keepdims=True)) * window)
    expected = np.fft.fftshift((np.abs(spectra) ** 2).mean(axis=0))
    np.testing.assert_allclose(power_spectrum(frames), expected, rtol=1e-3, atol=1e-4 * expected.mean())
