from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from threading import Event
from types import ModuleType
from typing import Any

import pytest
from qtpy.QtCore import Qt

from hrtem_app.gui.panels.predict_panel import PredictPanel


@pytest.fixture
def panel(add_panel: Any, networks: None, qtbot: Any) -> Any:
    panel = add_panel(PredictPanel)
    qtbot.waitUntil(lambda: len(panel.networks) == 3)
    return panel


def _click(qtbot: Any, button: Any) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.fixture
def slow_run(monkeypatch: pytest.MonkeyPatch, fakes: ModuleType) -> Event:
    """Runs stop after their first step until this event is set."""
    import hrtem_app.analysis

    gate = Event()

    def steps(series: Any, recipe: Any, _: Any) -> Generator[Any, None, Any]:
        run = fakes.fake_steps(series, recipe)
        yield next(run)
        gate.wait(10)
        return (yield from run)

    monkeypatch.setattr(hrtem_app.analysis, "analysis_steps", steps)
    return gate


def test_nothing_runs_without_a_series(panel: PredictPanel, fakes: ModuleType) -> None:
    assert not panel.run_button.isEnabled()
    panel.workbench.open_series(fakes.make_series(sampling=None))
    assert not panel.run_button.isEnabled()
    panel.session.change(sampling=0.22)
    assert panel.run_button.isEnabled()


def test_a_run_uses_the_networks_that_are_checked(panel: PredictPanel, fakes: ModuleType, qtbot: Any) -> None:
    panel.workbench.open_series(fakes.make_series())
    panel.networks["unet_pp"].click()
    _click(qtbot, panel.run_button)
    qtbot.waitUntil(lambda: panel.session.analysis is not None)
    assert list(panel.session.analysis.networks) == ["unet", "msd_net"]
    assert "Done" in panel.step.text()
    assert "dose" in panel.messages.texts()[0]


def test_the_last_network_cannot_be_unchecked(panel: PredictPanel) -> None:
    for box in panel.networks.values():
        box.click()
    assert panel.session.recipe.networks == ("msd_net",)
    assert panel.networks["msd_net"].isChecked()
    assert "at least one" in panel.messages.texts()[0]


def test_a_run_can_be_cancelled_and_earlier_results_stay(
    panel: PredictPanel, fakes: ModuleType, qtbot: Any, slow_run: Event
) -> None:
    panel.workbench.open_series(fakes.make_series())
    slow_run.set()
    _click(qtbot, panel.run_button)
    qtbot.waitUntil(lambda: panel.session.analysis is not None)
    first = panel.session.analysis
    slow_run.clear()
    _click(qtbot, panel.run_button)
    qtbot.waitUntil(lambda: panel.session.progress is not None)
    assert panel.progress.isVisible()
    assert not panel.run_button.isEnabled()
    _click(qtbot, panel.cancel_button)
    slow_run.set()
    assert "analyse" not in panel.session.busy
    qtbot.wait(50)
    assert panel.session.analysis is first
    assert panel.run_button.isEnabled()


def test_a_result_does_not_land_on_another_series(
    panel: PredictPanel, fakes: ModuleType, qtbot: Any, slow_run: Event
) -> None:
    panel.workbench.open_series(fakes.make_series())
    _click(qtbot, panel.run_button)
    qtbot.waitUntil(lambda: panel.session.progress is not None)
    panel.workbench.open_series(fakes.make_series(name="other"))
    slow_run.set()
    qtbot.wait(100)
    assert panel.session.analysis is None
    assert panel.workbench.layers.get("columns") is None
    assert "another series" in panel.messages.texts()[0]


def test_a_single_image_gets_the_versions_for_one_frame(
    add_panel: Any, fakes: ModuleType, qtbot: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from hrtem_app.networks.catalog import build_network, save_network

    for name, frames in (("unet", 3), ("unet_single", 1)):
        settings = {"channels": 1, "frames": frames}
        changes = {"name": name, "title": name, "settings": settings, "frames": frames}
        card = fakes.make_card("unet").model_copy(update=changes)
        save_network(build_network("unet", settings), card, tmp_path)
    monkeypatch.setenv("HRTEM_APP_NETWORKS", str(tmp_path))
    panel = add_panel(PredictPanel)
    qtbot.waitUntil(lambda: "unet_single" in panel.networks)
    panel.workbench.open_series(fakes.make_series(size=64, frames=1))
    panel.session.change(networks=("unet",))
    _click(qtbot, panel.run_button)
    qtbot.waitUntil(lambda: panel.session.analysis is not None, timeout=60_000)
    assert list(panel.session.analysis.networks) == ["unet_single"]
    assert "p_unet_single" in panel.workbench.layers.get("columns").features
    assert any("unet_single ran in place of unet" in text for text in panel.messages.texts())


def test_an_error_is_one_line_and_results_stay(
    panel: PredictPanel, fakes: ModuleType, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hrtem_app.analysis

    panel.workbench.open_series(fakes.make_series())
    _click(qtbot, panel.run_button)
    qtbot.waitUntil(lambda: panel.session.analysis is not None)
    first = panel.session.analysis

    def steps(series: Any, recipe: Any, _: Any) -> Generator[Any, None, Any]:
        raise ValueError("'unet' wants 3 frames and the series has 1: open a focal series")
        yield

    monkeypatch.setattr(hrtem_app.analysis, "analysis_steps", steps)
    _click(qtbot, panel.run_button)
    qtbot.waitUntil(lambda: any(m.level == "error" for m in panel.session.messages))
    assert panel.messages.texts() == ["'unet' wants 3 frames and the series has 1: open a focal series"]
    assert panel.session.analysis is first
    assert panel.run_button.isEnabled()


def test_a_changed_recipe_makes_results_stale(panel: PredictPanel, fakes: ModuleType, qtbot: Any) -> None:
    panel.workbench.open_series(fakes.make_series())
    _click(qtbot, panel.run_button)
    qtbot.waitUntil(lambda: panel.session.analysis is not None)
    panel.session.change_filter(radius=0.01)
    assert panel.session.stale
    assert "run again" in panel.step.text()
