"""Plots of a measurement: what is dragged in them is selected on the canvas, and what is selected is marked."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

from hrtem_app.gui.panels.measure_panel import MeasurePanel
from hrtem_app.gui.widgets.measure_plots import MeasurePlots
from hrtem_app.measure import measure

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(add_panel: Any, networks: None, fakes: ModuleType, qtbot: Any) -> Any:
    panel = add_panel(MeasurePanel)
    panel.workbench.open_series(fakes.make_series(size=200))
    panel.workbench.run()
    qtbot.waitUntil(panel.workbench.measuring.current)
    qtbot.mouseClick(panel.plots_button, LEFT)
    qtbot.waitUntil(panel.plots.isVisible)
    # Axes take their place with the first picture.
    qtbot.wait(200)
    return panel


@pytest.fixture
def plots(panel: Any) -> MeasurePlots:
    return panel.plots


@pytest.fixture
def measured(panel: Any) -> Any:
    session = panel.session
    return measure(session.table, settings=session.recipe.measure, image_shape=session.series.shape)


def drag(plot: Any, qtbot: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Press at a place of a plot's axes, move and let go at another."""
    viewport = plot.viewport()
    places = [
        plot.mapFromScene(plot.box.mapViewToScene(QPointF(*(np.array(start) * (1 - part) + np.array(end) * part))))
        for part in np.linspace(0, 1, 9)
    ]
    qtbot.mouseMove(viewport, places[0])
    qtbot.mousePress(viewport, LEFT, pos=places[0])
    for place in places[1:]:
        where, keys = QPointF(viewport.mapToGlobal(place)), Qt.KeyboardModifier.NoModifier
        event = QMouseEvent(QEvent.Type.MouseMove, QPointF(place), where, Qt.MouseButton.NoButton, LEFT, keys)
        QApplication.sendEvent(viewport, event)
        qtbot.wait(15)
    qtbot.mouseRelease(viewport, LEFT, pos=places[-1])
    qtbot.wait(30)


def middle(plot: Any) -> float:
    (_, _), (low, high) = plot.box.viewRange()
    return float(low + high) / 2


def test_bars_count_what_was_measured(plots: MeasurePlots, measured: Any) -> None:
    for pair, each in measured.distances.items():
        plots.quantity.setCurrentText(f"{pair} distance")
        edges, counts = plots.histogram.bars.getData()
        assert counts.sum() == len(each.values)
        assert edges[[0, -1]] == pytest.approx([each.values.min(), each.values.max()])
        assert counts[0] == ((each.values >= edges[0]) & (each.values < edges[1])).sum()
        assert plots.histogram.getPlotItem().getAxis("bottom").labelText == f"{pair} distance (Å)"
    plots.quantity.setCurrentText("strain xx")
    known = np.isfinite(measured.columns.strain[:, 0])
    assert plots.histogram.bars.getData()[1].sum() == known.sum()
    assert plots.vacancies.bars.getData()[1].sum() == measured.vacancies.single.count
    plots.vacancy_box.setCurrentText("by grain")
    assert plots.vacancies.bars.getData()[1].tolist() == [measured.vacancies.single.count]


def test_a_range_of_distances_selects_both_columns(plots: MeasurePlots, panel: Any, measured: Any, qtbot: Any) -> None:
    each = measured.distances["Mo-Mo"]
    plots.quantity.setCurrentText("Mo-Mo distance")
    qtbot.wait(50)
    low, high = np.quantile(each.values, [0.3, 0.7])
    drag(plots.histogram, qtbot, (low, middle(plots.histogram)), (high, middle(plots.histogram)))
    (left, right) = plots.histogram.span.getRegion()
    step = np.ptp(plots.histogram.box.viewRange()[0]) / plots.histogram.box.width()
    assert (left, right) == pytest.approx((low, high), abs=2 * step)
    inside = (each.values >= left) & (each.values <= right)
    expected = set(panel.session.table.ids[each.rows[inside]].ravel().tolist())
    assert 0 < len(expected) < len(panel.session.table)
    assert set(panel.workbench.tools.selected) == expected
    assert plots.histogram.span.isVisible()
    # napari marks what is selected with this tool only.
    assert panel.workbench.tools.tool == "select"
    # The range is dragged on by its middle.
    centre, by = (left + right) / 2, (right - left) / 3
    drag(plots.histogram, qtbot, (centre, middle(plots.histogram)), (centre + by, middle(plots.histogram)))
    moved = plots.histogram.span.getRegion()
    assert moved == pytest.approx((left + by, right + by), abs=2 * step)
    inside = (each.values >= moved[0]) & (each.values <= moved[1])
    assert set(panel.workbench.tools.selected) == set(panel.session.table.ids[each.rows[inside]].ravel().tolist())


def test_a_box_in_the_scatter_selects_what_is_in_it(plots: MeasurePlots, panel: Any, measured: Any, qtbot: Any) -> None:
    columns = measured.columns
    x, size = columns.positions[:, 1] * measured.sampling / 10, np.hypot(*columns.displacement.T)
    corners = [(np.quantile(x, q), np.nanquantile(size, q)) for q in (0.25, 0.75)]
    drag(plots.scatter, qtbot, *corners)
    (x0, y0), (x1, y1) = corners
    selected = np.isin(columns.ids, panel.workbench.tools.selected)
    # A pixel more or less at each side.
    pixel = np.ptp(plots.scatter.box.viewRange(), axis=1) / [plots.scatter.box.width(), plots.scatter.box.height()]
    for grow, compare in ((-2, np.less_equal), (2, np.greater_equal)):
        dx, dy = grow * pixel
        box = (x >= x0 - dx) & (x <= x1 + dx) & (size >= y0 - dy) & (size <= y1 + dy)
        assert compare(box, selected).all()
    assert selected.sum() > 10
    assert len(plots.scatter.marked) == selected.sum()
    qtbot.mouseClick(
        plots.scatter.viewport(), LEFT,
        pos=plots.scatter.mapFromScene(plots.scatter.box.mapViewToScene(QPointF(x0, y1))),
    )  # fmt: skip
    qtbot.waitUntil(lambda: panel.workbench.tools.selected == ())
    qtbot.waitUntil(lambda: len(plots.scatter.marked) == 0)


def test_what_is_selected_on_the_canvas_is_marked(plots: MeasurePlots, panel: Any, measured: Any, qtbot: Any) -> None:
    table = panel.session.table
    plots.quantity.setCurrentText("displacement")
    left = (table.positions[:, 1] < 100) & (table.classes == 2)
    assert 0 < left.sum() < (table.classes == 2).sum()
    panel.workbench.layers.get("columns").selected_data = set(np.flatnonzero(left).tolist())
    qtbot.waitUntil(lambda: plots.vacancies.marked.getData()[1].sum() == left.sum())
    assert plots.vacancies.bars.getData()[1].sum() == (table.classes == 2).sum()
    assert len(plots.scatter.marked) == left.sum()
    known = np.isfinite(measured.columns.displacement[left, 0])
    assert plots.histogram.marked.getData()[1].sum() == known.sum()
    # Pairs are marked where both of their columns are selected.
    plots.quantity.setCurrentText("S-S distance")
    both = left[measured.distances["S-S"].rows].all(axis=1).sum()
    assert plots.histogram.marked.getData()[1].sum() == both


def test_a_range_of_vacancies_selects_single_sulphurs(plots: MeasurePlots, panel: Any, qtbot: Any) -> None:
    table = panel.session.table
    x = table.positions[:, 1] * table.sampling / 10
    low, high = np.quantile(x[table.classes == 2], [0.2, 0.6])
    drag(plots.vacancies, qtbot, (low, middle(plots.vacancies)), (high, middle(plots.vacancies)))
    left, right = plots.vacancies.span.getRegion()
    expected = table.ids[(table.classes == 2) & (x >= left) & (x <= right)]
    assert len(expected) > 3
    assert set(panel.workbench.tools.selected) == set(expected.tolist())
    panel.workbench.tools.select([int(table.ids[0])])
    qtbot.waitUntil(lambda: not plots.vacancies.span.isVisible())


def test_columns_that_are_not_shown_are_not_selected(plots: MeasurePlots, panel: Any, qtbot: Any) -> None:
    table = panel.session.table
    panel.session.change_view(votes=3)
    single = (table.classes == 2) & (table.votes >= 3)
    assert 0 < single.sum() < (table.classes == 2).sum()
    (low, high), _ = plots.vacancies.box.viewRange()
    # All bars, but not from the very border of the plot on.
    low, high = low + 0.01 * (high - low), high - 0.01 * (high - low)
    drag(plots.vacancies, qtbot, (low, middle(plots.vacancies)), (high, middle(plots.vacancies)))
    assert set(panel.workbench.tools.selected) == set(table.ids[single].tolist())
    qtbot.wait(50)
    assert plots.vacancies.span.isVisible()
    assert plots.vacancies.marked.getData()[1].sum() == single.sum()


def test_plots_follow_edits_while_they_are_seen(plots: MeasurePlots, panel: Any, qtbot: Any) -> None:
    def bars() -> int:
        return int(plots.vacancies.bars.getData()[1].sum())

    table, before = panel.session.table, bars()
    panel.workbench.tools.select(table.ids[table.classes == 2][:3].tolist())
    panel.workbench.tools.classify("2S")
    qtbot.waitUntil(panel.workbench.measuring.current)
    assert bars() == before - 3
    qtbot.mouseClick(panel.plots_button, LEFT)
    assert not plots.isVisible()
    panel.session.undo()
    qtbot.waitUntil(panel.workbench.measuring.current)
    assert bars() == before - 3
    qtbot.mouseClick(panel.plots_button, LEFT)
    qtbot.waitUntil(lambda: bars() == before)
    panel.workbench.open_series(panel.session.series.with_sampling(0.21))
    assert bars() == 0
