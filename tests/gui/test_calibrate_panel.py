"""Calibrate: a lattice and a file are compared, and a person chooses."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from qtpy.QtCore import Qt

from hrtem_app.gui.panels.calibrate_panel import CalibratePanel
from hrtem_app.resources import sample_path


@pytest.fixture
def panel(add_panel: Any, qtbot: Any) -> Any:
    panel = add_panel(CalibratePanel)
    panel.workbench.open([sample_path()])
    qtbot.waitUntil(lambda: panel.session.calibration is not None)
    return panel


def test_it_is_measured_when_a_series_is_opened(panel: CalibratePanel) -> None:
    stated = panel.session.file_series.sampling
    assert panel.session.calibration.sampling == pytest.approx(stated, rel=1e-3)
    assert "agree" in panel.said.text()
    assert panel.values["Residual"].text().endswith("1/Å")
    assert not [m for m in panel.session.messages if m.source == "calibrate"]


def test_the_lattice_or_the_file_can_be_trusted(panel: CalibratePanel, qtbot: Any) -> None:
    stated, session = panel.session.file_series.sampling, panel.session
    qtbot.mouseClick(panel.accept_button, Qt.MouseButton.LeftButton)
    assert session.series.sampling == pytest.approx(session.calibration.sampling, rel=1e-4)
    assert session.series.sampling != stated
    assert not panel.accept_button.isEnabled()
    qtbot.mouseClick(panel.keep_button, Qt.MouseButton.LeftButton)
    assert session.series.sampling == stated
    session.undo()
    assert session.series.sampling == session.recipe.sampling != stated


def test_a_scale_that_disagrees_is_asked_about(panel: CalibratePanel, qtbot: Any) -> None:
    true = panel.session.file_series.sampling
    panel.workbench.open_series(panel.session.file_series.with_sampling(true * 1.08))
    qtbot.waitUntil(lambda: panel.session.calibration is not None)
    (message,) = [m for m in panel.session.messages if m.source == "calibrate"]
    assert message.level == "warning"
    assert "8.0% apart" in message.text
    qtbot.mouseClick(panel.accept_button, Qt.MouseButton.LeftButton)
    assert panel.session.series.sampling == pytest.approx(true, rel=1e-3)
    assert not [m for m in panel.session.messages if m.source == "calibrate"]


def test_without_a_stated_scale_the_lattice_gives_it(panel: CalibratePanel, fakes: ModuleType, qtbot: Any) -> None:
    from dataclasses import replace

    known = panel.session.file_series
    panel.workbench.open_series(replace(known, sampling=None))
    qtbot.waitUntil(lambda: panel.session.calibration is not None)
    assert not panel.session.ready
    assert not panel.keep_button.isVisible()
    qtbot.mouseClick(panel.accept_button, Qt.MouseButton.LeftButton)
    assert panel.session.ready
    assert panel.session.series.sampling == pytest.approx(known.sampling, rel=1e-3)


def test_what_is_measured_of_another_series_is_dropped(panel: CalibratePanel, fakes: ModuleType, qtbot: Any) -> None:
    first, calibration = panel.session.file_series, panel.session.calibration
    panel.workbench.open_series(fakes.make_series(name="another"))
    assert panel.session.calibration is None
    assert not panel.session.accept_calibration(calibration, first)
    qtbot.waitUntil(lambda: panel.session.calibration is not None)
    assert panel.session.calibration is not calibration
