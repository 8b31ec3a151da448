"""Every step fits the rail of a small screen, beside the one scroll bar that there is."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractScrollArea, QApplication, QLabel, QScrollArea, QWidget

from hrtem_app.gui.panels.correct_panel import CorrectPanel
from hrtem_app.gui.panels.measure_panel import MeasurePanel
from hrtem_app.gui.panels.workbench_panel import WorkbenchPanel
from hrtem_app.gui.widgets.value_tree import ValueTree


@pytest.fixture
def rail(make_napari_viewer: Any, networks: None, fakes: ModuleType, qtbot: Any, settled: None) -> Any:
    """In a window of 1280 × 800 with results in it, and with the scroll bar that long steps have."""
    viewer = make_napari_viewer(show=True)
    panel = WorkbenchPanel(viewer)
    viewer.window.add_dock_widget(panel, name="HR-TEM analysis", area="right")
    viewer.window._qt_window.resize(1280, 800)
    panel.workbench.open_series(fakes.make_series(size=200))
    panel.workbench.run()
    qtbot.waitUntil(lambda: panel.session.analysis is not None)
    (area,) = panel.findChildren(QScrollArea, options=Qt.FindChildOption.FindDirectChildrenOnly)
    area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
    QApplication.processEvents()
    yield panel, area
    viewer.window.remove_dock_widget(panel)
    panel.deleteLater()


def test_no_step_is_wider_than_what_shows_it(rail: Any, qtbot: Any) -> None:
    panel, area = rail
    # The least that the dock can be drawn to.
    panel.setFixedWidth(panel.minimumWidth())
    too_wide, cut = {}, []
    for section in panel.sections:
        section.set_open(True)
        if isinstance(section.body, MeasurePanel):
            qtbot.waitUntil(panel.workbench.measuring.current)
        QApplication.processEvents()
        needed, there = section.minimumSizeHint().width(), area.viewport().width()
        if needed > there or area.widget().width() > there:
            too_wide[section.header.accessibleName()] = (needed, there)
        cut += cut_texts(section.body)
        if isinstance(section.body, CorrectPanel):
            for tool in section.body.tool_buttons.values():
                tool.click()
                QApplication.processEvents()
                cut += cut_texts(section.body)
    assert not too_wide
    assert not cut


def cut_texts(body: QWidget) -> list[str]:
    """What does not fit where it is shown."""
    labels = [label for label in body.findChildren(QLabel) if label.isVisible() and not label.wordWrap()]
    return [label.text() for label in labels if label.text() and label.sizeHint().width() > label.width()]


def test_measurements_do_not_scroll_in_what_scrolls(rail: Any, qtbot: Any) -> None:
    panel, area = rail
    panel.show_step("Measure")
    qtbot.waitUntil(panel.workbench.measuring.current)
    QApplication.processEvents()
    (tree,) = panel.findChildren(ValueTree)
    scrolling = [part for part in panel.findChildren(QAbstractScrollArea) if part.verticalScrollBar().isVisible()]
    assert scrolling == [area]
    assert tree.verticalScrollBar().maximum() == 0
    before = tree.height()
    tree.expandAll()
    QApplication.processEvents()
    assert tree.height() > before
    assert tree.verticalScrollBar().maximum() == 0
