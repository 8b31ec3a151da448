"""A stack over time comes back with all its time points, and is on the disk while somebody works on it."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hrtem_app.correction import Corrections, Delete, Reclassify
from hrtem_app.io import load_series, save_series
from hrtem_app.recipe import MeasureSettings, Recipe
from hrtem_app.series import FocalSeries
from hrtem_app.sessions import (
    Autosave,
    MissingSourceError,
    SessionContent,
    SessionError,
    StackContent,
    StackPoint,
    load_session,
    pending,
    save_session,
)
from hrtem_app.sessions.autosave_folder import AutosaveFolder
from hrtem_app.timelapse import points_of_files, put_together, split
from hrtem_app.timelapse.image_drift import ImageDrift
from hrtem_app.timelapse.observation import observed
from hrtem_app.timelapse.shelf import Shelf

EDITOR = Path(__file__).with_name("stack_editor.py")
NOBODY = 999_999_999
POINTS = 4


@pytest.fixture(scope="module")
def film(made_files: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four time points of three frames in one file."""
    series, rng = load_series(made_files), np.random.default_rng(5)
    noise = rng.normal(0, 0.5, (3 * POINTS, *series.shape))
    frames = np.concatenate([series.frames] * POINTS) + noise.astype(np.float32)
    path = tmp_path_factory.mktemp("film") / "film.tif"
    save_series(FocalSeries(frames, series.sampling, series.defocus * POINTS, 80e3), path)
    return path


@pytest.fixture(scope="module")
def analyses(film: Path, analysed: Callable[[FocalSeries], object]) -> list[object]:
    """What the networks say of the first three time points."""
    return [analysed(point.load()) for point in split(load_series(film), 3)[:3]]


def corrected(table, number: int) -> Corrections:
    """Another history at each time point, with an edit that was taken back."""
    ids = table.ids.tolist()
    history = Corrections.begin(table).do(Delete(ids=tuple(ids[: number + 1])))
    return history.do(Reclassify(ids=(ids[7],), class_name="1S")).do(Delete(ids=(ids[8],))).undo()


def made(points, analyses, current: int = 1) -> SessionContent:
    """Two time points corrected, one only analysed, one not looked at."""
    held = []
    for number, point in enumerate(points):
        if number == POINTS - 1:
            held.append(StackPoint(point))
            continue
        series = point.load()
        told = {"sources": series.sources, "name": series.name, "warnings": series.warnings}
        analysis = replace(
            analyses[number],
            series=replace(analyses[number].series, frames=series.frames, **told),
            filtered=replace(analyses[number].filtered, **told),
        )
        history = corrected(analysis.table, number) if number != 1 else Corrections.begin(analysis.table)
        drift = ImageDrift((0.1 + 0.2, -1 / 3), clear=number == 1) if number else None
        held.append(StackPoint(point, series, analysis, history, drift))
    stack = StackContent(tuple(held), Recipe(sampling=0.3, measure=MeasureSettings()), 0.7, 2, 3)
    return showing(SessionContent(held[0].series, Recipe(sampling=0.31), view={"votes": 2}, stack=stack), current)


def showing(content: SessionContent, number: int) -> SessionContent:
    """Another time point on screen."""
    held = content.stack.points[number]
    return replace(content, series=held.series, analysis=held.analysis, corrections=held.corrections)


def with_point(content: SessionContent, number: int, **changes: object) -> SessionContent:
    points = list(content.stack.points)
    points[number] = replace(points[number], **changes)
    return replace(content, stack=replace(content.stack, points=tuple(points)))


@pytest.fixture
def content(film: Path, analyses: list[object], tmp_path: Path) -> SessionContent:
    own = tmp_path / "films" / "film.tif"
    own.parent.mkdir()
    shutil.copy(film, own)
    return made(points_of_files([own], 3, interval=0.5), analyses)


@pytest.fixture
def stack_bits(all_bits: Callable[[SessionContent], dict[str, object]]) -> Callable[[SessionContent], object]:
    """All that a session with a stack holds, so that equal means equal to the last bit."""

    def bits(content: SessionContent) -> object:
        stack, current = content.stack, content.current
        points = []
        for number, held in enumerate(stack.points):
            own = held
            if number == current:
                own = replace(held, series=content.series, analysis=content.analysis, corrections=content.corrections)
            shown = SessionContent(own.series or own.point.load(), Recipe(), own.analysis, own.corrections)
            told = own.point.number, own.point.time, own.point.name, own.drift, own.series is None
            points.append((told, all_bits(shown)))
        linking = stack.recipe, stack.reach, stack.memory, stack.window
        return current, linking, points, all_bits(replace(content, stack=None))

    return bits


@pytest.fixture
def dead():
    """Makes what a folder holds that of a process that died."""

    def leave(folder: AutosaveFolder) -> Path:
        token, _, rest = folder.path.name.split("-", 2)
        return folder.path.rename(folder.path.with_name(f"{token}-{NOBODY}-{rest}"))

    return leave


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def rewritten(path: Path, parts: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def files(folder: Path) -> dict[str, tuple[int, int, int]]:
    """What is in a folder, and what changes when it is written anew."""
    stats = {path.name: path.stat() for path in folder.iterdir()}
    return {name: (stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in stats.items()}


@pytest.mark.parametrize("on_shelf", [False, True])
def test_a_stack_comes_back_bit_for_bit(content, stack_bits, tmp_path, on_shelf):
    path = tmp_path / "film.hrtem"
    save_session(path, content)
    shelf = Shelf() if on_shelf else None
    back = load_session(path, shelf=shelf)
    assert stack_bits(back) == stack_bits(content)
    assert back.current == 1
    shown = back.stack.points[1]
    assert shown.series is back.series
    assert shown.analysis is back.analysis
    assert shown.corrections is back.corrections
    first = back.stack.points[0]
    assert first.analysis.series.frames is first.series.frames
    assert first.corrections.base is first.analysis.table
    assert first.corrections.can_undo
    assert first.corrections.can_redo
    # Frames are in the film, filtered frames are calculated, and what is shown is there once.
    names = list(members(path))
    assert not [name for name in names if "frames" in name or "filtered" in name]
    assert [n for n in names if n.endswith("maps.npy") and n.startswith("points/1/")] == []
    assert sum(name.endswith("network_0/maps.npy") for name in names) == 3
    if shelf is not None:
        assert len(list(shelf.folder.iterdir())) == 3 * 4
        shelf.close()


def test_what_is_linked_is_the_same(content, tmp_path):
    save_session(tmp_path / "film.hrtem", content)
    back = load_session(tmp_path / "film.hrtem")

    def together(stack: StackContent) -> object:
        observations = [
            replace(observed(held.point, held.series, held.analysis), table=held.corrections.table, drift=held.drift)
            for held in stack.points
            if held.analysis is not None
        ]
        return put_together(observations, memory=stack.memory, window=stack.window)

    first, second = together(content.stack), together(back.stack)
    assert np.array_equal(first.tracks.classes, second.tracks.classes)
    assert np.array_equal(first.tracks.drift, second.tracks.drift)
    # Some of what is counted is NaN, which is not equal to itself.
    assert repr((first.counts, first.rates)) == repr((second.counts, second.rates))
    assert (first.events, first.times) == (second.events, second.times)


def test_another_series_may_be_on_screen(content, series, stack_bits, tmp_path):
    beside = replace(content, series=series, analysis=None, corrections=None)
    save_session(tmp_path / "beside.hrtem", beside)
    back = load_session(tmp_path / "beside.hrtem")
    assert back.current is None
    assert stack_bits(back) == stack_bits(beside)


def test_files_of_their_own_are_read_when_they_are_wanted(film, analyses, stack_bits, tmp_path):
    for number, point in enumerate(split(load_series(film), 3)):
        save_series(point.load(), tmp_path / f"point_{number}.tif")
    content = made(points_of_files(sorted(tmp_path.glob("point_*.tif"))), analyses)
    path = tmp_path / "files.hrtem"
    save_session(path, content)
    assert stack_bits(load_session(path)) == stack_bits(content)
    # By the content of its file, also where nobody has looked at it.
    (tmp_path / "point_3.tif").rename(tmp_path / "other.tif")
    with pytest.raises(MissingSourceError, match="point_3"):
        load_session(path)
    back = load_session(path, {tmp_path / "point_3.tif": tmp_path / "other.tif"})
    assert np.array_equal(back.stack.points[3].point.load().frames, load_series(film).frames[9:])
    # Only what is on screen is asked for.
    assert load_session(path, stack=False).stack is None


def test_frames_without_files_are_in_the_session(film, analyses, stack_bits, tmp_path):
    loose = replace(load_series(film), sources=())
    content = made(split(loose, 3, order="time"), analyses)
    save_session(tmp_path / "loose.hrtem", content)
    assert sum(name.endswith("frames.npy") for name in members(tmp_path / "loose.hrtem")) == POINTS
    back = load_session(tmp_path / "loose.hrtem")
    # Those of the last one are read at once, since the file may go.
    last = back.stack.points[-1]
    assert np.array_equal(last.series.frames, loose.frames[-3:])
    assert stack_bits(with_point(back, POINTS - 1, series=None)) == stack_bits(content)


def test_a_moved_film_is_asked_for_once(content, film, tmp_path):
    save_session(tmp_path / "film.hrtem", content)
    moved = tmp_path / "elsewhere.tif"
    (tmp_path / "films" / "film.tif").rename(moved)
    with pytest.raises(MissingSourceError) as caught:
        load_session(tmp_path / "film.hrtem")
    (missing,) = caught.value.missing
    back = load_session(tmp_path / "film.hrtem", {missing.path: moved})
    frames = load_series(film).frames
    for number, held in enumerate(back.stack.points):
        series = held.series or held.point.load()
        assert np.array_equal(series.frames, frames[3 * number : 3 * number + 3])
        assert series.sources[0].path == moved


def test_all_missing_files_are_told_at_once(film, analyses, tmp_path):
    for number, point in enumerate(split(load_series(film), 3)):
        save_series(point.load(), tmp_path / f"point_{number}.tif")
    paths = sorted(tmp_path.glob("point_*.tif"))
    save_session(tmp_path / "files.hrtem", made(points_of_files(paths), analyses))
    (tmp_path / "moved").mkdir()
    for path in paths:
        path.rename(tmp_path / "moved" / path.name)
    with pytest.raises(MissingSourceError) as caught:
        load_session(tmp_path / "files.hrtem")
    assert sorted(missing.path for missing in caught.value.missing) == paths
    found = {path: tmp_path / "moved" / path.name for path in paths}
    assert len(load_session(tmp_path / "files.hrtem", found).stack.points) == POINTS


def test_some_frames_of_a_file_go_by_reference(series, all_bits, tmp_path):
    part = series.select((2, 0))
    save_session(tmp_path / "part.hrtem", SessionContent(part))
    assert list(members(tmp_path / "part.hrtem")) == ["session.json"]
    assert all_bits(load_session(tmp_path / "part.hrtem")) == all_bits(SessionContent(part))


def test_a_file_of_the_first_version_opens(series, corrected, analysed, all_bits, tmp_path):
    analysis = analysed(series)
    content = SessionContent(series, Recipe(), analysis, corrected(analysis.table))
    path = tmp_path / "old.hrtem"
    save_session(path, content)
    parts = members(path)
    document = json.loads(parts["session.json"])
    del document["stack"], document["series"]["selection"]
    rewritten(path, parts | {"session.json": json.dumps(document | {"version": 1}).encode()})
    assert all_bits(load_session(path)) == all_bits(content)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d, p: p.pop("points/0/work.json"), r"no part 'work\.json'"),
        (lambda d, p: p.pop("points/2/results/network_1/maps.npy"), "no part 'results/network_1/maps.npy'"),
        (lambda d, p: p.update({"points/0/work.json": b"{"}), "EOF while parsing"),
        (lambda d, p: p.update({"points/0/work.json": b"{}"}), "results"),
        (
            lambda d, p: p.update({"points/0/results/table/ids.npy": p["points/2/results/table/ids.npy"][:-1]}),
            "bytes|shorter",
        ),
        (lambda d, p: d["stack"]["points"][2].update(number=0), "has the number 0"),
        (lambda d, p: d["stack"]["points"][2].update(film=9), "from film 9, of 1"),
        (lambda d, p: d["stack"]["points"][2].update(series=None, film=None), "more than one time point is on screen"),
        (lambda d, p: d["stack"]["points"][0]["series"].update(selection=[0, 1, 99]), "frame 99 does not exist"),
        (lambda d, p: d["stack"]["points"][0]["series"].update(selection=[0, 1]), r"frames of \(3, 56, 64\)"),
        (lambda d, p: d["stack"].update(points=[]), "stack.points"),
    ],
)
def test_damage_of_a_time_point_is_told(content, tmp_path, change, message):
    path = tmp_path / "odd.hrtem"
    save_session(path, content)
    parts = members(path)
    document = json.loads(parts["session.json"])
    change(document, parts)
    rewritten(path, parts | {"session.json": json.dumps(document).encode()})
    with pytest.raises(SessionError, match=message) as caught:
        load_session(path)
    assert str(path) in str(caught.value)
    assert "save the session again" in str(caught.value) or "open it with" in str(caught.value)
    # What is on screen is another matter.
    if "stack" not in message:
        assert load_session(path, stack=False).corrections is not None


def test_a_stack_that_takes_all_memory_is_opened_point_by_point(content, tmp_path, monkeypatch):
    import psutil

    path = tmp_path / "large.hrtem"
    save_session(path, content)
    with zipfile.ZipFile(path) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    each = max(sum(s for n, s in sizes.items() if n.startswith(f"points/{k}/")) for k in range(POINTS))
    own = sum(size for name, size in sizes.items() if not name.startswith("points/"))
    memory = psutil.virtual_memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory._replace(available=max(each, own) + 100))
    with pytest.raises(SessionError, match="of memory are free"):
        load_session(path)
    shelf = Shelf()
    assert load_session(path, shelf=shelf).current == 1
    shelf.close()


def test_a_disk_without_room_is_no_damage(content, tmp_path, monkeypatch):
    save_session(tmp_path / "film.hrtem", content)

    def no_room(*_):
        raise OSError(28, "No space left on device")

    shelf = Shelf()
    monkeypatch.setattr(np, "save", no_room)
    with pytest.raises(SessionError, match=r"cannot be kept in .*No space left.*TMPDIR") as caught:
        load_session(tmp_path / "film.hrtem", shelf=shelf)
    assert "damaged" not in str(caught.value)
    shelf.close()


def test_what_does_not_belong_together_is_no_stack(content):
    first, second = content.stack.points[:2]
    with pytest.raises(SessionError, match=r"numbers \[1, 0\]"):
        StackContent((second, first))
    with pytest.raises(SessionError, match="no series: give the one"):
        StackPoint(first.point, None, first.analysis)
    with pytest.raises(SessionError, match="not of the frames of 'film #0'"):
        StackPoint(first.point, second.series, first.analysis)


def test_the_autosave_writes_little(content, stack_bits, tmp_path):
    root = tmp_path / "root"
    autosave = Autosave(root)

    def noted(state: SessionContent) -> dict[str, tuple[int, int, int]]:
        autosave.note(state)
        assert autosave.flush()
        assert autosave.problem == ""
        (folder,) = root.iterdir()
        return files(folder)

    before = noted(content)
    # Maps of three time points, and what was made of the two that are not on screen.
    assert len(before) == 1 + 3 + 2
    # An edit: the small file.
    edited = replace(content, corrections=content.corrections.do(Delete(ids=(int(content.analysis.table.ids[3]),))))
    after = noted(edited)
    assert {name for name in after if after[name] != before.get(name)} == {"state.json"}
    assert after["state.json"][2] < 60_000
    # The slider: what was made of the one that was left.
    held = with_point(edited, 1, corrections=edited.corrections)
    before, after = after, noted(showing(held, 0))
    new = [name for name in after if name != "state.json" and name not in before]
    assert len(new) == 1
    assert after[new[0]][2] < 10_000
    # And back: nothing but the small file is new.
    before, after = after, noted(showing(held, 1))
    assert [name for name in after if name != "state.json" and after[name] != before.get(name)] != [new[0]]
    assert sum(size for name, (_, _, size) in after.items() if name not in before) < 10_000
    (folder,) = root.iterdir()
    assert stack_bits(AutosaveFolder(folder).read()) == stack_bits(showing(held, 1))
    # The networks ran again at one that is not on screen: its maps alone.
    other = replace(held.stack.points[2].analysis, seconds={"all": 1.0})
    rerun = with_point(held, 2, analysis=other, corrections=corrected(other.table, 2))
    before, after = after, noted(showing(rerun, 1))
    assert len([name for name in after if name not in before]) == 2
    assert stack_bits(AutosaveFolder(folder).read()) == stack_bits(showing(rerun, 1))
    autosave.close()
    assert list(root.iterdir()) == []


def test_edits_do_not_wait_for_maps(film, analyses, stack_bits, tmp_path, monkeypatch):
    """While the maps of others are being written, a newer state comes first, and they come after it."""
    plain = made(split(load_series(film), 3), analyses, 0)
    plain = with_point(plain, 2, corrections=Corrections.begin(plain.stack.points[2].analysis.table))
    folder = AutosaveFolder.create(tmp_path)
    states: list[object] = []
    write_state = folder._write_state

    def watched(state: SessionContent) -> None:
        write_state(state)
        states.append(json.loads((folder.path / "state.json").read_text())["document"]["stack"])

    monkeypatch.setattr(folder, "_write_state", watched)
    folder.write(plain, lambda: True)
    # What is on screen came first; where the others are from was not known then.
    assert states[0] is None
    for _ in range(3):
        folder.write(plain, lambda: True)
    assert [point["done"] for point in states[-1]["points"]] == [False, True, True, False]
    newer = with_point(plain, 2, analysis=replace(plain.stack.points[2].analysis, seconds={}))
    states.clear()
    folder.write(newer, lambda: True)
    # The old results stay until the new ones are there.
    assert len(states) == 2
    assert states[0]["points"][2]["done"]
    assert stack_bits(AutosaveFolder(folder.path).read()) == stack_bits(newer)
    folder.remove()


def test_an_autosave_is_taken_and_gone_on_with(content, stack_bits, dead, tmp_path):
    root = tmp_path / "root"
    folder = AutosaveFolder.create(root)
    folder.write(content)
    before = files(dead(folder))
    (entry,) = pending(root)
    assert (entry.series, entry.edits) == ("film #1", 4)
    autosave = Autosave(root)
    back = autosave.take(entry)
    assert stack_bits(back) == stack_bits(content)
    # The first state that comes is of another time point.
    autosave.note(showing(back, 2))
    assert autosave.flush()
    (taken,) = root.iterdir()
    after = files(taken)
    assert sum(size for name, (_, _, size) in after.items() if name not in before and name != "state.json") < 10_000
    assert stack_bits(AutosaveFolder(taken).read()) == stack_bits(showing(back, 2))
    autosave.close()
    assert list(root.iterdir()) == []


def test_an_autosave_of_a_film_that_was_moved(content, dead, tmp_path):
    root = tmp_path / "root"
    folder = AutosaveFolder.create(root)
    folder.write(content)
    dead(folder)
    moved = (tmp_path / "films" / "film.tif").rename(tmp_path / "moved.tif")
    autosave = Autosave(root)
    (entry,) = pending(root)
    with pytest.raises(MissingSourceError) as caught:
        autosave.take(entry)
    assert len(caught.value.missing) == 1
    back = autosave.take(entry, {caught.value.missing[0].path: moved})
    autosave.note(back)
    assert autosave.flush()
    (taken,) = root.iterdir()
    # The new place is remembered, at every time point.
    again = AutosaveFolder(taken).read()
    assert {(held.series or held.point.load()).sources[0].path for held in again.stack.points} == {moved}
    autosave.close()


def test_an_autosave_does_not_read_what_nobody_looked_at(film, analyses, dead, tmp_path):
    for number, point in enumerate(split(load_series(film), 3)):
        save_series(point.load(), tmp_path / f"point_{number}.tif")
    content = made(points_of_files(sorted(tmp_path.glob("point_*.tif"))), analyses)
    (tmp_path / "point_3.tif").write_bytes(b"not read")
    folder = AutosaveFolder.create(tmp_path / "root")
    folder.write(content)
    assert folder.read().stack.points[3].series is None
    (tmp_path / "point_3.tif").unlink()
    with pytest.raises(MissingSourceError, match="point_3"):
        folder.read()
    shutil.copy(tmp_path / "point_2.tif", tmp_path / "anything.tif")
    back = folder.read({tmp_path / "point_3.tif": tmp_path / "anything.tif"})
    assert back.stack.points[3].point.load().sources[0].path == tmp_path / "anything.tif"


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
def test_what_comes_back_after_a_kill_is_one_of_the_last_states(tmp_path, stack_bits):
    editor = runpy.run_path(str(EDITOR))
    rng = np.random.default_rng(0)
    with subprocess.Popen(
        [sys.executable, EDITOR], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        for number in range(6):
            root = tmp_path / str(number)
            program.stdin.write(f"{root}\n")
            program.stdin.flush()
            lines = [program.stdout.readline() for _ in range(2)]
            while not any(line.strip().isdigit() for line in lines):
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
            wanted = editor["after"](state)
            assert stack_bits(back) == stack_bits(wanted)
            assert entry.edits == state + 1
            autosave.note(replace(back, view={}))
            assert autosave.flush()
            assert autosave.problem == ""
            (folder,) = root.iterdir()
            named = json.loads((folder / "state.json").read_text())["files"].values()
            assert sorted(p.name for p in folder.iterdir()) == sorted([*named, "state.json"])
            autosave.close()
        program.stdin.close()
