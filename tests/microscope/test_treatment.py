"""What other people's software does to frames."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hrtem_app.microscope.treatment import TreatmentSettings, treated

ALWAYS = {"treated": 1.0}
STEPS = (
    "drift",
    "low_pass",
    "wiener",
    "high_pass",
    "shading",
    "gamma",
    "clipping",
    "eight_bits",
    "hot_pixels",
)
SAMPLING = 0.225


def only(**given: object) -> TreatmentSettings:
    """Settings under which nothing happens but what is given."""
    return TreatmentSettings.model_validate(ALWAYS | dict.fromkeys(STEPS, 0.0) | given)


@pytest.fixture
def frames() -> NDArray[np.float32]:
    """Three frames of a lattice with 2.7 Å period on noise."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:96, :96] * SAMPLING
    lattice = np.cos(2 * np.pi * x / 2.7) + np.cos(2 * np.pi * y / 2.7)
    return (1 + 0.1 * lattice + 0.05 * rng.normal(size=(3, 96, 96))).astype(np.float32)


def run(frames: NDArray[np.float32], settings: TreatmentSettings, seed: int = 0) -> NDArray[np.float32]:
    return treated(frames, SAMPLING, settings, np.random.default_rng(seed))


def test_untreated_frames_stay_as_they_are(frames: NDArray[np.float32]) -> None:
    assert run(frames, TreatmentSettings()) is frames
    np.testing.assert_array_equal(run(frames, only()), frames)


def test_the_same_seed_treats_alike_and_the_given_frames_are_not_touched(frames: NDArray[np.float32]) -> None:
    kept = frames.copy()
    settings = TreatmentSettings.model_validate(ALWAYS | dict.fromkeys(STEPS, 1.0))
    first = run(frames, settings, 4)
    np.testing.assert_array_equal(first, run(frames, settings, 4))
    assert not np.array_equal(first, run(frames, settings, 5))
    np.testing.assert_array_equal(frames, kept)
    assert first.dtype == np.float32
    assert np.isfinite(first).all()


def test_drift_moves_all_but_the_first_frame_by_no_more_than_told(frames: NDArray[np.float32]) -> None:
    from skimage.registration import phase_cross_correlation

    moved = run(frames, only(drift=1.0, drift_length=(0.4, 0.5)))
    np.testing.assert_array_equal(moved[0], frames[0])
    for before, after in zip(frames[1:], moved[1:], strict=True):
        shift = phase_cross_correlation(before, after, upsample_factor=50, normalization=None)[0] * SAMPLING
        assert (np.abs(shift) > 0.25).all()
        assert (np.abs(shift) < 0.65).all()


def test_a_low_pass_filter_halves_at_its_edge(frames: NDArray[np.float32]) -> None:
    # A wave with a whole number of half periods: mirrored borders leave it whole.
    x = np.arange(96) + 0.5
    wave = np.broadcast_to(np.cos(np.pi * 40 * x / 96), (1, 96, 96)).astype(np.float32)
    edge = 40 / 96 / 2 / SAMPLING
    filtered = run(wave, only(low_pass=1.0, low_pass_edge=(edge, edge)))
    np.testing.assert_allclose(filtered, wave / 2, atol=2e-3)


def test_a_wiener_filter_takes_noise_and_keeps_the_lattice(frames: NDArray[np.float32]) -> None:
    filtered = run(frames, only(wiener=1.0, wiener_strength=(1.0, 1.0)))
    before, after = (np.abs(np.fft.rfft2(f[0])) for f in (frames, filtered))
    # 96 pixels of 0.225 Å are eight periods of 2.7 Å.
    assert after[0, 8] > 0.8 * before[0, 8]
    assert after[8, 0] > 0.8 * before[8, 0]
    assert np.median(after[30:60, 25:]) < 0.4 * np.median(before[30:60, 25:])


def test_a_high_pass_filter_takes_the_background(frames: NDArray[np.float32]) -> None:
    sloped = frames + np.linspace(0, 5, 96, dtype=np.float32)
    flat = run(sloped, only(high_pass=1.0, high_pass_length=(5, 5)))
    assert abs(float(flat.mean())) < 0.02
    inner = flat[:, 30:-30, 30:-30].std()
    assert inner == pytest.approx(frames[:, 30:-30, 30:-30].std(), rel=0.2)


def test_shading_is_a_slope_of_the_depth_told(frames: NDArray[np.float32]) -> None:
    shaded = run(np.ones_like(frames), only(shading=1.0, shading_depth=(0.2, 0.2)))
    assert 0.2 <= np.ptp(shaded) <= 0.2 * np.sqrt(2) + 1e-6


@pytest.mark.parametrize("exponent", [0.5, 2.0])
def test_gamma_keeps_the_order_of_grey_values(frames: NDArray[np.float32], exponent: float) -> None:
    curved = run(frames, only(gamma=1.0, gamma_exponent=(exponent, exponent)))
    order = np.argsort(frames[0].ravel())
    assert (np.diff(curved[0].ravel()[order]) >= 0).all()
    middle = float(np.quantile(curved, 0.5))
    assert middle < 0.4 if exponent > 1 else middle > 0.6


def test_clipping_cuts_the_fraction_told(frames: NDArray[np.float32]) -> None:
    cut = run(frames, only(clipping=1.0, clipped=(0.1, 0.1)))
    for frame in cut:
        assert (frame == frame.max()).mean() == pytest.approx(0.1, abs=0.005)
        assert (frame == frame.min()).mean() == pytest.approx(0.1, abs=0.005)


def test_eight_bits_leave_256_values(frames: NDArray[np.float32]) -> None:
    cut = run(frames, only(eight_bits=1.0))
    assert len(np.unique(cut)) <= 256
    assert (cut.min(), cut.max()) == (0, 255)


def test_hot_pixels_are_few_and_bright(frames: NDArray[np.float32]) -> None:
    hot = run(frames, only(hot_pixels=1.0, hot_fraction=(0.01, 0.01)))
    changed = hot != frames
    assert 0.005 < changed.mean() < 0.02
    assert (hot[changed] > frames[changed]).all()


def test_probabilities_outside_of_0_to_1_are_refused() -> None:
    with pytest.raises(ValueError, match=r"1\.5 is outside of 0 to 1"):
        TreatmentSettings(treated=1.5)
