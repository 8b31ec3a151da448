"""Align: drift is measured, shown, nudged and taken out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from hrtem_app.gui.panels.align_panel import AlignPanel
from hrtem_app.imaging.shifting import shift_back
from hrtem_app.io import load_series
from hrtem_app.resources import sample_path

DRIFT = np.array([[0.0, 0.0], [3.4, -2.3], [-1.2, 5.6]])


@pytest.fixture
def panel(add_panel: Any, qtbot: Any) -> Any:
    panel = add_panel(AlignPanel)
    series = load_series(sample_path())
    panel.workbench.open_series(series.with_frames(shift_back(series.frames, -DRIFT)))
    qtbot.waitUntil(lambda: panel.session.preview is not None)
    return panel


def values(panel: AlignPanel) -> Any:
    return np.array([[dy.value(), dx.value()] for dy, dx in panel.shifts])


def test_drift_is_measured_and_taken_out(panel: AlignPanel, qtbot: Any) -> None:
    before = panel.session.preview
    panel.enabled.click()
    assert panel.session.recipe.alignment.enabled
    qtbot.waitUntil(lambda: panel.session.drift is not None)
    assert values(panel) == pytest.approx(DRIFT, abs=0.15)
    assert panel.plot.isVisible()
    assert "measured" in panel.said.text()
    qtbot.waitUntil(lambda: panel.session.preview is not before)
    original = load_series(sample_path()).frames
    inner = (slice(None), slice(40, -40), slice(40, -40))
    moved, aligned = panel.session.series.frames[inner], panel.session.preview.source.frames[inner]
    assert np.abs(aligned - original[inner]).std() < 0.3 * np.abs(moved - original[inner]).std()


def test_a_nudge_by_hand_stays(panel: AlignPanel, qtbot: Any) -> None:
    panel.session.change_alignment(enabled=True)
    qtbot.mouseClick(panel.measure_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.session.drift is not None)
    measured = values(panel)
    panel.shifts[1][0].stepBy(3)
    assert panel.session.recipe.alignment.shifts[1][0] == pytest.approx(measured[1, 0] + 0.3, abs=0.011)
    assert "by hand" in panel.said.text()
    qtbot.mouseClick(panel.reset_button, Qt.MouseButton.LeftButton)
    assert panel.session.recipe.alignment.shifts is None
    assert values(panel) == pytest.approx(measured, abs=0.011)


def test_a_drift_between_other_frames_is_not_shown(panel: AlignPanel, qtbot: Any) -> None:
    qtbot.mouseClick(panel.measure_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.session.drift is not None)
    panel.session.change(frames=(2, 0, 1))
    assert "Not measured yet" in panel.said.text()
    panel.session.change(frames=(1,))
    assert not panel.measure_button.isEnabled()
