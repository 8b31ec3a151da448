"""An autosave outlives its process whenever that dies, is offered once, and is gone after a clean end."""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from hrtem_app.columns import ColumnTable
from hrtem_app.correction import Corrections, Review
from hrtem_app.io import load_series
from hrtem_app.series import FocalSeries
from hrtem_app.sessions import Autosave, MissingSourceError, SessionContent, SessionError, discard, owners, pending
from hrtem_app.sessions.autosave_folder import AutosaveFolder
from hrtem_app.sessions.pending import claim

EDITOR = Path(__file__).with_name("editor.py")
NOBODY = 999_999_999


@pytest.fixture
def memory_content():
    """A small session whose frames are in no file."""
    rng = np.random.default_rng(0)
    table = ColumnTable(rng.random((30, 2)), rng.integers(0, 3, 30), 0.2, rng.integers(1, 4, 30), rng.random(30))
    corrections = Corrections.begin(table).do(Review(ids=(1,))).do(Review(ids=(2,))).undo()
    return SessionContent(FocalSeries(rng.random((2, 12, 12)), name="in memory"), corrections=corrections)


@pytest.fixture
def dead():
    """Leaves a state in a folder as a process would that died."""

    def leave(root: Path, content: SessionContent) -> Path:
        folder = AutosaveFolder.create(root)
        folder.write(content)
        token, _, rest = folder.path.name.split("-", 2)
        return folder.path.rename(root / f"{token}-{NOBODY}-{rest}")

    return leave


def folders(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
def test_what_comes_back_after_a_kill_is_one_of_the_last_states(tmp_path, all_bits):
    editor = runpy.run_path(str(EDITOR))
    rng = np.random.default_rng(0)
    with subprocess.Popen(
        [sys.executable, EDITOR], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        for number in range(12):
            root = tmp_path / str(number)
            program.stdin.write(f"{root}\n")
            program.stdin.flush()
            lines = [program.stdout.readline()]
            while not lines[-1].startswith("child"):
                lines.append(program.stdout.readline())
            lines.append(program.stdout.readline())
            time.sleep(rng.uniform(0, 0.4))
            os.kill(int(next(line for line in lines if line.startswith("child")).split()[1]), signal.SIGKILL)
            while lines[-1] != "dead\n":
                lines.append(program.stdout.readline())
            states = [int(line) for line in lines if line.strip().isdigit()]
            assert len(lines) == len(states) + 2, lines
            (entry,) = pending(root)
            autosave = Autosave(root)
            back = autosave.take(entry)
            state = back.view["state"]
            assert max(states) <= state <= max(states) + editor["WAIT"]
            assert entry.edits == state % editor["RUN"]
            wanted = SessionContent(
                editor["series"](state // editor["RUN"]),
                corrections=editor["corrections"](state),
                view={"state": state},
            )
            assert all_bits(back) == all_bits(wanted)
            # What the killed one left half-written goes with the next state.
            autosave.note(replace(back, view={}))
            autosave.flush()
            (folder,) = root.iterdir()
            named = json.loads((folder / "state.json").read_text())["files"].values()
            assert folders(folder) == sorted([*named, "state.json"])
            autosave.close()
            assert folders(root) == []
        program.stdin.close()


def test_large_things_are_written_once(content, corrected, tmp_path, all_bits):
    with_results = replace(content, corrections=corrected(content.analysis.table))
    autosave = Autosave(tmp_path)
    autosave.note(with_results)
    assert autosave.flush()
    (folder,) = tmp_path.iterdir()
    (large,) = folder.glob("*.zip")
    stamp = large.stat().st_ino, large.stat().st_mtime_ns
    more = replace(with_results, corrections=with_results.corrections.redo(), view={"zoom": 3})
    autosave.note(more)
    assert autosave.flush()
    assert [(p.stat().st_ino, p.stat().st_mtime_ns) for p in folder.glob("*.zip")] == [stamp]
    assert all_bits(AutosaveFolder(folder).read()) == all_bits(more)
    other = replace(content.analysis, seconds={"all": 1.0})
    autosave.note(replace(content, analysis=other, corrections=None))
    assert autosave.flush()
    # An undo leads back to the first results, which somebody holds.
    assert large.exists()
    assert len(list(folder.glob("*.zip"))) == 2
    del other
    autosave.note(more)
    assert autosave.flush()
    assert [(p.stat().st_ino, p.stat().st_mtime_ns) for p in folder.glob("*.zip")] == [stamp]
    autosave.close()
    assert folders(tmp_path) == []


def test_a_state_that_cannot_be_written_is_told_once(tmp_path, memory_content, monkeypatch):
    told = []
    root = tmp_path / "root"
    root.write_text("a file in the way")
    autosave = Autosave(root, told.append)
    for _ in range(3):
        autosave.note(memory_content)
        assert autosave.flush()
    assert len(told) == 1
    assert str(root) in told[0]
    assert "save it by hand" in told[0]
    assert autosave.problem == told[0]
    root.unlink()
    autosave.note(memory_content)
    assert autosave.flush()
    assert autosave.problem == ""
    (folder,) = root.iterdir()
    before = (folder / "state.json").read_bytes()

    def no_room(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)
    autosave.note(replace(memory_content, series=replace(memory_content.series)))
    assert autosave.flush()
    assert len(told) == 2
    assert "No space left" in told[1]
    assert (folder / "state.json").read_bytes() == before
    monkeypatch.undo()
    # Somebody cleaned up: it begins anew.
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    autosave.note(memory_content)
    assert autosave.flush()
    assert autosave.problem == ""
    assert len(folders(root)) == 1
    autosave.close()
    autosave.note(memory_content)
    assert autosave.flush()
    assert folders(root) == []


def test_only_what_nobody_works_on_is_offered(tmp_path, memory_content, dead, monkeypatch):
    assert pending(tmp_path / "nothing") == ()
    mine = Autosave(tmp_path)
    mine.note(memory_content)
    mine.flush()
    assert pending(tmp_path) == ()
    (own,) = folders(tmp_path)
    dead(tmp_path, memory_content)
    dead(tmp_path, replace(memory_content, series=replace(memory_content.series, name="newer"), corrections=None))
    (tmp_path / "notes.txt").write_text("not ours")
    (tmp_path / own.replace(str(os.getpid()), str(NOBODY))).mkdir()
    found = pending(tmp_path)
    assert [(entry.series, entry.edits) for entry in found] == [("newer", 0), ("in memory", 1)]
    assert all(abs(entry.when.timestamp() - time.time()) < 600 for entry in found)
    # The one that held nothing was removed, nothing else.
    assert len(folders(tmp_path)) == 4
    monkeypatch.setenv("HRTEM_APP_AUTOSAVE", str(tmp_path))
    discard(pending()[0])
    assert [entry.series for entry in pending()] == ["in memory"]
    mine.close()


def test_a_number_that_went_to_another_process_is_no_owner(tmp_path, memory_content):
    folder = AutosaveFolder.create(tmp_path)
    folder.write(memory_content)
    token, pid, started, uptime, host = folder.path.name.split("-", 4)
    assert int(pid) == os.getpid()

    def named(*parts: object) -> int:
        nonlocal folder
        folder = AutosaveFolder(folder.path.rename(tmp_path / "-".join(map(str, parts))))
        return len(pending(tmp_path))

    assert named(token, pid, started, uptime, host) == 0
    # The clock was set, or the jiffies were rounded another way.
    assert named(token, pid, int(started) - 3600, uptime, host) == 0
    assert named(token, pid, started, int(uptime) + 50, host) == 0
    assert named(token, pid, int(started) - 3600, int(uptime) + 50, host) == 1
    # Of another computer.
    assert named(token, NOBODY, 1, 1, "another") == 0
    os.utime(folder.path / "state.json", (1, time.time() - 25 * 3600))
    assert named(token, NOBODY, 1, 1, "another") == 1


def test_of_two_windows_one_gets_it(tmp_path, memory_content, dead, all_bits):
    dead(tmp_path, memory_content)
    (entry,) = pending(tmp_path)
    first, second = Autosave(tmp_path), Autosave(tmp_path)
    assert all_bits(first.take(entry)) == all_bits(memory_content)
    assert pending(tmp_path) == ()
    for late in (lambda: second.take(entry), lambda: claim(entry), lambda: discard(entry)):
        with pytest.raises(SessionError, match="'in memory' cannot be taken"):
            late()
    # Nobody went on with it.
    first.close()
    assert pending(tmp_path) == (entry,)
    assert all_bits(second.take(entry)) == all_bits(memory_content)
    second.close()


def test_what_was_taken_stays_until_it_is_gone_on_with(tmp_path, memory_content, dead, all_bits):
    path = dead(tmp_path, memory_content)
    kept = {name: (path / name).read_bytes() for name in folders(path)}
    other = SessionContent(FocalSeries(np.ones((1, 8, 8)) * np.arange(8), name="other"))
    autosave = Autosave(tmp_path)
    autosave.note(other)
    autosave.flush()
    before = folders(tmp_path)
    back = autosave.take(pending(tmp_path)[0])
    autosave.note(replace(other, view={"still": "open"}))
    autosave.flush()
    (taken,) = set(folders(tmp_path)) - set(before)
    assert {name: (tmp_path / taken / name).read_bytes() for name in kept} == kept
    autosave.note(replace(back, corrections=back.corrections.redo()))
    autosave.flush()
    assert folders(tmp_path) == [taken]
    again = AutosaveFolder(tmp_path / taken).read()
    assert again.corrections.position == 2
    # Frames and table are those that were there.
    assert {n for n in folders(tmp_path / taken) if n.endswith("zip")} == {n for n in kept if n.endswith("zip")}
    autosave.close()
    assert folders(tmp_path) == []


def test_sources_that_are_missing_leave_it_pending(tmp_path, files, dead, all_bits):
    content = SessionContent(load_series(files))
    root = tmp_path / "root"
    path = dead(root, content)
    moved = files[0].rename(tmp_path / "moved.tif")
    autosave = Autosave(root)
    (entry,) = pending(root)
    with pytest.raises(MissingSourceError) as caught:
        autosave.take(entry)
    assert caught.value.missing[0].path == files[0]
    assert pending(root) == (entry,)
    assert entry.folder == path
    back = autosave.take(entry, {files[0]: moved})
    assert np.array_equal(back.series.frames, content.series.frames)
    autosave.note(back)
    autosave.flush()
    (folder,) = root.iterdir()
    # The new place is remembered.
    assert AutosaveFolder(folder).read().series.sources[0].path == moved
    autosave.close()


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: (path / "state.json").write_text("{"),
        lambda path: (path / "state.json").write_text("[]"),
        lambda path: [file.write_bytes(file.read_bytes()[:-9]) for file in path.glob("*.zip")],
        lambda path: [file.unlink() for file in path.glob("*.zip")],
        lambda path: (path / "state.json").write_text((path / "state.json").read_text().replace(".zip", "/../x.zip")),
    ],
)
def test_damage_is_no_crash_and_nothing_is_thrown_away(tmp_path, memory_content, dead, harm):
    path = dead(tmp_path, memory_content)
    harm(path)
    autosave = Autosave(tmp_path)
    for entry in pending(tmp_path):
        with pytest.raises(SessionError, match=r"state\.json"):
            autosave.take(entry)
    autosave.close()
    assert folders(tmp_path) == [path.name]


def test_the_own_process_lives():
    assert owners.is_orphan(Path(owners.own_name()), 0.0) is False
    assert owners.is_orphan(Path("some folder"), 0.0) is False
    assert psutil.Process().pid == int(owners.own_name().split("-")[1])


def test_asking_for_autosaves_loads_nothing_slow():
    code = "import sys; from hrtem_app.sessions import pending, Autosave; pending('/nowhere'); Autosave('/nowhere')"
    code += "; sys.exit(' '.join({'torch', 'skimage', 'scipy', 'rsciio', 'napari'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True).stderr.strip() == ""
