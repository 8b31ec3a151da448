"""Nothing is lost: session files, and what a killed window leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from hrtem_app.gui.panels.series_panel import SeriesPanel
from hrtem_app.resources import sample_path

_KILLED = """
import os, runpy, signal, sys
from napari.components import ViewerModel
from qtpy.QtWidgets import QApplication
app = QApplication([])
import importlib.util
spec = importlib.util.spec_from_file_location("fakes", sys.argv[1])
fakes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fakes)
from hrtem_app.gui.workbench import Workbench
from hrtem_app.io import load_series
from hrtem_app.resources import sample_path
bench = Workbench.of(ViewerModel())
series = load_series(sample_path())
bench.open_series(series)
bench.session.change_filter(radius=0.025)
steps = fakes.fake_steps(series, bench.session.recipe)
while True:
    try:
        next(steps)
    except StopIteration as end:
        bench.session.accept_analysis(end.value, series)
        break
bench.tools.select([5])
bench.tools.classify("1S")
bench.tools.select([9, 11])
bench.tools.delete()
bench.keeper._autosave.flush()
print("ready", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def crashed(tmp_path: Path, fakes: ModuleType) -> None:
    """A process with a window was killed in the middle of its work."""
    script = tmp_path / "killed.py"
    script.write_text(_KILLED, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script), str(fakes.__file__)], capture_output=True, text=True, check=False, env=os.environ
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert "ready" in done.stdout


def test_what_a_crash_left_is_offered_and_brought_back(
    crashed: None, add_panel: Any, qtbot: Any, tmp_path: Path
) -> None:
    panel = add_panel(SeriesPanel)
    session = panel.session
    assert panel.recovery.isVisible()
    assert "mos2_on_graphite" in panel.recovery.text.text()
    assert "2 corrections" in panel.recovery.text.text()
    qtbot.mouseClick(panel.recovery.restore_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: session.table is not None)
    assert session.recipe.filter.radius == 0.025
    assert session.table.class_names[5] == "1S"
    assert not {9, 11} & set(session.table.ids.tolist())
    assert len(session.analysis.table) == len(session.table) + 2
    assert np.array_equal(panel.workbench.layers.get("columns").data, session.table.positions)
    assert not panel.recovery.isVisible()
    # What was brought back is kept on; once it is saved, a proper end leaves nothing.
    panel.workbench.tools.select([3])
    panel.workbench.tools.classify("2S")
    saved(panel, tmp_path / "work.hrtem", qtbot)
    assert _autosaves()
    panel.workbench.close()
    assert not _autosaves()


def _autosaves() -> list[Path]:
    """What is kept automatically, of whatever process."""
    return [path for path in Path(os.environ["HRTEM_APP_AUTOSAVE"]).iterdir() if path.is_dir()]


def test_corrections_that_are_in_no_file_are_offered_after_a_proper_end_too(
    tmp_path: Path, fakes: ModuleType, add_panel: Any, qtbot: Any
) -> None:
    script = tmp_path / "closed.py"
    ending = 'bench.close()\nprint("ready", flush=True)\nos._exit(0)\n'
    script.write_text(_KILLED.partition("bench.keeper._autosave.flush()")[0] + ending, encoding="utf-8")
    subprocess.run([sys.executable, str(script), str(fakes.__file__)], check=True, env=os.environ)
    panel = add_panel(SeriesPanel)
    assert "'mos2_on_graphite' with 2 corrections" in panel.recovery.text.text()
    qtbot.mouseClick(panel.recovery.restore_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.session.table is not None)
    assert panel.session.table.class_names[5] == "1S"


def test_what_a_crash_left_asks_for_a_series_that_has_moved_since(
    tmp_path: Path, fakes: ModuleType, add_panel: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, moved = tmp_path / "mine.tif", tmp_path / "elsewhere" / "renamed.tif"
    source.write_bytes(sample_path().read_bytes())
    script = tmp_path / "killed.py"
    script.write_text(_KILLED.replace("load_series(sample_path())", f"load_series({str(source)!r})"), encoding="utf-8")
    subprocess.run([sys.executable, str(script), str(fakes.__file__)], check=False, env=os.environ)
    moved.parent.mkdir()
    source.rename(moved)
    asked, answers = [], ["", str(moved)]

    def choose(_: Any, title: str, start: str, *__: Any) -> tuple[str, str]:
        asked.append((title, start))
        return answers.pop(0), ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", choose)
    panel = add_panel(SeriesPanel)
    qtbot.mouseClick(panel.recovery.restore_button, Qt.MouseButton.LeftButton)
    # Who does not know where it is now is told what is missing, and can ask again.
    qtbot.waitUntil(lambda: any(m.level == "error" and "mine.tif" in m.text for m in panel.session.messages))
    assert panel.recovery.isVisible()
    qtbot.mouseClick(panel.recovery.restore_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.session.table is not None)
    assert asked == [("Where is mine.tif now?", str(tmp_path))] * 2
    assert panel.session.table.class_names[5] == "1S"
    assert not panel.recovery.isVisible()


def test_results_that_nobody_corrected_leave_nothing(panel: SeriesPanel) -> None:
    panel.session.undo()
    assert not panel.session.corrections.edits
    panel.workbench.keeper._autosave.flush()
    panel.workbench.close()
    assert not _autosaves()


def test_exported_corrections_leave_nothing_and_later_ones_do(panel: SeriesPanel, qtbot: Any, tmp_path: Path) -> None:
    panel.workbench.export(tmp_path / "out")
    qtbot.waitUntil(lambda: panel.session.exported is not None)
    keeper, last = panel.workbench.keeper, panel.workbench.keeper._last
    assert not keeper._has_unsaved_work(last)
    # Progress of what runs tells of the same table again and again, which must not push out those of other series.
    for _ in range(3):
        panel.session.set_busy("analyse", False)
    assert len(keeper._safe) == 1
    panel.workbench.tools.select([7])
    panel.workbench.tools.delete()
    panel.workbench.close()
    assert len(_autosaves()) == 1


def test_another_series_does_not_take_the_place_of_unsaved_corrections(
    panel: SeriesPanel, fakes: ModuleType, tmp_path: Path
) -> None:
    keeper = panel.workbench.keeper
    keeper._autosave.flush()
    panel.workbench.open_series(fakes.make_series(name="another"))
    keeper._autosave.flush()
    assert len(_autosaves()) == 2
    panel.session.undo()
    assert panel.session.series.name == "mine"
    keeper._autosave.flush()
    # What was set aside goes on, and the other series has nothing of a person's in it.
    assert len(_autosaves()) == 1
    panel.workbench.open_series(fakes.make_series(name="another"))
    panel.workbench.close()
    assert len(_autosaves()) == 1


def test_what_a_crash_left_can_be_deleted(crashed: None, add_panel: Any, qtbot: Any) -> None:
    panel = add_panel(SeriesPanel)
    qtbot.mouseClick(panel.recovery.discard_button, Qt.MouseButton.LeftButton)
    assert not panel.recovery.isVisible()
    from hrtem_app.sessions import pending

    assert pending() == ()


@pytest.fixture
def panel(add_panel: Any, networks: None, fakes: ModuleType, qtbot: Any, tmp_path: Path) -> Any:
    panel = add_panel(SeriesPanel)
    copy = tmp_path / "mine.tif"
    copy.write_bytes(sample_path().read_bytes())
    panel.workbench.open([copy])
    qtbot.waitUntil(lambda: panel.session.series is not None)
    panel.workbench.run()
    qtbot.waitUntil(lambda: panel.session.table is not None)
    panel.workbench.tools.select([4])
    panel.workbench.tools.classify("1S")
    panel.session.change_view(votes=2, hidden={"unet"})
    return panel


def saved(panel: SeriesPanel, path: Path, qtbot: Any) -> Path:
    panel.workbench.keeper.save(path)
    qtbot.waitUntil(lambda: any("saved to" in m.text for m in panel.session.messages))
    return path


def test_a_session_is_saved_and_opened(panel: SeriesPanel, fakes: ModuleType, qtbot: Any, tmp_path: Path) -> None:
    path = saved(panel, tmp_path / "work.hrtem", qtbot)
    before, view = panel.session.table, panel.session.view
    panel.workbench.open_series(fakes.make_series(name="another"))
    panel.workbench.open([path])
    qtbot.waitUntil(lambda: panel.session.table is not None)
    assert panel.session.table.rows() == before.rows()
    assert panel.session.view == view
    assert panel.session.corrections.undo_text == "make 1 column 1S"
    panel.session.undo()
    assert panel.session.series.name == "another"


def test_a_moved_series_is_asked_for(panel: SeriesPanel, fakes: ModuleType, qtbot: Any, tmp_path: Path,
                                     monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    path, table = saved(panel, tmp_path / "work.hrtem", qtbot), panel.session.table
    moved = tmp_path / "elsewhere" / "renamed.tif"
    moved.parent.mkdir()
    (tmp_path / "mine.tif").rename(moved)
    panel.workbench.open_series(fakes.make_series(name="another"))
    asked = []

    def choose(_: Any, title: str, *__: Any) -> tuple[str, str]:
        asked.append(title)
        return str(moved), ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", choose)
    panel.workbench.open([path])
    qtbot.waitUntil(lambda: panel.session.table is not None)
    assert asked == ["Where is mine.tif now?"]
    assert panel.session.table.rows() == table.rows()


def test_a_broken_session_file_loses_nothing(panel: SeriesPanel, qtbot: Any, tmp_path: Path) -> None:
    path = saved(panel, tmp_path / "work.hrtem", qtbot)
    path.write_bytes(path.read_bytes()[:2000])
    table = panel.session.table
    panel.workbench.open([path])
    qtbot.waitUntil(lambda: any(m.level == "error" and "work.hrtem" in m.text for m in panel.session.messages))
    assert panel.session.table is table
