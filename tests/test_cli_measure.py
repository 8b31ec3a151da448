"""`hrtem-app measure`: what it prints and writes, and how wrong input is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from hrtem_app.cli import main
from hrtem_app.columns import ColumnTable, empty_table
from hrtem_app.measure import MeasureSettings, measure
from hrtem_app.resources import sample_path

Run = Callable[..., SimpleNamespace]
FILES = ("measurements.json", "measurements.csv", "displacement.png", "strain.png", "distances.png", "defects.png")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the program; gives its exit code, stdout and stderr."""

    def call(*arguments: object) -> SimpleNamespace:
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return call


@pytest.fixture(scope="module")
def truth() -> ColumnTable:
    return ColumnTable.from_csv(sample_path().with_name("mos2_on_graphite-truth.csv"))


@pytest.fixture
def columns(truth: ColumnTable, tmp_path: Path) -> Path:
    """The truth of the bundled sample, in a folder without a record of the image."""
    truth.to_csv(tmp_path / "columns.csv")
    return tmp_path / "columns.csv"


def test_help(run: Run) -> None:
    done = run("measure", "--help")
    assert done.code == 0
    assert "hrtem-app measure" in done.out
    for option in ("--region", "--json", "--out", "--image-size", "--votes", "--decided-only", "--reference"):
        assert option in done.out
    assert "measure" in run("--help").out


def test_the_summary_is_that_of_the_library(run: Run, columns: Path, truth: ColumnTable) -> None:
    done = run("measure", columns, "--image-size", "400,400")
    assert (done.code, done.err) == (0, "")
    assert done.out == measure(truth, image_shape=(400, 400)).summary() + "\n"
    for words in ("719: 360 Mo, 321 2S, 38 1S", "38 of 359 = 10.58%", "a = 3.1615", "9 V_S2, 8 V_Mo"):
        assert words in done.out


def test_json_with_a_region(run: Run, columns: Path) -> None:
    corners = [(100, 90), (300, 90), (300, 320), (100, 320)]
    told = ";".join(f"{x},{y}" for x, y in corners)
    done = run("measure", columns, "--json", "--region", told, "--votes", 1, "--reference", 3.16)
    content = json.loads(done.out)
    written = ColumnTable.from_csv(columns)
    expected = measure(written, [(y, x) for x, y in corners], MeasureSettings(reference=3.16))
    assert content == json.loads(expected.to_json())
    assert content["region_px"][2] == {"x": 300, "y": 320}
    assert 0 < content["columns"] < 719
    assert "the size of the image is unknown" in done.err


def test_files(run: Run, columns: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    done = run("measure", columns, "--out", folder, "--image-size", "400,400")
    assert done.code == 0
    assert done.out.splitlines()[-len(FILES) :] == [str(folder / name) for name in FILES]
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert json.loads((folder / "measurements.json").read_text(encoding="utf-8"))["columns"] == 719
    with (folder / "measurements.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 719
    assert sum(row["defect"] == "V_S" for row in rows) == 38
    for name in FILES[2:]:
        with Image.open(folder / name) as picture:
            assert min(picture.size) > 300
            # Not just an empty page.
            assert len(picture.convert("L").getcolors(256) or []) > 20
    assert run("measure", columns, "--out", folder).code == 2
    assert run("measure", columns, "--out", folder, "--overwrite").code == 0


def test_with_json_stdout_holds_nothing_else(run: Run, columns: Path, tmp_path: Path) -> None:
    done = run("measure", columns, "--json", "--out", tmp_path / "out")
    assert json.loads(done.out)["columns"] == 719
    assert str(tmp_path / "out" / FILES[0]) in done.err


def test_the_record_of_an_analysis_tells_the_size_of_the_image(run: Run, columns: Path) -> None:
    told = {"series": {"size_px": {"x": 400, "y": 400}}}
    (columns.parent / "analysis.json").write_text(json.dumps(told), encoding="utf-8")
    done = run("measure", columns)
    assert done.err == ""
    assert done.out == run("measure", columns, "--image-size", "400,400").out
    (columns.parent / "analysis.json").write_text("{}", encoding="utf-8")
    assert "the size of the image is unknown" in run("measure", columns).err


def test_settings_from_a_file(run: Run, columns: Path, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(MeasureSettings(votes=2, confidence=0.9).model_dump_json(), encoding="utf-8")
    content = json.loads(run("measure", columns, "--settings", file, "--json").out)
    assert (content["settings"]["votes"], content["settings"]["confidence"]) == (2, 0.9)
    # The truth has one vote each.
    assert content["vacancies"]["1S"]["of"] == 0
    content = json.loads(run("measure", columns, "--settings", file, "--votes", 1, "--json").out)
    assert (content["settings"]["votes"], content["vacancies"]["1S"]["of"]) == (1, 359)


def test_an_empty_table(run: Run, tmp_path: Path) -> None:
    empty_table(0.2).to_csv(tmp_path / "columns.csv")
    done = run("measure", tmp_path / "columns.csv", "--sampling", 0.2, "--out", tmp_path / "out")
    assert done.code == 0
    assert "columns     0" in done.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--region", "1,2;3"], "'3' is no corner"),
        (["--region", "1,2;3,x;5,6"], "'3,x' is no corner"),
        (["--region", "1,2;3,4"], "is no polygon"),
        (["--image-size", "400"], "width and its height"),
        (["--image-size", "400,-1"], "width and its height"),
        (["--votes", "0"], "votes"),
        (["--reference", "-3"], "reference"),
    ],
)
def test_wrong_options_are_refused(run: Run, columns: Path, options: list[str], words: str) -> None:
    done = run("measure", columns, *options)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert len(done.err.splitlines()) == 1


def test_no_table_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert "is not a table of columns" in run("measure", tmp_path / "other.csv").err
    assert run("measure", tmp_path / "none.csv").code == 2


def test_a_file_in_place_of_the_folder_is_refused_before_the_work(run: Run, columns: Path) -> None:
    done = run("measure", columns, "--out", columns)
    assert done.code == 2
    assert "is a file: give a folder" in done.err
