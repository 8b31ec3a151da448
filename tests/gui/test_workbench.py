from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from hrtem_app.gui.workbench import Workbench, series_from_layer
from hrtem_app.series import SeriesError


@pytest.fixture
def workbench(viewer: Any, settled: None) -> Any:
    bench = Workbench.of(viewer)
    yield bench
    bench.close()


def _names(viewer: Any) -> list[str]:
    return [layer.name for layer in viewer.layers]


def test_layers_carry_scale_units_and_axes(workbench: Workbench, viewer: Any, fakes: ModuleType, qtbot: Any) -> None:
    workbench.open_series(fakes.make_series())
    qtbot.waitUntil(lambda: workbench.layers.get("filtered") is not None)
    for layer in viewer.layers:
        np.testing.assert_allclose(layer.scale, (1, 0.022, 0.022))
        assert [str(unit) for unit in layer.units] == ["pixel", "nanometer", "nanometer"]
        assert layer.axis_labels == ("frame", "y", "x")
    assert viewer.canvas.overlays.scale_bar.visible


def test_a_correction_rescales_the_layers_in_place(
    workbench: Workbench, viewer: Any, fakes: ModuleType, qtbot: Any
) -> None:
    workbench.open_series(fakes.make_series(sampling=None))
    layer = workbench.layers.get("series")
    assert [str(unit) for unit in layer.units] == ["pixel"] * 3
    workbench.session.change(sampling=0.3)
    assert workbench.layers.get("series") is layer
    np.testing.assert_allclose(layer.scale, (1, 0.03, 0.03))
    assert viewer.scene.camera.center[-1] == pytest.approx(0.03 * 160 / 2, rel=0.02)
    qtbot.waitUntil(lambda: workbench.session.preview is not None)
    assert workbench.session.preview.source.sampling == 0.3


def test_a_run_shows_columns_maps_and_agreement(
    workbench: Workbench, viewer: Any, fakes: ModuleType, networks: None, qtbot: Any
) -> None:
    workbench.open_series(fakes.make_series())
    workbench.run()
    qtbot.waitUntil(lambda: workbench.session.analysis is not None)
    qtbot.waitUntil(lambda: workbench.layers.get("filtered") is not None)
    table, points = workbench.session.analysis.table, workbench.layers.get("columns")
    np.testing.assert_array_equal(points.data, table.positions)
    assert list(points.features["class"]) == table.class_names
    assert {"id", "votes", "probability", "p_unet", "disputed"} <= set(points.features.columns)
    assert len(np.unique(points.face_color, axis=0)) == 3
    assert _names(viewer)[-2:] == ["agreement", "columns"]
    assert [layer.visible for layer in viewer.layers if layer.name.startswith("probability")] == [False] * 3
    np.testing.assert_allclose(
        viewer.layers["agreement"].extent.world[:, 0], points.scale[0] * np.array([-0.5, 159.5]), atol=0.012
    )


def test_another_series_updates_layers_and_takes_results_away(
    workbench: Workbench, viewer: Any, fakes: ModuleType, networks: None, qtbot: Any
) -> None:
    workbench.open_series(fakes.make_series())
    workbench.run()
    qtbot.waitUntil(lambda: workbench.session.analysis is not None and workbench.session.preview is not None)
    series, filtered = workbench.layers.get("series"), workbench.layers.get("filtered")
    workbench.open_series(fakes.make_series(size=96, frames=4, name="other"))
    assert _names(viewer) == ["other", "filtered"]
    assert (workbench.layers.get("series"), workbench.layers.get("filtered")) == (series, filtered)
    qtbot.waitUntil(lambda: workbench.session.preview is not None)
    assert filtered.data.shape == (4, 96, 96)


def test_layers_that_a_person_deleted_come_back_with_the_next_result(
    workbench: Workbench, viewer: Any, fakes: ModuleType, networks: None, qtbot: Any
) -> None:
    workbench.open_series(fakes.make_series())
    workbench.run()
    qtbot.waitUntil(lambda: workbench.session.analysis is not None)
    viewer.layers.remove("columns")
    workbench.session.change_view(votes=2)
    first = workbench.session.analysis
    workbench.run()
    qtbot.waitUntil(lambda: workbench.session.analysis is not first)
    assert "columns" in _names(viewer)


def test_a_file_that_is_no_series_is_one_line(workbench: Workbench, tmp_path: Path, qtbot: Any) -> None:
    path = tmp_path / "text.tif"
    path.write_text("this is no image")
    workbench.open([path])
    qtbot.waitUntil(lambda: bool(workbench.session.messages))
    message = workbench.session.messages[0]
    assert message.level == "error"
    assert "text.tif" in message.text
    assert "\n" not in message.text


@pytest.mark.parametrize(
    ("units", "scale", "sampling"),
    [("nm", 0.022, 0.22), ("angstrom", 0.3, 0.3), ("um", 2.2e-5, 0.22), ("pixel", 1, None)],
)
def test_a_layer_becomes_a_series(viewer: Any, units: str, scale: float, sampling: float | None) -> None:
    layer = viewer.add_image(np.ones((3, 16, 16)), scale=(1, scale, scale), units=("pixel", units, units))
    series = series_from_layer(layer)
    assert len(series) == 3
    assert series.sampling == (None if sampling is None else pytest.approx(sampling))


def test_a_layer_that_is_no_image_is_refused(viewer: Any) -> None:
    with pytest.raises(SeriesError, match="image layer"):
        series_from_layer(viewer.add_points(np.zeros((2, 2))))
