from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QMessageBox

from hrtem_app.columns import ColumnTable
from hrtem_app.gui.panels.columns_panel import ColumnsPanel


@pytest.fixture
def panel(add_panel: Any, networks: None, fakes: ModuleType, qtbot: Any) -> Any:
    panel = add_panel(ColumnsPanel)
    panel.workbench.open_series(fakes.make_series())
    panel.workbench.run()
    qtbot.waitUntil(lambda: panel.session.analysis is not None)
    return panel


def test_counts_are_those_of_the_table(panel: ColumnsPanel) -> None:
    analysis = panel.session.analysis
    shown = [int(panel.table.number(row, 0)) for row in range(3)]
    assert shown == list(analysis.table.counts().values())
    unet = [int(panel.table.number(row, 1)) for row in range(4)]
    expected = list(analysis.networks["unet"].columns.counts().values())
    assert unet == [*expected, sum(expected)]


def test_the_votes_slider_hides_columns(panel: ColumnsPanel, qtbot: Any) -> None:
    panel.votes.setFocus()
    qtbot.keyClick(panel.votes, Qt.Key.Key_Right)
    qtbot.keyClick(panel.votes, Qt.Key.Key_Right)
    table, points = panel.session.analysis.table, panel.workbench.layers.get("columns")
    assert panel.session.view.votes == 3
    assert points.shown.sum() == (table.votes == 3).sum() < len(table)
    assert int(panel.table.number(3, 0)) == points.shown.sum()


def test_the_agreement_picture_follows_class_kind_and_networks(panel: ColumnsPanel) -> None:
    layer = panel.workbench.layers.get("agreement")
    panel.picture_box.click()
    assert layer.visible
    whole = layer.data.copy()
    panel.kind_box.setCurrentIndex(2)
    assert panel.session.view.kind == "unique"
    assert layer.data.sum() < whole.sum()
    panel.kind_box.setCurrentIndex(0)
    panel.networks["unet"].click()
    assert panel.session.view.hidden == {"unet"}
    assert layer.data[..., 0].max() == 0
    assert layer.data[..., 1].max() == 1
    panel.class_box.setCurrentIndex(2)
    assert panel.workbench.layers.get("map:unet_pp").data.sum() < whole.sum()


def test_check_boxes_follow_the_layer_list(panel: ColumnsPanel) -> None:
    panel.workbench.layers.get("columns").visible = False
    assert not panel.columns_box.isChecked()
    panel.columns_box.click()
    assert panel.workbench.layers.get("columns").visible


def test_export_writes_what_the_table_holds(
    panel: ColumnsPanel, tmp_path: Path, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: str(tmp_path / "results"))
    qtbot.mouseClick(panel.export_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(panel.messages.texts()))
    assert "written" in panel.messages.texts()[0]
    written = ColumnTable.from_csv(tmp_path / "results" / "columns.csv")
    assert written.class_names == panel.session.analysis.table.class_names


def test_a_folder_that_is_not_empty_is_asked_about(
    panel: ColumnsPanel, tmp_path: Path, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: str(tmp_path))
    monkeypatch.setattr(QMessageBox, "question", lambda *args: QMessageBox.StandardButton.No)
    qtbot.mouseClick(panel.export_button, Qt.MouseButton.LeftButton)
    assert "export" not in panel.session.busy
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_threshold_works_without_the_networks(panel: ColumnsPanel, qtbot: Any, monkeypatch: Any) -> None:
    import hrtem_app.analysis

    def never(*_: object) -> None:
        raise AssertionError("the networks were run")

    monkeypatch.setattr(hrtem_app.analysis, "analysis_steps", never)
    analysis, session = panel.session.analysis, panel.session
    panel.workbench.tools.select([3])
    panel.workbench.tools.classify("1S")
    for value in (0.7, 0.8, 0.9):
        panel.threshold.number.setValue(value)
    qtbot.waitUntil(lambda: session.analysis.recipe.columns.threshold == 0.9)
    assert not session.stale
    assert session.analysis.networks["unet"].probabilities is analysis.networks["unet"].probabilities
    assert len(session.table) < len(analysis.table)
    assert [m.level for m in session.messages if m.source == "correct"] == ["warning"]
    # One action takes the whole drag back, and the columns with it.
    session.undo()
    qtbot.waitUntil(lambda: session.analysis.recipe.columns.threshold == 0.5)
    assert session.analysis is analysis
    assert session.table.edited.sum() == 1


def test_classes_have_the_same_colours_as_in_figures() -> None:
    from hrtem_app.export.palette import CLASS_COLOURS
    from hrtem_app.gui import theme

    assert theme.CLASS_COLOURS == CLASS_COLOURS
