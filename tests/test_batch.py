"""Batches: which series they are of, the table against known crystals, and that they can be stopped at any point."""

from __future__ import annotations

import csv
import itertools
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import hrtem_app
from hrtem_app.analysis import analyse
from hrtem_app.batch import HEADER, TABLE, Outcome, SeriesFiles, analyse_many, batch_steps, describe, find_series
from hrtem_app.batch import run as batch_run
from hrtem_app.batch.finding import _unique_names
from hrtem_app.batch.table import put_row, read_table, start_table
from hrtem_app.columns import ColumnTable
from hrtem_app.export import report, results
from hrtem_app.export.drawing import new_figure
from hrtem_app.io import save_series
from hrtem_app.networks import catalog
from hrtem_app.recipe import ColumnFinding, LatticeFilter, MeasureSettings, Recipe
from hrtem_app.series import FocalSeries

SAMPLING, CONSTANT = 0.225, 3.16
RECIPE = Recipe(networks=("unet", "unet_pp"), filter=LatticeFilter(enabled=False))


class BrightSpots(torch.nn.Module):
    """Class c is where frame c is bright."""

    divisor = 8

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([2 * (x - 2.5), torch.zeros_like(x[:, :1])], dim=1)


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> dict[str, catalog.NetworkCard]:
    """The catalog's cards, to be changed by a test; every network is BrightSpots."""
    known = {
        name: catalog.NetworkCard(
            name=name, title=name, architecture="unet", settings={}, parameters=1, dose_range=(300, 1e5),
            defocus_range=(-150, 152), energy=5e4, label_radius=0.65, sha256=f"weights of {name}",
        )
        for name in ("unet", "unet_pp")
    }  # fmt: skip
    monkeypatch.setattr(catalog, "available", lambda: known)
    monkeypatch.setattr(catalog, "load_network", lambda name, device="cpu": (BrightSpots(), known[name]))
    return known


@pytest.fixture(autouse=True)
def _empty_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the figures look like is the business of other tests."""
    monkeypatch.setattr(results, "agreement_figure", lambda *args, **choices: new_figure(1, 1))
    for name in ("frames_figure", "columns_figure"):
        monkeypatch.setattr(report, name, lambda analysis: new_figure(1, 1))


def honeycomb(rows: int, columns: int, constant: float) -> NDArray[np.float64]:
    """(2 · rows · columns, 2) places (y, x) in Å, one sublattice after the other."""
    row, column = np.mgrid[:rows, :columns]
    first = np.stack([constant * np.sqrt(0.75) * row, constant * (column + (row % 2) / 2)], axis=-1).reshape(-1, 2)
    return np.concatenate([first, first + np.array([constant / np.sqrt(3), 0])])


def crystal(single: int = 0, swapped: bool = False) -> FocalSeries:
    """A honeycomb of 2 × 72 columns, one class to a frame, so many S columns 1S; or with every other column swapped."""
    places = (honeycomb(8, 9, CONSTANT) + 6) / SAMPLING
    classes = np.repeat([0, 1], 72)
    if swapped:
        classes[::2] = 1 - classes[::2]
    classes[72 + 7 * np.arange(single)] = 2
    y, x = np.arange(160)[:, np.newaxis], np.arange(192)
    frames = np.full((3, 160, 192), 100.0)
    for (py, px), c in zip(places, classes, strict=True):
        frames[c] += 50 * np.exp(-((y - py) ** 2 + (x - px) ** 2) / 8)
    return FocalSeries(frames, SAMPLING, (-50.0, 0.0, 50.0), 8e4)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Files of three crystals, by what is in them."""
    folder = tmp_path_factory.mktemp("stored")
    made = {"perfect": crystal(), "vacancies": crystal(single=9), "swapped": crystal(swapped=True)}
    for name, series in made.items():
        save_series(series, folder / f"{name}.tif")
    return {name: (folder / f"{name}.tif").read_bytes() for name in made}


@pytest.fixture
def data(stored: dict[str, bytes], tmp_path: Path) -> Path:
    """A folder with the three of them."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name, content in stored.items():
        (folder / f"{name}.tif").write_bytes(content)
    return folder


def rows_of(out: Path) -> dict[str, dict[str, str]]:
    with (out / TABLE).open(newline="", encoding="utf-8") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def statuses(outcomes: tuple[Outcome, ...]) -> dict[str, str]:
    return {outcome.series.name: outcome.status for outcome in outcomes}


def wilson(count: int, total: int) -> tuple[float, float]:
    z, p = 1.959963984540054, count / total
    middle = (p + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z * math.sqrt(p * (1 - p) / total + z**2 / (4 * total**2)) / (1 + z**2 / total)
    return middle - half, middle + half


# Which series.


@pytest.fixture
def picture() -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8)).save(path, format="png")
        return path

    return write


def test_a_folder_stands_for_the_series_in_it(picture: Callable[[Path], Path], tmp_path: Path) -> None:
    for name in ("focus10.png", "focus9.png", ".hidden.png", "deeper/below.png", "done/agreement.png"):
        picture(tmp_path / name)
    (tmp_path / "notes.tif").write_text("no image\n")
    (tmp_path / "done" / "analysis.json").write_text("{}")
    picture(tmp_path / "done" / "inside" / "also.png")
    names = [each.name for each in find_series([tmp_path])]
    assert names == ["focus9", "focus10"]
    deep = find_series([tmp_path], recursive=True)
    assert [each.name for each in deep] == ["below", "focus9", "focus10"]
    assert deep[0] == SeriesFiles("below", tmp_path / "deeper/below.png", (tmp_path / "deeper/below.png",))


def test_named_files_are_taken_as_they_are_and_once(
    picture: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    b, a = picture(tmp_path / "b.png"), picture(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    found = find_series(["b.png", tmp_path, "gone.tif", b])
    assert [each.source for each in found] == [b, a, tmp_path / "gone.tif"]


def test_an_emi_file_is_left_to_its_ser_files(tmp_path: Path) -> None:
    for name in ("a_1.ser", "a_2.ser"):
        (tmp_path / name).write_bytes(b"II\x97\x01")
    for name in ("a.emi", "alone.emi"):
        (tmp_path / name).write_bytes(b"JK\0")
    assert [each.name for each in find_series([tmp_path])] == ["a_1", "a_2", "alone"]


def test_files_of_a_folder_may_be_the_frames_of_a_series(picture: Callable[[Path], Path], tmp_path: Path) -> None:
    for name in ("one/f2.png", "one/f10.png", "two/only.png"):
        picture(tmp_path / name)
    found = find_series([tmp_path], recursive=True, by_folder=True)
    assert [(each.name, each.source.name, [path.name for path in each.paths]) for each in found] == [
        ("one", "one", ["f2.png", "f10.png"]),
        ("two", "two", ["only.png"]),
    ]
    named = find_series([tmp_path / "one/f10.png", tmp_path / "one/f2.png"], by_folder=True)
    assert [path.name for path in named[0].paths] == ["f10.png", "f2.png"]


def test_nothing_to_analyse_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no series.*--recursive"):
        find_series([tmp_path])
    with pytest.raises(ValueError, match=r"holds no series that can be read: give the folder of the files$"):
        find_series([tmp_path], recursive=True)
    with pytest.raises(ValueError, match="no file was named"):
        find_series([])


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/d/x.tif", "/d/y.dm4"], ["x", "y"]),
        (["/mo/x.tif", "/tu/x.tif", "/d/y.tif"], ["mo-x", "tu-x", "y"]),
        (["/d/x.tif", "/d/x.png"], ["x-tif", "x-png"]),
        (["/a/x.tif", "/a/x.png", "/b/x.tif"], ["a-x", "x-png", "b-x"]),
        (["/1/s/x.tif", "/2/s/x.tif"], ["1-s-x", "2-s-x"]),
        (["/a/X.tif", "/b/x.tif"], ["a-X", "b-x"]),
        (["/a/x.tif", "/b/x.tif", "/c/a-x.tif"], ["a-x", "b-x", "c-a-x"]),
        (["/d/results.csv.tif"], ["results.csv-tif"]),
        (["/d/...tif", "/d/x .tif"], ["series", "x"]),
    ],
)
def test_names_are_as_short_as_they_can_be_told_apart(paths: list[str], names: list[str]) -> None:
    assert _unique_names([Path(path) for path in paths]) == names


def test_names_are_unique_and_do_not_depend_on_the_order() -> None:
    parts = [("a", "b", "A"), ("x", "a-x", "x-tif", "b-x-png"), (".tif", ".png", "")]
    paths = [Path("/d", f, n + s) for f, n, s in itertools.product(*parts)]
    rng = np.random.default_rng(0)
    for _ in range(200):
        some = [paths[i] for i in rng.permutation(len(paths))[: rng.integers(1, 12)]]
        names = dict(zip(some, _unique_names(some), strict=True))
        assert len({name.casefold() for name in names.values()}) == len(some)
        assert dict(zip(sorted(some), _unique_names(sorted(some)), strict=True)) == names
        assert not {"", ".", ".."} & set(names.values())
        assert all("/" not in name for name in names.values())


# The table.


def test_a_row_takes_the_place_of_what_was_said_of_the_series(tmp_path: Path) -> None:
    start_table(tmp_path)
    assert read_table(tmp_path) == []
    for name in "abc":
        put_row(tmp_path, {"file": f"/d/{name}.tif", "name": name, "status": "done", "seconds": 1 / 3})
    put_row(tmp_path, {"file": "/d/b.tif", "name": "d-b", "status": "failed", "error": 'a "bad", one\nand more'})
    put_row(tmp_path, {"file": "/moved/c.tif", "name": "c", "status": "skipped", "energy_eV": None})
    rows = read_table(tmp_path)
    assert [(row["file"], row["name"], row["status"]) for row in rows] == [
        ("/d/a.tif", "a", "done"), ("/d/b.tif", "d-b", "failed"), ("/moved/c.tif", "c", "skipped"),
    ]  # fmt: skip
    assert (rows[0]["seconds"], rows[1]["error"], rows[2]["energy_eV"]) == ("0.333333", 'a "bad", one\nand more', "")
    assert tuple(rows[0]) == HEADER
    assert [path.name for path in tmp_path.iterdir()] == [TABLE]
    start_table(tmp_path)
    assert len(read_table(tmp_path)) == 3


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00"])
def test_another_table_is_no_table_of_a_batch(tmp_path: Path, content: bytes) -> None:
    (tmp_path / TABLE).write_bytes(content)
    with pytest.raises(ValueError, match=TABLE):
        put_row(tmp_path, {"file": "a", "name": "a", "status": "done"})
    assert (tmp_path / TABLE).read_bytes() == content


# The analyses.


def test_rows_tell_what_the_crystals_are(cards: dict[str, Any], data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    outcomes = analyse_many(find_series([data]), out, RECIPE)
    assert statuses(outcomes) == {"perfect": "done", "swapped": "done", "vacancies": "done"}
    rows = rows_of(out)
    assert list(rows) == ["perfect", "swapped", "vacancies"]
    low, high = wilson(9, 72)
    cell = CONSTANT**2 * math.sqrt(0.75) / 100
    for name, counts in (("perfect", ("72", "72", "0")), ("vacancies", ("72", "63", "9"))):
        row = rows[name]
        assert (row["Mo"], row["2S"], row["1S"]) == counts
        assert (row["columns"], row["disputed"], row["grains"], row["undecided_grains"]) == ("144", "0", "1", "0")
        assert (row["file"], row["folder"], row["error"]) == (str(data / f"{name}.tif"), str(out / name), "")
        assert (row["sampling_A"], row["frames"], row["frames_used"], row["energy_eV"]) == ("0.225", "3", "3", "80000")
        assert (row["networks"], row["mean_votes"]) == ("unet unet_pp", "2")
        assert float(row["area_nm2"]) == pytest.approx(72 * cell, rel=2e-3)
        assert float(row["lattice_constant_A"]) == pytest.approx(CONSTANT, abs=3e-3)
    assert float(rows["vacancies"]["vacancies_1S"]) == pytest.approx(9 / 72, rel=1e-5)
    assert float(rows["vacancies"]["vacancies_1S_low"]) == pytest.approx(low, rel=1e-5)
    assert float(rows["vacancies"]["vacancies_1S_high"]) == pytest.approx(high, rel=1e-5)
    assert rows["swapped"]["undecided_grains"] == "1"
    assert int(rows["swapped"]["warnings"]) == int(rows["perfect"]["warnings"]) + 1
    assert not list(out.glob(".*"))


def test_each_folder_holds_what_one_analysis_writes(cards: dict[str, Any], data: Path, tmp_path: Path) -> None:
    series = find_series([data / "vacancies.tif"])
    (outcome,) = analyse_many(series, tmp_path / "many", RECIPE, palette="colour-blind", equal_dots=True)
    one = analyse(data / "vacancies.tif", RECIPE)
    written = {path.name for path in results.write_results(one, tmp_path / "one")}
    assert outcome.folder == tmp_path / "many" / "vacancies"
    assert {path.name for path in outcome.folder.iterdir()} == written
    for name in written:
        if name.endswith((".csv", ".xyz")):
            assert (outcome.folder / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def test_the_row_of_two_grains(cards: dict[str, Any], data: Path, tmp_path: Path) -> None:
    (outcome,) = analyse_many(find_series([data / "perfect.tif"]), tmp_path / "out", RECIPE)
    assert outcome.folder is not None
    small, large = honeycomb(4, 5, 3.24) + 2, honeycomb(8, 9, CONSTANT) + np.array([2, 20])
    votes = np.repeat([1, 2], [40, 144])
    ColumnTable(
        positions=np.concatenate([small, large]) / SAMPLING,
        classes=np.concatenate([np.repeat([0, 1], 20), np.repeat([0, 1], 72)]),
        sampling=SAMPLING,
        votes=votes,
        probability=np.ones(184),
        disputed=("2S:unet_pp",) * 3 + ("",) * 181,
        grain=np.repeat([0, 1], [40, 144]),
        grain_evidence=np.ones(184),
        # A person reclassified one column of the second grain; of the first nobody decided anything.
        decided=np.arange(184) > 40,
    ).to_csv(outcome.folder / "columns.csv")
    values, measured = describe(outcome.folder)
    assert (values["grains"], values["undecided_grains"], values["columns"], values["disputed"]) == (2, 1, 184, 3)
    assert values["mean_votes"] == pytest.approx(votes.mean())
    assert values["lattice_constant_A"] == pytest.approx(CONSTANT, abs=1e-3)
    assert values["area_nm2"] == pytest.approx((20 * 3.24**2 + 72 * CONSTANT**2) * math.sqrt(0.75) / 100, rel=1e-3)
    assert [grain.columns for grain in measured.grains] == [40, 144]


def test_row_and_outcome_say_the_same(cards: dict[str, Any], data: Path, tmp_path: Path) -> None:
    (outcome,) = analyse_many(find_series([data / "vacancies.tif"]), tmp_path / "out", RECIPE)
    assert tuple(outcome.row) == HEADER
    assert json.loads(json.dumps(outcome.row)) == outcome.row
    text = rows_of(tmp_path / "out")["vacancies"]
    for name, value in outcome.row.items():
        assert text[name] == (f"{value:.6g}" if isinstance(value, float) else str(value))


def test_choices_reach_the_figures(
    cards: dict[str, Any], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(results, "agreement_figure", lambda *args, **kinds: asked.append(args[1:]) or new_figure(1, 1))
    series = find_series([data / "perfect.tif"])
    analyse_many(series, tmp_path / "out", RECIPE, palette="colour-blind", equal_dots=True)
    assert set(asked) == {(True, "colour-blind")}


def test_a_broken_file_stops_no_other(cards: dict[str, Any], data: Path, tmp_path: Path) -> None:
    (data / "broken.tif").write_bytes((data / "perfect.tif").read_bytes()[:5000])
    np.save(data / "unscaled.npy", crystal().frames)
    save_series(crystal().select([0]), data / "single.tif")
    outcomes = analyse_many(find_series([data, tmp_path / "gone.tif"]), tmp_path / "out", RECIPE)
    failed = {outcome.series.name: outcome.error for outcome in outcomes if outcome.status == "failed"}
    assert set(failed) == {"broken", "unscaled", "single", "gone"}
    for name, words in (("broken", "cut off"), ("unscaled", "sampling"), ("single", "1 frame"), ("gone", "exist")):
        assert words in failed[name]
        row = rows_of(tmp_path / "out")[name]
        assert (row["status"], row["error"], row["folder"], row["columns"]) == ("failed", failed[name], "", "")
        assert not (tmp_path / "out" / name).exists()
    assert [n for n, s in statuses(outcomes).items() if s == "done"] == ["perfect", "swapped", "vacancies"]


def test_even_an_error_of_ours_stops_no_other(
    cards: dict[str, Any], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str, device: object = "cpu") -> Any:
        if next(turns):
            raise RuntimeError("out of\nmemory")
        return BrightSpots(), cards[name]

    turns = iter([True, False, False])
    monkeypatch.setattr(catalog, "load_network", load)
    outcomes = analyse_many(find_series([data / "perfect.tif", data / "vacancies.tif"]), tmp_path / "out", RECIPE)
    assert statuses(outcomes) == {"perfect": "failed", "vacancies": "done"}
    assert outcomes[0].error == "RuntimeError: out of memory"


@pytest.fixture
def no_analysis(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def forbid() -> None:
        monkeypatch.setattr(batch_run, "analysis_steps", lambda *_: pytest.fail("the networks ran again"))

    return forbid


def test_what_is_done_is_skipped_with_the_same_row(
    cards: dict[str, Any], data: Path, tmp_path: Path, no_analysis: Callable[[], None]
) -> None:
    out = tmp_path / "out"
    analyse_many(find_series([data]), out, RECIPE)
    before, files = rows_of(out), {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.name != TABLE}
    no_analysis()
    (out / TABLE).unlink()
    start_table(out)
    same = RECIPE.model_copy(update={"device": "cpu", "measure": MeasureSettings()})
    assert set(statuses(analyse_many(find_series([data]), out, same)).values()) == {"skipped"}
    assert rows_of(out) == {name: row | {"status": "skipped"} for name, row in before.items()}
    assert {path: path.stat().st_mtime_ns for path in files} == files
    # Elsewhere they are the same files.
    data.rename(tmp_path / "moved")
    assert set(statuses(analyse_many(find_series([tmp_path / "moved"]), out, RECIPE)).values()) == {"skipped"}
    assert {row["file"] for row in rows_of(out).values()} == {str(p) for p in (tmp_path / "moved").iterdir()}


@pytest.mark.parametrize("change", ["file", "recipe", "weights", "networks", "version", "results", "record", "folder"])
def test_other_results_are_not_taken_for_these_nor_lost(
    cards: dict[str, Any], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    out, file, recipe = tmp_path / "out", data / "perfect.tif", RECIPE
    analyse_many(find_series([file]), out, recipe)
    said = {
        "file": "of other files", "recipe": "of another recipe", "weights": "with other weights",
        "networks": "of another recipe", "version": "of hrtem-app 0.0.1", "results": "without columns.csv",
        "record": "of another version", "folder": "is not empty",
    }[change]  # fmt: skip
    record = out / "perfect" / "analysis.json"
    if change == "file":
        file.write_bytes((data / "vacancies.tif").read_bytes())
    elif change == "recipe":
        recipe = recipe.model_copy(update={"columns": ColumnFinding(threshold=0.51)})
    elif change == "weights":
        cards["unet"] = cards["unet"].model_copy(update={"sha256": "other"})
    elif change == "networks":
        recipe = recipe.model_copy(update={"networks": ("unet",)})
    elif change == "version":
        content = json.loads(record.read_text(encoding="utf-8"))
        assert content["versions"]["hrtem_app"] == hrtem_app.__version__
        content["versions"]["hrtem_app"] = "0.0.1"
        record.write_text(json.dumps(content), encoding="utf-8")
    elif change == "results":
        (out / "perfect" / "columns.csv").unlink()
    elif change == "record":
        record.write_text('{"series": 3}', encoding="utf-8")
    else:
        record.unlink()
    before = {path: path.read_bytes() for path in (out / "perfect").iterdir()}
    (outcome,) = analyse_many(find_series([file]), out, recipe)
    assert outcome.status == "failed"
    assert said in outcome.error
    assert "--overwrite" in outcome.error
    assert {path: path.read_bytes() for path in (out / "perfect").iterdir()} == before
    (outcome,) = analyse_many(find_series([file]), out, recipe, overwrite=True)
    assert outcome.status == "done"
    assert outcome.row["1S"] == (9 if change == "file" else 0)
    assert statuses(analyse_many(find_series([file]), out, recipe)) == {"perfect": "skipped"}


def test_overwriting_does_all_anew(cards: dict[str, Any], data: Path, tmp_path: Path) -> None:
    series, out = find_series([data / "perfect.tif", data / "vacancies.tif"]), tmp_path / "out"
    analyse_many(series, out, RECIPE)
    (out / "perfect" / "notes.txt").write_text("mine")
    outcomes = analyse_many(series, out, RECIPE, overwrite=True)
    assert statuses(outcomes) == {"perfect": "done", "vacancies": "done"}
    assert (out / "perfect" / "notes.txt").read_text() == "mine"
    assert len(rows_of(out)) == 2


def test_the_table_is_true_after_every_series_and_progress_tells_which(
    cards: dict[str, Any], data: Path, tmp_path: Path
) -> None:
    out, seen, fractions = tmp_path / "out", [], []
    for step in batch_steps(find_series([data]), out, RECIPE):
        fractions.append(step.fraction)
        assert step.count == 3
        if step.outcome is not None:
            seen.append((step.number, step.name, step.outcome.series.name))
            assert list(rows_of(out)) == ["perfect", "swapped", "vacancies"][: step.number]
    assert seen == [(1, "perfect", "perfect"), (2, "swapped", "swapped"), (3, "vacancies", "vacancies")]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0, 1)


@pytest.mark.parametrize("how", ["closed", "interrupted"])
def test_stopped_anywhere_it_goes_on(cards: dict[str, Any], data: Path, tmp_path: Path, how: str) -> None:
    series, whole = find_series([data / "perfect.tif", data / "vacancies.tif"]), tmp_path / "whole"
    steps = len(list(batch_steps(series, whole, RECIPE)))
    expected = rows_of(whole)
    for stop in range(0, steps, 6):
        out = tmp_path / f"out{stop}"
        if how == "closed":
            run = batch_steps(series, out, RECIPE)
            for _ in range(stop + 1):
                at = next(run)
            run.close()
        else:
            count = itertools.count()

            def interrupt(_: object, count: Any = count, stop: int = stop) -> None:
                if next(count) == stop:
                    raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                analyse_many(series, out, RECIPE, interrupt)
        there = list(rows_of(out))
        assert {path.name for path in out.iterdir() if path.is_dir() and path.name[0] != "."} == set(there)
        if how == "closed":
            assert len(there) == at.number - (at.outcome is None)
        assert not list(out.glob(".*"))
        outcomes = analyse_many(series, out, RECIPE)
        assert [outcome.status for outcome in outcomes] == ["skipped"] * len(there) + ["done"] * (2 - len(there))
        varying = ("status", "seconds", "folder")
        assert [{k: v for k, v in row.items() if k not in varying} for row in rows_of(out).values()] == [
            {k: v for k, v in row.items() if k not in varying} for row in expected.values()
        ]
        assert not list(out.glob(".*"))


def test_what_a_killed_batch_left_does_not_matter(cards: dict[str, Any], data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    left = out / ".partial" / "run"
    (left / "half").mkdir(parents=True)
    (left / "owner.json").write_text(json.dumps({"host": os.uname().nodename, "pid": 2**22 + 1}))
    start_table(out)
    # Moved into its place, but not yet in the table.
    analyse_many(find_series([data / "perfect.tif"]), tmp_path / "other", RECIPE)
    (tmp_path / "other" / "perfect").rename(out / "perfect")
    outcomes = analyse_many(find_series([data / "perfect.tif", data / "vacancies.tif"]), out, RECIPE)
    assert statuses(outcomes) == {"perfect": "skipped", "vacancies": "done"}
    assert sorted(path.name for path in out.iterdir()) == ["perfect", TABLE, "vacancies"]


def test_measurements(
    cards: dict[str, Any], data: Path, tmp_path: Path, no_analysis: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hrtem_app.measure.figures.figures", lambda measured: {
        name: new_figure(1, 1) for name in ("displacement", "strain", "distances", "defects")
    })  # fmt: skip
    series, out = find_series([data / "vacancies.tif"]), tmp_path / "out"
    numbers = out / "vacancies" / "measurements.json"
    analyse_many(series, out, RECIPE)
    assert not numbers.exists()
    no_analysis()
    region = MeasureSettings(region=((0, 0), (0, 192), (80, 192), (80, 0)))
    for settings, columns in ((MeasureSettings(), 144), (region, None)):
        told = RECIPE.model_copy(update={"measure": settings})
        (outcome,) = analyse_many(series, out, told, measure=True)
        content = json.loads(numbers.read_text(encoding="utf-8"))
        table = ColumnTable.from_csv(out / "vacancies" / "columns.csv")
        assert content["columns"] == (columns or int((table.positions[:, 0] <= 80).sum()))
        assert outcome.status == "skipped"
        assert outcome.row["vacancies_1S"] == content["vacancies"]["1S"]["fraction"]
        assert outcome.row["columns"] == 144
        first = numbers.stat().st_mtime_ns
        analyse_many(series, out, told, measure=True)
        assert numbers.stat().st_mtime_ns == first


def test_measurements_of_a_new_series(
    cards: dict[str, Any], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hrtem_app.measure.figures.figures", lambda measured: {
        name: new_figure(1, 1) for name in ("displacement", "strain", "distances", "defects")
    })  # fmt: skip
    series = find_series([data / "vacancies.tif"])
    for overwrite in (False, True):
        (outcome,) = analyse_many(series, tmp_path / "out", RECIPE, measure=True, overwrite=overwrite)
        assert outcome.folder is not None
        content = json.loads((outcome.folder / "measurements.json").read_text(encoding="utf-8"))
        assert content["vacancies"]["1S"] == pytest.approx(
            {"count": 9, "of": 72, "fraction": 9 / 72, "low": wilson(9, 72)[0], "high": wilson(9, 72)[1]}
        )


@pytest.mark.parametrize(
    ("recipe", "choices", "words"),
    [
        (Recipe(networks=("unet", "u_net")), {}, "'u_net'"),
        (Recipe(networks=("unet",), device="cuda:9"), {}, "cuda:9"),
        (RECIPE, {"palette": "grey"}, "'grey'"),
    ],
)
def test_what_fails_for_all_is_refused_before_the_first(
    cards: dict[str, Any], data: Path, tmp_path: Path, recipe: Recipe, choices: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        analyse_many(find_series([data]), tmp_path / "out", recipe, **choices)
    assert not (tmp_path / "out").exists()


def test_a_folder_of_something_else_is_refused(cards: dict[str, Any], data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    with pytest.raises(ValueError, match="is not empty"):
        analyse_many(find_series([data]), out, RECIPE)
    with pytest.raises(ValueError, match="is a file"):
        analyse_many(find_series([data]), out / "thesis.tex", RECIPE)
    (out / TABLE).write_text("a,b\n")
    with pytest.raises(ValueError, match="not a table over the series"):
        analyse_many(find_series([data]), out, RECIPE)
    assert sorted(path.name for path in out.iterdir()) == [TABLE, "thesis.tex"]


def test_frames_in_several_files(cards: dict[str, Any], tmp_path: Path) -> None:
    # Nothing but the names tells the order, and class c is where frame c is bright.
    whole = crystal(single=5).with_defocus(None)
    (tmp_path / "run7").mkdir()
    for index in range(3):
        save_series(whole.select([index]), tmp_path / "run7" / f"frame{index + 9}.tif")
    (outcome,) = analyse_many(find_series([tmp_path / "run7"], by_folder=True), tmp_path / "out", RECIPE)
    assert (outcome.row["file"], outcome.row["name"]) == (str(tmp_path / "run7"), "run7")
    assert [outcome.row[name] for name in ("frames", "Mo", "2S", "1S")] == [3, 72, 67, 5]


def test_a_folder_without_results_has_no_row(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no results"):
        describe(tmp_path)
    (tmp_path / "analysis.json").write_text('{"series": {"size_px": {}}}', encoding="utf-8")
    with pytest.raises(ValueError, match="not the record of an analysis"):
        describe(tmp_path)
