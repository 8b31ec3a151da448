from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from hrtem_app.gui.plugin.reader import get_reader


@pytest.fixture
def series_file(tmp_path: Path, fakes: ModuleType) -> Path:
    from hrtem_app.io import save_series

    path = tmp_path / "series.tif"
    save_series(fakes.make_series(size=48), path)
    return path


def test_a_series_becomes_a_layer_that_knows_its_series(series_file: Path, viewer: Any) -> None:
    reader = get_reader(str(series_file))
    assert reader is not None
    data, kwargs, kind = reader(str(series_file))[0]
    assert kind == "image"
    layer = viewer.add_image(data, **kwargs)
    np.testing.assert_allclose(layer.scale, (1, 0.022, 0.022), rtol=1e-5)
    assert str(layer.units[-1]) == "nanometer"
    assert layer.metadata["hrtem_app"]["series"].sampling == pytest.approx(0.22)


def test_our_table_becomes_points_and_others_are_declined(tmp_path: Path, viewer: Any, fakes: ModuleType) -> None:
    from hrtem_app.recipe import Recipe

    table = fakes.make_result(fakes.make_series(), Recipe(), "unet").columns
    ours, other = tmp_path / "columns.csv", tmp_path / "other.csv"
    table.to_csv(ours)
    other.write_text("index,axis-0,axis-1\n0,1,2\n")
    assert get_reader(str(other)) is None
    reader = get_reader(str(ours))
    assert reader is not None
    data, kwargs, kind = reader(str(ours))[0]
    assert kind == "points"
    layer = viewer.add_points(data, **kwargs)
    np.testing.assert_allclose(layer.data, table.positions, atol=1e-4)
    assert list(layer.features["class"]) == table.class_names


@pytest.mark.parametrize("name", ["text.tif", "missing.tif", "missing.csv"])
def test_what_only_has_the_name_is_declined(tmp_path: Path, name: str) -> None:
    if not name.startswith("missing"):
        (tmp_path / name).write_text("no image")
    assert get_reader(str(tmp_path / name)) is None


def test_a_session_becomes_its_series_and_its_corrected_columns(tmp_path: Path, viewer: Any, fakes: ModuleType) -> None:
    from hrtem_app.correction import Corrections, Delete
    from hrtem_app.recipe import Recipe
    from hrtem_app.sessions import SessionContent, save_session

    series, recipe = fakes.make_series(size=96), Recipe(sampling=0.23)
    analysis = fakes.run_to_end(series, recipe)
    corrections = Corrections.begin(analysis.table).do(Delete(ids=(int(analysis.table.ids[3]),)))
    path = tmp_path / "mine.hrtem"
    save_session(path, SessionContent(series, recipe, analysis, corrections))
    reader = get_reader([str(path)])
    assert reader is not None
    image, columns = (viewer.add_layer(layer_of(data)) for data in reader([str(path)]))
    np.testing.assert_array_equal(image.data, series.frames)
    np.testing.assert_allclose(image.scale, (1, 0.023, 0.023), rtol=1e-6)
    assert len(columns.data) == len(analysis.table) - 1
    np.testing.assert_array_equal(columns.data, corrections.table.positions)
    place = columns.data[5]
    np.testing.assert_allclose(columns.data_to_world(place), image.data_to_world((0, *place))[-2:])
    save_session(path, SessionContent(series))
    (only,) = get_reader(str(path))(str(path))
    assert only[2] == "image"


def layer_of(data: Any) -> Any:
    from napari.layers import Layer

    return Layer.create(*data)
