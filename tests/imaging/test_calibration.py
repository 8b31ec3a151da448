"""The sampling from a lattice: where it is known, on real images, and where there is nothing to find."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hrtem_app import load_series
from hrtem_app.imaging.calibration import SEARCH, Calibration, calibrate
from hrtem_app.imaging.lattice_filter import power_spectrum
from hrtem_app.imaging.lattice_ring import find_ring
from hrtem_app.imaging.rulers import find_ruler, nearest_mistake
from hrtem_app.imaging.scale_check import compare_sampling, describe_ambiguity, with_error
from hrtem_app.series import SeriesError

Draw = Callable[..., NDArray[np.float32]]
Record = Callable[..., Any]
MOS2_OVER_GRAPHENE = 3.16 / 2.46
SAMPLING = 0.2247


@pytest.mark.parametrize("angle", [0.0, 0.17, 0.9])
@pytest.mark.parametrize(
    ("sampling", "shape"), [(0.15, (400, 330)), (0.18, (300, 420)), (SAMPLING, (320, 320)), (0.3, (250, 333))]
)
@pytest.mark.parametrize("off", [0.93, 1.07])
def test_the_sampling_is_found_to_a_thousandth(
    drawn_series: Draw, sampling: float, shape: tuple[int, int], angle: float, off: float
) -> None:
    found = calibrate(drawn_series(sampling, angle, shape, seed=int(1000 * angle)), off * sampling)
    assert found.accepted, found.reason
    assert found.sampling == pytest.approx(sampling, rel=1e-3)
    assert abs(found.sampling - sampling) < 4 * found.error
    assert abs((found.angle - angle + np.pi / 6) % (np.pi / 3) - np.pi / 6) < np.deg2rad(0.1)
    radii = np.hypot(*found.spots.T)
    np.testing.assert_allclose(radii, 2 / (np.sqrt(3) * 2.46), rtol=5e-3)
    np.testing.assert_allclose(found.spots[:3], -found.spots[3:])
    turns = np.diff(np.unwrap(np.arctan2(*found.spots[:3].T)))
    np.testing.assert_allclose(turns, np.pi / 3, atol=5e-3)
    assert np.hypot(*found.residuals.T).max() < 5e-3 * radii.mean()


def test_series_of_the_simulation_and_their_standard_error(recorded: Record) -> None:
    errors, scaled = [], []
    for seed, draw, off in [
        (101, 0, 0.92),
        (105, 0, 1.08),
        (109, 1, 0.95),
        (113, 0, 1.05),
        (126, 2, 1.0),
        (142, 0, 0.9),
    ]:
        series = recorded(seed, draw)
        found = calibrate(series.frames, off * series.sampling)
        assert found.accepted, found.reason
        errors.append(found.sampling / series.sampling - 1)
        scaled.append((found.sampling - series.sampling) / found.error)
    assert np.abs(errors).max() < 1e-3
    assert np.sqrt(np.mean(np.square(errors))) < 6e-4
    assert np.abs(scaled).max() < 4
    assert np.sqrt(np.mean(np.square(scaled))) > 0.2


def test_a_stronger_ring_behind_the_border_of_the_search_is_not_taken(recorded: Record) -> None:
    # The search begins 2 % beside MoS2's ring, whose flank has peaks of its own in one draw of the noise in six.
    for noise in range(16):
        series = recorded(142, 0, noise=noise)
        found = calibrate(series.frames, 0.9 * series.sampling)
        assert found.accepted, found.reason
        assert found.sampling == pytest.approx(series.sampling, rel=1e-3)


def test_series_that_another_script_simulated(data_dir: Path) -> None:
    for path in sorted((data_dir / "independent" / "in_range").glob("*.npz")):
        with np.load(path) as file:
            frames, true = file["image"], json.loads(str(file["meta"]))["sampling"]
        found = calibrate(frames, 1.05 * true)
        assert found.accepted, found.reason
        assert found.sampling == pytest.approx(true, rel=1.5e-3)


def test_mos2_is_a_ruler_too(drawn_series: Draw) -> None:
    found = calibrate(drawn_series(0.2, 0.3, support=0, flake=0.45), 0.21, "MoS2")
    assert found.accepted, found.reason
    assert found.sampling == pytest.approx(0.2, rel=1e-3)
    assert abs((found.angle - 0.5 + np.pi / 6) % (np.pi / 3) - np.pi / 6) < np.deg2rad(0.2)
    same = calibrate(drawn_series(0.2, 0.3, support=0, flake=0.45), 0.21, 3.16)
    assert same.sampling == found.sampling


@pytest.mark.parametrize("direction", [0.0, 0.6, 2.0])
def test_pixels_that_are_not_square_are_measured(drawn_series: Draw, direction: float) -> None:
    axis = np.array([np.sin(direction), np.cos(direction)])
    # 1.5 % fewer pixels per Å along the axis, and 1.5 % more across it.
    stretch = 1.015 * np.eye(2) - 0.03 * np.outer(axis, axis)
    found = calibrate(drawn_series(SAMPLING, 0.25, (300, 340), stretch=stretch), SAMPLING)
    assert found.accepted, found.reason
    assert found.sampling == pytest.approx(SAMPLING, rel=1.5e-3)
    assert found.anisotropy == pytest.approx(1.015 / 0.985 - 1, abs=4e-3)
    assert abs(found.anisotropy - 0.0305) < 4 * found.anisotropy_error
    assert abs((found.direction - direction + np.pi / 2) % np.pi - np.pi / 2) < np.deg2rad(5)


def test_square_pixels_show_no_anisotropy(drawn_series: Draw) -> None:
    found = calibrate(drawn_series(SAMPLING, 0.25), SAMPLING)
    assert found.anisotropy < 4 * found.anisotropy_error
    assert found.anisotropy < 3e-3


def test_drift_and_brightness_do_no_harm(drawn_series: Draw) -> None:
    frames = drawn_series(SAMPLING, 0.4)
    plain = calibrate(frames, SAMPLING)
    moved = np.stack([np.roll(frame, (5 * i, -9 * i), axis=(0, 1)) for i, frame in enumerate(frames)])
    assert calibrate(moved, SAMPLING).sampling == pytest.approx(plain.sampling, rel=5e-4)
    assert calibrate(700 * frames + 4e4, SAMPLING).sampling == pytest.approx(plain.sampling, rel=1e-5)


@pytest.mark.parametrize("shape", [(1, 300, 300), (3, 200, 330)])
@pytest.mark.parametrize("rough", [SAMPLING, None])
def test_noise_has_no_lattice(shape: tuple[int, ...], rough: float | None) -> None:
    for seed in range(4):
        found = calibrate(np.random.default_rng(seed).normal(size=shape), rough)
        assert not found.accepted
        assert "no clear lattice of graphene" in found.reason


def test_flat_frames_and_coarse_pixels_have_no_lattice() -> None:
    found = calibrate(np.ones((3, 64, 64)), SAMPLING)
    assert not found.accepted
    coarse = calibrate(np.random.default_rng(0).normal(size=(1, 64, 64)), 1.35)
    assert "beyond what the pixels resolve" in coarse.reason
    assert np.isnan(coarse.sampling)
    assert coarse.spots.shape == (0, 2)


@pytest.mark.parametrize("off", [0.75, 1.25])
def test_a_lattice_beyond_the_search_is_named_but_not_taken(drawn_series: Draw, off: float) -> None:
    found = calibrate(drawn_series(SAMPLING, 0.2, flake=0), off * SAMPLING)
    assert not found.accepted
    assert "0.22" in found.reason.split("strongest lattice")[1].split("if it is graphene")[0]


@pytest.mark.parametrize("off", [1 / MOS2_OVER_GRAPHENE, 0.8, 1.29, 1.33])
def test_a_ring_of_mos2_is_not_taken_for_graphene(drawn_series: Draw, off: float) -> None:
    found = calibrate(drawn_series(SAMPLING, 0.2, flake=0.4), off * SAMPLING)
    assert not found.accepted
    assert found.other == pytest.approx(SAMPLING, rel=0.02)
    assert f"{found.other:.4g} Å/px" in found.reason


@pytest.mark.parametrize("off", [1 / (0.99 + SEARCH), 1 / (1.01 - SEARCH)])
def test_a_stated_sampling_that_is_wrong_within_the_search_does_not_lead_to_mos2(
    drawn_series: Draw, off: float
) -> None:
    found = calibrate(drawn_series(SAMPLING, 0.2, flake=0.4), off * SAMPLING)
    assert found.accepted, found.reason
    assert found.sampling == pytest.approx(SAMPLING, rel=1e-3)


def test_without_any_sampling_two_lattices_confirm_each_other(drawn_series: Draw) -> None:
    both = calibrate(drawn_series(SAMPLING, 0.2, flake=0.4), None)
    assert both.accepted, both.reason
    assert both.sampling == pytest.approx(SAMPLING, rel=1e-3)
    alone = calibrate(drawn_series(SAMPLING, 0.2, flake=0), None)
    assert not alone.accepted
    assert alone.sampling == pytest.approx(SAMPLING, rel=1e-3)
    assert "0.2887 Å/px if it is MoS2" in alone.reason


def test_a_real_image_of_graphene(data_dir: Path) -> None:
    frames = load_series(data_dir / "graphene_hrtem" / "graphene_flower_raw.tif").frames
    found = [calibrate(frames, rough) for rough in (0.205, 0.219, 0.24)]
    assert all(one.accepted for one in found)
    # A lattice constant of 11.22 px, measured independently.
    assert [one.sampling for one in found] == pytest.approx([2.46 / 11.22] * 3, rel=3e-3)
    assert np.ptp([one.sampling for one in found]) < 0.1 * found[0].error
    assert calibrate(frames, None).sampling == pytest.approx(found[0].sampling, rel=1e-4)


def test_amorphous_carbon_has_no_lattice(data_dir: Path) -> None:
    image = np.fromfile(data_dir / "focus_known" / "img_1.raw", "<u2").reshape(1, 512, 512)
    assert not calibrate(image, 0.22).accepted
    assert not calibrate(image, None).accepted


def test_a_crystal_whose_scales_differ_is_refused(data_dir: Path) -> None:
    series = load_series(data_dir / "mos2" / "example_Se_implanted_MoS2.dm3")
    found = calibrate(series.frames, series.sampling, "mos2")
    assert not found.accepted
    assert "no regular hexagon" in found.reason
    assert found.sampling / series.sampling == pytest.approx(1.057, abs=0.01)


def test_rings_lie_where_they_were_drawn(drawn_series: Draw) -> None:
    power = power_spectrum(drawn_series(SAMPLING, 0.35, flake=0))
    radius = SAMPLING * 2 / (np.sqrt(3) * 2.46)
    ring = find_ring(power, 0.9 * radius, 1.1 * radius)
    assert ring is not None
    assert ring.radius == pytest.approx(radius, rel=0.01)
    assert ring.angle == pytest.approx(0.35, abs=np.deg2rad(0.6))
    assert find_ring(power, 1.03 * radius, 1.06 * radius) is None or ring.strength > 10
    assert find_ring(power, 0.6, 0.7) is None


def test_rulers() -> None:
    assert find_ruler("Graphene").first_ring == pytest.approx(0.4694, abs=1e-4)
    assert find_ruler("3.19").constant == 3.19
    other, factor = nearest_mistake(find_ruler("graphene"))
    assert (other.name, factor) == ("mos2", pytest.approx(2.46 / 3.16))
    other, factor = nearest_mistake(find_ruler("mos2"))
    assert (other.name, factor) == ("graphene", pytest.approx(3.16 / 2.46))


@pytest.mark.parametrize("lattice", ["silicon", "", "0.1", float("nan"), -2.46, 40])
def test_a_lattice_that_is_none_is_refused(lattice: str | float) -> None:
    with pytest.raises(ValueError, match=r"there is no lattice '.*': give graphene, mos2, or"):
        calibrate(np.zeros((1, 64, 64)), 0.2, lattice)


@pytest.mark.parametrize(
    ("shape", "rough", "search", "message"),
    [
        ((64, 64), 0.2, 0.1, r"frames \(n, y, x\)"),
        ((3, 12, 64), 0.2, 0.1, "20 pixels and more"),
        ((3, 64, 64), -0.2, 0.1, "-0.2 Å/px"),
        ((3, 64, 64), float("nan"), 0.1, "nan Å/px"),
        ((3, 64, 64), 0.2, 1.5, "±1.5"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(
    shape: tuple[int, ...], rough: float, search: float, message: str
) -> None:
    with pytest.raises(SeriesError, match=message):
        calibrate(np.zeros(shape), rough, search=search)


def accepted(
    sampling: float, rough: float | None = None, error: float = 2e-4, lattice: str = "graphene"
) -> Calibration:
    return Calibration(find_ruler(lattice), rough, (0.2, 0.3), accepted=True, sampling=sampling, error=error)


@pytest.mark.parametrize(
    ("stated", "found", "trust", "words"),
    [
        (0.250, accepted(0.2247), "lattice", ["0.25 Å/px", "0.2247 ± 0.0002", "11% apart", "Trust the lattice"]),
        (0.2251, accepted(0.2247), "either", ["agree to 0.18%"]),
        (0.2300, accepted(0.2247, error=2e-3), "either", ["agree to 2.4%"]),
        (None, accepted(0.2247), "lattice", ["states no sampling", "0.2247"]),
        (0.2247 * MOS2_OVER_GRAPHENE, accepted(0.2247), "nothing", ["28% apart", "MoS2's and the file right"]),
        (0.2247 / MOS2_OVER_GRAPHENE, accepted(0.2247, lattice="mos2"), "nothing", ["22% apart", "graphene's"]),
        (0.30, accepted(0.2247), "lattice", ["34% apart"]),
        (0.25, Calibration(find_ruler("mos2"), 0.25, (0.2, 0.3), reason="it is dark"), "file", ["0.25", "it is dark"]),
        (None, Calibration(find_ruler("mos2"), None, (0, 1), reason="it is dark"), "nothing", ["no lattice gives one"]),
        (0.2, Calibration(find_ruler("mos2"), 0.2, (0, 1), reason="odd", other=0.15), "nothing", ["odd"]),
    ],
)
def test_a_stated_sampling_is_compared_in_words(
    stated: float | None, found: Calibration, trust: str, words: list[str]
) -> None:
    check = compare_sampling(stated, found)
    assert check.trust == trust
    assert check.agrees == (trust == "either")
    for word in words:
        assert word in check.text
    if stated is not None and found.accepted:
        assert check.difference == pytest.approx(stated / found.sampling - 1)


def test_the_nearest_ambiguity_is_told(drawn_series: Draw) -> None:
    frames = drawn_series(SAMPLING, 0.2)
    usual = describe_ambiguity(calibrate(frames, SAMPLING))
    assert usual.startswith("If MoS2 is taken for graphene the sampling comes out 22% too small")
    assert "right within 12% rules that out" in usual
    assert "does not rule that out" in describe_ambiguity(calibrate(frames, SAMPLING, search=0.2))
    assert "nothing was stated" in describe_ambiguity(calibrate(frames, None))


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [(0.224712, 6e-5, "0.22471 ± 0.00006"), (0.2247, 2e-3, "0.225 ± 0.002"), (5, 3, "5 ± 3")],
)
def test_digits_follow_the_error(value: float, error: float, text: str) -> None:
    assert with_error(value, error) == text
