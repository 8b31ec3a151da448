"""`hrtem-app score`: what it prints, and how wrong input is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hrtem_app.cli import main
from hrtem_app.columns import ColumnTable, empty_table

Run = Callable[..., SimpleNamespace]
PLACES = np.array([[20.0, 20.0], [20.0, 30.0], [20.0, 40.0], [30.0, 30.0]])


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the program; gives its exit code, stdout and stderr."""

    def call(*arguments: object) -> SimpleNamespace:
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return call


def table(classes: list[int], sampling: float = 0.2) -> ColumnTable:
    count = len(classes)
    return ColumnTable(PLACES[:count], np.array(classes), sampling, np.ones(count, int), np.ones(count))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A truth, two tables (one of which takes the 1S for a 2S and lacks a Mo) and the record beside them."""
    true = replace(table([1, 0, 2, 0]), reviewed=np.array([0, 0, 1, 0], bool))
    true.to_csv(tmp_path / "truth.csv")
    true.to_csv(tmp_path / "columns-unet.csv")
    table([1, 0, 1]).to_csv(tmp_path / "columns-msd_net.csv")
    told = {"series": {"size_px": {"x": 60, "y": 50}}}
    (tmp_path / "analysis.json").write_text(json.dumps(told), encoding="utf-8")
    return tmp_path


def test_help(run: Run) -> None:
    done = run("score", "--help")
    assert done.code == 0
    for option in ("--truth", "--reviewed-only", "--distance", "--border", "--json"):
        assert option in done.out
    assert "score" in run("--help").out


def test_a_line_and_a_confusion_for_each_table(run: Run, folder: Path) -> None:
    files = [folder / "columns-unet.csv", folder / "columns-msd_net.csv"]
    done = run("score", *files, "--truth", folder / "truth.csv")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].split() == ["table", "judged", "F1", "Mo", "2S", "1S", "hits", "false", "missed", "error,", "pm"]
    assert lines[1].split() == [str(files[0]), "4", *["1.0000"] * 4, "4", "0", "0", "0.00"]
    # Two hits, one false, two missed; of Mo one hit and one missed, of 2S one hit and one false.
    numbers = ["0.5714", "0.6667", "0.6667", "0.0000", "2", "1", "2", "0.00"]
    assert lines[2].split() == [str(files[1]), "3", *numbers]
    # What follows are the classes in three lines, for each table under its name.
    start = lines.index(f"{files[1]}: found in the place of true columns")
    assert [line.split() for line in lines[start + 1 :]] == [
        ["Mo", "2S", "1S", "nothing"],
        ["Mo", "1", "0", "0", "1"],
        ["2S", "0", "1", "0", "0"],
        ["1S", "0", "1", "0", "0"],
    ]


def test_json(run: Run, folder: Path) -> None:
    file = folder / "columns-msd_net.csv"
    content = json.loads(run("score", file, "--truth", folder / "truth.csv", "--json", "--border", 5).out)
    assert content["image_px"] == {"x": 60, "y": 50}
    assert (content["distance_px"], content["border_px"]) == (3, 5)
    assert content["true_columns"] == {"Mo": 2, "2S": 1, "1S": 1}
    assert content["sampling_A_per_px"] == pytest.approx(0.2)
    assert content["files"][str(file)]["atomic_f1"] == pytest.approx(2 * 2 / (2 * 2 + 1 + 2))
    assert content["files"][str(file)]["atomic_f1_per_class"]["1S"] == 0


def test_reviewed_only(run: Run, folder: Path) -> None:
    file = folder / "columns-msd_net.csv"
    content = json.loads(run("score", file, "--truth", folder / "truth.csv", "--json", "--reviewed-only").out)
    assert content["reviewed_only"] is True
    assert content["true_columns"] == {"Mo": 0, "2S": 0, "1S": 1}
    scored = content["files"][str(file)]
    assert scored["columns_judged"] == 1
    assert scored["counts"]["2S"] == {"hits": 0, "false": 1, "missed": 0}
    assert scored["atomic_f1_per_class"]["Mo"] is None


def test_without_a_record_the_border_counts_and_that_is_told(run: Run, folder: Path) -> None:
    (folder / "analysis.json").unlink()
    done = run("score", folder / "columns-unet.csv", "--truth", folder / "truth.csv", "--json")
    assert "the size of the image is unknown" in done.err
    content = json.loads(done.out)
    assert content["image_px"] is None
    assert content["files"][str(folder / "columns-unet.csv")]["atomic_f1"] == 1


def test_a_table_without_columns_has_a_score(run: Run, folder: Path) -> None:
    empty_table(0.2).to_csv(folder / "none.csv")
    done = run("score", folder / "none.csv", "--truth", folder / "truth.csv")
    assert done.code == 0
    assert done.out.splitlines()[1].split()[1:] == ["0", *["0.0000"] * 4, "0", "0", "4", "–"]


def test_what_is_refused(run: Run, folder: Path) -> None:
    truth = folder / "truth.csv"
    table([1, 0], sampling=0.25).to_csv(folder / "other.csv")
    empty_table(0.2).to_csv(folder / "none.csv")
    table([1, 0]).to_csv(folder / "unseen.csv")
    cases = {
        (folder / "other.csv", truth): "other.csv: its sampling is 0.25 Å/px, that of the truth 0.2",
        (truth, folder / "none.csv"): "none.csv: the truth holds no columns",
        (truth, folder / "unseen.csv", "--reviewed-only"): "unseen.csv: none of the 2 columns of the truth is reviewed",
        (truth, folder / "missing.csv"): "missing.csv cannot be read",
        (folder / "analysis.json", truth): "is not a table of columns",
        (truth, truth, "--distance", "-2"): "a distance of -2.0 px is impossible",
        (truth, truth, "--border", "wide"): "'wide' is not a number",
    }
    for (file, against, *options), words in cases.items():
        done = run("score", file, "--truth", against, *options)
        assert (done.code, done.out) == (2, "")
        assert words in done.err
        assert len(done.err.splitlines()) == 1
    assert "--truth" in run("score", truth).err
