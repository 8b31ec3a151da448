from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import tifffile
from napari.utils.notifications import notification_manager
from napari.utils.theme import get_theme
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QMessageBox, QWidget

from hrtem_app.gui import application, theme
from hrtem_app.gui.guide import Guide
from hrtem_app.gui.steps import STEPS


@pytest.fixture
def window(
    make_napari_viewer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, networks: None, qtbot: Any, settled: None
) -> Any:
    monkeypatch.setattr(application.napari, "Viewer", make_napari_viewer)
    viewer, panel = application.create_window()
    qtbot.waitUntil(panel.isVisible)
    return viewer, panel


def test_the_rail_leads_from_files_to_columns(window: Any, fakes: ModuleType, qtbot: Any) -> None:
    _, panel = window
    assert [step.state(panel.session) for step in STEPS] == ["todo"] * len(STEPS)
    panel.workbench.open_series(fakes.make_series())
    qtbot.waitUntil(lambda: panel.session.preview is not None and panel.session.calibration is not None)
    # The specimen has a lattice to measure by, and nobody asked for an alignment.
    states = ["done" if panel.session.calibration.accepted else "todo", "todo"]
    assert [step.state(panel.session) for step in STEPS] == ["done", *states, "done"] + ["todo"] * 7
    qtbot.mouseClick(panel.run_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.session.analysis is not None)
    assert [step.state(panel.session) for step in STEPS] == [
        "done",
        *states,
        "done",
        "done",
        "done",
        "todo",
        "done",
    ] + ["todo"] * 3
    panel.workbench.tools.select([0])
    panel.workbench.tools.delete()
    panel.session.change_filter(radius=0.01)
    assert [step.state(panel.session) for step in STEPS][4:8] == ["stale", "stale", "stale", "stale"]


def test_one_step_is_open_at_a_time(window: Any, qtbot: Any) -> None:
    _, panel = window
    qtbot.mouseClick(panel.sections[3].header, Qt.MouseButton.LeftButton)
    assert [section.is_open() for section in panel.sections] == [i == 3 for i in range(len(STEPS))]
    assert panel.panels[3].isVisible()
    assert not panel.panels[0].isVisible()


def test_it_fits_a_small_screen(window: Any, fakes: ModuleType, qtbot: Any) -> None:
    _, panel = window
    panel.workbench.open_series(fakes.make_series())
    for section in panel.sections:
        section.set_open(True)
        qtbot.wait(10)
        assert section.body.minimumSizeHint().width() <= panel.width() - 20
    assert panel.window().minimumSizeHint().width() <= 1280
    assert panel.window().minimumSizeHint().height() <= 800


def test_files_dropped_onto_the_canvas_open_in_a_thread(
    window: Any, fakes: ModuleType, tmp_path: Path, qtbot: Any
) -> None:
    viewer, panel = window
    path = tmp_path / "stack.tif"
    frames = np.random.default_rng(0).random((3, 32, 32)).astype(np.float32)
    tifffile.imwrite(path, frames, photometric="minisblack")
    centre = panel.window().centralWidget()
    target = next(w for w in [centre, *centre.findChildren(QWidget)] if w.acceptDrops())
    assert fakes.drop(target, [path])
    assert "open" in panel.session.busy
    qtbot.waitUntil(lambda: panel.session.series is not None)
    assert viewer.layers[0].data.shape == (3, 32, 32)


def test_the_menu_greys_out_what_cannot_be_done(window: Any, fakes: ModuleType, qtbot: Any) -> None:
    viewer, panel = window
    menu = next(a.menu() for a in viewer.window.main_menu.actions() if a.text() == "&Analysis")
    entries = {entry.text(): entry for entry in menu.entries}
    menu.refresh()
    assert not entries["Run"].isEnabled()
    panel.workbench.open_series(fakes.make_series())
    menu.refresh()
    assert entries["Run"].isEnabled()
    entries["Run"].trigger()
    qtbot.waitUntil(lambda: panel.session.analysis is not None)


def test_an_error_that_nobody_caught_is_shown(window: Any) -> None:
    _, panel = window
    # This is what napari puts into sys.excepthook while its event loop runs.
    with application.ErrorsInWindow(panel.session):
        notification_manager.receive_error(KeyError, KeyError("surprise"), None)
    assert "surprise" in panel.session.messages[-1].text


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that do not end by themselves."""
    import hrtem_app.analysis

    def steps(*_: Any) -> Any:
        while True:
            time.sleep(0.01)
            yield hrtem_app.analysis.Progress("unet", 0.5)

    monkeypatch.setattr(hrtem_app.analysis, "analysis_steps", steps)


def test_closing_during_a_run_leaves_nothing_behind(window: Any, endless: None, fakes: ModuleType, qtbot: Any) -> None:
    from hrtem_app.gui import workbench

    viewer, panel = window
    panel.workbench.open_series(fakes.make_series())
    panel.workbench.run()
    qtbot.waitUntil(lambda: panel.session.progress is not None)
    viewer.close()
    qtbot.waitUntil(lambda: viewer not in workbench._workbenches)


def test_the_button_that_runs_cancels_what_runs(window: Any, endless: None, fakes: ModuleType, qtbot: Any) -> None:
    _, panel = window
    panel.workbench.open_series(fakes.make_series())
    assert panel.run_button.text() == "Run"
    qtbot.mouseClick(panel.run_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.next.text() == "Running: unet, 50%.")
    assert panel.run_button.text() == "Cancel"
    qtbot.mouseClick(panel.run_button, Qt.MouseButton.LeftButton)
    assert "analyse" not in panel.session.busy
    assert panel.run_button.text() == "Run"


def test_a_step_can_be_taken_out_of_the_rail_and_stays_the_same_step(window: Any, qtbot: Any) -> None:
    viewer, panel = window
    number = [step.name for step in STEPS].index("Predict")
    section = panel.sections[number]
    assert not section.out_button.isVisible()
    section.set_open(True)
    qtbot.mouseClick(section.out_button, Qt.MouseButton.LeftButton)
    outside = panel.take_out(STEPS[number])
    qtbot.waitUntil(outside.isVisible)
    # The second time it is the window that is there already.
    assert outside is panel.take_out(STEPS[number])
    assert outside is not panel.panels[number]
    assert outside.window() is not panel.window()
    outside.views.setCurrentIndex(3)
    assert panel.panels[number].views.currentIndex() == 3
    viewer.window.remove_dock_widget(outside)
    again = panel.take_out(STEPS[number])
    assert again is not outside
    assert again.views.currentIndex() == 3


def test_the_list_of_keys_is_under_help(window: Any) -> None:
    viewer, panel = window
    (entry,) = [a for a in viewer.window.help_menu.actions() if a.text() == "Keys of the analysis"]
    entry.trigger()
    (box,) = panel.window().findChildren(QMessageBox)
    assert "lasso" in box.text()
    box.close()


def test_the_guide_is_under_help_and_has_a_key(window: Any) -> None:
    viewer, panel = window
    (entry,) = [a for a in viewer.window.help_menu.actions() if a.text() == "User's guide"]
    assert entry.shortcut().toString() == "F1"
    entry.trigger()
    (guide,) = panel.findChildren(Guide)
    assert guide.isWindow()
    assert guide.pages.source().fileName() == "guide.md"
    guide.close()


def test_text_can_be_read_in_either_theme(window: Any, fakes: ModuleType, qtbot: Any) -> None:
    viewer, panel = window
    colours = [*theme.CLASS_COLOURS.values(), theme.WARNING, theme.QUIET, theme.DONE]
    colours += [ink for inks in theme.NETWORK_INKS.values() for ink in inks.values()]
    for name in ("dark", "light"):
        viewer.theme = name
        qtbot.wait(50)
        background = QColor(str(get_theme(name).background))
        for colour in colours:
            assert _contrast(QColor(theme.ink(colour, panel)), background) > 3.5
    predict = panel.panels[[step.name for step in STEPS].index("Predict")]
    panel.show_step("Predict")
    qtbot.waitUntil(lambda: bool(predict.networks))
    light = {box.styleSheet() for box in predict.networks.values()}
    viewer.theme = "dark"
    qtbot.waitUntil(lambda: light.isdisjoint(box.styleSheet() for box in predict.networks.values()))


def _contrast(first: QColor, second: QColor) -> float:
    """WCAG 2.1's contrast ratio."""
    high, low = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: QColor) -> float:
    values = np.array([colour.redF(), colour.greenF(), colour.blueF()])
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
