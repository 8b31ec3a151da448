"""Train: what is ticked, typed and listed becomes the requests of jobs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from hrtem_app.gui.panels.background_panel import BackgroundPanel
from hrtem_app.jobs import ChainJob, Evaluation, Simulation, Training, TrainJob, list_jobs
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.networks.catalog import folders
from hrtem_app.recipe import Recipe
from hrtem_app.simulation.dataset import DatasetSettings
from hrtem_app.simulation.multislice import MultisliceSettings
from hrtem_app.training.batches import ExampleSettings, Source
from hrtem_app.training.settings import TrainingSettings


@pytest.fixture
def both(add_panel: Any, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("HRTEM_APP_JOBS", str(tmp_path / "jobs"))
    both = add_panel(BackgroundPanel)
    both.show_tab("Train")
    qtbot.waitUntil(lambda: both.train.is_built)
    both.train.folder.line.setText(str(tmp_path / "runs"))
    return both


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was submitted; nothing of it begins."""
    requests: list[Any] = []

    def fake(request: Any) -> Any:
        requests.append(request)
        return SimpleNamespace(number=len(requests), title=request.kind)

    monkeypatch.setattr("hrtem_app.jobs.submit", fake)
    return requests


def click(qtbot: Any, button: Any) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def launch(panel: Any, qtbot: Any) -> str:
    with qtbot.waitSignal(panel.launch.submitted):
        click(qtbot, panel.launch.launch_button)
    return str(panel.launch.notice.text())


def fill(form: Any, name: str, text: str, qtbot: Any) -> None:
    """Tick an optional field, if it is one, and type into it."""
    editor = form.fields.rows[name].editor
    if hasattr(editor, "inner"):
        editor.box.setChecked(True)
        editor = editor.inner
    line = editor.line if hasattr(editor, "line") else getattr(editor.box, "line", None) or editor.box.lineEdit()
    line.selectAll()
    qtbot.keyClicks(line, text)


def test_the_defaults_are_those_of_the_library(both: Any, begun: list[Any], qtbot: Any, tmp_path: Path) -> None:
    both.train.datasets.add(tmp_path / "waves")
    assert launch(both.train, qtbot) == "Begun: job 1 (train)."
    training = Training(network="unet", minutes=30)
    assert begun == [TrainJob(data=(tmp_path / "waves",), out=tmp_path / "runs" / "unet", training=training)]


def test_every_field_arrives_in_the_request(both: Any, begun: list[Any], qtbot: Any, tmp_path: Path) -> None:
    panel = both.train
    panel.networks["unet"].click()
    panel.networks["msd_net"].click()
    panel.datasets.add(tmp_path / "a")
    panel.datasets.add(tmp_path / "b")
    weights = folders()[0] / "unet.safetensors"
    for name, text in (("name", "mine"), ("steps", "500"), ("start", str(weights)), ("device", "cpu")):
        fill(panel.first, name, text, qtbot)
    panel.folds[0].set_open(True)
    for name, text in (
        ("channels", "3"),
        ("layers", "12"),
        ("seed", "5"),
        ("launch", "torchrun, --nproc-per-node, 2, -m"),
    ):
        fill(panel.more, name, text, qtbot)
    panel.folds[1].set_open(True)
    fill(panel.settings, "learning_rate", "0.002", qtbot)
    launch(panel, qtbot)
    # A source for each dataset; and ticking the steps has taken the tick of the minutes away.
    examples = ExampleSettings(sources=(Source(), Source()))
    training = Training(
        network="msd_net",
        name="mine",
        steps=500,
        start=weights,
        device="cpu",
        channels=3,
        layers=12,
        seed=5,
        launch=("torchrun", "--nproc-per-node", "2", "-m"),
        settings=TrainingSettings(learning_rate=0.002, examples=examples),
    )
    data = (tmp_path / "a", tmp_path / "b")
    assert begun == [TrainJob(data=data, out=tmp_path / "runs" / "mine", training=training)]


def test_every_network_is_a_job_of_its_own(both: Any, begun: list[Any], qtbot: Any, tmp_path: Path) -> None:
    panel = both.train
    panel.datasets.add(tmp_path)
    panel.networks["unet_pp"].click()
    fill(panel.first, "name", "fine", qtbot)
    assert launch(panel, qtbot).startswith("Begun: jobs 1 (train), 2")
    assert [request.training.network for request in begun] == ["unet", "unet_pp"]
    assert [request.training.name for request in begun] == ["fine_unet", "fine_unet_pp"]
    assert [request.out.name for request in begun] == ["fine_unet", "fine_unet_pp"]


def test_no_folder_is_written_over(both: Any, begun: list[Any], qtbot: Any, tmp_path: Path) -> None:
    both.train.datasets.add(tmp_path)
    (tmp_path / "runs" / "unet").mkdir(parents=True)
    both.jobs.background.jobs = (SimpleNamespace(request={"out": str(tmp_path / "runs" / "unet-2")}),)
    launch(both.train, qtbot)
    assert begun[0].out == tmp_path / "runs" / "unet-3"


def test_a_chain_simulates_what_simulate_says(both: Any, begun: list[Any], qtbot: Any, tmp_path: Path) -> None:
    panel = both.train
    qtbot.waitUntil(lambda: both.simulate.is_built)
    settings = DatasetSettings(multislice=MultisliceSettings(configurations=2))
    both.simulate.settings.set_value(settings)
    fill(both.simulate.what, "structures", "77", qtbot)
    fill(both.simulate.what, "seed", "9", qtbot)
    panel.way.setCurrentIndex(1)
    assert not panel.datasets.isVisible()
    assert panel.simulates.text() == "77 structures of MoS2 from seed 9"
    panel.test_structures.setValue(5)
    microscope = MicroscopeSettings(frames=1)
    panel.settings.set_value(TrainingSettings(examples=ExampleSettings(sources=(Source(microscope=microscope),))))
    launch(panel, qtbot)
    training = Training(network="unet", minutes=30, settings=panel.settings.value())
    assert begun == [
        ChainJob(
            folder=tmp_path / "runs" / "unet",
            simulation=Simulation(structures=77, seed=9, settings=settings),
            test_structures=5,
            training=training,
            evaluation=Evaluation(microscope=microscope, recipe=Recipe(device="auto")),
        )
    ]
    panel.networks["unet_pp"].click()
    click(qtbot, panel.launch.launch_button)
    assert "one network" in panel.launch.notice.text()
    assert len(begun) == 1


def test_what_is_missing_or_wrong_is_said(both: Any, begun: list[Any], qtbot: Any, tmp_path: Path) -> None:
    panel = both.train

    def said() -> str:
        click(qtbot, panel.launch.launch_button)
        return str(panel.launch.notice.text())

    assert "nothing to train on" in said()
    panel.datasets.add(tmp_path)
    fill(panel.first, "name", "Mine!", qtbot)
    assert "name = 'Mine!'" in said()
    fill(panel.first, "name", "mine", qtbot)
    fill(panel.settings, "averaging", "1", qtbot)
    assert "averaging = 1: Input should be less than 1" in said()
    fill(panel.settings, "averaging", "0.9", qtbot)
    fill(panel.more, "layers", "4", qtbot)
    # Of this one network the library knows only with all of the request at hand.
    qtbot.waitUntil(lambda: "unet has no adjustable layers" in said())
    panel.networks["unet"].click()
    assert "no network is chosen" in said()
    assert begun == []


def test_a_budget_is_of_one_kind(both: Any) -> None:
    rows = both.train.first.fields.rows
    minutes, steps = rows["minutes"].editor, rows["steps"].editor
    steps.box.click()
    assert not minutes.box.isChecked()
    minutes.box.click()
    assert not steps.box.isChecked()
    assert both.train.first.value().minutes == 30


def test_sources_follow_the_datasets(both: Any, qtbot: Any, tmp_path: Path) -> None:
    panel = both.train
    seen = Source(share=3, microscope=MicroscopeSettings(blur=(0.1, 0.2)))
    panel.settings.set_value(TrainingSettings(examples=ExampleSettings(sources=(seen,))))
    for name in "abc":
        panel.datasets.add(tmp_path / name)
    panel.datasets.add(tmp_path / "a")
    assert panel.datasets.paths() == tuple(tmp_path / name for name in "abc")
    assert panel.settings.value().examples.sources == (seen, seen, seen)
    panel.datasets.list.setCurrentRow(1)
    click(qtbot, panel.datasets.remove_button)
    assert panel.datasets.paths() == (tmp_path / "a", tmp_path / "c")
    assert len(panel.settings.value().examples.sources) == 2


def test_datasets_of_jobs_are_offered(both: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = both.train
    for name in ("old", "made", "chain/waves", "read"):
        (tmp_path / name).mkdir(parents=True)
    panel.background.jobs = (
        SimpleNamespace(kind="train", request={"data": [str(tmp_path / "read"), str(tmp_path / "gone")]}),
        SimpleNamespace(kind="simulate", request={"out": str(tmp_path / "made")}),
        SimpleNamespace(kind="", request=None),
        SimpleNamespace(kind="chain", request={"folder": str(tmp_path / "chain")}),
    )
    panel.datasets.menu.aboutToShow.emit()
    actions = panel.datasets.menu.actions()
    assert [action.text().partition(",")[0] for action in actions] == ["waves", "made", "read"]
    actions[1].trigger()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "old"))
    panel.datasets.add_button.click()
    assert panel.datasets.paths() == (tmp_path / "made", tmp_path / "old")


def test_settings_of_a_card_can_be_loaded(both: Any, tmp_path: Path) -> None:
    # As docs/training.md says: the field of any card is such a file.
    card = json.loads((folders()[0] / "unet.json").read_text(encoding="utf-8"))
    (tmp_path / "training.json").write_text(json.dumps(card["training"]["settings"]))
    both.train.settings.load(tmp_path / "training.json")
    assert both.train.settings.value() == TrainingSettings.model_validate(card["training"]["settings"])


def test_tabs_are_built_when_they_are_seen(add_panel: Any, qtbot: Any) -> None:
    both = add_panel(BackgroundPanel)
    assert both.tabs.tabText(both.tabs.currentIndex()) == "Simulate"
    assert both.train._load_job is None
    qtbot.waitUntil(lambda: both.simulate.is_built)
    both.show_tab("Jobs")
    assert both.jobs.isVisible()
    assert list_jobs() == tuple(both.jobs.background.jobs)


def test_the_dock_is_cheap_to_import() -> None:
    code = "import sys, hrtem_app.gui.panels.background_panel as _; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    heavy = {"torch", "abtem", "matplotlib", "hrtem_app.simulation", "hrtem_app.training", "hrtem_app.jobs"}
    assert heavy.isdisjoint(done.stdout.split())
