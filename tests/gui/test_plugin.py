from __future__ import annotations

from importlib import resources
from types import ModuleType
from typing import Any

from napari.components import ViewerModel
from napari.utils._proxies import PublicOnlyProxy
from npe2 import PluginManifest

from hrtem_app.gui.panels.columns_panel import ColumnsPanel
from hrtem_app.gui.panels.lattice_filter_panel import LatticeFilterPanel
from hrtem_app.gui.panels.predict_panel import PredictPanel
from hrtem_app.gui.panels.series_panel import SeriesPanel
from hrtem_app.gui.workbench import _workbenches

MANIFEST = PluginManifest.from_file(str(resources.files("hrtem_app") / "napari.yaml"))


def test_the_manifest_is_valid() -> None:
    MANIFEST.validate_imports()


def test_the_reader_claims_what_we_read() -> None:
    from hrtem_app.io import SUFFIXES

    patterns = {pattern.lstrip("*") for pattern in MANIFEST.contributions.readers[0].filename_patterns}
    assert patterns == {*SUFFIXES, ".csv", ".hrtem"}


def test_panels_work_together_in_a_strange_viewer(
    make_napari_viewer: Any, fakes: ModuleType, networks: None, qtbot: Any, settled: None
) -> None:
    viewer = make_napari_viewer()
    viewer.add_points([[1, 2]], name="somebody's")
    docks = {}
    for kind in (SeriesPanel, LatticeFilterPanel, PredictPanel, ColumnsPanel):
        docks[kind] = kind(PublicOnlyProxy(viewer))
        viewer.window.add_dock_widget(docks[kind], name=kind.__name__, tabify=True)
    assert len({id(panel.session) for panel in docks.values()}) == 1
    docks[SeriesPanel].workbench.open_series(fakes.make_series())
    docks[SeriesPanel].workbench.run()
    qtbot.waitUntil(lambda: docks[ColumnsPanel].session.analysis is not None)
    viewer.window.show()
    docks[ColumnsPanel].parent().raise_()
    qtbot.waitUntil(lambda: docks[ColumnsPanel].table.number(0, 0).isdigit())
    qtbot.waitUntil(lambda: docks[LatticeFilterPanel].session.preview is not None)
    assert "somebody's" in [layer.name for layer in viewer.layers]


def test_viewers_do_not_share_a_session(fakes: ModuleType, qtbot: Any) -> None:
    panels = [SeriesPanel(ViewerModel()), SeriesPanel(ViewerModel())]
    for panel in panels:
        qtbot.addWidget(panel)
    panels[0].session.open(fakes.make_series())
    assert panels[1].session.series is None


def test_a_dock_that_is_closed_lets_go(make_napari_viewer: Any, fakes: ModuleType, settled: None) -> None:
    viewer = make_napari_viewer()
    panel = SeriesPanel(viewer)
    viewer.window.add_dock_widget(panel)
    viewer.window.remove_dock_widget(panel)
    assert viewer not in _workbenches
    panel.session.open(fakes.make_series())
    assert "specimen" not in panel.title.text()
    assert len(viewer.layers) == 0
    panel.deleteLater()


def test_menus_name_what_there_is_where_napari_lets_us() -> None:
    from napari._app_model.constants._menus import is_menu_contributable

    commands = {command.id for command in MANIFEST.contributions.commands}
    assert MANIFEST.contributions.menus
    for menu, items in MANIFEST.contributions.menus.items():
        assert is_menu_contributable(menu), menu
        assert {item.command for item in items} <= commands


def test_the_theme_has_every_colour_that_napari_knows(make_napari_viewer: Any) -> None:
    from napari.utils.theme import get_theme

    (theme,) = MANIFEST.contributions.themes
    assert set(theme.colors.model_dump(exclude_unset=True)) == set(type(theme.colors).model_fields)
    viewer = make_napari_viewer()
    viewer.theme = theme.id
    red, green, blue = get_theme(theme.id).background.as_rgb_tuple()
    assert red == green == blue


def test_the_command_of_the_layers_menu_opens_the_selected_image(
    make_napari_viewer: Any, fakes: ModuleType, qtbot: Any, settled: None
) -> None:
    from hrtem_app.gui.plugin.commands import find_columns
    from hrtem_app.gui.plugin.reader import series_layer
    from hrtem_app.gui.workbench import Workbench

    viewer = make_napari_viewer()
    series = fakes.make_series()
    data, kwargs, _ = series_layer(series)
    viewer.add_image(data, **kwargs)
    find_columns(viewer)
    assert Workbench.of(viewer).session.file_series is series
    find_columns(viewer)
    assert sum("Workbench" in name for name in viewer.window.dock_widgets) == 1
