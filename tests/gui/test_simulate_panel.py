"""Simulate: what is typed is what is previewed, estimated and launched."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from hrtem_app.gui.panels.simulate_panel import SimulatePanel
from hrtem_app.gui.widgets.jobs.preview import NAMES
from hrtem_app.jobs import JobError, SimulateJob, cancel, list_jobs, parse_request
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.simulation.dataset import Dataset, DatasetSettings
from hrtem_app.simulation.inspection import verify
from hrtem_app.simulation.multislice import REFERENCE, MultisliceSettings
from hrtem_app.simulation.preview import preview
from hrtem_app.simulation.run import simulate
from hrtem_app.simulation.structure_settings import StructureSettings

TINY = DatasetSettings(
    structure=StructureSettings(field_of_view=20.0, margin=1.0, layers=(1, 1), flake_radius=(0.5, 0.6)),
    multislice=MultisliceSettings(configurations=1),
)
NOISELESS = MicroscopeSettings(dose=(1e6, 1e6), sampling=(0.25, 0.25))


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "jobs"
    monkeypatch.setenv("HRTEM_APP_JOBS", str(folder))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield folder
    for job in list_jobs(folder):
        with contextlib.suppress(JobError):
            if job.at_work:
                cancel(job)


@pytest.fixture
def panel(add_panel: Any, qtbot: Any, tmp_path: Path) -> Any:
    panel = add_panel(SimulatePanel)
    qtbot.waitUntil(lambda: panel.is_built)
    panel.settings.set_value(TINY)
    panel.microscope.set_value(NOISELESS)
    panel.folder.line.setText(str(tmp_path / "waves"))
    return panel


def type_into(qtbot: Any, box: Any, text: str) -> None:
    box.line.selectAll()
    qtbot.keyClicks(box.line, text)


def click(qtbot: Any, button: Any) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def choose(panel: SimulatePanel, qtbot: Any, structures: int, seed: int) -> None:
    type_into(qtbot, panel.what.fields.rows["structures"].editor.box, str(structures))
    type_into(qtbot, panel.what.fields.rows["seed"].editor.box, str(seed))
    panel.folds[2].set_open(True)
    workers = panel.where.fields.rows["workers"].editor
    workers.box.setChecked(True)
    type_into(qtbot, workers.inner.box, "0")


def test_a_preview_is_shown_with_its_columns(panel: SimulatePanel, viewer: Any, qtbot: Any) -> None:
    panel.preview_seed.setValue(4)
    click(qtbot, panel.preview_button)
    assert panel.preview_button.text() == "Stop"
    qtbot.waitUntil(lambda: panel._preview is None)
    expected = preview(4, TINY, NOISELESS)
    series, columns = viewer.layers[NAMES["series"]], viewer.layers[NAMES["columns"]]
    np.testing.assert_array_equal(series.data, expected.series.frames)
    np.testing.assert_array_equal(viewer.layers[NAMES["filtered"]].data, expected.filtered)
    np.testing.assert_array_equal(columns.data, expected.series.positions)
    assert columns.features["class"].tolist() == [expected.class_names[one] for one in expected.series.classes]
    # In nm, so that both lie on each other.
    assert series.scale[-2:] == pytest.approx((0.025, 0.025))
    assert columns.scale == pytest.approx((0.025, 0.025))
    counted = [int((expected.series.classes == one).sum()) for one in range(3)]
    assert f"{counted[0]} Mo, {counted[1]} 2S, {counted[2]} 1S" in panel.preview_said.text()


def test_another_preview_takes_the_place_of_the_first(panel: SimulatePanel, viewer: Any, qtbot: Any) -> None:
    click(qtbot, panel.preview_button)
    qtbot.waitUntil(lambda: panel._preview is None)
    layers, before = list(viewer.layers), viewer.layers[NAMES["series"]].data
    viewer.layers.remove(NAMES["clean"])
    click(qtbot, panel.next_button)
    assert panel.preview_seed.value() == 1
    qtbot.waitUntil(lambda: panel._preview is None)
    assert sorted(layer.name for layer in viewer.layers) == sorted(NAMES.values())
    assert viewer.layers[NAMES["series"]] in layers
    assert not np.array_equal(viewer.layers[NAMES["series"]].data, before)


def test_a_preview_can_be_analysed(panel: SimulatePanel, viewer: Any, qtbot: Any) -> None:
    click(qtbot, panel.preview_button)
    qtbot.waitUntil(lambda: panel._preview is None)
    panel.workbench.open_selected_layer()
    series = panel.session.series
    drawn = preview(0, TINY, NOISELESS).series.microscope
    assert (series.sampling, series.defocus) == (drawn.sampling, pytest.approx(drawn.defocus))
    assert series.energy == 50e3
    np.testing.assert_array_equal(series.frames, viewer.layers[NAMES["series"]].data)


def test_a_preview_that_is_stopped_is_not_shown(panel: SimulatePanel, viewer: Any, qtbot: Any) -> None:
    click(qtbot, panel.preview_button)
    click(qtbot, panel.preview_button)
    assert "stopped" in panel.preview_said.text()
    assert panel.preview_button.text() == "Preview"
    from qtpy.QtCore import QThreadPool

    QThreadPool.globalInstance().waitForDone(60_000)
    qtbot.wait(50)
    assert not len(viewer.layers)


def test_what_is_wrong_begins_nothing(panel: SimulatePanel, root: Path, qtbot: Any) -> None:
    structure = panel.settings.fields.groups["structure"]
    type_into(qtbot, structure.rows["field_of_view"].editor.box, "900")
    for button in (panel.preview_button, panel.launch.launch_button, panel.launch.estimate_button):
        click(qtbot, button)
    assert "field_of_view = 900" in panel.preview_said.text()
    assert "field_of_view = 900: 900 is outside of 20 to 300 Å" in panel.launch.notice.text()
    panel.settings.set_value(TINY)
    panel.folder.line.clear()
    click(qtbot, panel.launch.launch_button)
    assert "the folder of the dataset is missing" in panel.launch.notice.text()
    panel.folder.line.setText("somewhere")
    type_into(qtbot, panel.what.fields.rows["structures"].editor.box, "0")
    click(qtbot, panel.launch.launch_button)
    assert "structures = 0" in panel.launch.notice.text()
    assert not root.exists()


def test_a_launched_simulation_is_that_of_the_form(panel: SimulatePanel, qtbot: Any, tmp_path: Path) -> None:
    choose(panel, qtbot, structures=2, seed=7)
    with qtbot.waitSignal(panel.launch.submitted):
        click(qtbot, panel.launch.launch_button)
    assert "Begun: job 1" in panel.launch.notice.text()
    qtbot.waitUntil(lambda: not list_jobs()[0].at_work)
    (job,) = list_jobs()
    assert job.state == "finished", job.log()
    simulate(tmp_path / "expected", 2, 7, settings=TINY, workers=0)
    made, expected = (verify(Dataset(tmp_path / name)) for name in ("waves", "expected"))
    assert (made.structures, made.content) == (2, expected.content)


def test_an_estimate_is_measured_and_can_be_stopped(panel: SimulatePanel, root: Path, qtbot: Any) -> None:
    choose(panel, qtbot, structures=1000, seed=0)
    click(qtbot, panel.launch.estimate_button)
    assert panel.launch.measuring
    click(qtbot, panel.launch.estimate_button)
    assert not panel.launch.measuring
    assert "stopped" in panel.launch.notice.text()
    click(qtbot, panel.launch.estimate_button)
    qtbot.waitUntil(lambda: not panel.launch.measuring)
    said = panel.launch.notice.text()
    assert said.startswith("About")
    for part in ("on the disk", "of memory", "Measured on"):
        assert part in said
    assert not root.exists()


def test_scarce_room_is_told(panel: SimulatePanel, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from hrtem_app.jobs.estimating import Estimate, StepEstimate

    asked = []

    def fake(request: Any, *, cancelled: Any) -> Estimate:
        asked.append(request)
        step = StepEstimate(step="simulate", seconds=7200, disk=3 * 10**12, memory=2 * 10**9, measured="2 structures")
        return Estimate(steps=(step,), free_disk=10**9, free_memory=10**12)

    monkeypatch.setattr("hrtem_app.jobs.estimating.estimate", fake)
    choose(panel, qtbot, structures=12, seed=3)
    click(qtbot, panel.launch.estimate_button)
    qtbot.waitUntil(lambda: not panel.launch.measuring)
    said = panel.launch.notice.text()
    assert "2.0 h" in said
    assert "Careful: it writes 3e+03 GB and 1 GB are free" in said
    (request,) = asked
    assert isinstance(request, SimulateJob)
    simulation = request.simulation
    assert (simulation.structures, simulation.seed, simulation.workers) == (12, 3, 0)
    assert simulation.settings == TINY


def test_the_accuracy_of_the_thesis_is_a_preset(panel: SimulatePanel) -> None:
    defaults, thesis = panel.settings.menu.actions()
    thesis.trigger()
    assert panel.simulation()["settings"]["multislice"] == REFERENCE.model_dump(mode="json")
    defaults.trigger()
    request = parse_request(panel.content())
    assert request.simulation.settings == DatasetSettings()
