"""Studies on a tiny dataset: every cell once, stopped and gone on with, one failure that leaves the others alone."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hrtem_app.cli import main
from hrtem_app.simulation.dataset import DatasetSettings
from hrtem_app.simulation.multislice import MultisliceSettings
from hrtem_app.simulation.run import simulate
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.study.cell import Task, attempt, run_cell
from hrtem_app.study.figures import curve
from hrtem_app.study.settings import PRESETS, Architecture, Cell, StudySettings, cells, changed, in_sweep
from hrtem_app.study.study import make_tasks, study
from hrtem_app.training.batches import ExampleSettings
from hrtem_app.training.events import read_events
from hrtem_app.training.settings import TrainingError, TrainingSettings

DATASET = DatasetSettings(
    structure=StructureSettings(field_of_view=22.0, margin=1.0, layers=(1, 1), flake_radius=(0.5, 0.6)),
    multislice=MultisliceSettings(configurations=1),
)
SETTINGS = StudySettings(
    sizes=(1, 2),
    chosen=(Architecture(network="unet", channels=2),),
    architectures=(),
    repeats=1,
    steps=3,
    held_out=1,
    training=TrainingSettings(
        examples=ExampleSettings(crop=64, batch=2, crops=2, images_per_structure=10),
        precision="float32",
        validations=1,
    ),
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Three structures to train on and two to test on."""
    root = tmp_path_factory.mktemp("data")
    simulate(root / "waves", 3, 11, settings=DATASET, workers=0)
    simulate(root / "test", 2, 51, settings=DATASET, workers=0)
    return root / "waves", root / "test"


def _tasks(folders: tuple[Path, Path], out: Path, settings: StudySettings = SETTINGS) -> list[Task]:
    return make_tasks(out, settings, *folders)


def _trained(task: Task) -> list[int]:
    return [e["step"] for e in read_events(task.folder / "events.jsonl") if "loss" in e]


class StoppedError(Exception):
    """In place of a user who stops."""


def test_a_study_that_was_stopped_goes_on_and_leaves_finished_cells_alone(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    def stop(_: str, __: float, detail: str) -> None:
        if detail == "1 of 2":
            raise StoppedError

    given: dict[str, Any] = {"data": folders[0], "test": folders[1], "devices": "cpu", "workers": 0}
    with pytest.raises(StoppedError):
        study(tmp_path, SETTINGS, progress=stop, **given)
    first, second = _tasks(folders, tmp_path)
    assert first.result() is not None
    assert second.result() is None
    before = {path: path.stat().st_mtime_ns for path in first.folder.rglob("*")}

    table, summary, picture = study(tmp_path, SETTINGS, **given)

    assert {path: path.stat().st_mtime_ns for path in first.folder.rglob("*")} == before
    assert _trained(second) == [1, 2, 3]
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["cell"], row["structures"], row["parameters"]) for row in rows] == [
        ("unet-2-n0001-r0", "1", "62666"),
        ("unet-2-n0002-r0", "2", "62666"),
    ]
    assert all(0 <= float(row["atomic_f1_mean"]) <= 1 and row["test_series"] == "2" for row in rows)
    content = json.loads(summary.read_text(encoding="utf-8"))
    assert (content["waiting"], content["failed"]) == ([], {})
    assert content["settings"] == SETTINGS.model_dump(mode="json")
    assert (content["data"]["held_out_seeds"], content["test"]["seeds"]) == ([13, 13], [51, 52])
    with Image.open(picture) as image:
        assert min(image.size) > 300


def test_a_cell_goes_on_where_it_was_stopped(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hrtem_app.training.loop.CHECKPOINT_SECONDS", 0.0)
    (task,) = _tasks(folders, tmp_path, changed(SETTINGS, sizes=(2,), steps=5))
    seen: list[str] = []

    def stop(_: float, detail: str) -> None:
        if detail.startswith("step 3"):
            raise StoppedError

    with pytest.raises(StoppedError):
        run_cell(task, "cpu", 0, stop)
    assert task.result() is None
    attempt(task, "cpu", 0, lambda _, detail: seen.append(detail.split("  ")[0]))
    # The checkpoint of a step is written before its news.
    assert seen == ["step 4", "step 5", "test"]
    result = task.result()
    assert result is not None
    assert (result["steps"], result["error"], result["seed"]) == (5, None, 0)


def test_a_cell_that_fails_is_reported_and_the_others_run(
    folders: tuple[Path, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A checkpoint that cannot be read stands for whatever goes wrong with one cell."""
    broken, whole = _tasks(folders, tmp_path)
    broken.folder.mkdir(parents=True)
    (broken.folder / "checkpoint.safetensors").write_bytes(b"damaged")
    settings = tmp_path / "settings.json"
    settings.write_text(SETTINGS.model_dump_json(), encoding="utf-8")
    arguments = ["study", str(tmp_path), "--settings", str(settings), "--workers=0", "--devices=cpu"]
    arguments += ["--data", str(folders[0]), "--test", str(folders[1])]

    assert main(arguments) == 0
    assert "unet-2-n0001-r0 failed (ValueError: the checkpoint" in capfd.readouterr().err
    result, other = broken.result(), whole.result()
    assert result is not None
    assert other is not None
    assert "cannot be resumed" in result["error"]
    assert (result["parameters"], other["error"]) == (62666, None)

    # It stays failed until it is told to try again, which it does once what was wrong is gone.
    (broken.folder / "checkpoint.safetensors").unlink()
    main(arguments)
    assert broken.result() == result
    main([*arguments, "--retry"])
    again = broken.result()
    assert again is not None
    assert again["error"] is None
    assert json.loads((tmp_path / "study.json").read_text(encoding="utf-8"))["failed"] == {}


@pytest.mark.parametrize(
    "error", [RuntimeError("CUDA out of memory.\nTried to allocate 80 GiB"), MemoryError(), OSError(28, "No space")]
)
def test_what_goes_wrong_becomes_the_result(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("hrtem_app.study.cell.train", fail)
    task = _tasks(folders, tmp_path)[0]
    attempt(task, "cpu", 0, lambda *_: None)
    result = task.result()
    assert result is not None
    assert result["error"].startswith(type(error).__name__)
    assert "Tried" not in result["error"]


def test_a_process_that_dies_fails_its_cell(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system kills where memory runs out, and the process can say nothing more."""
    import hrtem_app.study.workers as module

    started = module._start

    def killed(*arguments: Any) -> Any:
        connection, cell = started(*arguments)
        cell.process.kill()
        return connection, cell

    monkeypatch.setattr(module, "_start", killed)
    _, summary, _ = study(
        tmp_path, changed(SETTINGS, sizes=(1,)), data=folders[0], test=folders[1], devices="cpu", workers=0
    )
    found = json.loads(summary.read_text(encoding="utf-8"))["failed"]
    assert found.keys() == {"unet-2-n0001-r0"}
    assert "memory" in found["unet-2-n0001-r0"]


def test_a_cell_of_other_settings_is_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    for task in _tasks(folders, tmp_path):
        task.folder.mkdir(parents=True)
        (task.folder / "cell.json").write_text(json.dumps(task.told()), encoding="utf-8")
        task.check()
    with pytest.raises(TrainingError, match=r"n0001.*steps was 3 and is now 4"):
        study(tmp_path, changed(SETTINGS, steps=4), data=folders[0], test=folders[1], devices="cpu", workers=0)


def test_data_that_make_no_study_are_refused_before_anything_is_written(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    waves, test = folders
    cases: list[tuple[dict[str, Any], StudySettings, str]] = [
        ({"data": waves, "test": test}, changed(SETTINGS, sizes=(3,)), "3 and 1 held out.*up to 2"),
        ({"data": waves, "test": waves}, SETTINGS, "structure 11 is in"),
        ({"data": tmp_path / "gone", "test": test}, SETTINGS, "gone"),
        ({"data": waves, "test": tmp_path / "gone"}, SETTINGS, "gone"),
        ({"data": waves, "test": test, "devices": "cpu,cuda:9"}, SETTINGS, "cuda:9"),
    ]
    for given, settings, message in cases:
        with pytest.raises(ValueError, match=message):
            study(tmp_path / "out", settings, **given)
        assert not (tmp_path / "out").exists()


def test_waves_are_simulated_where_none_are_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the seeds that the settings state, the held-out ones last."""
    import hrtem_app.study.study as module

    asked: list[tuple[str, int, int]] = []

    def spy(folder: Path, count: int, seed: int, **_: object) -> None:
        asked.append((folder.name, count, seed))
        simulate(folder, count, seed, settings=DATASET, workers=0)

    monkeypatch.setattr(module, "simulate", spy)
    monkeypatch.setattr(module, "run_tasks", lambda *_: None)
    settings = StudySettings.model_validate(SETTINGS.model_dump() | {"test_structures": 1})
    _, summary, _ = study(tmp_path, settings, devices="cpu")
    assert asked == [("training", 1, 40_000), ("training", 2, 1000), ("test", 1, 50_000)]
    content = json.loads(summary.read_text(encoding="utf-8"))
    assert (content["data"]["seeds"], content["data"]["held_out_seeds"]) == ([1000, 40_000], [40_000, 40_000])
    assert content["waiting"] == ["unet-2-n0001-r0", "unet-2-n0002-r0"]


def test_the_thesis_architectures_have_the_parameters_of_its_tables() -> None:
    found = {a.label: a.parameters(3) for a in PRESETS["thesis"].architectures}
    assert found["unet-64"] == 63_080_644
    assert found["unet_pp-60"] == 57_790_504
    assert found["msd_net-3x50k9"] == 894_958
    assert found["msd_net-9x50k5"] == 2_484_904
    assert len(found) == 16


def test_cells_of_both_sweeps_are_trained_once() -> None:
    thesis = PRESETS["thesis"]
    both = cells(thesis)
    # Five sizes of three networks and sixteen architectures, the three largest chosen ones in both; three times.
    assert len(both) == len({cell.name for cell in both}) == 3 * (5 * 3 + 16 - 3)
    shared = [c for c in both if in_sweep(thesis, c, "sizes") and in_sweep(thesis, c, "architectures")]
    assert {c.architecture.label for c in shared} == {"unet-64", "unet_pp-60", "msd_net-3x50k5"}
    assert all(c.structures == 1000 for c in shared)


def test_repeats_see_other_structures_where_there_are_enough() -> None:
    def block(structures: int, repeat: int) -> range:
        return Cell(architecture=SETTINGS.chosen[0], structures=structures, repeat=repeat).block(100)

    assert [block(10, r) for r in range(3)] == [range(10), range(10, 20), range(20, 30)]
    assert [block(100, r) for r in range(3)] == [range(100)] * 3
    assert all(min(block(60, r)) >= 0 and max(block(60, r)) < 100 for r in range(9))


def test_options_change_the_sweeps() -> None:
    small = PRESETS["small"]
    told = changed(small, networks=("unet",), channels=(2, 8), sizes=(5, 9), minutes=2.0, images_per_structure=0)
    assert {cell.name for cell in cells(told)} == {"unet-8-n0005-r0", "unet-8-n0009-r0", "unet-2-n0009-r0"}
    assert (told.steps, told.minutes) == (None, 2.0)
    assert told.training.examples.images_per_structure is None
    assert {c.structures for c in cells(changed(small, only="architectures"))} == {64}
    assert {c.architecture for c in cells(changed(small, only="sizes"))} == set(small.chosen)


def test_a_curve_has_the_mean_and_the_standard_error_of_the_repeats() -> None:
    rows: list[dict[str, Any]] = [
        {"structures": n, "score": s} for n, s in ((30, 0.5), (10, 0.1), (10, 0.3), (100, None))
    ]
    places, means, errors = curve(rows, "structures", "score")
    assert places == [10, 30]
    assert means == pytest.approx([0.2, 0.5])
    # Standard deviation √0.02 of the two, over √2.
    assert errors == pytest.approx([0.1, 0.0])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--preset", "large"], ["large", "thesis, small"]),
        (["--sizes", "10,x"], ["--sizes 10,x", "'x'", "--sizes=10,30"]),
        (["--sizes", "0"], ["'0'", "positive"]),
        (["--channels", "4,,8"], ["--channels", "empty place"]),
        (["--channels", "300"], ["300"]),
        (["--networks", "vgg"], ["'vgg'", "unet, unet_pp, msd_net"]),
        (["--only", "depth"], ["'depth'", "sizes or architectures"]),
        (["--steps", "5", "--minutes", "2"], ["5", "2.0", "one of the two"]),
        (["--repeats", "0"], ["repeats = 0", "greater than or equal to 1"]),
        (["--workers", "-1"], ["--workers -1", "0 or more"]),
        (["--sizes", "60000"], ["60000 structures", "overlap"]),
        (["--preset", "small", "--settings", "s.json"], ["--preset small", "one of the two"]),
        (["--devices", "tpu"], ["'tpu'", "auto"]),
    ],
)
def test_wrong_options_are_named_with_their_remedy(
    arguments: list[str], words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["study", str(tmp_path / "out"), *arguments]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert all(word in said for word in words), said
    assert not (tmp_path / "out").exists()


def test_the_plan_lists_the_cells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", str(tmp_path / "out"), "--preset=small", "--networks=unet", "--plan"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        cell.name for cell in cells(changed(PRESETS["small"], networks=["unet"]))
    ]
    assert "248,464 parameters" in lines[0]
    assert lines[0].endswith("waiting")
    assert not (tmp_path / "out").exists()
