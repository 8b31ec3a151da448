"""Export: what is ticked is written, into the folder in the line, with the colours in use."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QDesktopServices, QGuiApplication
from qtpy.QtWidgets import QAbstractButton, QFileDialog, QMessageBox

from hrtem_app.columns import ColumnTable
from hrtem_app.correction import Review
from hrtem_app.correction.review import review_order
from hrtem_app.gui.exporting import ExportOptions, proposed_folder
from hrtem_app.gui.panels.export_panel import ExportPanel
from hrtem_app.series import FocalSeries, Source

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(add_panel: Any, networks: None, fakes: ModuleType, qtbot: Any) -> Any:
    panel = add_panel(ExportPanel)
    panel.workbench.open_series(fakes.make_series())
    panel.workbench.run()
    qtbot.waitUntil(lambda: panel.session.analysis is not None)
    return panel


def click(qtbot: Any, button: QAbstractButton) -> None:
    assert button.isEnabled()
    qtbot.mouseClick(button, LEFT)


def tick_only(qtbot: Any, panel: ExportPanel, *parts: str) -> None:
    for name, box in panel.parts.items():
        if box.isChecked() != (name in parts):
            box.click()


def shown_files(panel: ExportPanel) -> list[str]:
    return [panel.files.item(row).text() for row in range(panel.files.count())]


def correct(panel: ExportPanel) -> None:
    table = panel.session.table
    panel.workbench.tools.select(table.ids[np.flatnonzero(table.classes == 1)[:3]].tolist())
    panel.workbench.tools.classify("1S")
    assert panel.session.table.edited.sum() == 3


def test_everything_is_written_that_there_is(
    panel: ExportPanel, tmp_path: Path, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    correct(panel)
    panel.parts["scores"].click()
    panel.session.change_measure(votes=2)
    folder = tmp_path / "new" / "results"
    told = []
    panel.session.activity_changed.connect(lambda: told.append(panel.busy.text()))
    qtbot.keyClicks(panel.folder, str(folder))
    click(qtbot, panel.export_button)
    assert panel.busy.isVisible()
    assert not panel.export_button.isEnabled()
    qtbot.waitUntil(lambda: bool(panel.workbench.exported))
    assert not panel.busy.isVisible()
    names = shown_files(panel)
    assert f"writing {len(names)} of {len(names)}: analysis.json" in told
    assert sorted(names) == sorted(path.name for path in folder.iterdir())
    assert {"measurements.json", "measurements.csv", "score.json", "report.html", "agreement.pdf"} < set(names)
    assert f"{len(names)} files written to {folder}" in panel.messages.texts()
    table, written = panel.session.table, ColumnTable.from_csv(folder / "columns.csv")
    assert written.class_names == table.class_names
    np.testing.assert_array_equal(written.edited, table.edited)
    np.testing.assert_allclose(written.positions, table.positions, atol=1e-4)
    check_numbers(panel, folder)
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    click(qtbot, panel.open_button)
    assert opened == [str(folder)]


def check_numbers(panel: ExportPanel, folder: Path) -> None:
    """Measurements and scores are those of the corrected table and of the settings as they are now."""
    from hrtem_app.evaluation.hand_labelled import Truth, score_table
    from hrtem_app.measure import MeasureSettings, measure

    table, analysis = panel.session.table, panel.session.analysis
    measured = measure(table, settings=MeasureSettings(votes=2), image_shape=(160, 160))
    assert (folder / "measurements.json").read_text(encoding="utf-8") == measured.to_json() + "\n"
    scores = json.loads((folder / "score.json").read_text(encoding="utf-8"))
    for name, result in analysis.networks.items():
        assert scores["tables"][name] == score_table(result.columns, Truth(table), (160, 160)).values()
    found = score_table(analysis.table, Truth(table), (160, 160))
    assert scores["tables"]["sites"] == found.values()
    assert found.score.f1() < 1
    record = json.loads((folder / "analysis.json").read_text(encoding="utf-8"))
    assert record["recipe"]["measure"]["votes"] == 2
    assert record["corrections"]["reclassified"] == 3
    assert scores["checked_by_a_person"] == {"columns": 3, "of": len(table)}


def test_only_what_is_ticked_is_written_with_the_colours_in_use(
    panel: ExportPanel, tmp_path: Path, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hrtem_app.export.results as results
    from hrtem_app.export.drawing import new_figure

    asked = []

    def draw(analysis: object, equal_dots: bool, palette: str, vector: bool = False) -> object:
        asked.append((equal_dots, palette, vector))
        return new_figure(1, 1)

    monkeypatch.setattr(results, "agreement_figure", draw)
    tick_only(qtbot, panel, "png", "xyz")
    panel.palette_box.setCurrentIndex(1)
    panel.equal_dots.click()
    assert (panel.session.view.palette, panel.session.view.equal_dots) == ("colour-blind", True)
    panel.folder.setText(str(tmp_path / "out"))
    click(qtbot, panel.export_button)
    qtbot.waitUntil(lambda: bool(panel.workbench.exported))
    assert shown_files(panel) == ["columns.xyz", "agreement.png", "analysis.json"]
    assert asked == [(True, "colour-blind", False)]
    tick_only(qtbot, panel)
    assert not panel.export_button.isEnabled()


def test_without_a_folder_it_is_asked_for(
    panel: ExportPanel, tmp_path: Path, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tick_only(qtbot, panel, "tables")
    # The files of the series have no folder in their names.
    monkeypatch.chdir(tmp_path)
    proposed = tmp_path / f"{panel.session.series.name}-results"
    filled_in = []

    def answer(accept: bool) -> Any:
        def run(dialog: QFileDialog) -> bool:
            filled_in.append(Path(dialog.selectedFiles()[0]))
            return accept

        return run

    monkeypatch.setattr(QFileDialog, "exec", answer(False))
    assert not panel.ask_and_export()
    assert "export" not in panel.session.busy
    assert not proposed.exists()
    monkeypatch.setattr(QFileDialog, "exec", answer(True))
    assert panel.ask_and_export()
    qtbot.waitUntil(lambda: bool(panel.workbench.exported))
    assert panel.folder.text() == str(proposed)
    assert (proposed / "columns.csv").exists()
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.No)
    assert not panel.ask_and_export()
    assert filled_in == [proposed] * 3


def test_the_folder_that_is_proposed_lies_beside_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hrtem_app.resources import sample_path

    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    frames = np.zeros((1, 8, 8), np.float32)
    mine = FocalSeries(frames, 0.2, name="a: b/c", sources=(Source(str(tmp_path / "data.tif"), None),))
    assert proposed_folder(mine) == tmp_path / "a-b-c-results"
    sample = FocalSeries(frames, 0.2, name="sample", sources=(Source(str(sample_path()), None),))
    assert proposed_folder(sample) == tmp_path / "home" / "sample-results"


def test_a_folder_that_is_not_empty_is_asked_about(
    panel: ExportPanel, tmp_path: Path, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    tick_only(qtbot, panel, "tables")
    panel.folder.setText(str(tmp_path))
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.No)
    click(qtbot, panel.export_button)
    assert "export" not in panel.session.busy
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    click(qtbot, panel.export_button)
    qtbot.waitUntil(lambda: bool(panel.workbench.exported))
    assert (tmp_path / "mine.txt").read_text() == "keep me"
    assert (tmp_path / "columns.csv").exists()


def test_what_cannot_be_written_is_said(panel: ExportPanel, tmp_path: Path, qtbot: Any) -> None:
    (tmp_path / "file").write_text("")
    tick_only(qtbot, panel, "tables")
    panel.folder.setText(str(tmp_path / "file"))
    click(qtbot, panel.export_button)
    qtbot.waitUntil(lambda: any("is a file: give a folder" in text for text in panel.messages.texts()))
    assert panel.export_button.isEnabled()
    assert not panel.files.isVisible()


def test_scores_can_be_written_only_against_a_truth(panel: ExportPanel) -> None:
    assert not panel.parts["scores"].isEnabled()
    assert "scores" not in panel.options().parts
    correct(panel)
    assert panel.parts["scores"].isEnabled()
    assert "scores" not in panel.options().parts
    assert "review every disputed column" in panel.parts["scores"].toolTip()
    panel.session.undo()
    assert not panel.parts["scores"].isEnabled()


def test_scores_are_written_by_default_only_where_the_truth_was_checked(panel: ExportPanel, qtbot: Any) -> None:
    correct(panel)
    waits = review_order(panel.session.table).tolist()
    assert waits
    panel.session.correct(Review(ids=tuple(waits[1:])) if waits[1:] else Review(ids=(waits[0],)))
    if waits[1:]:
        assert "scores" not in panel.options().parts
        panel.session.correct(Review(ids=(waits[0],)))
    assert "scores" in panel.options().parts
    assert ExportOptions().scores(panel.workbench.scoring.task())
    panel.session.undo()
    assert "scores" not in panel.options().parts
    assert not ExportOptions().scores(panel.workbench.scoring.task())
    # What a person ticks stays, until another series is open.
    click(qtbot, panel.parts["scores"])
    panel.session.correct(Review(ids=(waits[0],), reviewed=False))
    assert "scores" in panel.options().parts


def test_the_command_is_that_of_the_series_and_the_recipe(panel: ExportPanel, tmp_path: Path, qtbot: Any) -> None:
    panel.session.change(sampling=0.23)
    assert "Stale" in panel.said.text()
    panel.folder.setText(str(tmp_path / "out"))
    click(qtbot, panel.copy_button)
    words = shlex.split(QGuiApplication.clipboard().text())
    assert words[:2] == ["hrtem-app", "analyse"]
    assert [Path(word).name for word in words[2:5]] == ["focus_0.dm3", "focus_1.dm3", "focus_2.dm3"]
    assert words[words.index("--out") + 1] == str(tmp_path / "out")
    assert "--sampling=0.23" in words


def test_docks_in_a_strange_viewer_leave_nothing_behind(
    make_napari_viewer: Any, fakes: ModuleType, networks: None, qtbot: Any, settled: None
) -> None:
    from hrtem_app.gui.panels.score_panel import ScorePanel

    viewer = make_napari_viewer()
    panels = [ScorePanel(viewer), ExportPanel(viewer)]
    for panel in panels:
        viewer.window.add_dock_widget(panel, name=type(panel).__name__)
    score, export = panels
    assert score.session is export.session
    score.workbench.open_series(fakes.make_series())
    score.workbench.run()
    qtbot.waitUntil(lambda: score.session.analysis is not None)
    correct(export)
    score.workbench.scoring.request()
    qtbot.waitUntil(score.workbench.scoring.current)
    for panel in panels:
        viewer.window.remove_dock_widget(panel)
        panel.deleteLater()
