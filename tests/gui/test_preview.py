from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from hrtem_app.gui.filtering import preview as module
from hrtem_app.gui.filtering.preview import PreviewSource, make_preview, preview_steps
from hrtem_app.imaging.lattice_filter import find_lattices, remove_lattice
from hrtem_app.recipe import LatticeFilter

SETTINGS = [LatticeFilter(), LatticeFilter(radius=0.01), LatticeFilter(angles=(0.3,)), LatticeFilter(enabled=False)]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: f"{s.enabled}-{s.radius}-{s.angles}")
def test_the_preview_is_what_the_analysis_will_see(fakes: ModuleType, settings: LatticeFilter) -> None:
    series = fakes.make_series()
    preview = make_preview(PreviewSource(series, (0, 1, 2)), settings)
    expected = remove_lattice(series.frames, series.sampling, settings)
    np.testing.assert_array_equal(preview.result.frames, expected.frames)
    np.testing.assert_array_equal(preview.result.removed, expected.removed)
    np.testing.assert_array_equal(preview.result.mask, expected.mask)
    np.testing.assert_array_equal(preview.result.spots, expected.spots)
    assert preview.result.angles == expected.angles
    np.testing.assert_array_equal(preview.result.strengths, expected.strengths)


def test_it_is_filtered_frame_by_frame_so_that_it_can_be_stopped(fakes: ModuleType) -> None:
    source, settings = PreviewSource(fakes.make_series(frames=4), (0, 1, 2)), LatticeFilter()
    steps = preview_steps(source, settings)
    assert [next(steps) for _ in range(4)] == [None] * 4
    with pytest.raises(StopIteration) as end:
        next(steps)
    np.testing.assert_array_equal(end.value.value.result.frames, make_preview(source, settings).result.frames)


def test_the_flake_is_found(fakes: ModuleType) -> None:
    """The series' rows of Mo are along x, so its first reflections are at 30°, 90° and so on."""
    flakes = PreviewSource(fakes.make_series(size=320), (0, 1, 2)).flakes
    assert np.rad2deg(flakes[0]) == pytest.approx(30, abs=0.3)


def test_lattices_are_sought_once_whatever_the_settings(fakes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    sought: list[Any] = []
    profile = module.ring_profile
    monkeypatch.setattr(module, "ring_profile", lambda *args: sought.append(args) or profile(*args))
    series = fakes.make_series()
    source = PreviewSource(series, (0, 1, 2))
    # Of the support and of the flake.
    make_preview(source, LatticeFilter())
    assert len(sought) == 2
    for settings in (LatticeFilter(radius=0.01), LatticeFilter(lattices=2), LatticeFilter(lattices=2, radius=0.05)):
        result = make_preview(source, settings).result
        assert (result.angles, result.strengths) == find_lattices(series.frames, series.sampling, settings)
    assert len(sought) == 2


def test_the_spectrum_shows_a_spot_where_its_axes_say(fakes: ModuleType) -> None:
    size, sampling, k = 160, 0.22, 0.468
    x = np.arange(size) * sampling
    series = fakes.make_series().with_frames(np.tile(np.cos(2 * np.pi * k * x), (3, size, 1)))
    picture, (kx, ky, width, height) = PreviewSource(series, (0, 1, 2)).picture
    row, column = np.unravel_index(np.argmax(picture), picture.shape)
    found = kx + width * (column + 0.5) / picture.shape[1], ky + height * (row + 0.5) / picture.shape[0]
    assert abs(found[0]) == pytest.approx(k, abs=0.6 / (size * sampling))
    assert found[1] == pytest.approx(0, abs=0.6 / (size * sampling))


def test_a_long_stack_is_previewed_in_part(fakes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BUDGET", 2 * 160 * 160)
    source = PreviewSource(fakes.make_series(frames=5), (4, 3, 2))
    assert len(make_preview(source, LatticeFilter()).result.frames) == 2
    assert source.used_frames.shape[0] == 3


def test_a_large_spectrum_is_shrunk_for_the_eye_and_keeps_its_spots(
    fakes: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PICTURE", 40)
    size, sampling, k = 320, 0.22, 0.468
    x = np.arange(size) * sampling
    noise = np.random.default_rng(0).normal(0, 0.01, (3, size, size))
    series = fakes.make_series(size).with_frames((np.cos(2 * np.pi * k * x) + noise).astype(np.float32))
    source = PreviewSource(series, (0, 1, 2))
    picture, (kx, ky, width, height) = source.picture
    assert max(picture.shape) <= 40
    assert picture.max() == pytest.approx(float(np.log10(source.power.max())))
    row, column = np.unravel_index(np.argmax(picture), picture.shape)
    assert abs(kx + width * (column + 0.5) / picture.shape[1]) == pytest.approx(k, abs=width / picture.shape[1])
    assert ky + height * (row + 0.5) / picture.shape[0] == pytest.approx(0, abs=height / picture.shape[0])
