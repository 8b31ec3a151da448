"""The panel of jobs: real jobs, real processes, real kills; and folders with garbage in them."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QDesktopServices

from hrtem_app.gui.background import JobWatch
from hrtem_app.gui.panels.jobs_panel import JobsPanel
from hrtem_app.gui.panels.predict_panel import PredictPanel
from hrtem_app.gui.widgets.jobs.history import Curves
from hrtem_app.jobs import Job, JobError, Training, TrainJob, cancel, find_job, list_jobs, submit
from hrtem_app.jobs.folder import JobFolder
from hrtem_app.jobs.owner import is_owned
from hrtem_app.networks.catalog import build_network, folders, read_card, save_network
from hrtem_app.simulation.dataset import DatasetSettings
from hrtem_app.simulation.multislice import MultisliceSettings
from hrtem_app.simulation.run import simulate
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.training.batches import ExampleSettings
from hrtem_app.training.settings import TrainingSettings

FAKE = Path(__file__).parents[1] / "jobs" / "fake_worker.py"


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where this test's jobs lie; none of them outlives it."""
    folder = tmp_path / "jobs"
    monkeypatch.setenv("HRTEM_APP_JOBS", str(folder))
    monkeypatch.setenv("HRTEM_APP_NETWORKS", str(tmp_path / "networks"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield folder
    for job in list_jobs(folder):
        with contextlib.suppress(JobError):
            if job.at_work:
                cancel(job)


@pytest.fixture
def begin(tmp_path: Path) -> Callable[..., Job]:
    """Submits a job whose runner and worker are real and whose step is that of `tests/jobs/fake_worker.py`."""

    def submitted(title: str, out: str = "out") -> Job:
        launch = (sys.executable, str(FAKE), "{command}")
        training = Training(network="unet", device="cpu", launch=launch)
        data, place = (tmp_path / "data",), tmp_path / out
        return submit(TrainJob(title=title, data=data, out=place, training=training, catalog=False))

    return submitted


@pytest.fixture
def panel(add_panel: Any) -> Any:
    return add_panel(JobsPanel)


@pytest.fixture
def shown(panel: JobsPanel, qtbot: Any) -> Callable[[str, str], None]:
    """Waits until the panel's row of a job says something, and selects it."""

    def until(name: str, text: str) -> None:
        qtbot.waitUntil(lambda: name in panel.list.rows and text in panel.list.rows[name].state.text())
        panel.list.select(name)

    return until


def click(qtbot: Any, button: Any) -> None:
    assert button.isEnabled(), button.text()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def steps_shown(panel: JobsPanel) -> list[float]:
    steps, _ = panel.plots.every.getData()
    return [] if steps is None else steps.tolist()


def enabled(panel: JobsPanel) -> set[str]:
    return {name for name, button in panel.buttons.items() if button.isEnabled()}


def test_a_job_is_paused_resumed_and_cancelled_by_clicks(
    panel: JobsPanel, begin: Any, shown: Any, qtbot: Any, tmp_path: Path
) -> None:
    job = begin("count 100000")
    shown(job.name, "training")
    row = panel.list.rows[job.name]
    qtbot.waitUntil(lambda: "50 numbers/s" in row.pace.text())
    assert "left" in row.pace.text()
    assert enabled(panel) == {"pause", "cancel"}
    click(qtbot, panel.buttons["pause"])
    assert "pausing" in row.state.text()
    shown(job.name, "paused")
    assert enabled(panel) == {"resume", "cancel", "remove"}
    counted = len((tmp_path / "out" / "counted").read_text().splitlines())
    click(qtbot, panel.buttons["resume"])
    shown(job.name, "training")
    qtbot.waitUntil(lambda: len((tmp_path / "out" / "counted").read_text().splitlines()) > counted)
    click(qtbot, panel.buttons["cancel"])
    shown(job.name, "cancelled")
    assert enabled(panel) == {"retry", "remove"}
    click(qtbot, panel.buttons["remove"])
    qtbot.waitUntil(lambda: panel.list.count() == 0)
    assert not job.path.exists()
    assert (tmp_path / "out" / "counted").exists()
    assert panel.details.text() == "No jobs yet."


def test_a_job_that_failed_says_why_and_is_tried_again(panel: JobsPanel, begin: Any, shown: Any, qtbot: Any) -> None:
    job = begin("wrong shoe")
    shown(job.name, "failed")
    assert "shoe is wrong: give another" in panel.details.text()
    assert "shoe is wrong" in panel.list.rows[job.name].pace.text()
    click(qtbot, panel.log_button)
    qtbot.waitUntil(lambda: "ValueError: shoe is wrong" in panel.log.toPlainText())
    click(qtbot, panel.buttons["retry"])
    qtbot.waitUntil(lambda: find_job(job.name).attempt == 2 and find_job(job.name).state == "failed")
    shown(job.name, "failed")


def test_what_is_done_already_is_said(panel: JobsPanel, begin: Any, shown: Any, qtbot: Any) -> None:
    job = begin("count 100000")
    shown(job.name, "training")
    panel._timer.stop()
    qtbot.wait(200)
    cancel(find_job(job.name))
    # The panel has not looked again, and asks for what is no longer so.
    click(qtbot, panel.buttons["pause"])
    qtbot.waitUntil(lambda: "is cancelled, so there is nothing to pause" in panel.notice.text())
    shown(job.name, "cancelled")


def test_a_broken_folder_concerns_no_other(panel: JobsPanel, begin: Any, shown: Any, qtbot: Any, root: Path) -> None:
    job = begin("count 2")
    shown(job.name, "finished")
    for name, content in (("000071-train", "{"), ("000072-simulate", '{"format": 9}'), ("000073-chain", None)):
        (root / name).mkdir()
        if content is not None:
            (root / name / "request.json").write_text(content)
    (root / "000071-train" / "events.jsonl").write_bytes(b"\xff\x00")
    shown("000072-simulate", "broken")
    assert enabled(panel) == {"remove"}
    assert "format 9" in panel.details.text()
    shown(job.name, "finished")
    for name in ("000071-train", "000072-simulate", "000073-chain"):
        shown(name, "broken")
        click(qtbot, panel.buttons["remove"])
        qtbot.waitUntil(lambda name=name: name not in panel.list.rows)
    assert list(panel.list.rows) == [job.name]


def test_jobs_of_before_are_there_again(begin: Any, add_panel: Any, qtbot: Any, tmp_path: Path) -> None:
    one, two = begin("count 3", out="first"), begin("count 100000", out="second")
    panel = add_panel(JobsPanel)
    qtbot.waitUntil(lambda: panel.list.count() == 2)
    # The newest stands first.
    assert panel.list.itemWidget(panel.list.item(0)) is panel.list.rows[two.name]
    assert panel.list.rows[one.name].title.text().startswith(f"{one.number}  count 3")
    panel.workbench.close()
    another = add_panel(JobsPanel)
    qtbot.waitUntil(lambda: another.list.count() == 2)


def test_the_folder_that_is_opened_is_that_of_the_results(
    panel: JobsPanel, begin: Any, shown: Any, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    job = begin("count 2", out="results")
    shown(job.name, "finished")
    click(qtbot, panel.folder_button)
    assert opened == [str(tmp_path / "results")]


def test_nothing_is_read_again_that_has_not_changed(begin: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    job = begin("count 2")
    # A runner writes its last event after the state: only when it has let go of the folder is nothing written any more.
    qtbot.waitUntil(lambda: not find_job(job.name).at_work and not is_owned(JobFolder(job.path)))
    watch = JobWatch()
    (seen,) = watch.look().jobs
    assert seen.state == "finished"

    def refuse(*_: object) -> None:
        raise AssertionError("it was read")

    with monkeypatch.context() as patch:
        patch.setattr("hrtem_app.jobs.status.look_at", refuse)
        assert watch.look().jobs == (seen,)
        os.utime(job.path / "state.json")
        with pytest.raises(AssertionError, match="it was read"):
            watch.look()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three structures, made in this process."""
    folder = tmp_path_factory.mktemp("data") / "waves"
    settings = DatasetSettings(
        structure=StructureSettings(field_of_view=20.0, margin=1.0, layers=(1, 1), flake_radius=(0.5, 0.6)),
        multislice=MultisliceSettings(configurations=1),
    )
    simulate(folder, 3, 11, settings=settings, workers=0)
    return folder


def test_a_training_that_is_killed_fails_and_goes_on(
    panel: JobsPanel, add_panel: Any, shown: Any, qtbot: Any, tmp_path: Path, data: Path
) -> None:
    predict = add_panel(PredictPanel)
    examples = ExampleSettings(crop=64, batch=2, crops=2)
    settings = TrainingSettings(examples=examples, precision="float32", validations=4, validation_series=2)
    training = Training(
        network="unet", name="tiny", channels=2, steps=32, device="cpu", workers=0, held_out=1, settings=settings
    )
    job = submit(TrainJob(data=(data,), out=tmp_path / "run", training=training))
    shown(job.name, "training")
    qtbot.waitUntil(lambda: len(steps_shown(panel)) >= 3)
    assert "images/s" in panel.list.rows[job.name].pace.text()
    os.kill(find_job(job.name).pid, signal.SIGKILL)
    shown(job.name, "failed")
    assert "ended without a word" in panel.details.text()
    assert enabled(panel) == {"resume", "retry", "cancel", "remove"}
    click(qtbot, panel.buttons["resume"])
    shown(job.name, "training")
    qtbot.waitUntil(lambda: find_job(job.name).done == ("train",))
    shown(job.name, "finished")
    qtbot.waitUntil(lambda: steps_shown(panel) == list(range(1, 33)))
    steps, scores = panel.plots.scores["all"].getData()
    assert steps[-1] == 32
    assert len(steps) == 4
    assert ((scores >= 0) & (scores <= 1)).all()
    assert list(panel.plots.scores) == ["all", "Mo", "2S", "1S"]
    assert "in the catalog as tiny" in panel.details.text()
    # The other panel lists what came of it, without having been touched.
    qtbot.waitUntil(lambda: "tiny" in predict.networks)


def test_networks_come_and_go_in_the_predict_panel(add_panel: Any, qtbot: Any, tmp_path: Path) -> None:
    predict = add_panel(PredictPanel)
    qtbot.waitUntil(lambda: "unet" in predict.networks)
    qtbot.waitUntil(lambda: predict._background._networks is not None)
    rows = predict._boxes.rowCount()
    card = read_card(folders()[0] / "unet.json").model_copy(update={"name": "mine", "settings": {"channels": 2}})
    path = save_network(build_network("unet", {"channels": 2}), card, tmp_path / "networks")
    qtbot.waitUntil(lambda: "mine" in predict.networks)
    assert predict._boxes.rowCount() == rows + 1
    path.with_suffix(".json").unlink()
    qtbot.waitUntil(lambda: "mine" not in predict.networks)
    assert predict._boxes.rowCount() == rows


def test_the_smoothed_loss_is_a_mean() -> None:
    rng = np.random.default_rng(0)
    losses = rng.random(200)
    curves = Curves(steps=np.arange(1, 201.0), losses=losses)
    smooth = curves.smoothed(0.1)
    assert smooth[100] == pytest.approx(losses[90:111].mean())
    assert smooth[0] == pytest.approx(losses[:11].mean())
    assert len(smooth) == 200
    assert len(Curves().smoothed()) == 0
