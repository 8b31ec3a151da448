"""Measure: numbers, region, colours and outlines on the canvas follow the columns."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from napari.utils.colormaps.standardize_color import transform_color
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication, QDockWidget
from skimage.measure import points_in_poly

from hrtem_app.gui import theme
from hrtem_app.gui.canvas.layers import class_colours
from hrtem_app.gui.measuring.values import QUANTITIES
from hrtem_app.gui.panels.measure_panel import MeasurePanel
from hrtem_app.measure import measure

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(add_panel: Any, networks: None, fakes: ModuleType, qtbot: Any) -> Any:
    panel = add_panel(MeasurePanel)
    fill(panel, fakes, qtbot)
    return panel


def fill(panel: MeasurePanel, fakes: ModuleType, qtbot: Any) -> None:
    panel.workbench.open_series(fakes.make_series(size=200))
    panel.workbench.run()
    qtbot.waitUntil(panel.workbench.measuring.current)


def directly(panel: MeasurePanel) -> Any:
    """The measurement of the session's table, made here."""
    session = panel.session
    return measure(session.table, settings=session.recipe.measure, image_shape=session.series.shape)


def value(panel: MeasurePanel, name: str) -> str:
    return panel.tree.texts()[name]


def colours_of(panel: MeasurePanel) -> Any:
    return panel.workbench.layers.get("columns").face_color


def test_numbers_are_those_of_the_table(panel: MeasurePanel, qtbot: Any) -> None:
    table, expected = panel.session.table, directly(panel)
    single, double = int((table.classes == 2).sum()), int((table.classes == 1).sum())
    said = value(panel, "Vacancies/1S of 1S and 2S")
    assert said.startswith(f"{100 * single / (single + double):.2f} %")
    assert said.endswith(f"{single}/{single + double}")
    low, high = expected.vacancies.single.low, expected.vacancies.single.high
    assert f"({100 * low:.2f} to {100 * high:.2f})" in said
    (grain,) = expected.grains
    assert value(panel, f"Grains/grain {grain.number}/lattice constant").startswith(f"{grain.lattice.constant:.4f} ±")
    assert value(panel, f"Grains/grain {grain.number}/orientation") == f"{grain.lattice.orientation:.2f}°"
    assert value(panel, "Per area/area") == f"{expected.density.area:.2f} nm²"
    assert value(panel, "Per area/1S") == f"{single / expected.density.area:.3f} /nm²"
    for pair, each in expected.distances.items():
        assert value(panel, f"Distances/{pair}").startswith(f"{np.mean(each.values):.3f} ± ")
    lengths = {kind: length for kind, length in expected.edge_lengths().items() if length}
    assert lengths
    for kind, length in lengths.items():
        assert value(panel, f"Edges/{kind}") == f"{length:.2f} nm"
    assert value(panel, "Defects/V_S") == str(single)
    panel.workbench.tools.select(table.ids[table.classes == 2][:2].tolist())
    panel.workbench.tools.delete()
    assert not panel.tree.isEnabled()
    qtbot.waitUntil(panel.workbench.measuring.current)
    assert panel.tree.isEnabled()
    assert value(panel, "Vacancies/1S of 1S and 2S").endswith(f"{single - 2}/{single + double - 2}")


def test_settings_are_undoable_and_count(panel: MeasurePanel, qtbot: Any) -> None:
    session, choices = panel.session, panel.choices
    votes = session.table.votes
    assert 0 < (votes == 3).sum() < len(votes)
    choices.votes.setValue(3)
    choices.confidence.setValue(80)
    qtbot.mouseClick(choices.absolute, LEFT, pos=QPoint(8, choices.absolute.height() // 2))
    choices.reference.setValue(3.2)
    assert session.recipe.measure.votes == 3
    assert session.recipe.measure.confidence == pytest.approx(0.8)
    assert session.recipe.measure.reference == 3.2
    qtbot.waitUntil(panel.workbench.measuring.current)
    sulphur = (session.table.classes > 0) & (votes >= 3)
    single = sulphur & (session.table.classes == 2)
    assert value(panel, "Vacancies/1S of 1S and 2S").endswith(f"{single.sum()}/{sulphur.sum()}")
    assert value(panel, "Vacancies/left out") == f"{(votes < 3).sum()} columns"
    strain = 100 * directly(panel).columns.strain
    (grain,) = directly(panel).grains
    for component, name in enumerate(("xx", "yy", "xy")):
        said = value(panel, f"Grains/grain {grain.number}/strain {name}")
        assert said.startswith(f"{np.nanmean(strain[:, component]):+.2f} ± ")
    # Of the area, for noise stretches the lattice one way or the other.
    stretch = 100 * (grain.lattice.constant / 3.2 - 1)
    assert np.nanmean(strain[:, :2]) == pytest.approx(stretch, abs=0.15)
    qtbot.mouseClick(choices.absolute, LEFT, pos=QPoint(8, choices.absolute.height() // 2))
    assert session.recipe.measure.reference is None
    for _ in range(5):
        session.undo()
    assert choices.votes.value() == 1
    assert choices.confidence.value() == 95


def test_the_region_of_a_selection(panel: MeasurePanel, viewer: Any, qtbot: Any) -> None:
    session, tools = panel.session, panel.workbench.tools
    assert not panel.region.selection_button.isEnabled()
    chosen = (np.abs(session.table.positions - 100) < 35).all(axis=1)
    tools.select(session.table.ids[chosen].tolist())
    qtbot.mouseClick(panel.region.selection_button, LEFT)
    qtbot.waitUntil(lambda: session.recipe.measure.region is not None)
    qtbot.waitUntil(panel.workbench.measuring.current)
    assert value(panel, "Columns").startswith(f"{chosen.sum()}: ")
    (corners,) = viewer.layers["region"].data
    assert (points_in_poly(session.table.positions, corners) == chosen).all()
    assert viewer.layers["region"].scale == pytest.approx(viewer.layers["columns"].scale)
    session.undo()
    assert session.recipe.measure.region is None
    assert len(viewer.layers["region"].data) == 0
    session.redo()
    assert len(viewer.layers["region"].data) == 1
    qtbot.mouseClick(panel.region.whole_button, LEFT)
    assert session.recipe.measure.region is None
    qtbot.waitUntil(panel.workbench.measuring.current)
    assert value(panel, "Columns").startswith(f"{len(session.table)}: ")


def test_colours_survive_edits_and_go_with_the_panel(panel: MeasurePanel, qtbot: Any) -> None:
    session = panel.session
    assert colours_of(panel) == pytest.approx(class_colours(session.table))
    panel.colours.setCurrentText("displacement")
    size = QUANTITIES["displacement"].values(panel.workbench.measuring.measured)
    assert np.array_equal(size, np.hypot(*directly(panel).columns.displacement.T))
    # Viridis is the greener the larger the value.
    assert (np.diff(colours_of(panel)[np.argsort(size), 1]) > -1e-6).all()
    assert panel.legend.high.isVisible()
    assert panel.legend.high.text().endswith("pm")
    panel.workbench.tools.select([int(session.table.ids[50])])
    panel.workbench.tools.delete()
    assert len(colours_of(panel)) == len(session.table)
    assert not np.allclose(colours_of(panel), class_colours(session.table))
    qtbot.waitUntil(panel.workbench.measuring.current)
    size = np.hypot(*directly(panel).columns.displacement.T)
    assert (np.diff(colours_of(panel)[np.argsort(size), 1]) > -1e-6).all()
    panel.hide()
    assert colours_of(panel) == pytest.approx(class_colours(session.table))
    panel.show()
    assert not np.allclose(colours_of(panel), class_colours(session.table))
    panel.colours.setCurrentText("defect")
    single = session.table.classes == 2
    assert colours_of(panel)[single] == pytest.approx(np.tile(transform_color("#D62728"), (single.sum(), 1)))
    panel.colours.setCurrentText("class")
    assert colours_of(panel) == pytest.approx(class_colours(session.table))
    assert all(colour in panel.legend.names.text() for colour in theme.CLASS_COLOURS.values())


def test_edges_and_missing_columns_are_drawn(panel: MeasurePanel, viewer: Any, qtbot: Any) -> None:
    session = panel.session
    centre = int(np.hypot(*(session.table.positions - 100).T).argmin())
    gone = session.table.positions[centre]
    panel.workbench.tools.select([int(session.table.ids[centre])])
    panel.workbench.tools.delete()
    before = [layer.name for layer in viewer.layers]
    active = viewer.layers.selection.active
    qtbot.waitUntil(panel.workbench.measuring.current)
    panel.outlines.click()
    assert viewer.layers.selection.active is active
    lines = viewer.layers["edges"].data
    drawn = np.linalg.norm(lines[:, 1], axis=1).sum() * session.table.sampling
    expected = directly(panel)
    walked = sum(np.linalg.norm(np.diff(edge.path, axis=0), axis=1).sum() for edge in expected.edges)
    assert drawn == pytest.approx(walked)
    ends = np.concatenate([edge.path for edge in expected.edges])[:, ::-1] / session.table.sampling
    assert lines[:, 0].min(axis=0) == pytest.approx(ends.min(axis=0), abs=3.3 / session.table.sampling)
    missing = viewer.layers["missing columns"].data
    assert np.hypot(*(missing - gone).T).min() < 0.3 / session.table.sampling
    assert len(missing) == sum(defect.kind in ("V_Mo", "V_S2") for defect in expected.defects)
    session.undo()
    qtbot.waitUntil(panel.workbench.measuring.current)
    assert len(viewer.layers["missing columns"].data) == len(missing) - 1
    panel.outlines.click()
    assert not viewer.layers["edges"].visible
    panel.hide()
    assert [layer.name for layer in viewer.layers] == before


def test_a_row_selects_its_columns(panel: MeasurePanel, qtbot: Any) -> None:
    tree, table = panel.tree, panel.session.table
    (item,) = tree.findItems("V_S", Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)
    item.parent().setExpanded(True)
    tree.scrollToItem(item)
    qtbot.mouseClick(tree.viewport(), LEFT, pos=tree.visualItemRect(item).center())
    assert set(panel.workbench.tools.selected) == set(table.ids[table.classes == 2].tolist())


def test_warnings_and_waiting_are_told(add_panel: Any, networks: None, fakes: ModuleType, qtbot: Any) -> None:
    panel = add_panel(MeasurePanel)
    assert "run the networks" in panel.about.text()
    fill(panel, fakes, qtbot)
    assert not panel.about.isVisible()
    panel.session.change_measure(votes=3)
    assert panel.about.isVisible()
    qtbot.waitUntil(panel.workbench.measuring.current)
    assert not panel.about.isVisible()
    warnings = directly(panel).warnings
    assert warnings
    assert panel.warnings.text().split("\n") == [f"⚠ {text}" for text in warnings]


@pytest.fixture
def docked(
    make_napari_viewer: Any, networks: None, fakes: ModuleType, settled: None, qtbot: Any
) -> tuple[Any, MeasurePanel]:
    viewer = make_napari_viewer(show=True)
    panel = MeasurePanel(viewer)
    viewer.window.add_dock_widget(panel, name="measure", area="right")
    fill(panel, fakes, qtbot)
    return viewer, panel


def on_canvas(viewer: Any, y: float, x: float) -> QPoint:
    """Where a place of the columns' layer, in pixels of the image, lies on the canvas."""
    canvas = viewer.window._qt_viewer.canvas
    world = viewer.layers["columns"].data_to_world((y, x))
    view = canvas.view
    px, py = view.scene.transform.map((world[1], world[0], 0, 1))[:2]
    return QPoint(round(px), round(py))


def move(widget: Any, place: QPoint) -> None:
    where, none = QPointF(widget.mapToGlobal(place)), Qt.MouseButton.NoButton
    keys = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(widget, QMouseEvent(QEvent.Type.MouseMove, QPointF(place), where, none, none, keys))


def test_a_region_is_drawn_on_the_canvas(docked: Any, qtbot: Any) -> None:
    viewer, panel = docked
    native = viewer.window._qt_viewer.canvas.native
    corners = [(60.0, 60.0), (60.0, 150.0), (140.0, 150.0), (140.0, 60.0)]
    for _ in range(2):
        # The second polygon takes the place of the first.
        qtbot.mouseClick(panel.region.draw_button, LEFT)
        assert "corners" in panel.region.text.text()
        for corner in corners:
            place = on_canvas(viewer, *corner)
            move(native, place)
            qtbot.mouseClick(native, LEFT, pos=place)
            qtbot.wait(30)
        qtbot.mouseDClick(native, LEFT, pos=on_canvas(viewer, *corners[-1]))
        qtbot.mouseRelease(native, LEFT, pos=on_canvas(viewer, *corners[-1]))
        qtbot.waitUntil(lambda: not panel.canvas.drawing)
        region = panel.session.recipe.measure.region
        assert np.array(region) == pytest.approx(np.array(corners), abs=1.5)
        assert len(viewer.layers["region"].data) == 1
        corners = [(y + 20, x - 10) for y, x in corners]
    qtbot.waitUntil(panel.workbench.measuring.current)
    inside = points_in_poly(panel.session.table.positions, region).sum()
    assert value(panel, "Columns").startswith(f"{inside}: ")
    assert viewer.layers.selection.active is viewer.layers["columns"]
    viewer.layers["region"].selected_data = {0}
    viewer.layers["region"].remove_selected()
    qtbot.waitUntil(lambda: panel.session.recipe.measure.region is None)


def test_nothing_stays_behind(docked: Any, qtbot: Any) -> None:
    viewer, panel = docked
    names = [layer.name for layer in viewer.layers]
    panel.colours.setCurrentText("strain xx")
    panel.outlines.click()
    panel.session.change_measure(region=((50, 50), (50, 150), (150, 100)))
    qtbot.mouseClick(panel.plots_button, LEFT)
    qtbot.waitUntil(panel.plots.isVisible)
    assert isinstance(panel.plots.parent(), QDockWidget)
    assert {"measure", "Plots of the measurement"} <= set(viewer.window.dock_widgets)
    assert len(viewer.layers) == len(names) + 3
    points, table = viewer.layers["columns"], panel.session.table
    viewer.window.remove_dock_widget(panel)
    assert "Plots of the measurement" not in viewer.window.dock_widgets
    assert not panel.plots.isVisible()
    assert [layer.name for layer in viewer.layers] == names
    assert points.face_color == pytest.approx(class_colours(table))
    panel.deleteLater()


def test_plots_come_and_go_with_the_panel(docked: Any, qtbot: Any) -> None:
    viewer, panel = docked
    qtbot.mouseClick(panel.plots_button, LEFT)
    qtbot.waitUntil(panel.plots.isVisible)
    panel.hide()
    assert "Plots of the measurement" not in viewer.window.dock_widgets
    panel.show()
    qtbot.waitUntil(panel.plots.isVisible)
    # Its own button closes the dock.
    viewer.window.remove_dock_widget(panel.plots.parent())
    assert not panel.plots_button.isChecked()
    qtbot.mouseClick(panel.plots_button, LEFT)
    qtbot.waitUntil(panel.plots.isVisible)
    qtbot.mouseClick(panel.plots_button, LEFT)
    assert "Plots of the measurement" not in viewer.window.dock_widgets


def test_closing_the_window_with_everything_on(docked: Any, qtbot: Any, capsys: Any) -> None:
    viewer, panel = docked
    panel.colours.setCurrentText("rotation")
    panel.outlines.click()
    qtbot.mouseClick(panel.plots_button, LEFT)
    qtbot.waitUntil(panel.plots.isVisible)
    viewer.close()
    qtbot.wait(100)
    assert "Error" not in capsys.readouterr().err
