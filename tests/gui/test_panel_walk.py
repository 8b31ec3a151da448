"""A person's way through a napari that is not ours: all widgets from its menu, an analysis, and everything closed."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from npe2 import PluginManifest
from qtpy.QtCore import QCoreApplication, QEvent, Qt
from qtpy.QtGui import QAction
from qtpy.QtWidgets import QApplication, QTabWidget, QWidget

from hrtem_app.columns import ColumnTable
from hrtem_app.gui.panels.base import Docked, Panel
from hrtem_app.gui.session import Session
from hrtem_app.gui.widgets.measure_plots import MeasurePlots
from hrtem_app.gui.workbench import Workbench, _workbenches

WIDGETS = PluginManifest.from_file(str(resources.files("hrtem_app") / "napari.yaml")).contributions.widgets


class Visitor:
    """Opens and closes our widgets as a person does."""

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer

    def entry(self, command: str) -> QAction:
        """The entry of a widget in napari's menu."""
        (submenu,) = [a.menu() for a in self.viewer.window.plugins_menu.actions() if a.text() == "HR-TEM analysis"]
        return submenu.findAction(command)

    def open_all(self) -> None:
        for widget in WIDGETS:
            self.entry(widget.command).trigger()

    @property
    def docks(self) -> dict[str, Any]:
        """Those of ours, by the name of their widget."""
        docks = self.viewer.window._wrapped_dock_widgets
        return {name.partition(" (")[0]: dock for name, dock in docks.items() if "HR-TEM" in name}

    def panels(self) -> Iterator[QWidget]:
        """Each panel, while it is on screen, and each tab of it."""
        for dock in self.docks.values():
            dock.raise_()
            QApplication.processEvents()
            panel = dock.inner_widget()
            for tabs in panel.findChildren(QTabWidget):
                for place in range(tabs.count()):
                    tabs.setCurrentIndex(place)
                    QApplication.processEvents()
            yield panel

    def look_at_all(self) -> None:
        for _ in self.panels():
            pass

    def close_all(self) -> None:
        for dock in list(self.docks.values()):
            dock.title.close_button.click()


@pytest.fixture
def visitor(make_napari_viewer: Callable[..., Any], networks: None, qtbot: Any, settled: None) -> Visitor:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1500, 900)
    visitor = Visitor(viewer)
    visitor.open_all()
    return visitor


def analysed(visitor: Visitor, fakes: ModuleType, qtbot: Any) -> Session:
    """Open a series, run the networks and wait until all of it is drawn; the workbench is not held."""
    workbench = Workbench.of(visitor.viewer)
    workbench.open_series(fakes.make_series())
    workbench.run()
    session = workbench.session
    qtbot.waitUntil(lambda: session.analysis is not None and session.preview is not None)
    return session


def forget_what_is_closed() -> None:
    """Delete what waits for it, and what only Python's cycles hold."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()
    gc.collect()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def ours_among(events: Any) -> list[str]:
    """What of this package listens to the events of an object of napari's."""
    owners = [
        (name, callback[0]() if isinstance(callback, tuple) else callback)
        for name, emitter in events.emitters.items()
        for callback in emitter.callbacks
    ]
    return [name for name, owner in owners if is_ours(owner)]


def windows_of_ours() -> Counter[str]:
    """Panels and plots that are in no dock, by their kind; other tests may have left some."""
    windows = QApplication.topLevelWidgets()
    return Counter(type(window).__name__ for window in windows if isinstance(window, Docked | MeasurePlots))


def is_ours(owner: object) -> bool:
    module = getattr(owner, "__module__", None) or type(owner).__module__
    return module.startswith("hrtem_app")


def test_every_widget_comes_from_the_menu_with_and_without_data(
    visitor: Visitor, fakes: ModuleType, qtbot: Any
) -> None:
    assert list(visitor.docks) == [widget.display_name for widget in WIDGETS]
    for panel in visitor.panels():
        assert panel.isVisible()
    panels = [panel for dock in visitor.docks.values() for panel in dock.findChildren(Panel)]
    assert len(panels) > len(WIDGETS)
    assert {id(panel.workbench) for panel in panels} == {id(Workbench.of(visitor.viewer))}
    analysed(visitor, fakes, qtbot)
    for panel in visitor.panels():
        assert panel.isVisible()


def test_what_is_corrected_with_the_keys_is_exported(
    visitor: Visitor, fakes: ModuleType, qtbot: Any, tmp_path: Path
) -> None:
    before = analysed(visitor, fakes, qtbot).table
    workbench = Workbench.of(visitor.viewer)
    visitor.docks["Correct"].raise_()
    QApplication.processEvents()
    sulphur = before.ids[before.classes == 1][:2].tolist()
    workbench.tools.select(sulphur)
    canvas = visitor.viewer.window._qt_viewer.canvas.native
    qtbot.keyClick(canvas, Qt.Key.Key_3)
    panel = visitor.docks["Export"].inner_widget()
    visitor.docks["Export"].raise_()
    QApplication.processEvents()
    for name, box in panel.parts.items():
        box.setChecked(name == "tables")
    panel.folder.setText(str(tmp_path / "results"))
    panel.export_button.click()
    qtbot.waitUntil(lambda: bool(workbench.exported))
    written = ColumnTable.from_csv(tmp_path / "results" / "columns.csv")
    assert {written.class_names[row] for row in np.flatnonzero(np.isin(written.ids, sulphur))} == {"1S"}
    assert written.edited.sum() == 2


def test_a_napari_without_our_widgets_is_as_it_was(visitor: Visitor, fakes: ModuleType, qtbot: Any) -> None:
    viewer, session = visitor.viewer, analysed(visitor, fakes, qtbot)
    visitor.look_at_all()
    visitor.docks["Measure"].inner_widget().plots_button.click()
    earlier = windows_of_ours()
    points = viewer.layers["columns"]
    assert points.keymap
    assert any(is_ours(callback.__self__) for callback in points.mouse_drag_callbacks if hasattr(callback, "__self__"))
    assert ours_among(points.events)
    assert ours_among(viewer.scene.camera.events)
    visitor.close_all()
    forget_what_is_closed()
    assert visitor.docks == {}
    # Taken out of their docks they would be windows of their own now, if anything still held them.
    assert windows_of_ours() <= earlier
    assert viewer not in _workbenches
    assert session.busy == frozenset()
    assert not points.keymap
    assert points.mouse_pan
    for layer in viewer.layers:
        assert not ours_among(layer.events), layer.name
        assert not [c for c in layer.mouse_drag_callbacks if is_ours(getattr(c, "__self__", c))]
    assert not ours_among(viewer.scene.camera.events)
    assert not ours_among(viewer.layers.events)
    # What is drawn stays: a person may go on with it by napari's own means.
    assert {"columns", "filtered"} <= {layer.name for layer in viewer.layers}
    points.selected_data = {0}
    points.remove_selected()
    assert len(points.data) == len(session.table) - 1
