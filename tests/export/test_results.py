"""Result files: all of them, readable by others, and never half-written."""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from hrtem_app.columns import ColumnTable
from hrtem_app.correction import Corrections
from hrtem_app.correction.edits import Add, Delete, Move, Reclassify, Review, edit_from_json
from hrtem_app.evaluation.hand_labelled import Truth, score_table
from hrtem_app.evaluation.table_scores import score_tables
from hrtem_app.export import report, report_measurements, results
from hrtem_app.export.drawing import new_figure
from hrtem_app.export.results import check_folder, write_results
from hrtem_app.io import load_series
from hrtem_app.measure import measure
from hrtem_app.measure.files import write_measurements
from hrtem_app.recipe import Recipe

NAMES = [
    "columns.csv",
    "columns-unet.csv",
    "columns-unet_pp.csv",
    "columns-msd_net.csv",
    "columns.xyz",
    "agreement.png",
    "agreement.svg",
    "agreement.pdf",
    "filtered.tif",
    "report.html",
    "analysis.json",
]


@pytest.fixture(autouse=True)
def drawn(monkeypatch):
    """What the figures look like is the business of other tests; here they are empty, and what was asked is noted."""
    asked = []

    def agreement_figure(analysis, equal_dots=False, palette="thesis", vector=False):
        asked.append((equal_dots, palette, vector))
        return new_figure(1, 1)

    monkeypatch.setattr(results, "agreement_figure", agreement_figure)
    for name in ("frames_figure", "columns_figure"):
        monkeypatch.setattr(report, name, lambda analysis: new_figure(1, 1))
    return asked


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_all_files_are_written_and_named(analysis, tmp_path):
    written = write_results(analysis, tmp_path / "new" / "out")
    assert written == [tmp_path / "new" / "out" / name for name in NAMES]
    assert names_in(tmp_path / "new" / "out") == sorted(NAMES)
    assert names_in(tmp_path / "new") == ["out"]
    assert all(path.stat().st_size for path in written)


def test_each_figure_is_of_its_kind(analysis, tmp_path):
    write_results(analysis, tmp_path)
    for name, start in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")):
        assert (tmp_path / f"agreement.{name}").read_bytes().startswith(start)
    drawing = base64.b64encode((tmp_path / "agreement.svg").read_bytes()).decode()
    assert drawing in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_choices_of_the_figure_and_sections_of_the_report(analysis, tmp_path, drawn):
    write_results(analysis, tmp_path, palette="colour-blind", equal_dots=True, sections=[("Scores", "<p>fine</p>")])
    assert drawn == [(True, "colour-blind", False), (True, "colour-blind", True)]
    assert "<h2>Scores</h2>\n<p>fine</p>" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_only_what_is_chosen_is_written(analysis, tmp_path, drawn):
    written = write_results(analysis, tmp_path / "some", parts={"report", "xyz"})
    assert [path.name for path in written] == ["columns.xyz", "report.html", "analysis.json"]
    assert names_in(tmp_path / "some") == sorted(path.name for path in written)
    # The report needs the figure as shapes, and nobody the one of pixels.
    assert drawn == [(False, "thesis", True)]
    record = json.loads((tmp_path / "some" / "analysis.json").read_text(encoding="utf-8"))
    assert record["files"] == ["columns.xyz", "report.html", "analysis.json"]
    write_results(analysis, tmp_path / "none", parts=())
    assert names_in(tmp_path / "none") == ["analysis.json"]
    with pytest.raises(ValueError, match="'figures' is no part of the results: choose from tables, xyz"):
        write_results(analysis, tmp_path / "other", parts={"figures"})
    assert not (tmp_path / "other").exists()


def test_what_a_person_did_is_recorded(analysis, tmp_path):
    corrections = Corrections.begin(analysis.table)
    first, second, third, fourth = analysis.table.ids[:4].tolist()
    for edit in (
        Delete(ids=(second,)),
        Reclassify(ids=(third,), class_name="1S"),
        Move(ids=(fourth,), positions=((31.5, 40.25),)),
        Add(position=(5.0, 6.0), class_name="Mo"),
        Review(ids=(first, third)),
        Delete(ids=(first,)),
    ):
        corrections = corrections.do(edit)
    corrections = corrections.undo()
    written = []
    write_results(
        replace(analysis, table=corrections.table), tmp_path, parts={"report"}, corrections=corrections,
        progress=lambda told: written.append((told.number, told.total, told.name)),
    )  # fmt: skip
    assert written == [(1, 2, "report.html"), (2, 2, "analysis.json")]
    told = json.loads((tmp_path / "analysis.json").read_text(encoding="utf-8"))["corrections"]
    row = analysis.table.ids.tolist().index(second)
    y, x = analysis.table.positions[row]
    assert told["deleted_columns"] == [{"id": second, "class": analysis.table.class_names[row], "x_px": x, "y_px": y}]
    numbers = ("added", "moved", "reclassified", "reviewed", "deleted")
    assert [told[name] for name in numbers] == [1, 1, 1, 2, 1]
    assert [edit["kind"] for edit in told["edits"]] == ["delete", "reclassify", "move", "add", "review"]
    assert Corrections.replay(analysis.table, [edit_from_json(json.dumps(e)) for e in told["edits"]]).position == 5
    assert "1 column deleted: 1 " in (tmp_path / "report.html").read_text(encoding="utf-8")
    write_results(analysis, tmp_path / "none", parts=())
    assert json.loads((tmp_path / "none" / "analysis.json").read_text(encoding="utf-8"))["corrections"] is None


def test_choosing_less_takes_earlier_results_away(analysis, tmp_path):
    write_results(analysis, tmp_path)
    write_results(analysis, tmp_path, overwrite=True, parts={"tables"})
    assert names_in(tmp_path) == sorted([*NAMES[:4], "analysis.json"])


def test_measurements_and_scores_lie_beside_the_rest(analysis, tmp_path, monkeypatch):
    monkeypatch.setattr(report_measurements, "figures", lambda measured: {})
    measured = measure(analysis.table, image_shape=analysis.series.shape)
    truth = Truth(analysis.table.select(np.arange(len(analysis.table)) != 2))
    tables = {name: result.columns for name, result in analysis.networks.items()}
    scores = score_tables(tables, truth, "truth.csv", analysis.series.shape)
    written = write_results(analysis, tmp_path / "out", measurements=measured, scores=scores)
    more = ["measurements.json", "measurements.csv", "score.json"]
    assert [path.name for path in written] == [*NAMES[:-1], *more, "analysis.json"]
    record = json.loads((tmp_path / "out" / "analysis.json").read_text(encoding="utf-8"))
    assert record["files"] == [path.name for path in written]
    write_measurements(measured, tmp_path / "alone")
    for name in more[:2]:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    told = json.loads((tmp_path / "out" / "score.json").read_text(encoding="utf-8"))
    for name, table in tables.items():
        assert told["tables"][name] == score_table(table, truth, analysis.series.shape).values()
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<h2>Measurements</h2>" in page
    assert "<h2>Scores</h2>" in page


def test_tables_come_back(analysis, tmp_path):
    write_results(analysis, tmp_path)
    assert ColumnTable.from_csv(tmp_path / "columns.csv").rows() == analysis.table.rows()
    for name, result in analysis.networks.items():
        rows = ColumnTable.from_csv(tmp_path / f"columns-{name}.csv").rows()
        assert rows == result.columns.rows()
        assert {row["votes"] for row in rows} == {"1"}
        others = [f"p_{other}" for other in analysis.networks if other != name]
        assert {row.get(other, "") for row in rows for other in others} == {""}


def test_filtered_series_comes_back_with_its_sampling(analysis, tmp_path):
    write_results(analysis, tmp_path)
    series = load_series(tmp_path / "filtered.tif")
    assert tifffile.imread(tmp_path / "filtered.tif").dtype == np.float32
    assert np.array_equal(series.frames, analysis.filtered.frames)
    assert series.sampling == pytest.approx(analysis.filtered.sampling, rel=1e-5)
    assert series.defocus == analysis.filtered.defocus


def test_the_record_tells_how_it_was_made(analysis, tmp_path):
    write_results(analysis, tmp_path)
    record = json.loads((tmp_path / "analysis.json").read_text(encoding="utf-8"))
    assert record["files"] == NAMES
    assert Recipe.model_validate(record["recipe"]) == analysis.recipe
    assert record["series"]["sources"] == [{"path": "folder/made.tif", "sha256": "ab" * 32}]
    assert record["series"]["sampling_A"] == 0.225
    assert record["series"]["size_px"] == {"x": 130, "y": 101}
    assert record["frames_used"] == [1, 2, 0]
    assert record["defocus_used_A"] == [-100, -50, 0]
    assert record["warnings"] == ["a warning in Å"]
    assert record["counts"]["sites"] == analysis.table.counts()
    assert record["counts"]["msd_net"] == {"Mo": 1, "2S": 2, "1S": 2}
    assert record["networks"]["unet_pp"]["card"]["title"] == "U-net++"
    assert record["seconds"] == {"lattice filter": 0.123}
    assert {"hrtem_app", "python", "torch", "numpy", "scipy"} <= set(record["versions"])


def test_refuses_what_is_there_unless_allowed(analysis, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"is not empty.*--overwrite") as caught:
        write_results(analysis, tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert names_in(tmp_path) == ["notes.txt"]
    write_results(analysis, tmp_path, overwrite=True)
    assert names_in(tmp_path) == sorted([*NAMES, "notes.txt"])


def test_refuses_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(ValueError, match="is a file"):
        check_folder(tmp_path / "out", overwrite=True)
    check_folder(tmp_path / "not" / "yet")


def test_overwriting_leaves_no_table_of_an_earlier_network(analysis, analysis_of, tmp_path):
    write_results(analysis, tmp_path)
    (tmp_path / "columns-mine.csv").write_text("not from an analysis")
    write_results(analysis_of({"unet": {0: [(20, 20)]}}), tmp_path, overwrite=True)
    expected = {"columns-mine.csv", *NAMES} - {"columns-unet_pp.csv", "columns-msd_net.csv"}
    assert names_in(tmp_path) == sorted(expected)
    assert len(ColumnTable.from_csv(tmp_path / "columns.csv")) == 1


def test_an_earlier_record_cannot_remove_files_elsewhere(analysis, tmp_path):
    (tmp_path / "precious.txt").write_text("keep")
    out = tmp_path / "out"
    out.mkdir()
    (out / "analysis.json").write_text(json.dumps({"files": ["../precious.txt", str(tmp_path / "precious.txt"), 3]}))
    write_results(analysis, out, overwrite=True)
    assert (tmp_path / "precious.txt").read_text() == "keep"


@pytest.mark.parametrize("error", [OSError("disk full"), MemoryError("no memory")])
def test_a_failure_while_writing_leaves_the_folder_as_it_was(analysis, tmp_path, monkeypatch, error):
    def fail(series, path):
        raise error

    monkeypatch.setattr(results, "save_series", fail)
    with pytest.raises((ValueError, MemoryError)):
        write_results(analysis, tmp_path / "out")
    assert names_in(tmp_path) == []


def test_a_failure_while_moving_brings_the_old_results_back(analysis, analysis_of, tmp_path, monkeypatch):
    out = tmp_path / "out"
    write_results(analysis, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    real, calls = results.os.replace, []

    def replace(source, goal):
        calls.append(source)
        # All old files lie aside by then, and some new ones are in their place.
        if len(calls) == len(NAMES) + 3:
            raise PermissionError("columns.csv is open in another program")
        real(source, goal)

    monkeypatch.setattr(results.os, "replace", replace)
    with pytest.raises(ValueError, match="open in another program"):
        write_results(analysis_of({"unet": {0: [(20, 20)]}}), out, overwrite=True)
    assert len(calls) > len(NAMES) + 3
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_an_analysis_without_columns(analysis_of, tmp_path):
    write_results(analysis_of({"unet": {}, "unet_pp": {}}), tmp_path)
    assert len(ColumnTable.from_csv(tmp_path / "columns.csv", sampling=0.225)) == 0
