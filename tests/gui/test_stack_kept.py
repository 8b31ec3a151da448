"""A stack over time is kept whole: by a session file, and by the automatic saving when the window is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from hrtem_app.columns import ColumnTable
from hrtem_app.correction import Delete, Reclassify
from hrtem_app.gui.panels.series_panel import SeriesPanel, moved_alike
from hrtem_app.gui.panels.time_panel import TimePanel
from hrtem_app.imaging.shifting import shift_back
from hrtem_app.io import save_series
from hrtem_app.series import FocalSeries

DRIFT = ((0.0, 0.0), (2.0, -3.0), (5.0, 1.0))


@pytest.fixture
def film(fakes: ModuleType, tmp_path: Path) -> Path:
    """A file of three time points of three frames, whose content drifts."""
    series = fakes.make_series(size=128)
    frames = [shift_back(series.frames, [(-dy, -dx)] * 3) for dy, dx in DRIFT]
    path = tmp_path / "data" / "film.tif"
    path.parent.mkdir()
    save_series(FocalSeries(np.concatenate(frames), series.sampling, series.defocus * 3, series.energy), path)
    return path


@pytest.fixture
def runs(networks: None, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the series that were analysed; columns lie where the content of each time point does."""
    from hrtem_app.timelapse import analyse

    names: list[str] = []

    def steps(series: FocalSeries, recipe: Any) -> Generator[Any, None, Any]:
        names.append(series.name)
        analysis = yield from fakes.fake_steps(series, recipe)
        table: ColumnTable = analysis.table
        return replace(
            analysis, table=replace(table, positions=table.positions + np.array(DRIFT[int(series.name[-1])]))
        )

    monkeypatch.setattr(analyse, "analysis_steps", steps)
    return names


def linked(panel: TimePanel, qtbot: Any) -> Any:
    """What is linked, once all time points are, as they are now."""
    over_time = panel.over_time

    def is_there() -> bool:
        summary = over_time.columns.summary
        tables = [held.table for held in over_time._held]
        return summary is not None and [o.table for o in summary.observations] == tables

    qtbot.waitUntil(lambda: "analyse" not in panel.session.busy and over_time.done == 3)
    qtbot.waitUntil(is_there)
    return over_time.columns.summary


def go_to(panel: TimePanel, qtbot: Any, number: int) -> None:
    panel.slider.setValue(number)
    qtbot.waitUntil(lambda: panel.over_time.current == number)


@pytest.fixture
def panel(add_panel: Any, runs: list[str], film: Path, qtbot: Any) -> TimePanel:
    """All are analysed, and corrected in the first and the last, which is on screen; an edit was taken back."""
    panel: TimePanel = add_panel(TimePanel)
    panel.over_time.open([film], 3, "time", 2.0)
    qtbot.waitUntil(lambda: panel.over_time.current == 0)
    qtbot.mouseClick(panel.run_button, Qt.MouseButton.LeftButton)
    linked(panel, qtbot)
    session = panel.session
    for number in (0, 2):
        go_to(panel, qtbot, number)
        ids = session.table.ids.tolist()  # type: ignore[union-attr]
        session.correct(Reclassify(ids=tuple(ids[: number + 1]), class_name="1S"))
        session.correct(Delete(ids=(ids[9],)))
        session.correct(Delete(ids=(ids[11],)))
        session.undo()
    panel.smooth.setChecked(True)
    linked(panel, qtbot)
    return panel


def saved(panel: TimePanel, path: Path, qtbot: Any) -> Path:
    panel.workbench.keeper.save(path)
    qtbot.waitUntil(lambda: any("saved to" in m.text for m in panel.session.messages))
    return path


def in_another_window(kind: type, qtbot: Any) -> Any:
    """A panel of a new workbench."""
    from napari.components import ViewerModel

    panel = kind(ViewerModel())
    qtbot.addWidget(panel)
    with qtbot.wait_exposed(panel):
        panel.show()
    return panel


def check_same(first: TimePanel, second: TimePanel, qtbot: Any) -> None:
    """Whether another window shows the same stack, with the same corrections, linked alike."""
    before, after = linked(first, qtbot), linked(second, qtbot)
    assert second.slider.value() == second.over_time.current == first.over_time.current
    assert second.where.text() == first.where.text()
    for old, new in zip(first.over_time._held, second.over_time._held, strict=True):
        assert new.table.rows() == old.table.rows()  # type: ignore[union-attr]
        assert new.corrections.edits == old.corrections.edits  # type: ignore[union-attr]
        assert new.corrections.can_redo == old.corrections.can_redo  # type: ignore[union-attr]
        assert new.observation.drift == old.observation.drift  # type: ignore[union-attr]
        assert np.array_equal(new.series.frames, old.series.frames)  # type: ignore[union-attr]
    assert np.array_equal(after.tracks.classes, before.tracks.classes)
    assert np.array_equal(after.tracks.drift, before.tracks.drift)
    # Some of what is counted may be NaN, which is not equal to itself.
    assert repr((after.counts, after.rates)) == repr((before.counts, before.rates))
    assert (after.events, after.times) == (before.events, before.times)


def test_a_session_file_holds_the_whole_stack(panel: TimePanel, runs: list[str], qtbot: Any, tmp_path: Path) -> None:
    path = saved(panel, tmp_path / "film.hrtem", qtbot)
    runs.clear()
    other = in_another_window(TimePanel, qtbot)
    other.workbench.open([path])
    qtbot.waitUntil(lambda: other.over_time.current == 2)
    check_same(panel, other, qtbot)
    assert other.smooth.isChecked()
    assert "3 of 3 time points are done" in other.said.text()
    # Its maps lie on the disk, as those of a stack that was just analysed do.
    for held in other.over_time._held:
        maps = next(iter(held.analysis.networks.values())).probabilities
        assert not maps.flags.owndata
        assert held.analysis.series.frames is held.series.frames
    # Work goes on: undo of what was corrected, at each time point, and nothing is run again.
    go_to(other, qtbot, 0)
    assert other.session.corrections.undo_text == panel.over_time._held[0].corrections.undo_text != ""  # type: ignore[union-attr]
    other.session.correct(Delete(ids=(int(other.session.table.ids[5]),)))
    go_to(other, qtbot, 2)
    other.session.undo()
    assert other.over_time.current == 0
    qtbot.mouseClick(other.run_button, Qt.MouseButton.LeftButton)
    linked(other, qtbot)
    assert runs == []
    other.workbench.close()
    assert other.over_time._shelf is None


def test_a_film_that_was_moved_is_asked_for_once(
    panel: TimePanel, film: Path, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(panel, tmp_path / "film.hrtem", qtbot)
    moved = film.rename(tmp_path / "elsewhere.tif")
    asked = []

    def choose(_: Any, title: str, *__: Any) -> tuple[str, str]:
        asked.append(title)
        return str(moved), ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", choose)
    series = in_another_window(SeriesPanel, qtbot)
    series.workbench.open([path])
    qtbot.waitUntil(lambda: series.workbench.over_time.current == 2)
    assert asked == ["Where is film.tif now?"]
    assert len(series.workbench.over_time) == series.workbench.over_time.done == 3
    series.workbench.close()


def test_files_that_were_moved_together_are_asked_for_once(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new" / "place"
    for name in ("t0/a.tif", "t1/a.tif"):
        (new / name).parent.mkdir(parents=True)
        (new / name).write_bytes(b"x")
    found = {old / "t0" / "a.tif": new / "t0" / "a.tif"}
    assert moved_alike(old / "t1" / "a.tif", found) == new / "t1" / "a.tif"
    assert moved_alike(old / "t2" / "a.tif", found) is None
    assert moved_alike(tmp_path / "other" / "a.tif", found) is None
    # Where it was, it was not found.
    assert moved_alike(new / "t1" / "a.tif", {new / "t1" / "b.tif": new / "t1" / "c.tif"}) is None


def test_two_panels_show_one_stack(panel: TimePanel, qtbot: Any) -> None:
    second = TimePanel(panel.workbench.viewer)
    qtbot.addWidget(second)
    assert second.over_time is panel.over_time
    assert second.smooth.isChecked()


def test_a_session_of_one_point_is_read_by_napari(panel: TimePanel, qtbot: Any, tmp_path: Path) -> None:
    from hrtem_app.gui.plugin.reader import get_reader

    path = str(saved(panel, tmp_path / "film.hrtem", qtbot))
    reader = get_reader(path)
    assert reader is not None
    image, columns = reader(path)
    assert np.array_equal(image[0], panel.session.series.frames)  # type: ignore[union-attr]
    assert np.array_equal(columns[0], panel.session.table.positions)  # type: ignore[union-attr]


_KILLED = """
import os, sys, signal
from napari.components import ViewerModel
from qtpy.QtWidgets import QApplication
app = QApplication([])
import importlib.util
spec = importlib.util.spec_from_file_location("fakes", sys.argv[1])
fakes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fakes)
import time
from pathlib import Path
from hrtem_app.timelapse import analyse
from hrtem_app.gui.workbench import Workbench
from hrtem_app.correction import Delete
analyse.analysis_steps = fakes.fake_steps
bench = Workbench.of(ViewerModel())
def wait(ready):
    while not ready():
        app.processEvents()
        time.sleep(0.01)
bench.over_time.open([Path(sys.argv[2])], 3, "time", 2.0)
wait(lambda: bench.over_time.current == 0)
bench.over_time.run()
wait(lambda: bench.over_time.done == 3 and "analyse" not in bench.session.busy)
for number in (1, 2):
    bench.over_time.go_to(number)
    wait(lambda: bench.over_time.current == number)
    for each in range(number):
        bench.session.correct(Delete(ids=(int(bench.session.table.ids[0]),)))
bench.keeper._autosave.flush()
print("ready", len(bench.session.analysis.table), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_kill_leaves_the_whole_stack(film: Path, fakes: ModuleType, tmp_path: Path, add_panel: Any, qtbot: Any,
                                       runs: list[str]) -> None:  # fmt: skip
    script = tmp_path / "killed.py"
    script.write_text(_KILLED, encoding="utf-8")
    command = [sys.executable, str(script), str(fakes.__file__), str(film)]
    # What Qt writes into pipes of its own is no concern of this test.
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    killed = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    count = int(killed.stdout.split()[-1])
    series = add_panel(SeriesPanel)
    assert "3 corrections" in series.recovery.text.text()
    qtbot.mouseClick(series.recovery.restore_button, Qt.MouseButton.LeftButton)
    over_time = series.workbench.over_time
    qtbot.waitUntil(lambda: over_time.current == 2)
    assert over_time.done == 3
    assert [count - len(held.table) for held in over_time._held] == [0, 1, 2]
    assert [held.corrections.position for held in over_time._held] == [0, 1, 2]
    time = add_panel(TimePanel)
    summary = linked(time, qtbot)
    assert [len(observation.table) for observation in summary.observations] == [count, count - 1, count - 2]
    assert runs == []
