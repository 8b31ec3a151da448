from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt

from hrtem_app.gui.panels.series_panel import SeriesPanel
from hrtem_app.gui.recent import forget_recent, recent_files, remember, title


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HRTEM_APP_AUTOSAVE", str(tmp_path / "state"))
    return tmp_path


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    tifffile.imwrite(path, np.eye(32, dtype=np.float32))
    return path


def test_the_newest_comes_first_and_nothing_twice(folder: Path) -> None:
    first, second = _file(folder, "a.tif"), _file(folder, "b.tif")
    for paths in ([first], [first, second], [first]):
        remember(paths)
    assert recent_files() == ((first,), (first, second))


def test_ten_are_kept(folder: Path) -> None:
    paths = [_file(folder, f"{i}.tif") for i in range(12)]
    for path in paths:
        remember([path])
    assert recent_files() == tuple((path,) for path in reversed(paths[2:]))


def test_a_relative_path_is_found_from_anywhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _file(folder, "a.tif")
    monkeypatch.chdir(folder)
    remember(["a.tif"])
    monkeypatch.chdir(os.sep)
    assert recent_files() == ((folder / "a.tif",),)


def test_what_is_gone_is_not_offered(folder: Path) -> None:
    here, gone = _file(folder, "a.tif"), _file(folder, "b.tif")
    remember([gone])
    remember([here])
    gone.unlink()
    assert recent_files() == ((here,),)


@pytest.mark.parametrize("content", [b"", b"{", b'[["a.tif"], 3]', b"\xff\xfe"])
def test_a_damaged_list_is_an_empty_one(folder: Path, content: bytes) -> None:
    path = _file(folder, "a.tif")
    remember([path])
    next((folder / "state").glob("*.json")).write_bytes(content)
    assert recent_files() == ()
    remember([path])
    assert recent_files() == ((path,),)


def test_a_list_that_cannot_be_written_troubles_nobody(folder: Path) -> None:
    (folder / "state").write_text("a file where the folder should be")
    remember([_file(folder, "a.tif")])
    forget_recent()
    assert recent_files() == ()


def test_an_entry_names_its_file_its_folder_and_how_many_more() -> None:
    assert title([Path("/data/today/f1.tif")]) == "f1.tif, in today"
    assert title([Path("/data/today/f1.tif"), Path("/data/today/f2.tif")]) == "f1.tif and 1 more, in today"


def test_what_was_opened_can_be_opened_again_by_a_click(add_panel: Any, folder: Path, qtbot: Any) -> None:
    panel = add_panel(SeriesPanel)
    paths = [_file(folder, "first.tif"), _file(folder, "second.tif")]
    for path in paths:
        panel.workbench.open([path])
        qtbot.waitUntil(lambda name=path.stem: panel.session.series is not None and panel.session.series.name == name)
    panel.recent_menu.popup(panel.mapToGlobal(panel.rect().center()))
    entries = [action for action in panel.recent_menu.actions() if action.text().endswith(folder.name)]
    assert [entry.text().split(",")[0] for entry in entries] == ["second.tif", "first.tif"]
    where = panel.recent_menu.actionGeometry(entries[1]).center()
    qtbot.mouseClick(panel.recent_menu, Qt.MouseButton.LeftButton, pos=where)
    qtbot.waitUntil(lambda: panel.session.series.name == "first")


def test_what_cannot_be_opened_and_the_sample_are_not_remembered(add_panel: Any, folder: Path, qtbot: Any) -> None:
    panel = add_panel(SeriesPanel)
    broken = folder / "broken.tif"
    broken.write_bytes(b"II*\0 no image")
    panel.workbench.open([broken])
    qtbot.waitUntil(lambda: bool(panel.session.messages))
    panel.workbench.open_sample()
    qtbot.waitUntil(lambda: panel.session.series is not None)
    assert recent_files() == ()


def test_nothing_to_open_again_looks_like_it(add_panel: Any, folder: Path, qtbot: Any) -> None:
    panel = add_panel(SeriesPanel)
    assert not panel.recent_button.isEnabled()
    path = _file(folder, "first.tif")
    panel.workbench.open([path])
    qtbot.waitUntil(panel.recent_button.isEnabled)
    path.unlink()
    panel.recent_menu.refresh()
    assert [entry.isEnabled() for entry in panel.recent_menu.actions()] == [False]
