"""A session file gives back all that was saved, and a damaged, foreign or harmful one gives words."""

from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from hrtem_app.correction import Corrections
from hrtem_app.series import FocalSeries, Source
from hrtem_app.sessions import SessionContent, SessionError, load_session, looks_like_session, save_session


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def rewritten(path, changes):
    """The file with other parts: bytes, or a function of the JSON that is there."""
    parts = members(path)
    for name, change in changes.items():
        if change is None:
            del parts[name]
        elif callable(change):
            parts[name] = json.dumps(change(json.loads(parts[name]))).encode()
        else:
            parts[name] = change
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


@pytest.fixture(scope="module")
def saved(content, tmp_path_factory):
    """A session with everything, as bytes."""
    path = tmp_path_factory.mktemp("saved") / "whole.hrtem"
    save_session(path, content)
    return path.read_bytes()


def npy(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def test_everything_comes_back_bit_for_bit(content, all_bits, tmp_path):
    path = tmp_path / "work.hrtem"
    save_session(path, content)
    back = load_session(path)
    assert all_bits(back) == all_bits(content)
    # What it was made of is not trivial.
    analysis = content.analysis
    assert len(analysis.angles) == 1
    assert max(map(max, analysis.shifts)) > 0.5
    assert analysis.area is not None
    assert not np.array_equal(analysis.filtered.frames, content.series.select(analysis.frames).frames)
    assert {result.probabilities.shape[1:] for result in analysis.networks.values()} == {(56, 64), (77, 88)}
    assert analysis.series.sampling != content.series.sampling
    assert content.corrections.can_redo
    assert len(content.corrections.table) > 10
    assert content.corrections.base is not analysis.table
    # Frames are in their files, filtered frames are calculated.
    assert not [name for name in members(path) if "frames" in name or "filtered" in name]
    assert list(tmp_path.iterdir()) == [path]
    assert looks_like_session(path)
    assert not looks_like_session(content.series.sources[0].path)


def test_corrections_of_the_results_share_their_table(content, corrected, all_bits, tmp_path):
    plain = replace(content, corrections=corrected(content.analysis.table))
    save_session(tmp_path / "plain", plain)
    back = load_session(tmp_path / "plain")
    assert all_bits(back) == all_bits(plain)
    assert back.corrections.base is back.analysis.table
    assert back.analysis.series.frames is back.series.frames
    assert not [name for name in members(tmp_path / "plain") if name.startswith("base")]


def test_what_was_said_in_place_of_the_files_is_put_on_top(series, all_bits, tmp_path):
    told = replace(series, sampling=0.25, defocus=(1.0, 2.5, -0.1), energy=60e3, name="mine", warnings=("a doubt",))
    save_session(tmp_path / "told", SessionContent(told))
    assert all_bits(load_session(tmp_path / "told")) == all_bits(SessionContent(told))
    assert [source.path.name for source in told.sources] == ["focus_c.tif", "focus_a.tif", "focus_b.tif"]


def test_frames_without_files_are_in_the_session(series, all_bits, tmp_path):
    made = FocalSeries(series.frames, sources=(Source(Path("focus.dm3")),))
    changed = series.with_frames(series.frames + 1)
    for number, odd in enumerate((made, changed)):
        path = tmp_path / f"{number}.hrtem"
        save_session(path, SessionContent(odd))
        assert "frames.npy" in members(path)
        assert all_bits(load_session(path)) == all_bits(SessionContent(odd))


def test_files_that_went_since_they_were_opened_are_made_up_for(series, files, all_bits, tmp_path):
    files[1].unlink()
    save_session(tmp_path / "gone", SessionContent(series))
    files[0].write_bytes(files[2].read_bytes())
    assert all_bits(load_session(tmp_path / "gone")) == all_bits(SessionContent(series))


def test_names_that_are_no_text(files, tmp_path):
    odd = files[0].with_name(os.fsdecode(b"50\xb5m.tif"))
    files[0].rename(odd)
    from hrtem_app.io import load_series

    series = load_series(odd)
    save_session(tmp_path / "odd", SessionContent(series))
    with pytest.raises(SessionError, match="is missing") as caught:
        load_session(tmp_path / "odd")
    back = load_session(tmp_path / "odd", {caught.value.missing[0].path: odd})
    assert np.array_equal(back.series.frames, series.frames)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"session.json": None}, "is a zip file and no session"),
        ({"session.json": b"{"}, "EOF while parsing"),
        ({"session.json": b"[" * 100_000}, "recursion limit"),
        ({"session.json": b"7"}, "should be a valid dictionary"),
        ({"session.json": lambda d: d | {"format": "x"}}, "format = 'x'"),
        ({"session.json": lambda d: d | {"version": 3, "program": "9.1", "new": 1}}, r"newer.*\(9.1\).*Update"),
        ({"session.json": lambda d: d | {"surprise": "x" * 10_000}}, "surprise = 'xxx"),
        ({"session.json": lambda d: d | {"recipe": {"device": 3}}}, r"recipe\.device = 3"),
        ({"session.json": lambda d: d | {"base": None}}, "made to another table"),
        ({"session.json": lambda d: d | {"results": None, "base": None}}, "no table that they were made to"),
        ({"session.json": lambda d: d["corrections"].update(position=77) or d}, "77 edits cannot be done"),
        ({"session.json": lambda d: d["results"]["networks"].append(d["results"]["networks"][0]) or d}, "named twice"),
        ({"session.json": lambda d: d["results"].update(frames=[5]) or d}, "frame 5 does not exist"),
        ({"session.json": lambda d: d["results"].update(shifts=[[0, 0]]) or d}, "1 shifts for 3 frames"),
        ({"session.json": lambda d: d["base"].update(rows=10**15) or d}, "takes 16000000000000000"),
        ({"session.json": lambda d: d["base"].update(fields=["positions", "hue"]) or d}, r"lacks \['classes.*'hue'"),
        (
            {"session.json": lambda d: d["results"]["networks"][0].update(shape=[4, 10**6, 10**6]) or d},
            r"\(4, 1000000, 1000000\), which does not fit the image \(56, 64\)",
        ),
        ({"session.json": lambda d: d["results"]["networks"][0]["card"].update(name="A") or d}, r"card\.name = 'A'"),
        ({"results/network_0/maps.npy": None}, "has no part 'results/network_0/maps.npy'"),
        ({"results/network_0/maps.npy": npy(np.zeros((4, 64, 56), np.float32))}, r"array of \(4, 64, 56\)"),
        ({"results/network_0/maps.npy": npy(np.zeros((4, 56, 64), np.int32))}, "int32, and not of"),
        ({"results/network_0/maps.npy": npy(np.zeros((4, 56, 64), np.float32))[:-1]}, "bytes, where|shorter"),
        ({"base/classes.npy": npy(np.array([{}] * 500, object))}, "bytes, where|object"),
        ({"base/classes.npy": b"\x93NUMPY\1\0v\0" + b"{" * 4000}, "damaged"),
        ({"base/disputed.json": b"[1]"}, "no list of texts"),
        ({"base/disputed.json": b'["a"]'}, "disputed has 1 rows"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(saved, tmp_path, changes, message):
    path = tmp_path / "odd.hrtem"
    path.write_bytes(saved)
    rewritten(path, changes)
    with pytest.raises(SessionError, match=message) as caught:
        load_session(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 1500


def test_damage_is_noticed_wherever_it_is(series, corrected, all_bits, tmp_path):
    from hrtem_app.columns import ColumnTable

    rng = np.random.default_rng(0)
    table = ColumnTable(rng.random((9, 2)), rng.integers(0, 3, 9), 0.2, rng.integers(1, 4, 9), rng.random(9))
    made = FocalSeries(series.frames[:, :16, :16])
    content = SessionContent(made, corrections=corrected(table))
    path = tmp_path / "whole"
    save_session(path, content)
    whole = path.read_bytes()
    for length in (0, 1, 30, *rng.integers(40, len(whole), 12).tolist(), len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(SessionError, match="damaged, cut off"):
            load_session(path)
    for place in rng.integers(0, len(whole), 150).tolist():
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :])
        with contextlib.suppress(SessionError):
            assert all_bits(load_session(path)) == all_bits(content)


def test_what_takes_all_memory_is_refused_before_it_is_read(series, tmp_path, monkeypatch):
    path = tmp_path / "bomb"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("session.json", b" " * 10_000_000)
    assert path.stat().st_size < 20_000
    memory = psutil.virtual_memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory._replace(available=9_000_000))
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    with pytest.raises(SessionError, match=r"unpack to 0\.01 GB, and 0\.009 GB of memory are free"):
        load_session(path)


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir(), lambda p: p.write_bytes(b"II*\0" + bytes(50))])
def test_what_is_no_session(tmp_path, make):
    make(tmp_path / "thing")
    assert not looks_like_session(tmp_path / "thing")
    with pytest.raises(SessionError, match=r"thing' (cannot be opened|is no session)"):
        load_session(tmp_path / "thing")


def test_a_failed_save_leaves_the_last_one(series, all_bits, tmp_path, monkeypatch):
    path = tmp_path / "kept.hrtem"
    first = SessionContent(series, view={"number": 1})
    save_session(path, first)

    def no_room(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(SessionError, match=r"kept.hrtem' .*No space left.*choose another place"):
        save_session(path, SessionContent(series, view={"number": 2}))
    monkeypatch.undo()
    assert all_bits(load_session(path)) == all_bits(first)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "data", path]
    with pytest.raises(SessionError, match="cannot be written"):
        save_session(path / "below.hrtem", first)


def test_what_does_not_belong_together_is_no_content(content, series):
    with pytest.raises(SessionError, match="not of the frames of"):
        replace(content, series=series.with_frames(series.frames + 1))
    for odd in ({"a": (1, 2)}, {"a": {"b": {1}}}, {"a": np.float32(1)}):
        with pytest.raises(SessionError, match="what JSON cannot, a"):
            SessionContent(series, view=odd)


def test_corrections_need_no_results(series, corrected, content, all_bits, tmp_path):
    alone = SessionContent(series, corrections=corrected(content.analysis.table))
    save_session(tmp_path / "alone", alone)
    assert all_bits(load_session(tmp_path / "alone")) == all_bits(alone)
    none = SessionContent(series, corrections=Corrections.begin(content.analysis.table.select(np.arange(0))))
    save_session(tmp_path / "none", none)
    assert all_bits(load_session(tmp_path / "none")) == all_bits(none)
