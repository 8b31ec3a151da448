"""Drift: measured on series whose drift is known, taken out, and what an analysis makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage

from hrtem_app.analysis import Progress, analyse
from hrtem_app.columns import ColumnTable
from hrtem_app.export.sidecar import sidecar
from hrtem_app.imaging.aligned import align
from hrtem_app.imaging.alignment import measure_drift
from hrtem_app.imaging.shifting import Area, common_area, shift_back
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.networks import catalog
from hrtem_app.recipe import Alignment, LatticeFilter, Recipe
from hrtem_app.series import FocalSeries, SeriesError

Draw = Callable[..., NDArray[np.float32]]
Record = Callable[..., Any]
SAMPLING = 0.2247
DEFOCUS = (-100.0, -50.0, 0.0)


@pytest.mark.parametrize("seed", [101, 105, 109, 126, 135])
def test_random_drift_is_found_without_a_jump(recorded: Record, seed: int) -> None:
    """Fifty draws of microscope, dose, noise and drift over all seeds; a lattice vector is 11 px, a bond 6 px."""
    errors = []
    for draw in range(10):
        series = recorded(seed, draw, drift=15.0)
        drift = measure_drift(series.frames, series.sampling)
        errors.append(np.hypot(*(drift.shifts - series.shifts)[1:].T))
        assert drift.shifts[0].tolist() == [0, 0]
    assert np.max(errors) < 0.5
    assert np.sqrt(np.mean(np.square(errors))) < 0.1


def test_a_series_without_drift_shows_none(recorded: Record) -> None:
    for seed, draw in [(101, 20), (135, 9)]:
        series = recorded(seed, draw)
        assert np.abs(measure_drift(series.frames, series.sampling).shifts).max() < 0.15


def test_more_frames_and_another_reference(recorded: Record) -> None:
    settings = MicroscopeSettings(frames=5, defocus=(-150.0, 0.0))
    series = recorded(105, 3, drift=12.0, settings=settings)
    drift = measure_drift(series.frames, series.sampling, reference=2)
    assert drift.reference == 2
    assert drift.shifts[2].tolist() == [0, 0]
    true = series.shifts - series.shifts[2]
    assert np.hypot(*(drift.shifts - true).T).max() < 0.3
    assert drift.disagreement.max() < 0.3
    assert drift.warning == ""


def test_two_frames_and_one(recorded: Record) -> None:
    series = recorded(101, 4, drift=10.0)
    drift = measure_drift(series.frames[:2], series.sampling)
    assert np.hypot(*(drift.shifts[1] - series.shifts[1])) < 0.3
    alone = measure_drift(series.frames[:1], series.sampling)
    assert alone.shifts.tolist() == [[0, 0]]
    assert alone.warning == ""


@pytest.mark.parametrize("gain", [1.0, -1.0, -0.4])
def test_turned_contrast_is_no_other_place(drawn_series: Draw, gain: float) -> None:
    frames = drawn_series(SAMPLING, 0.3, (340, 300), flake=0.3, defocus=(-60.0,), noise=0.0)
    rng = np.random.default_rng(2)
    first = frames[0, 20:-20, 20:-20]
    second = 1 + gain * (frames[0, 9:-31, 33:-7] - 1)
    pair = np.stack([first, second]) + 0.05 * rng.normal(size=(2, *first.shape))
    drift = measure_drift(pair, SAMPLING)
    np.testing.assert_allclose(drift.shifts[1], [11, -13], atol=0.05)
    assert drift.quality.min() > 0.4


def test_a_perfect_lattice_that_fills_the_image_is_doubtful() -> None:
    y, x = np.indices((300, 300)) * SAMPLING
    turns = 0.2 + np.arange(3) * np.pi / 3
    lattice = sum(np.cos(2 * np.pi * 0.469 * (x * np.cos(t) + y * np.sin(t))) for t in turns)
    frames = 1 + 0.1 * lattice + 0.1 * np.random.default_rng(0).normal(size=(3, 300, 300))
    drift = measure_drift(frames, SAMPLING)
    assert drift.quality.min() < 0.2
    assert "doubtful" in drift.warning


def test_noise_and_flat_frames_are_doubtful() -> None:
    noise = np.random.default_rng(1).normal(size=(3, 200, 220))
    drift = measure_drift(noise, SAMPLING, numbers=(7, 8, 9))
    assert "doubtful" in drift.warning
    assert any(f"{number}" in drift.warning for number in (7, 8, 9))
    flat = measure_drift(np.ones((2, 200, 220)), SAMPLING)
    assert flat.quality.tolist() == [0, 0]
    assert "frames 0, 1" in flat.warning


def test_a_drift_at_the_limit_is_told(recorded: Record) -> None:
    series = recorded(101, 5, drift=14.0)
    far = float(np.hypot(*series.shifts.T).max() * series.sampling)
    drift = measure_drift(series.frames, series.sampling, largest=far + 0.3)
    assert "allow more" in drift.warning
    assert measure_drift(series.frames, series.sampling, largest=far + 3).warning == ""


@pytest.mark.parametrize(
    ("shape", "sampling", "changes", "message"),
    [
        ((64, 64), 0.2, {}, "frames"),
        ((2, 64, 64), 0.0, {}, "0.0 Å/px"),
        ((2, 64, 64), 0.2, {"largest": 6.5}, "6.5 Å.*less than 6.4 Å"),
        ((2, 64, 64), 0.2, {"largest": -1}, "-1 Å"),
        ((2, 64, 64), 0.2, {"largest": 3, "reference": 2}, "frame 2"),
    ],
)
def test_what_cannot_be_aligned_is_refused(
    shape: tuple[int, ...], sampling: float, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SeriesError, match=message):
        measure_drift(np.zeros(shape), sampling, **changes)


def _scene(shape: tuple[int, int], y: float, x: float) -> NDArray[np.float64]:
    """Waves finer than five pixels, moved by (y, x) pixels."""
    rows, columns = np.arange(shape[0])[:, np.newaxis] - y, np.arange(shape[1]) - x
    return np.cos(1.1 * rows + 0.3 * columns) + np.sin(0.7 * columns - 0.9 * rows) + 0.01 * rows


def test_frames_are_moved_back_exactly() -> None:
    shape = (150, 170)
    shifts = np.array([(0, 0), (3.25, -7.5), (-10.4, 0.6)])
    frames = np.stack([_scene(shape, *shift) for shift in shifts])
    moved = shift_back(frames, shifts)
    assert moved.dtype == np.float32
    inner = (slice(None), slice(30, -30), slice(30, -30))
    np.testing.assert_allclose(moved[inner], np.broadcast_to(frames[0], frames.shape)[inner], atol=0.02)
    np.testing.assert_array_equal(moved[0], frames[0].astype(np.float32))


def test_whole_pixels_are_kept_and_the_rim_is_mirrored() -> None:
    frame = np.random.default_rng(0).normal(size=(40, 50))
    (moved,) = shift_back(frame[np.newaxis], [(4, -3)])
    np.testing.assert_allclose(moved, ndimage.shift(frame, (-4, 3), order=0, mode="reflect"), atol=1e-6)


def test_noise_keeps_its_strength() -> None:
    noise = np.random.default_rng(0).normal(size=(1, 300, 300))
    moved = shift_back(noise, [(0.5, 0.5)])
    assert moved.std() == pytest.approx(noise.std(), rel=0.01)


def test_the_common_area_holds_what_all_frames_show() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        shifts = np.concatenate([[[0, 0]], rng.uniform(-9, 9, (3, 2))])
        area = common_area((40, 50), shifts)
        y, x = np.mgrid[:40, :50]
        seen = np.ones((40, 50), bool)
        for dy, dx in shifts:
            seen &= (y + dy >= 0) & (y + dy <= 39) & (x + dx >= 0) & (x + dx <= 49)
        expected = np.zeros((40, 50), bool)
        expected[area.top : area.bottom, area.left : area.right] = True
        np.testing.assert_array_equal(seen, expected)
        assert area.crop(np.zeros((2, 40, 50), np.float32)).shape[1:] == (
            area.bottom - area.top,
            area.right - area.left,
        )
        np.testing.assert_array_equal(area.holds(np.stack([y, x], axis=-1).reshape(-1, 2)), expected.ravel())


def test_shifts_that_leave_nothing_are_refused() -> None:
    with pytest.raises(SeriesError, match=r"25 px leave nothing.*40 × 50 px"):
        common_area((40, 50), [(0, 0), (20, 0), (-25, 0)])


class BrightSpots(torch.nn.Module):
    """Class c is where frame c is bright."""

    divisor = 8

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([2 * (x - 2.5), torch.zeros_like(x[:, :1])], dim=1)


@pytest.fixture
def bright_spots(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalog of three networks that take bright spots for columns."""
    cards = {
        name: catalog.NetworkCard(
            name=name,
            title=name,
            architecture="unet",
            settings={},
            parameters=1,
            dose_range=(300.0, 1e5),
            defocus_range=(-150.0, 152.0),
            energy=50e3,
            label_radius=0.65,
        )
        for name in ("unet", "unet_pp", "msd_net")
    }
    monkeypatch.setattr(catalog, "available", lambda: cards)
    monkeypatch.setattr(catalog, "load_network", lambda name, device="cpu": (BrightSpots().to(device), cards[name]))


SHIFTS = ((0.0, 0.0), (6.4, -9.3), (-8.7, 3.6))


def spots(shifts: tuple[tuple[float, float], ...] = SHIFTS) -> tuple[FocalSeries, NDArray[np.float64]]:
    """Spots 3.5 Å apart, each in one of three drifting frames, and (n, 3) rows (y, x, class) of them."""
    rng = np.random.default_rng(0)
    shape, sampling = (200, 260), 0.225
    grid = np.mgrid[-14 : shape[0] + 14 : 3.5 / sampling, -14 : shape[1] + 14 : 3.5 / sampling].reshape(2, -1).T
    true = grid + rng.uniform(-0.5, 0.5, grid.shape)
    classes = rng.integers(0, 3, len(true))
    y, x = np.arange(shape[0])[:, np.newaxis], np.arange(shape[1])
    frames = np.full((3, *shape), 100.0)
    for (py, px), c in zip(true, classes, strict=True):
        dy, dx = shifts[c]
        frames[c] += 50 * np.exp(-((y - py - dy) ** 2) / 8) * np.exp(-((x - px - dx) ** 2) / 8)
    return FocalSeries(frames, sampling, DEFOCUS), np.column_stack([true, classes])


PLAIN = LatticeFilter(enabled=False)


def rows_of(table: ColumnTable) -> list[dict[str, str]]:
    return table.rows()


def test_columns_of_drifting_frames_come_back_in_the_first_ones_pixels(bright_spots: None) -> None:
    series, true = spots()
    by_hand = Alignment(enabled=True, shifts=tuple((dy + 5, dx - 2) for dy, dx in SHIFTS))
    analysis = analyse(series, Recipe(filter=PLAIN, alignment=by_hand))
    assert analysis.shifts == pytest.approx(np.array(SHIFTS))
    assert analysis.area == Area(top=9, bottom=193, left=10, right=256)
    assert analysis.filtered.shape == series.shape
    assert analysis.series.frames is series.frames
    area = analysis.area
    inner = true[
        (true[:, 0] > area.top + 2)
        & (true[:, 0] < area.bottom - 3)
        & (true[:, 1] > area.left + 2)
        & (true[:, 1] < area.right - 3)
    ]
    for table in (analysis.table, *(result.columns for result in analysis.networks.values())):
        assert area.holds(table.positions).all()
        distance = np.linalg.norm(table.positions[:, np.newaxis] - inner[:, :2], axis=2)
        nearest = distance.argmin(axis=0)
        assert distance.min(axis=0).max() < 0.25
        np.testing.assert_array_equal(table.classes[nearest], inner[:, 2])
    drifting = analyse(series, Recipe(filter=PLAIN))
    assert drifting.area is None
    assert (~area.holds(drifting.table.positions)).any()


def test_what_was_shifted_is_recorded_and_repeats_the_run(bright_spots: None) -> None:
    series, _ = spots()
    recipe = Recipe(filter=PLAIN, alignment=Alignment(enabled=True, shifts=SHIFTS))
    analysis = analyse(series, recipe)
    record = sidecar(analysis, [])["alignment"]
    assert record == {
        "shifts_px": [list(shift) for shift in SHIFTS],
        "area_px": {"top": 9, "bottom": 193, "left": 10, "right": 256},
    }
    told = recipe.model_copy(update={"alignment": Alignment(enabled=True, shifts=record["shifts_px"])})
    again = analyse(series, Recipe.model_validate_json(told.model_dump_json()))
    assert rows_of(again.table) == rows_of(analysis.table)
    assert sidecar(analyse(series, Recipe(filter=PLAIN)), [])["alignment"] is None


def test_shifts_of_nothing_change_nothing(bright_spots: None) -> None:
    series, _ = spots(((0.0, 0.0),) * 3)
    plain = analyse(series, Recipe(filter=PLAIN))
    still = analyse(series, Recipe(filter=PLAIN, alignment=Alignment(enabled=True, shifts=((3, 1),) * 3)))
    assert still.area == Area(0, 200, 0, 260)
    assert still.shifts == ((0, 0),) * 3
    assert rows_of(still.table) == rows_of(plain.table)
    np.testing.assert_array_equal(still.filtered.frames, plain.filtered.frames)


def test_measured_drift_is_taken_out_before_anything_else(bright_spots: None, recorded: Record) -> None:
    seen = recorded(105, 0, drift=12.0)
    series = FocalSeries(seen.frames, seen.sampling, tuple(seen.microscope.defocus))
    steps: list[Progress] = []
    analysis = analyse(series, Recipe(alignment=Alignment(enabled=True)), steps.append)
    assert [step.step for step in steps][:2] == ["alignment", "lattice filter"]
    assert np.array(analysis.shifts) == pytest.approx(seen.shifts, abs=0.2)
    assert "alignment" in analysis.seconds


def test_the_frames_that_are_used_are_aligned_in_their_order(bright_spots: None) -> None:
    series, _ = spots()
    mixed = FocalSeries(series.frames[[2, 0, 1]], series.sampling, (0, -100, -50))
    first = analyse(series, Recipe(filter=PLAIN, alignment=Alignment(enabled=True, shifts=SHIFTS)))
    second = analyse(mixed, Recipe(filter=PLAIN, alignment=Alignment(enabled=True, shifts=SHIFTS)))
    assert second.frames == (1, 2, 0)
    assert rows_of(second.table) == rows_of(first.table)


def test_a_doubtful_drift_is_a_warning_that_names_the_frame(bright_spots: None) -> None:
    noise = FocalSeries(np.random.default_rng(0).normal(1, 0.1, (4, 160, 160)), 0.225, (50, -100, -50, 0))
    analysis = analyse(noise, Recipe(alignment=Alignment(enabled=True)))
    (warning,) = (text for text in analysis.warnings if "drift" in text)
    named = warning.split(" is doubtful")[0].split("frame")[1].lstrip("s ").split(", ")
    assert set(map(int, named)) <= {1, 2, 3}


def test_too_few_shifts_are_refused(bright_spots: None) -> None:
    series, _ = spots()
    with pytest.raises(SeriesError, match="2 shifts for 3 frames"):
        analyse(series, Recipe(alignment=Alignment(enabled=True, shifts=SHIFTS[:2])))
    with pytest.raises(SeriesError, match="leave nothing"):
        analyse(series, Recipe(alignment=Alignment(enabled=True, shifts=((0, 0), (0, 0), (0, 300)))))


@pytest.mark.parametrize("changes", [{"shifts": ((float("nan"), 0),)}, {"shifts": ((1, 2, 3),)}, {"largest": 0}])
def test_a_recipe_refuses_what_is_no_alignment(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"alignment\."):
        Recipe.model_validate({"alignment": changes})


def test_nothing_is_done_unless_it_is_wanted() -> None:
    series, _ = spots()
    assert align(series, Alignment(shifts=SHIFTS)).series is series
    assert align(series.select([0]), Alignment(enabled=True)).area is None
