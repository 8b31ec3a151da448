"""Stacks are cut into the time points that they hold, and files are read one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hrtem_app.io import save_series
from hrtem_app.series import FocalSeries, SeriesError
from hrtem_app.timelapse import points as points_module
from hrtem_app.timelapse import points_of_files, split
from hrtem_app.timelapse.points import Cut


def numbered(frames: int, first: int = 0, defocus: tuple[float, ...] | None = None) -> FocalSeries:
    """Frames whose pixels tell their number; a pixel apart, for a picture without contrast is refused."""
    values = np.arange(first, first + frames, dtype=np.float32)[:, None, None] * np.ones((1, 8, 9), np.float32)
    values[:, 0, 0] = -1
    return FocalSeries(values, 0.2, defocus, 50e3, "film")


def numbers(series: FocalSeries) -> list[int]:
    return series.frames[:, 4, 4].astype(int).tolist()


def test_group_by_group() -> None:
    points = split(numbered(6, defocus=(-50, 0, 50, -51, 1, 51)), 3, interval=0.5)
    assert [numbers(point.load()) for point in points] == [[0, 1, 2], [3, 4, 5]]
    assert [point.load().defocus for point in points] == [(-50, 0, 50), (-51, 1, 51)]
    assert [(p.number, p.time, p.name) for p in points] == [(0, 0, "film #0"), (1, 0.5, "film #1")]
    assert points[1].load().sampling == 0.2


def test_defocus_by_defocus() -> None:
    points = split(numbered(6, defocus=(-50, -50, 0, 0, 50, 50)), 3, order="defocus")
    assert [numbers(point.load()) for point in points] == [[0, 2, 4], [1, 3, 5]]
    assert points[1].load().defocus == (-50, 0, 50)
    assert points[1].time is None


def test_defoci_of_a_group_and_single_images() -> None:
    assert split(numbered(6), 3, defocus=(-40, 0, 40))[1].load().defocus == (-40, 0, 40)
    assert [numbers(point.load()) for point in split(numbered(3), 1)] == [[0], [1], [2]]


def test_frames_are_not_copied() -> None:
    film = numbered(6)
    for order in ("time", "defocus"):
        assert all(np.shares_memory(p.load().frames, film.frames) for p in split(film, 3, order=order))


@pytest.mark.parametrize(
    ("size", "more", "words"),
    [
        (4, {}, "6 frames of film cannot be cut into groups of 4: 2 would be left over"),
        (0, {}, "a group of 0 frames"),
        (3, {"defocus": (1.0,)}, "1 defoci for groups of 3"),
        (3, {"interval": 0.0}, "an interval of 0.0 s"),
    ],
)
def test_what_does_not_fit_is_refused(size: int, more: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        split(numbered(6), size, **more)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(4):
        save_series(numbered(3, 3 * number), tmp_path / f"series_{number}.tif")
        save_series(numbered(1, number), tmp_path / f"image_{number}.tif")
    save_series(numbered(6), tmp_path / "film.tif")
    save_series(numbered(6, 6), tmp_path / "film_more.tif")
    return tmp_path


def of(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern))


def test_one_file_is_cut_and_several_are_not(folder: Path) -> None:
    cut = points_of_files([folder / "film.tif"], 3)
    assert [numbers(p.load()) for p in cut] == [[0, 1, 2], [3, 4, 5]]
    for size in (None, 3):
        each = points_of_files(of(folder, "series_*"), size)
        assert [numbers(p.load()) for p in each] == [[3 * n, 3 * n + 1, 3 * n + 2] for n in range(4)]
    assert len(points_of_files([folder / "film.tif"])) == 1


def test_single_images_make_groups_and_long_files_are_cut(folder: Path) -> None:
    pairs = points_of_files(of(folder, "image_*"), 2, interval=2.0)
    assert [numbers(p.load()) for p in pairs] == [[0, 1], [2, 3]]
    assert [p.time for p in pairs] == [0, 2]
    long = points_of_files(of(folder, "film*"), 3)
    assert [numbers(p.load()) for p in long] == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    assert [p.name for p in long] == ["film #0", "film #1", "film_more #0", "film_more #1"]
    by_defocus = points_of_files(of(folder, "film*"), 3, order="defocus")
    assert numbers(by_defocus[3].load()) == [7, 9, 11]


def test_files_are_read_when_they_are_wanted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    load = points_module.load_series
    monkeypatch.setattr(points_module, "load_series", lambda paths, sampling=None: read.append(paths) or load(paths))
    points = points_of_files(of(folder, "series_*"))
    assert read == []
    points[2].load()
    assert read == [[folder / "series_2.tif"]]


def test_files_that_are_not_alike_are_refused(folder: Path) -> None:
    points = points_of_files([folder / "series_0.tif", folder / "film.tif"], 3)
    with pytest.raises(SeriesError, match="a time point of 6 frames and the others have 3"):
        points[1].load()
    points = points_of_files([folder / "film.tif", folder / "series_0.tif"], 3)
    with pytest.raises(SeriesError, match="has 3 frames and the first file has 6"):
        points[2].load()


def test_what_is_read_later_says_where_it_is(folder: Path) -> None:
    assert [point.cut for point in split(numbered(6), 3)] == [None, None]
    long = points_of_files(of(folder, "film*"), 3, order="defocus", defocus=(-1, 0, 1), sampling=0.3)
    assert long[3].cut == Cut((folder / "film_more.tif",), 0.3, 6, (1, 3, 5), (-1, 0, 1))
    pairs = points_of_files(of(folder, "image_*"), 2)
    assert pairs[1].cut == Cut((folder / "image_2.tif", folder / "image_3.tif"), None, 2)
    for point in (*long, *pairs):
        read, again = point.load(), point.cut.load(point.name)  # type: ignore[union-attr]
        assert (numbers(again), again.name, again.defocus) == (numbers(read), read.name, read.defocus)
