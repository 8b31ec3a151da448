"""`analyse` with many series, and its options beside: what it prints, writes and refuses."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hrtem_app.cli import main
from hrtem_app.columns import ColumnTable
from hrtem_app.export import report, results
from hrtem_app.export.drawing import new_figure
from hrtem_app.io import save_series
from hrtem_app.measure import measure
from hrtem_app.recipe import LatticeFilter, MeasureSettings, Recipe
from hrtem_app.series import FocalSeries

Run = Callable[..., SimpleNamespace]
OPTIONS = ("--networks", "tiny", "--device", "cpu")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the program; gives its exit code, stdout and stderr."""

    def call(*arguments: object) -> SimpleNamespace:
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return call


@pytest.fixture(autouse=True)
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, str]]:
    """What the figures look like is the business of other tests; what was asked of them is noted."""
    asked: list[tuple[bool, str]] = []

    def agreement_figure(analysis: object, equal_dots: bool, palette: str, vector: bool = False) -> Any:
        asked.append((equal_dots, palette))
        return new_figure(1, 1)

    def figures(measured: object) -> dict[str, Any]:
        return {name: new_figure(1, 1) for name in ("displacement", "strain", "distances", "defects")}

    monkeypatch.setattr(results, "agreement_figure", agreement_figure)
    monkeypatch.setattr("hrtem_app.measure.figures.figures", figures)
    for name in ("frames_figure", "columns_figure"):
        monkeypatch.setattr(report, name, lambda analysis: new_figure(1, 1))
    return asked


@pytest.fixture(autouse=True)
def _tiny_network(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """An untrained network on disk by the name of `tiny`."""
    import torch

    from hrtem_app.networks.catalog import NetworkCard, build_network, save_network

    folder = tmp_path_factory.mktemp("networks")
    torch.manual_seed(0)
    card = NetworkCard(
        name="tiny", title="Tiny U-net", architecture="unet", settings={"channels": 1, "frames": 3}, parameters=1,
        dose_range=(300, 1e5), defocus_range=(-150, 152), energy=5e4, label_radius=0.65,
    )  # fmt: skip
    save_network(build_network("unet", card.settings), card, folder)
    monkeypatch.setenv("HRTEM_APP_NETWORKS", str(folder))


@pytest.fixture
def data(tmp_path: Path, sample_series: FocalSeries) -> Path:
    """A folder with two series and a third that is cut off."""
    folder = tmp_path / "data"
    folder.mkdir()
    for number in (9, 10):
        save_series(sample_series.with_frames(np.roll(sample_series.frames, number, axis=2)), folder / f"s{number}.tif")
    (folder / "s11.tif").write_bytes((folder / "s10.tif").read_bytes()[:9000])
    return folder


def table_of(out: Path) -> list[dict[str, str]]:
    with (out / "results.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_help(run: Run) -> None:
    said = run("analyse", "--help").out
    for option in ("--each", "--recursive", "--group-by-folder", "--energy", "--measure", "--palette", "--json"):
        assert option in said


def test_a_folder_with_a_broken_file(run: Run, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("analyse", data, "--out", out, *OPTIONS)
    assert done.code == 1
    assert done.out.splitlines() == [str(out / "s9"), str(out / "s10"), str(out / "results.csv")]
    lines = done.err.splitlines()
    assert "3 series: 2 done, 1 failed" in lines
    assert [line for line in lines if line.startswith("failed: ")] == [lines[-1]]
    assert lines[-1].startswith(f"failed: s11: '{data / 's11.tif'}'")
    assert any(line.endswith("2 of 3, s10: done") for line in lines)
    assert "Traceback" not in done.err
    assert [(row["name"], row["status"]) for row in table_of(out)] == [
        ("s9", "done"),
        ("s10", "done"),
        ("s11", "failed"),
    ]
    assert {path.name for path in out.iterdir()} == {"s9", "s10", "results.csv"}
    # Mended, the same command goes on.
    (data / "s11.tif").write_bytes((data / "s9.tif").read_bytes())
    again = run("analyse", data, "--out", out, *OPTIONS)
    assert again.code == 0
    assert "3 series: 1 done, 2 done before, skipped" in again.err
    assert "1 of 3, s9: done before, skipped" in again.err
    assert again.out.splitlines() == [*(str(out / name) for name in ("s9", "s10", "s11")), str(out / "results.csv")]
    assert [row["status"] for row in table_of(out)] == ["skipped", "skipped", "done"]
    assert "3 series: 3 done" in run("analyse", data, "--out", out, "--overwrite", *OPTIONS).err


def test_each_file_by_itself_or_all_as_frames_of_one(run: Run, tmp_path: Path, sample_series: FocalSeries) -> None:
    frames = [tmp_path / "run" / f"f{index}.tif" for index in range(3)]
    frames[0].parent.mkdir()
    for index, path in enumerate(frames):
        save_series(sample_series.select([index]), path)
    one = run("analyse", *frames, "--out", tmp_path / "one", *OPTIONS)
    assert one.code == 0
    grouped = run("analyse", *frames, "--group-by-folder", "--out", tmp_path / "grouped", *OPTIONS)
    assert grouped.code == 0
    assert grouped.out.splitlines()[0] == str(tmp_path / "grouped" / "run")
    columns = [(folder / "columns.csv").read_bytes() for folder in (tmp_path / "one", tmp_path / "grouped" / "run")]
    assert columns[0] == columns[1]
    apart = run("analyse", *frames, "--each", "--out", tmp_path / "each", *OPTIONS)
    assert apart.code == 1
    assert [row["name"] for row in table_of(tmp_path / "each")] == ["f0", "f1", "f2"]
    assert apart.err.count("1 frame but the network 'tiny' wants 3") == 3


def test_json_of_many(run: Run, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("analyse", data, "--out", out, "--json", "--energy", 6e4, *OPTIONS)
    content = json.loads(done.out)
    assert done.code == 1
    assert content["table"] == str(out / "results.csv")
    assert [row["status"] for row in content["series"]] == ["done", "done", "failed"]
    record = json.loads((out / "s9" / "analysis.json").read_text(encoding="utf-8"))
    first = content["series"][0]
    assert first["columns"] == sum(record["counts"]["sites"].values())
    assert (first["energy_eV"], record["recipe"]["energy"]) == (6e4, 6e4)
    assert content["series"][2]["columns"] is None


def test_json_of_one(run: Run, data: Path, tmp_path: Path) -> None:
    done = run("analyse", data / "s9.tif", "--out", tmp_path / "out", "--json", *OPTIONS)
    content = json.loads(done.out)
    assert done.code == 0
    assert content["folder"] == str(tmp_path / "out")
    assert str(tmp_path / "out" / "columns.csv") in content["files"]
    assert content["columns"] == len(ColumnTable.from_csv(tmp_path / "out" / "columns.csv", 0.225))
    assert (content["frames"], content["energy_eV"], content["networks"]) == (3, 5e4, "tiny")


def test_measurements_lie_beside_the_results(run: Run, data: Path, tmp_path: Path) -> None:
    told = '{"measure": {"votes": 2}}'
    out = tmp_path / "out"
    one = run("analyse", data / "s9.tif", "--out", out, "--measure", "--recipe", told, *OPTIONS)
    assert one.code == 0
    assert str(out / "measurements.json") in one.out.splitlines()
    content = json.loads((out / "measurements.json").read_text(encoding="utf-8"))
    table = ColumnTable.from_csv(out / "columns.csv", 0.225)
    expected = measure(table, settings=MeasureSettings(votes=2), image_shape=(64, 72))
    assert content["settings"]["votes"] == 2
    assert (content["columns"], content["counts"]) == (len(table), expected.counts())
    assert content["vacancies"]["columns_left_out"] == expected.vacancies.left_out == len(table)
    again = run("analyse", data / "s9.tif", "--out", out, "--measure", "--overwrite", *OPTIONS)
    assert again.code == 0
    assert json.loads((out / "measurements.json").read_text(encoding="utf-8"))["settings"]["votes"] == 1
    assert run("analyse", data, "--out", tmp_path / "many", "--measure", *OPTIONS).code == 1
    assert (tmp_path / "many" / "s10" / "measurements.csv").exists()


def test_choices_of_the_figure(run: Run, data: Path, tmp_path: Path, drawn: list[tuple[bool, str]]) -> None:
    for number, path in enumerate((data / "s9.tif", data)):
        run("analyse", path, "--out", tmp_path / f"plain{number}", *OPTIONS)
        assert set(drawn) == {(False, "thesis")}
        drawn.clear()
        chosen = ("--palette", "colour-blind", "--equal-dots")
        run("analyse", path, "--out", tmp_path / f"chosen{number}", *chosen, *OPTIONS)
        assert set(drawn) == {(True, "colour-blind")}
        drawn.clear()


def test_a_recipe_may_stand_on_the_command_line(run: Run, data: Path, tmp_path: Path) -> None:
    told = '{"filter": {"radius": 0.02}, "networks": ["unet"], "columns": {"threshold": 0.3}, "views": 2}'
    out = tmp_path / "out"
    run("analyse", data / "s9.tif", "--out", out, "--recipe", told, "--no-filter", "--views", 1, *OPTIONS)
    record = json.loads((out / "analysis.json").read_text(encoding="utf-8"))
    assert Recipe.model_validate(record["recipe"]) == Recipe(
        filter=LatticeFilter(radius=0.02, enabled=False), networks=("tiny",), columns={"threshold": 0.3}, device="cpu"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--recipe", "{"], "the recipe in --recipe is not valid"),
        (["--recipe", '{"filter": {"radius": 7}}'], "filter.radius = 7"),
        (["--recipe", '{"no": 1}'], "no = 1"),
        (["--energy", "-3"], "energy"),
        (["--energy", "fast"], "'fast' is not a number"),
        (["--views", "3"], "views"),
        (["--palette", "grey"], "there is no palette 'grey'"),
        (["--networks", "resnet"], "resnet"),
        (["--device", "abacus"], "abacus"),
    ],
)
@pytest.mark.parametrize("each", [[], ["--each"]])
def test_bad_options_are_one_line_for_one_and_for_many(
    run: Run, data: Path, tmp_path: Path, each: list[str], options: list[str], words: str
) -> None:
    done = run("analyse", data / "s9.tif", "--out", tmp_path / "out", *OPTIONS, *each, *options)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_without_series_and_one_of_something_else(run: Run, data: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run("analyse", tmp_path / "empty", "--out", tmp_path / "out")
    assert (done.code, done.out) == (2, "")
    assert "holds no series" in done.err
    refused = run("analyse", data, "--out", data, *OPTIONS)
    assert refused.code == 2
    assert "is not empty" in refused.err


def test_interrupted_it_says_so_and_goes_on(
    run: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    from hrtem_app.cli.progress import ProgressLine

    show = ProgressLine.show

    def interrupt(line: ProgressLine, step: str, fraction: float, detail: str = "") -> None:
        show(line, step, fraction, detail)
        if step == "2 of 3, s10: tiny":
            raise KeyboardInterrupt

    monkeypatch.setattr(ProgressLine, "show", interrupt)
    done = run("analyse", data, "--out", out, *OPTIONS)
    assert (done.code, done.out) == (130, "")
    assert "stopped after 1 of 3 series: the same command goes on from there" in done.err
    assert [(row["name"], row["status"]) for row in table_of(out)] == [("s9", "done")]
    assert {path.name for path in out.iterdir()} == {"s9", "results.csv"}
    monkeypatch.setattr(ProgressLine, "show", show)
    assert "3 series: 1 done, 1 done before, skipped, 1 failed" in run("analyse", data, "--out", out, *OPTIONS).err
