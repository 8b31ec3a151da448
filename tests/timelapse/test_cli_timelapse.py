"""`hrtem-app timelapse`: what it writes and prints, and that it goes on where it was stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from hrtem_app.analysis import Analysis, Progress
from hrtem_app.cli import main
from hrtem_app.columns import ColumnTable
from hrtem_app.io import save_series
from hrtem_app.recipe import Recipe
from hrtem_app.series import FocalSeries
from hrtem_app.timelapse import analyse as module

Run = Callable[..., SimpleNamespace]
PLACES = np.array([[30.0 + 15 * y, 30.0 + 15 * x + 7 * (y % 2)] for y in range(5) for x in range(5)])


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the program; gives its exit code, stdout and stderr."""

    def call(*arguments: object) -> SimpleNamespace:
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return call


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Two time points of three frames, whose drift the images tell."""
    rng = np.random.default_rng(0)
    scene = rng.normal(0, 1, (160, 160))
    frames = [
        scene[10 - 2 * t : 138 - 2 * t, 10:138] + 0.1 * rng.normal(0, 1, (128, 128)) for t in (0, 1) for _ in "abc"
    ]
    save_series(FocalSeries(np.array(frames), 0.2, (-50.0, 0.0, 50.0) * 2, 50e3), tmp_path / "film.tif")
    return tmp_path / "film.tif"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Networks that find columns two pixels further down at the second time point, one of them changed."""
    calls: list[int] = []

    def steps(series: FocalSeries, recipe: Recipe) -> Generator[Progress, None, Analysis]:
        number = int(series.name[-1])
        calls.append(number)
        yield Progress("unet", 0.5)
        classes = np.where(np.arange(25) % 2, 1, 0)
        classes[7] += number
        ones = np.ones(25)
        table = ColumnTable(PLACES + np.array([2 * number, 0]), classes, 0.2, ones.astype(int), ones)
        return Analysis(series, (0, 1, 2), recipe, series, (), {}, table, ("take care",), {})

    monkeypatch.setattr(module, "analysis_steps", steps)
    return calls


def test_help(run: Run) -> None:
    done = run("timelapse", "--help")
    assert done.code == 0
    for option in (
        "--out",
        "--group",
        "--interval",
        "--order",
        "--recipe",
        "--reach",
        "--memory",
        "--smooth",
        "--json",
    ):
        assert option in done.out


def test_files_and_summary(run: Run, film: Path, runs: list[int], tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("timelapse", film, "--out", out, "--group", 3, "--interval", 2)
    assert done.code == 0, done.err
    assert done.err.count("warning: take care") == 1
    assert "25 sites, 25 of them seen throughout" in done.out
    assert "events: 1 vacancy made" in done.out
    assert [str(out / name) in done.out for name in ("timelapse.csv", "tracks.csv", "timelapse.json", "timelapse.png")]
    counts = pd.read_csv(out / "timelapse.csv")
    assert counts["time_s"].tolist() == [0, 2]
    assert counts["1S"].tolist() == [0, 1]
    assert counts["drift_y_px"].tolist() == pytest.approx([0, 2], abs=0.01)
    events = pd.read_csv(out / "tracks.csv").dropna(subset=["event"])
    assert events[["time_point", "class", "event", "id"]].values.tolist() == [[1, "1S", "vacancy made", 7]]
    assert ColumnTable.from_csv(out / "0001" / "columns.csv").counts()["1S"] == 1


def test_json_and_going_on(run: Run, film: Path, runs: list[int], tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("timelapse", film, "--out", out, "--group", 3, "--json")
    first = run(*arguments)
    record = json.loads(first.out)
    assert record["events"]["vacancy made"] == 1
    assert record["time_points"][1]["drift_told_by"] == "images"
    refused = run(*arguments)
    assert refused.code == 2
    assert "--overwrite" in refused.err
    (out / "0001" / "time_point.json").unlink()
    runs.clear()
    again = run(*arguments, "--overwrite", "--smooth", 3)
    assert again.code == 0
    assert runs == [1]
    assert json.loads(again.out)["linking"]["smoothed_over"] == 3
    runs.clear()
    assert run(*arguments, "--overwrite").out == first.out
    assert runs == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--group", 4), "6 frames"),
        (("--group", "three"), "'three' is not a whole number"),
        (("--group", 3, "--order", "size"), "--order size: give time or defocus"),
        (("--group", 3, "--interval", -1), "an interval of -1.0 s"),
        (("--group", 3, "--reach", 0), "a reach of 0.0 Å"),
        (("--group", 3, "--smooth", 2), "a window of 2 time points"),
    ],
)
def test_wrong_values_are_refused(
    run: Run, film: Path, runs: list[int], tmp_path: Path, more: tuple[object, ...], words: str
) -> None:
    done = run("timelapse", film, "--out", tmp_path / "out", *more)
    assert done.code == 2
    assert words in done.err
    assert not (tmp_path / "out" / "timelapse.csv").exists()
