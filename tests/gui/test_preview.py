from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from hrtem_app.gui import preview as module
from hrtem_app.gui.preview import PreviewSource, make_preview
from hrtem_app.imaging.lattice_filter import remove_lattice
from hrtem_app.recipe import LatticeFilter

SETTINGS = [LatticeFilter(), LatticeFilter(radius=0.01), LatticeFilter(angles=(0.3,)), LatticeFilter(enabled=False)]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: f"{s.enabled}-{s.radius}-{s.angles}")
def test_the_preview_is_what_the_analysis_will_see(fakes: ModuleType, settings: LatticeFilter) -> None:
    series = fakes.make_series()
    preview = make_preview(PreviewSource(series, (0, 1, 2)), settings)
    expected = remove_lattice(series.frames, series.sampling, settings)
    np.testing.assert_allclose(preview.result.frames, expected.frames, rtol=1e-5)
    assert preview.result.angles == expected.angles


def test_lattices_are_sought_once_while_radius_and_edge_change(
    fakes: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    sought: list[Any] = []
    find = module.find_lattices
    monkeypatch.setattr(module, "find_lattices", lambda *args: sought.append(args) or find(*args))
    source = PreviewSource(fakes.make_series(), (0, 1, 2))
    for radius in (0.01, 0.02, 0.03):
        make_preview(source, LatticeFilter(radius=radius))
    assert len(sought) == 1
    make_preview(source, LatticeFilter(lattices=2))
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
