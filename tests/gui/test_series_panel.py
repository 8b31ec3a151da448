from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLineEdit

from hrtem_app.gui.panels.series_panel import SeriesPanel


def _frames(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"focus_{i}.tif" for i in range(count)]
    for number, path in enumerate(paths):
        tifffile.imwrite(path, np.full((32, 48), number, np.float32) + np.eye(32, 48, dtype=np.float32))
    return paths


def test_dropped_files_are_the_frames_in_the_order_of_their_names(
    add_panel: Any, fakes: ModuleType, tmp_path: Path, qtbot: Any
) -> None:
    panel = add_panel(SeriesPanel)
    paths = _frames(tmp_path, 3)
    assert fakes.drop(panel, [paths[2], paths[0], paths[1]])
    qtbot.waitUntil(lambda: panel.session.series is not None)
    assert [frame.min() for frame in panel.session.series.frames] == [0, 1, 2]


def test_files_of_other_kinds_are_left_to_others(add_panel: Any, fakes: ModuleType, tmp_path: Path) -> None:
    panel = add_panel(SeriesPanel)
    assert not fakes.drop(panel, [tmp_path / "notes.txt"])


def test_a_missing_sampling_is_asked_for_and_nothing_runs_before(add_panel: Any, fakes: ModuleType, qtbot: Any) -> None:
    panel = add_panel(SeriesPanel)
    panel.workbench.open_series(fakes.make_series(sampling=None))
    assert panel.request.isVisible()
    assert not panel.session.ready
    assert not panel.request.button.isEnabled()
    panel.request.number.selectAll()
    qtbot.keyClicks(panel.request.number, "0.25")
    qtbot.keyClick(panel.request.number, Qt.Key.Key_Tab)
    qtbot.mouseClick(panel.request.button, Qt.MouseButton.LeftButton)
    assert panel.session.recipe.sampling == 0.25
    assert not panel.request.isVisible()
    assert panel.sampling.value() == 0.25


def test_a_typed_defocus_counts(add_panel: Any, fakes: ModuleType, qtbot: Any) -> None:
    panel = add_panel(SeriesPanel)
    panel.workbench.open_series(fakes.make_series())
    _type_defocus(panel, qtbot, 1, "12.5")
    assert panel.session.recipe.defocus == (-50.0, 12.5, 50.0)


def test_unknown_defoci_count_once_all_are_given(add_panel: Any, fakes: ModuleType, qtbot: Any) -> None:
    panel = add_panel(SeriesPanel)
    panel.workbench.open_series(fakes.make_series().with_defocus(None))
    for row, text in enumerate(("0", "50", "100")):
        assert panel.session.recipe.defocus is None
        _type_defocus(panel, qtbot, row, text)
    assert panel.session.recipe.defocus == (0.0, 50.0, 100.0)


def test_a_defocus_that_is_no_number_is_refused_in_one_line(add_panel: Any, fakes: ModuleType, qtbot: Any) -> None:
    panel = add_panel(SeriesPanel)
    panel.workbench.open_series(fakes.make_series())
    _type_defocus(panel, qtbot, 0, "far")
    assert "far" in panel.messages.texts()[0]
    assert panel.frames.item(0, 2).text() == "-50"


def test_unchecking_a_frame_leaves_it_out(add_panel: Any, fakes: ModuleType) -> None:
    panel = add_panel(SeriesPanel)
    panel.workbench.open_series(fakes.make_series(frames=4))
    assert panel.session.recipe.frames is None
    panel.frames.item(0, 0).setCheckState(Qt.CheckState.Unchecked)
    panel.frames.item(3, 0).setCheckState(Qt.CheckState.Checked)
    assert panel.session.recipe.frames == (1, 2, 3)


def test_a_warning_stays_until_it_is_read(add_panel: Any, fakes: ModuleType, qtbot: Any) -> None:
    panel = add_panel(SeriesPanel)
    panel.workbench.open_series(fakes.make_series())
    panel.session.tell("series", "warning", "the axes differ: 0.22 and 0.23 Å/px")
    assert panel.messages.isVisible()
    line = panel.messages.layout().itemAt(0).widget()
    qtbot.mouseClick(line.layout().itemAt(1).widget(), Qt.MouseButton.LeftButton)
    assert panel.session.messages == ()
    assert not panel.messages.isVisible()


def _type_defocus(panel: SeriesPanel, qtbot: Any, row: int, text: str) -> None:
    """Double-click a defocus, type, and press return."""
    table = panel.frames
    centre = table.visualItemRect(table.item(row, 2)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=centre)
    qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=centre)
    editor = table.findChild(QLineEdit)
    editor.selectAll()
    qtbot.keyClicks(editor, text)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    # The editor is deleted by the event loop.
    qtbot.waitUntil(lambda: table.findChild(QLineEdit) is None)


def test_a_typed_energy_counts_and_the_least_value_goes_back_to_the_files(
    add_panel: Any, fakes: ModuleType, qtbot: Any
) -> None:
    panel = add_panel(SeriesPanel)
    panel.workbench.open_series(fakes.make_series().with_energy(50e3))
    assert panel.energy.value() == 50
    panel.energy.selectAll()
    qtbot.keyClicks(panel.energy, "80")
    qtbot.keyClick(panel.energy, Qt.Key.Key_Return)
    assert (panel.session.recipe.energy, panel.session.series.energy) == (80e3, 80e3)
    assert "file: 50" in panel.stated_energy.text()
    panel.energy.setValue(0)
    assert (panel.session.recipe.energy, panel.session.series.energy) == (None, 50e3)
    panel.session.undo()
    assert panel.session.series.energy == 80e3


def test_an_energy_that_nobody_knows_is_said_to_be_unknown(add_panel: Any, fakes: ModuleType) -> None:
    panel = add_panel(SeriesPanel)
    panel.workbench.open_series(fakes.make_series().with_energy(None))
    assert panel.energy.text() == "unknown"
    assert panel.stated_energy.text() == "not in the file"
