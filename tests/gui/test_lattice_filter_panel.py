from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication, QStyle, QStyleOptionSlider

from hrtem_app.gui import theme
from hrtem_app.gui.panels.lattice_filter_panel import LatticeFilterPanel


@pytest.fixture
def panel(add_panel: Any, fakes: ModuleType, qtbot: Any) -> Any:
    panel = add_panel(LatticeFilterPanel)
    panel.workbench.open_series(fakes.make_series())
    qtbot.waitUntil(lambda: panel.session.preview is not None)
    return panel


def drag_slider(qtbot: Any, slider: Any, by: int) -> None:
    """Press on a slider's handle and move it by some pixels."""
    option = QStyleOptionSlider()
    slider.initStyleOption(option)
    handle = slider.style().subControlRect(
        QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, slider
    )
    start = handle.center()
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 6):
        qtbot.mouseMove(slider, QPoint(start.x() + by * step // 5, start.y()))
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=QPoint(start.x() + by, start.y()))


def test_the_lattice_is_found_and_drawn(panel: LatticeFilterPanel) -> None:
    assert panel.angles[0].value() == pytest.approx(12, abs=1)
    assert len(panel.spectrum.spots.getData()[0]) == 18
    assert "12." in panel.found.text()


def test_dragging_the_radius_filters_live(panel: LatticeFilterPanel, qtbot: Any) -> None:
    before = panel.workbench.layers.get("filtered").data.copy()
    drag_slider(qtbot, panel.radius.slider, 25)
    radius = panel.session.recipe.filter.radius
    assert radius > 0.030
    assert panel.radius.number.value() == pytest.approx(radius)
    qtbot.waitUntil(lambda: panel.session.preview.settings.radius == radius)
    assert not np.array_equal(panel.workbench.layers.get("filtered").data, before)
    assert panel.spectrum.spots.opts["size"] == pytest.approx(2 * radius)


def test_a_number_can_be_typed(panel: LatticeFilterPanel, qtbot: Any) -> None:
    panel.edge.number.selectAll()
    qtbot.keyClicks(panel.edge.number, "0.0065")
    qtbot.keyClick(panel.edge.number, Qt.Key.Key_Return)
    assert panel.session.recipe.filter.edge == pytest.approx(0.0065)


def test_the_hint_names_the_spots_that_cover_a_reflection(panel: LatticeFilterPanel, qtbot: Any) -> None:
    (flake,) = panel.session.preview.source.flakes
    assert math.degrees(flake) == pytest.approx(30, abs=1)
    # Graphene lies at 12°: its third ring is in line with MoS2's fourth at 30° - 19.1° or 30° + 19.1° - 60°.
    panel.session.change_filter(angles=(math.radians(30 - 19.1),), radius=0.03, edge=0.004)
    qtbot.waitUntil(lambda: "ring 3 at 11°, 71°, 131° of lattice 1" in panel.hint.text())
    assert "MoS2, found at 30" in panel.hint.text() or "MoS2, found at 29" in panel.hint.text()
    assert panel.hint.isVisible()
    covering = [pen.color().name() for pen in panel.spectrum.spots.data["pen"]]
    assert covering == [theme.GRAPHENE] * 12 + [theme.WARNING] * 6
    panel.radius.slider.setValue(round((0.015 - 0.002) / 0.001))
    assert panel.session.recipe.filter.radius == pytest.approx(0.015)
    assert not panel.hint.isVisible()
    assert {pen.color().name() for pen in panel.spectrum.spots.data["pen"]} == {theme.GRAPHENE}
    panel.session.change_filter(angles=(math.radians(30),), radius=0.03)
    assert not panel.hint.isVisible()


def test_without_a_flake_every_turn_counts(add_panel: Any, fakes: ModuleType, qtbot: Any) -> None:
    panel = add_panel(LatticeFilterPanel)
    noise = np.random.default_rng(0).normal(100, 10, (3, 160, 160)).astype(np.float32)
    panel.workbench.open_series(fakes.make_series().with_frames(noise))
    qtbot.waitUntil(lambda: panel.session.preview is not None)
    assert panel.session.preview.source.flakes == ()
    panel.session.change_filter(angles=(0.1,))
    assert panel.hint.text().startswith("⚠ No MoS2 lattice stands out.")
    assert "ring 3 of lattice 1 (0.0" in panel.hint.text()


def test_found_spots_and_their_residual_are_shown(panel: LatticeFilterPanel, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: panel.session.calibration is not None)
    calibration = panel.session.calibration
    x, y = panel.spectrum.found.getData()
    # Measured in cycles per pixel, whatever an ångström is.
    np.testing.assert_allclose(np.stack([y, x], axis=1) * 0.22, calibration.spots * calibration.sampling)
    np.testing.assert_allclose(np.hypot(x, y), 0.468, atol=0.004)
    residuals = calibration.residuals * calibration.sampling / 0.22
    residual = math.sqrt(float(np.mean([dy**2 + dx**2 for dy, dx in residuals])))
    assert f"{residual:.1e} 1/Å (rms) from a regular hexagon" in panel.found.text()


def test_an_angle_is_set_by_hand_and_found_again(panel: LatticeFilterPanel, qtbot: Any) -> None:
    panel.angles[0].selectAll()
    qtbot.keyClicks(panel.angles[0], "30")
    qtbot.keyClick(panel.angles[0], Qt.Key.Key_Return)
    assert panel.session.recipe.filter.angles == (pytest.approx(math.radians(30)),)
    qtbot.mouseClick(panel.find_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.session.preview.settings.angles is None)
    assert panel.angles[0].value() == pytest.approx(12, abs=1)


def test_before_after_and_removed(panel: LatticeFilterPanel, qtbot: Any) -> None:
    layers = panel.workbench.layers
    qtbot.mouseClick(panel.versions["before"], Qt.MouseButton.LeftButton)
    assert not layers.get("filtered").visible
    qtbot.mouseClick(panel.versions["removed"], Qt.MouseButton.LeftButton)
    assert layers.get("removed").visible
    series = panel.session.series
    np.testing.assert_allclose(
        layers.get("removed").data + layers.get("filtered").data, series.frames, rtol=1e-4, atol=1e-3
    )
    qtbot.mouseClick(panel.versions["after"], Qt.MouseButton.LeftButton)
    assert (layers.get("filtered").visible, layers.get("removed").visible) == (True, False)


def test_off_means_off(panel: LatticeFilterPanel, qtbot: Any) -> None:
    panel.enabled.click()
    qtbot.waitUntil(lambda: not panel.session.preview.settings.enabled)
    np.testing.assert_array_equal(panel.workbench.layers.get("filtered").data, panel.session.series.frames)
    assert not panel.radius.isEnabled()
    assert panel.spectrum.spots.getData()[0].size == 0


def on_plot(panel: LatticeFilterPanel, kx: float, ky: float) -> QPoint:
    """Where a frequency lies on the plot, in pixels of its viewport."""
    plot = panel.spectrum.plot
    return plot.mapFromScene(plot.getPlotItem().vb.mapViewToScene(QPointF(kx, ky)))


def drag_on_plot(panel: LatticeFilterPanel, qtbot: Any, start: complex, end: complex) -> None:
    viewport = panel.spectrum.plot.viewport()
    qtbot.mouseMove(viewport, on_plot(panel, start.real, start.imag))
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=on_plot(panel, start.real, start.imag))
    for part in np.linspace(0.1, 1, 10):
        place = start + part * (end - start)
        point = QPointF(on_plot(panel, place.real, place.imag))
        buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        where = QPointF(viewport.mapToGlobal(point.toPoint()))
        move = QMouseEvent(QEvent.Type.MouseMove, point, where, Qt.MouseButton.NoButton, buttons, keys)
        QApplication.sendEvent(viewport, move)
        qtbot.wait(15)
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=on_plot(panel, end.real, end.imag))


def double_click(panel: LatticeFilterPanel, qtbot: Any, place: QPoint) -> None:
    """As a mouse does it: pressed, released, pressed again and released again."""
    viewport = panel.spectrum.plot.viewport()
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=place)


def test_a_spot_is_dragged_around(panel: LatticeFilterPanel, qtbot: Any) -> None:
    x, y = panel.spectrum.spots.getData()
    first = complex(x[0], y[0])
    turned = first * np.exp(1j * np.deg2rad(7))
    before = panel.angles[0].value()
    drag_on_plot(panel, qtbot, first, turned)
    (angle,) = panel.session.recipe.filter.angles
    assert math.degrees(angle) == pytest.approx(before + 7, abs=0.6)
    assert panel.angles[0].value() == pytest.approx(math.degrees(angle), abs=0.01)
    assert panel.session.recipe.filter.radius == 0.03
    # The whole drag is one action.
    panel.session.undo()
    assert panel.session.recipe.filter.angles is None


def test_a_spot_of_the_second_ring_turns_its_lattice_as_well(panel: LatticeFilterPanel, qtbot: Any) -> None:
    x, y = panel.spectrum.spots.getData()
    spot = complex(x[8], y[8])
    before = panel.angles[0].value()
    drag_on_plot(panel, qtbot, spot, spot * np.exp(-1j * np.deg2rad(5)))
    assert panel.angles[0].value() == pytest.approx(before - 5, abs=0.6)


def test_each_of_two_lattices_is_dragged_by_itself(panel: LatticeFilterPanel, qtbot: Any) -> None:
    panel.session.change_filter(angles=(math.radians(12), math.radians(40)))
    for lattice, by in ((1, 9), (0, -8), (1, -10)):
        before = [math.degrees(angle) for angle in panel.session.recipe.filter.angles]
        x, y = panel.spectrum.spots.getData()
        spot = complex(x[18 * lattice + 1], y[18 * lattice + 1])
        drag_on_plot(panel, qtbot, spot, spot * np.exp(1j * np.deg2rad(by)))
        after = [math.degrees(angle) for angle in panel.session.recipe.filter.angles]
        assert after[lattice] == pytest.approx(before[lattice] + by, abs=0.6)
        assert after[1 - lattice] == before[1 - lattice]
    qtbot.waitUntil(lambda: panel.session.preview.settings == panel.session.recipe.filter)
    assert panel.session.preview.result.angles == panel.session.recipe.filter.angles


def test_a_spot_is_dragged_outwards_and_inwards(panel: LatticeFilterPanel, qtbot: Any) -> None:
    x, y = panel.spectrum.spots.getData()
    spot = complex(x[0], y[0])
    drag_on_plot(panel, qtbot, spot, spot * (1 + 0.08 / abs(spot)))
    wide = panel.session.recipe.filter.radius
    assert wide == pytest.approx(0.07, abs=0.008)
    drag_on_plot(panel, qtbot, spot, spot * (1 - 0.06 / abs(spot)))
    assert panel.session.recipe.filter.radius == pytest.approx(wide - 0.03, abs=0.008)
    assert panel.session.recipe.filter.angles is None


def test_double_clicks_add_and_take_lattices(panel: LatticeFilterPanel, qtbot: Any) -> None:
    x, y = panel.spectrum.spots.getData()
    found = panel.angles[0].value()
    other = complex(x[0], y[0]) * np.exp(1j * np.deg2rad(30))
    double_click(panel, qtbot, on_plot(panel, other.real, other.imag))
    qtbot.waitUntil(lambda: panel.session.recipe.filter.angles is not None)
    first, second = (math.degrees(angle) for angle in panel.session.recipe.filter.angles)
    assert first == pytest.approx(found, abs=0.01)
    assert second == pytest.approx((found + 30) % 60, abs=1)
    assert len(panel.spectrum.spots.getData()[0]) == 36
    qtbot.wait(600)
    double_click(panel, qtbot, on_plot(panel, x[0], y[0]))
    qtbot.waitUntil(lambda: len(panel.session.recipe.filter.angles) == 1)
    assert math.degrees(panel.session.recipe.filter.angles[0]) == pytest.approx(second, abs=0.01)


def test_the_wipe_shows_both_sides_of_a_line(panel: LatticeFilterPanel, qtbot: Any) -> None:
    layers = panel.workbench.layers
    qtbot.mouseClick(panel.versions["wipe"], Qt.MouseButton.LeftButton)
    assert panel.wipe.isVisible()
    panel.wipe.setValue(50)
    series, filtered, wipe = panel.session.series.frames, layers.get("filtered").data, layers.get("wipe")
    assert wipe.visible
    qtbot.waitUntil(lambda: not panel.workbench.live.glimpse.layer.visible)
    np.testing.assert_array_equal(wipe.data[..., :40], series[..., :40])
    np.testing.assert_array_equal(wipe.data[..., 40:], filtered[..., 40:])
    panel.session.change_filter(radius=0.05)
    qtbot.waitUntil(lambda: panel.session.preview.settings.radius == 0.05)
    np.testing.assert_array_equal(wipe.data[..., 40:], panel.session.preview.result.frames[..., 40:])
    qtbot.mouseClick(panel.versions["after"], Qt.MouseButton.LeftButton)
    assert not wipe.visible
    assert not panel.wipe.isVisible()
