from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from napari.layers import Image, Points

from hrtem_app.columns import ColumnTable
from hrtem_app.gui.plugin.writers import write_columns, write_series
from hrtem_app.gui.workbench import Workbench
from hrtem_app.io import load_series
from hrtem_app.series import SeriesError


def _handed_over(layer: Any) -> tuple[Any, dict[str, Any]]:
    data, attributes, _ = layer.as_layer_data_tuple()
    return data, attributes


@pytest.fixture
def analysed(viewer: Any, fakes: ModuleType, networks: None, qtbot: Any, settled: None) -> Any:
    """A workbench with a result."""
    workbench = Workbench.of(viewer)
    workbench.open_series(fakes.make_series().with_defocus((-30.0, 0.0, 30.0)))
    workbench.run()
    qtbot.waitUntil(lambda: workbench.session.analysis is not None)
    yield workbench
    workbench.close()


def test_our_columns_are_written_as_the_export_writes_them(analysed: Workbench, tmp_path: Path) -> None:
    from hrtem_app.correction import Delete, Reclassify

    session = analysed.session
    ids = session.table.ids
    session.correct(Reclassify(ids=(int(ids[0]),), class_name="1S"))
    session.correct(Delete(ids=(int(ids[1]),)))
    session.table.to_csv(tmp_path / "export.csv")
    written = write_columns(str(tmp_path / "layer.csv"), *_handed_over(analysed.layers.get("columns")))
    assert written == [str(tmp_path / "layer.csv")]
    assert (tmp_path / "layer.csv").read_text() == (tmp_path / "export.csv").read_text()


def test_points_that_a_person_drew_and_classified_become_columns(tmp_path: Path) -> None:
    layer = Points(
        [[3.5, 4], [10, 11]], features={"class": ["Mo", "1S"]}, scale=(0.025, 0.025), units=("nm", "nm"), name="drawn"
    )
    write_columns(str(tmp_path / "drawn.csv"), *_handed_over(layer))
    table = ColumnTable.from_csv(tmp_path / "drawn.csv")
    assert table.class_names == ["Mo", "1S"]
    assert table.edited.all()
    assert table.sampling == pytest.approx(0.25)
    np.testing.assert_allclose(table.positions, [[3.5, 4], [10, 11]])


def test_points_added_to_a_copy_of_ours_get_numbers_of_their_own(tmp_path: Path) -> None:
    features = pd.DataFrame({"id": [7, 7], "class": ["Mo", "Mo"], "votes": [3, 3]})
    layer = Points([[1, 1], [9, 9]], features=features, scale=(0.025, 0.025), units=("nm", "nm"))
    write_columns(str(tmp_path / "copy.csv"), *_handed_over(layer))
    assert ColumnTable.from_csv(tmp_path / "copy.csv").ids.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("data", "more", "said"),
    [
        ([[1, 2]], {"features": {"class": ["Mo"]}}, "needs a length"),
        ([[1, 2]], {"units": ("nm", "nm")}, "no feature 'class'"),
        ([[1, 2]], {"units": ("nm", "nm"), "features": {"class": ["W"]}}, "'W' of the points is none of Mo, 2S, 1S"),
        ([[0, 1, 2]], {"features": {"class": ["Mo"]}}, "have 3 axes"),
    ],
)
def test_points_that_are_no_columns_are_refused(tmp_path: Path, data: Any, more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        write_columns(str(tmp_path / "no.csv"), *_handed_over(Points(data, **more)))
    assert not (tmp_path / "no.csv").exists()


def test_a_series_keeps_sampling_defocus_and_energy(analysed: Workbench, tmp_path: Path) -> None:
    write_series(str(tmp_path / "series.tif"), *_handed_over(analysed.layers.get("series")))
    series, again = analysed.session.series, load_series(tmp_path / "series.tif")
    np.testing.assert_array_equal(again.frames, series.frames)
    assert (again.sampling, again.defocus, again.energy) == (series.sampling, (-30.0, 0.0, 30.0), series.energy)


def test_any_image_with_a_scale_becomes_a_series(tmp_path: Path) -> None:
    layer = Image(np.arange(3 * 8 * 9, dtype=float).reshape(3, 8, 9), scale=(1, 0.2, 0.2), units=("pixel", "Å", "Å"))
    write_series(str(tmp_path / "any.tif"), *_handed_over(layer))
    again = load_series(tmp_path / "any.tif")
    assert again.sampling == pytest.approx(0.2)
    np.testing.assert_array_equal(again.frames, layer.data)


def test_pixels_that_were_changed_are_not_written_as_what_they_were(analysed: Workbench, tmp_path: Path) -> None:
    data, attributes = _handed_over(analysed.layers.get("series"))
    with pytest.raises(SeriesError, match="no longer those of the series"):
        write_series(str(tmp_path / "changed.tif"), data + 1, attributes)
    assert not (tmp_path / "changed.tif").exists()


def test_a_colour_picture_is_refused(tmp_path: Path) -> None:
    layer = Image(np.zeros((8, 8, 3), np.uint8), rgb=True)
    with pytest.raises(SeriesError, match="grey"):
        write_series(str(tmp_path / "colour.tif"), *_handed_over(layer))


def _managers() -> list[Any]:
    """Of napari's own plug-in and ours, in either order of discovery."""
    from importlib import resources

    from npe2 import PluginManager, PluginManifest

    napari_own = PluginManifest.from_file(str(resources.files("napari_builtins") / "builtins.yaml"))
    ours = PluginManifest.from_file(str(resources.files("hrtem_app") / "napari.yaml"))
    managers = []
    for manifests in ((napari_own, ours), (ours, napari_own)):
        managers.append(PluginManager())
        for manifest in manifests:
            managers[-1].register(manifest)
    return managers


@pytest.mark.parametrize(
    ("name", "kind", "writer"),
    [
        ("plain.csv", "points", "napari.write_points"),
        ("plain.tif", "image", "napari.write_image"),
        ("mine.columns.csv", "points", "hrtem-app.write_columns"),
        ("mine.series.tif", "image", "hrtem-app.write_series"),
    ],
)
def test_napari_asks_us_only_for_what_is_named_as_ours(name: str, kind: str, writer: str) -> None:
    for manager in _managers():
        contribution, _ = manager.get_writer(name, [kind])
        assert contribution.command == writer


def test_napari_saves_with_our_writers(viewer: Any, tmp_path: Path) -> None:
    viewer.add_points([[1, 2]], features={"class": ["2S"]}, units=("nm", "nm"))
    viewer.layers.save(str(tmp_path / "some.columns.csv"))
    assert ColumnTable.from_csv(tmp_path / "some.columns.csv").class_names == ["2S"]


def test_a_name_without_a_suffix_gets_one(tmp_path: Path) -> None:
    points = Points([[1, 2]], features={"class": ["2S"]}, units=("nm", "nm"))
    image = Image(np.zeros((4, 4)))
    assert write_columns(str(tmp_path / "a"), *_handed_over(points)) == [str(tmp_path / "a.columns.csv")]
    assert write_series(str(tmp_path / "b"), *_handed_over(image)) == [str(tmp_path / "b.series.tif")]
    assert (tmp_path / "a.columns.csv").exists()
    assert (tmp_path / "b.series.tif").exists()
