"""The files of a series are found again wherever they went, and by nothing but their content."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from hrtem_app.io import load_series
from hrtem_app.sessions import (
    MissingSource,
    MissingSourceError,
    SessionContent,
    SessionError,
    load_session,
    save_session,
)
from hrtem_app.sessions.sources import roles


@pytest.fixture
def session(series, tmp_path):
    path = tmp_path / "work.hrtem"
    save_session(path, SessionContent(series))
    return path


def test_a_folder_that_was_moved(series, session, tmp_path):
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    shutil.move(tmp_path / "data", moved / "data")
    shutil.move(session, moved / "renamed.hrtem")
    back = load_session(moved / "renamed.hrtem")
    assert np.array_equal(back.series.frames, series.frames)
    assert [source.path for source in back.series.sources] == [moved / "data" / s.path.name for s in series.sources]
    save_session(tmp_path / "again.hrtem", back)
    assert np.array_equal(load_session(tmp_path / "again.hrtem").series.frames, series.frames)


def test_files_beside_the_session(series, files, session, tmp_path):
    shutil.move(files[1], tmp_path)
    assert np.array_equal(load_session(session).series.frames, series.frames)


def test_missing_and_changed_files_are_listed_and_replaced_by_content(series, files, session, tmp_path):
    (tmp_path / "mine").mkdir()
    places = [shutil.move(path, tmp_path / "mine" / f"{number}.bin") for number, path in enumerate(files[:2])]
    files[1].write_bytes(files[2].read_bytes())
    with pytest.raises(MissingSourceError, match=r"focus_c.tif' is missing; .*focus_a.tif' has changed") as caught:
        load_session(session)
    assert caught.value.missing == (MissingSource(files[0], False), MissingSource(files[1], True))
    with pytest.raises(MissingSourceError) as caught:
        load_session(session, {files[0]: places[0]})
    assert [missing.path for missing in caught.value.missing] == [files[1]]
    # Which of them is which is seen by the content.
    back = load_session(session, {files[0]: places[1], str(files[1]): str(places[0])})
    assert np.array_equal(back.series.frames, series.frames)
    assert [source.path for source in back.series.sources] == [*map(Path, places), files[2]]
    assert [source.sha256 for source in back.series.sources] == [source.sha256 for source in series.sources]
    wrong = tmp_path / "mine" / "wrong.tif"
    wrong.write_bytes(Path(places[0]).read_bytes() + b"\0")
    with pytest.raises(SessionError, match=r"wrong.tif' is not what .*focus_c.tif' was"):
        load_session(session, {files[0]: wrong})
    with pytest.raises(SessionError, match=r"nowhere.tif' is no file"):
        load_session(session, {files[0]: tmp_path / "nowhere.tif"})


def test_a_session_may_name_no_device(session, files):
    import json
    import zipfile

    files[0].unlink()
    with zipfile.ZipFile(session) as archive:
        document = json.loads(archive.read("session.json"))
    document["series"]["sources"][0]["places"] = ["/dev/zero", "x" * 5000, "a\0b", "."]
    with zipfile.ZipFile(session, "w") as archive:
        archive.writestr("session.json", json.dumps(document))
    with pytest.raises(MissingSourceError):
        load_session(session)


def test_the_files_of_one_recording_belong_together():
    a, b = Path("/a"), Path("/b")
    assert roles([a / "x_1.ser", a / "x.emi", a / "x_2.ser", a / "x.emi"]) == ("given", "notes", "given", "notes")
    assert roles([a / "x.emi", a / "x_1.ser", a / "x_2.SER"]) == ("given", "pixels", "pixels")
    assert roles([a / "x_1.ser", b / "x.emi", a / "x_1.tif"]) == ("given", "given", "given")
    assert roles([]) == ()


@pytest.mark.parametrize("given", ["16_STOimage.emi", "16_STOimage_1.ser"])
def test_a_real_pair_of_files(data_dir, tmp_path, given):
    for suffix in (".emi", "_1.ser"):
        shutil.copy(data_dir / "formats" / "openncem" / f"16_STOimage{suffix}", tmp_path)
    series = load_series(tmp_path / given)
    assert len(series.sources) == 2
    save_session(tmp_path / "s.hrtem", SessionContent(series))
    assert (tmp_path / "s.hrtem").stat().st_size < 10_000
    assert np.array_equal(load_session(tmp_path / "s.hrtem").series.frames, series.frames)
    (tmp_path / "16_STOimage.emi").unlink()
    if given.endswith("ser"):
        # The pixels are all there, and what the notes said is in the session.
        back = load_session(tmp_path / "s.hrtem").series
        assert np.array_equal(back.frames, series.frames)
        assert back.energy == series.energy
    else:
        with pytest.raises(MissingSourceError):
            load_session(tmp_path / "s.hrtem")
