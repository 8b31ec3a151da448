"""Score: against corrections, files and simulations; never a number of another table unsaid."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QFileDialog

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.evaluation.hand_labelled import TableScore, Truth, score_table
from hrtem_app.gui.panels.score_panel import ScorePanel

SHAPE = (160, 160)
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(add_panel: Any, networks: None, fakes: ModuleType, qtbot: Any) -> Any:
    panel = add_panel(ScorePanel)
    panel.workbench.open_series(fakes.make_series())
    run(panel, qtbot)
    return panel


def run(panel: ScorePanel, qtbot: Any) -> None:
    panel.workbench.run()
    qtbot.waitUntil(lambda: panel.session.analysis is not None)


def true_table(fakes: ModuleType) -> ColumnTable:
    """The columns that the fakes' networks see almost."""
    positions, classes = fakes.columns(SHAPE)
    ones = np.ones(len(classes))
    return ColumnTable(positions, classes, fakes.SAMPLING, ones.astype(int), ones)


def make_1s(panel: ScorePanel, count: int, first: int = 0) -> None:
    table = panel.session.table
    rows = np.flatnonzero(table.classes == 1)[first : first + count]
    panel.workbench.tools.select(table.ids[rows].tolist())
    panel.workbench.tools.classify("1S")


def wait_for_score(panel: ScorePanel, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: panel.workbench.scoring.current() and panel.table.isEnabled())


def assert_shows(panel: ScorePanel, title: str, expected: TableScore) -> None:
    shown, score = panel.table.texts()[title], expected.score
    for name, value in {"F1": score.f1(), **{f"F1 {name}": f1 for name, f1 in score.class_f1().items()}}.items():
        assert shown[name] == ("-" if np.isnan(value) else f"{value:.4f}")
    for name in ("hits", "false", "missed"):
        assert shown[name] == f"{getattr(score, name).sum()}"
    error = score.position_error(expected.sampling)
    assert shown["error (pm)"] == ("-" if np.isnan(error) else f"{error:.2f}")


def assert_scores_against(panel: ScorePanel, truth: Truth) -> None:
    analysis = panel.session.analysis
    for result in analysis.networks.values():
        assert_shows(panel, result.card.title, score_table(result.columns, truth, SHAPE))
    assert_shows(panel, "Together", score_table(analysis.table, truth, SHAPE))


def test_corrections_are_a_truth_once_there_are_some(panel: ScorePanel, qtbot: Any) -> None:
    assert "Correct or review columns first" in panel.said.text()
    assert not panel.table.isVisible()
    make_1s(panel, 5)
    wait_for_score(panel, qtbot)
    assert_scores_against(panel, Truth(panel.session.table))
    assert float(panel.table.texts()["Together"]["F1"]) < 1
    assert "Corrected" not in panel.table.texts()
    counts = panel.session.table.counts()
    assert f"{counts['Mo']} Mo, {counts['2S']} 2S, {counts['1S']} 1S" in panel.said.text()
    column = list(panel.table.texts()).index("Together")
    row = list(panel.table.texts()["Together"]).index("F1 1S")
    score = score_table(panel.session.analysis.table, Truth(panel.session.table), SHAPE).score
    hits, pairs = score.confusion[2, 2], score.confusion[2, 1]
    tip = panel.table.item(row, column).toolTip()
    assert tip.startswith(f"Of {score.confusion[2].sum()} true 1S: ")
    assert f"{pairs} as 2S, {hits} as 1S" in tip


def test_a_score_is_stale_until_it_is_made_anew(panel: ScorePanel, qtbot: Any) -> None:
    make_1s(panel, 2)
    wait_for_score(panel, qtbot)
    before = panel.workbench.scoring.result
    make_1s(panel, 10)
    assert panel.workbench.scoring.result is before
    assert not panel.workbench.scoring.current()
    assert "Stale" in panel.said.text()
    assert not panel.table.isEnabled()
    wait_for_score(panel, qtbot)
    assert "Stale" not in panel.said.text()
    assert_scores_against(panel, Truth(panel.session.table))
    panel.session.undo()
    wait_for_score(panel, qtbot)
    assert panel.workbench.scoring.result.values() == before.values()


def test_nothing_is_scored_while_nobody_looks(panel: ScorePanel, qtbot: Any) -> None:
    make_1s(panel, 2)
    wait_for_score(panel, qtbot)
    panel.hide()
    make_1s(panel, 4)
    qtbot.wait(200)
    assert not panel.workbench.scoring.current()
    panel.show()
    wait_for_score(panel, qtbot)
    assert_scores_against(panel, Truth(panel.session.table))


def test_only_what_was_reviewed_is_judged(panel: ScorePanel, qtbot: Any) -> None:
    make_1s(panel, 6)
    wait_for_score(panel, qtbot)
    panel.reviewed_box.click()
    wait_for_score(panel, qtbot)
    truth = Truth(panel.session.table, reviewed_only=True)
    assert truth.judged.sum() == 6
    assert_scores_against(panel, truth)
    assert panel.table.texts()["Together"]["hits"] == "0"
    panel.reviewed_box.click()
    wait_for_score(panel, qtbot)
    assert_scores_against(panel, Truth(panel.session.table))


def test_a_dropped_table_is_shown_in_its_place_and_scored_against(
    panel: ScorePanel, fakes: ModuleType, tmp_path: Path, qtbot: Any, viewer: Any
) -> None:
    truth = true_table(fakes)
    truth.to_csv(tmp_path / "made by hand.csv")
    active = viewer.layers.selection.active
    assert fakes.drop(panel, [tmp_path / "made by hand.csv"])
    qtbot.waitUntil(lambda: panel.truth_box.currentText() == "made by hand.csv")
    wait_for_score(panel, qtbot)
    assert_scores_against(panel, Truth(truth))
    assert float(panel.table.texts()["U-net"]["F1"]) > 0.8
    layer, series = viewer.layers["made by hand"], viewer.layers["specimen"]
    np.testing.assert_allclose(layer.data, truth.positions, atol=1e-4)
    pixel = truth.positions[7]
    np.testing.assert_allclose(layer.data_to_world(pixel), series.data_to_world((0, *pixel))[-2:], rtol=1e-5)
    assert len({tuple(colour) for colour in layer.face_color[truth.classes == 0]}) == 1
    assert len({tuple(colour) for colour in layer.face_color}) == len(CLASSES)
    assert viewer.layers.selection.active is active
    # What a person corrected is scored as well, and found better.
    far = score_table(panel.session.table, Truth(truth), SHAPE).score
    wrong = np.flatnonzero(panel.session.table.classes == 2)[:3]
    panel.workbench.tools.select(panel.session.table.ids[wrong].tolist())
    panel.workbench.tools.delete()
    qtbot.waitUntil(lambda: "Corrected" in panel.table.texts() and panel.table.isEnabled())
    assert_shows(panel, "Corrected", score_table(panel.session.table, Truth(truth), SHAPE))
    assert score_table(panel.session.table, Truth(truth), SHAPE).score.f1() != far.f1()
    panel.truth_box.setCurrentIndex(0)
    wait_for_score(panel, qtbot)
    assert_scores_against(panel, Truth(panel.session.table))
    panel.workbench.open_series(fakes.make_series(name="another"))
    assert "made by hand" not in viewer.layers
    assert panel.truth_box.count() == 1
    panel.session.undo()
    assert panel.truth_box.count() == 2


def test_a_table_of_another_image_is_refused(
    panel: ScorePanel, fakes: ModuleType, tmp_path: Path, qtbot: Any, viewer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "other.csv"
    replace(true_table(fakes), sampling=0.3).to_csv(path)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    qtbot.mouseClick(panel.open_button, LEFT)
    qtbot.waitUntil(lambda: bool(panel.messages.texts()))
    assert "are of 0.3 Å/px and the open series is of 0.22" in panel.messages.texts()[0]
    assert "other" not in viewer.layers
    assert panel.truth_box.count() == 1
    path.write_text("x,y\n1,2\n")
    qtbot.mouseClick(panel.open_button, LEFT)
    qtbot.waitUntil(lambda: "is not a table of columns" in "".join(panel.messages.texts()))


def test_a_simulation_brings_its_truth(
    add_panel: Any, networks: None, fakes: ModuleType, tmp_path: Path, qtbot: Any
) -> None:
    from hrtem_app.io import save_series

    panel, truth = add_panel(ScorePanel), true_table(fakes)
    save_series(fakes.make_series(), tmp_path / "wave.tif")
    truth.to_csv(tmp_path / "wave-truth.csv")
    panel.workbench.open([tmp_path / "wave.tif"])
    qtbot.waitUntil(lambda: panel.truth_box.count() == 2)
    assert panel.truth_box.currentIndex() == 0
    run(panel, qtbot)
    panel.truth_box.setFocus()
    qtbot.keyClick(panel.truth_box, Qt.Key.Key_Down)
    wait_for_score(panel, qtbot)
    assert_scores_against(panel, Truth(truth))


def test_the_truth_in_an_npz_file(
    add_panel: Any, networks: None, fakes: ModuleType, tmp_path: Path, qtbot: Any
) -> None:
    panel, truth, series = add_panel(ScorePanel), true_table(fakes), fakes.make_series()
    np.savez(
        tmp_path / "wave.npz",
        image=series.frames,
        positions=truth.positions.astype(np.float32),
        cls=truth.classes.astype(np.int8),
        meta=np.array(json.dumps({"sampling": fakes.SAMPLING, "defocus": list(series.defocus)})),
    )
    panel.workbench.open([tmp_path / "wave.npz"])
    qtbot.waitUntil(lambda: panel.truth_box.count() == 2)
    run(panel, qtbot)
    panel.truth_box.setCurrentIndex(1)
    wait_for_score(panel, qtbot)
    assert panel.workbench.scoring.result.source == "wave.npz"
    known = replace(truth, positions=truth.positions.astype(np.float32).astype(float))
    assert_scores_against(panel, Truth(known))


def test_a_corrected_series_is_added_to_a_fine_tuning_set(
    panel: ScorePanel, tmp_path: Path, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hrtem_app.microscope.draw import MicroscopeSettings
    from hrtem_app.training.labelled import LabelledFolder

    make_1s(panel, 5)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "mine"))
    qtbot.mouseClick(panel.add_button, LEFT)
    qtbot.waitUntil(lambda: panel.added.isVisible())
    assert "1 labelled series: add another one" in panel.messages.texts()[0]
    first = (tmp_path / "mine" / "specimen.csv").read_bytes()
    make_1s(panel, 5)
    qtbot.mouseClick(panel.add_button, LEFT)
    qtbot.waitUntil(lambda: "now holds 2 labelled series." in "".join(panel.messages.texts()))
    assert (tmp_path / "mine" / "specimen.csv").read_bytes() == first
    folder = LabelledFolder(tmp_path / "mine")
    assert folder.names == ["specimen-2.tif", "specimen.tif"]
    series, table = panel.session.file_series, panel.session.table
    read = folder.recorded(0, MicroscopeSettings(sampling=(0.215, 0.235)), ())
    np.testing.assert_array_equal(read.frames, series.frames)
    np.testing.assert_allclose(read.positions, table.positions, atol=1e-4)
    np.testing.assert_array_equal(read.classes, table.classes)
    qtbot.mouseClick(panel.copy_button, LEFT)
    words = shlex.split(QGuiApplication.clipboard().text())
    assert words[:3] == ["hrtem-app", "train", "unet"]
    assert words[words.index("--data") + 1] == str(tmp_path / "mine")
    assert "--start" in words
