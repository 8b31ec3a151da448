from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from hrtem_app.gui.filtering import live_preview, preview
from hrtem_app.gui.filtering.glimpse import ScreenArea, make_glimpse
from hrtem_app.gui.filtering.preview import PreviewSource
from hrtem_app.gui.jobs import Outcome
from hrtem_app.gui.workbench import Workbench
from hrtem_app.imaging.lattice_filter import remove_lattice
from hrtem_app.recipe import LatticeFilter


@pytest.fixture(params=[0, 2**20], ids=["in a thread", "at once"])
def workbench(
    request: Any, viewer: Any, settled: None, fakes: ModuleType, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """A series with its preview; all frames are filtered only when `rest` says so."""
    monkeypatch.setattr(live_preview, "REST", 10**6)
    monkeypatch.setattr(live_preview, "_AT_ONCE", request.param)
    bench = Workbench.of(viewer)
    bench.open_series(fakes.make_series())
    qtbot.waitUntil(lambda: bench.session.preview is not None)
    yield bench
    bench.close()


def rest(workbench: Workbench, qtbot: Any) -> None:
    """What happens when nothing was changed for a while."""
    workbench.live._rest.start(0)
    settings = workbench.session.recipe.filter
    qtbot.waitUntil(lambda: workbench.session.preview.settings == settings)
    workbench.live._rest.setInterval(live_preview.REST)


def glimpse_layer(workbench: Workbench, qtbot: Any) -> Any:
    qtbot.waitUntil(lambda: workbench.live.glimpse.layer is not None and workbench.live.glimpse.layer.visible)
    return workbench.live.glimpse.layer


def pixels_of(workbench: Workbench, layer: Any) -> tuple[Any, ...]:
    """Which pixels (frame, rows, columns) of the series lie under the middles of a layer's pixels on the canvas."""
    series = workbench.layers.get("series")
    rows, columns = (np.arange(count) for count in layer.data.shape[1:])
    under_rows = [series.world_to_data(layer.data_to_world((0, row, 0)))[1] for row in rows]
    under_columns = [series.world_to_data(layer.data_to_world((0, 0, column)))[2] for column in columns]
    frame = series.world_to_data(layer.data_to_world((0, 0, 0)))[0]
    return int(frame), *np.ix_(np.round(under_rows).astype(int), np.round(under_columns).astype(int))


@pytest.mark.parametrize("pixels_per_dot", [0.7, 4.3])
def test_the_screen_follows_at_once_and_all_frames_at_rest(
    workbench: Workbench, viewer: Any, qtbot: Any, pixels_per_dot: float
) -> None:
    series, filtered = workbench.session.series, workbench.layers.get("filtered")
    viewer.dims.set_current_step(0, 1)
    viewer.scene.camera.zoom = 1 / 0.022 / pixels_per_dot
    before = filtered.data.copy()
    workbench.session.change_filter(angles=(0.5,), radius=0.05)
    layer = glimpse_layer(workbench, qtbot)
    expected = remove_lattice(series.frames, series.sampling, LatticeFilter(angles=(0.5,), radius=0.05))
    frame, rows, columns = pixels_of(workbench, layer)
    assert frame == 1
    dots = 160 if pixels_per_dot < 1 else 160 / pixels_per_dot
    assert (rows.size, columns.size) == (pytest.approx(dots, abs=1), pytest.approx(dots, abs=1))
    np.testing.assert_allclose(layer.data[0], expected.frames[frame, rows, columns], atol=1e-3)
    assert list(layer.contrast_limits) == list(filtered.contrast_limits)
    assert list(viewer.layers).index(layer) == list(viewer.layers).index(filtered) + 1
    np.testing.assert_array_equal(filtered.data, before)
    rest(workbench, qtbot)
    assert not layer.visible
    np.testing.assert_array_equal(filtered.data, expected.frames)
    np.testing.assert_array_equal(workbench.session.preview.result.removed, expected.removed)


def test_the_layer_is_redrawn_and_not_made_again(workbench: Workbench, qtbot: Any) -> None:
    seen = []
    workbench.session.change_filter(angles=(0.2,))
    layer = glimpse_layer(workbench, qtbot)
    data = layer.data
    for angle in (0.3, 0.4, 0.5):
        before = layer.data.copy()
        workbench.session.change_filter(angles=(angle,))
        qtbot.waitUntil(lambda before=before: not np.array_equal(layer.data, before))
        assert workbench.live.glimpse.layer is layer
        assert layer.data is data
        seen.append(before)
    assert len({picture.tobytes() for picture in seen}) == 3


def test_the_removed_part_and_the_wipe_follow_too(workbench: Workbench, viewer: Any, qtbot: Any) -> None:
    layers, series = workbench.layers, workbench.session.series
    viewer.scene.camera.zoom = 1 / 0.022
    layers.show_removed(True)
    workbench.session.change_filter(angles=(0.5,))
    layer = glimpse_layer(workbench, qtbot)
    expected = remove_lattice(series.frames, series.sampling, LatticeFilter(angles=(0.5,)))
    np.testing.assert_allclose(layer.data[0], expected.removed[pixels_of(workbench, layer)], atol=1e-3)
    assert list(layer.contrast_limits) == list(layers.get("removed").contrast_limits)
    rest(workbench, qtbot)
    np.testing.assert_array_equal(layers.get("removed").data, expected.removed)
    layers.show_removed(False)
    layers.show_wipe(0.25)
    workbench.session.change_filter(angles=(0.6,))
    layer = glimpse_layer(workbench, qtbot)
    expected = remove_lattice(series.frames, series.sampling, LatticeFilter(angles=(0.6,)))
    np.testing.assert_array_equal(layer.data[0, :, :40], series.frames[0, :, :40])
    np.testing.assert_allclose(layer.data[0, :, 40:], expected.frames[0, :, 40:], atol=1e-3)
    rest(workbench, qtbot)
    # Without a change of the filter the line alone follows.
    workbench.live.wipe(0.5)
    assert layer.visible
    np.testing.assert_array_equal(layer.data[0, :, :80], series.frames[0, :, :80])
    np.testing.assert_allclose(layer.data[0, :, 80:], expected.frames[0, :, 80:], atol=1e-4)
    workbench.live._wiped.setInterval(0)
    workbench.live._wiped.start()
    qtbot.waitUntil(lambda: not layer.visible)
    np.testing.assert_array_equal(layers.get("wipe").data[..., :80], series.frames[..., :80])
    np.testing.assert_array_equal(layers.get("wipe").data[..., 80:], expected.frames[..., 80:])


def test_where_the_unfiltered_series_is_shown_there_is_no_glimpse(workbench: Workbench, qtbot: Any) -> None:
    workbench.layers.set_visible("filtered", False)
    workbench.session.change_filter(angles=(0.5,))
    qtbot.wait(100)
    assert workbench.live.glimpse.layer is None
    rest(workbench, qtbot)
    assert workbench.session.preview.settings.angles == (0.5,)


def test_what_is_of_another_series_is_dropped(workbench: Workbench, viewer: Any, fakes: ModuleType, qtbot: Any) -> None:
    workbench.session.change_filter(angles=(0.5,))
    glimpse_layer(workbench, qtbot)
    old = PreviewSource(workbench.session.series, (0, 1, 2))
    glimpse = make_glimpse(
        old, LatticeFilter(angles=(0.5,)), ScreenArea(0, np.arange(160), np.arange(160), (0.0, 0.0), 1.0)
    )
    workbench.live._begin()
    other = fakes.make_series(size=96, frames=4, name="other")
    workbench.open_series(other)
    assert [layer.name for layer in viewer.layers] == ["other", "filtered"]
    workbench.live._on_glimpse(Outcome(glimpse))
    assert workbench.live.glimpse.layer is None
    qtbot.waitUntil(lambda: workbench.session.preview is not None)
    qtbot.wait(200)
    assert workbench.session.preview.source.fits(other)
    assert workbench.layers.get("filtered").data.shape == (4, 96, 96)


def test_a_glimpse_that_comes_after_the_result_is_dropped(workbench: Workbench, qtbot: Any) -> None:
    workbench.session.change_filter(angles=(0.5,))
    layer = glimpse_layer(workbench, qtbot)
    area = workbench.live.glimpse.area()
    late = make_glimpse(workbench.session.preview.source, LatticeFilter(angles=(0.4,)), area)
    rest(workbench, qtbot)
    workbench.live._on_glimpse(Outcome(late))
    assert not layer.visible


def test_going_back_to_what_is_shown_needs_nothing_new(workbench: Workbench, qtbot: Any) -> None:
    shown = workbench.session.preview
    workbench.session.change_filter(radius=0.05)
    layer = glimpse_layer(workbench, qtbot)
    workbench.session.change_filter(radius=shown.settings.radius)
    assert not layer.visible
    qtbot.wait(100)
    assert not layer.visible
    assert workbench.session.preview is shown


def test_a_filter_that_fails_says_so(workbench: Workbench, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("no memory")

    monkeypatch.setattr(preview, "filter_frame", fail)
    workbench.session.change_filter(angles=(0.5,))
    workbench.live._rest.setInterval(0)
    workbench.live._rest.start()
    qtbot.waitUntil(lambda: any(message.source == "filter" for message in workbench.session.messages))
    assert "no memory" in workbench.session.messages[-1].text
