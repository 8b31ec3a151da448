"""Make the pictures of the user's guide: the window, driven through an analysis of the bundled sample.

Run it where there is a screen, or under a virtual one:
xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX" python scripts/make_screenshots.py
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from qtpy.QtCore import QSize
from qtpy.QtWidgets import QApplication, QWidget

from hrtem_app.gui.application import create_window, shut_down
from hrtem_app.gui.panels.workbench_panel import WorkbenchPanel
from hrtem_app.gui.session import Source

SIZE = QSize(1280, 800)
# Å of the image that the pictures of columns show, enough to tell the classes apart.
CLOSE_UP_ANGSTROM = 50


class Camera:
    """Takes pictures of a window into a folder."""

    def __init__(self, window: QWidget, folder: Path) -> None:
        self._window, self._folder = window, folder
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, name: str) -> None:
        """Save what is on screen now as NAME.png."""
        settle(0.6)
        screen = self._window.screen()
        if screen is None:
            raise RuntimeError("the window is on no screen")
        corner = self._window.mapToGlobal(self._window.rect().topLeft())
        picture = screen.grabWindow(0, corner.x(), corner.y(), self._window.width(), self._window.height())
        if not picture.save(str(self._folder / f"{name}.png")):
            raise RuntimeError(f"{self._folder / name}.png cannot be written")


def settle(seconds: float) -> None:
    """Let the window draw."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def wait(panel: WorkbenchPanel, source: Source, condition: Callable[[], bool], seconds: float = 600) -> bool:
    """Wait for a condition; False where an error of that panel comes first."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end or any(m.level == "error" and m.source == source for m in panel.session.messages):
            return False
        settle(0.02)
    return True


def show_series_and_filter(panel: WorkbenchPanel, camera: Camera) -> None:
    """Open the sample and look at its sampling, its drift and its lattice filter."""
    camera.take("start")
    panel.workbench.open_sample()
    if not wait(panel, "series", lambda: panel.session.preview is not None):
        raise RuntimeError(f"the sample cannot be opened: {[m.text for m in panel.session.messages]}")
    wait(panel, "calibrate", lambda: panel.session.calibration is not None)
    camera.take("series")
    panel.show_step("Calibrate")
    camera.take("calibrate")
    panel.show_step("Align")
    panel.workbench.measure_drift()
    wait(panel, "align", lambda: panel.session.drift is not None)
    camera.take("align")
    panel.show_step("Lattice filter")
    camera.take("lattice-filter")


def show_results(panel: WorkbenchPanel, camera: Camera) -> bool:
    """Run the networks and look at their columns; False where there are none to run."""
    panel.show_step("Predict")
    panel.workbench.run()
    if not wait(panel, "predict", lambda: panel.session.analysis is not None):
        return False
    camera.take("predict")
    panel.show_step("Agreement")
    close_up(panel)
    camera.take("columns")
    panel.workbench.layers.set_visible("columns", False)
    panel.workbench.layers.set_visible("agreement", True)
    panel.session.change_view(class_index=1)
    camera.take("agreement")
    panel.workbench.layers.set_visible("agreement", False)
    panel.show_step("Correct")
    correct_some(panel)
    camera.take("correct")
    panel.session.undo()
    panel.workbench.viewer.reset_view()
    show_what_follows(panel, camera)
    return True


def correct_some(panel: WorkbenchPanel) -> None:
    """Look at the middle closely, make three pairs vacancies, and select one of them and two of their neighbours."""
    table, viewer, tools = panel.session.table, panel.workbench.viewer, panel.workbench.tools
    panel.workbench.layers.set_visible("columns", True)
    viewer.scene.camera.zoom *= 2.5
    middle = np.array(panel.session.series.shape) / 2
    near = np.argsort(np.linalg.norm(table.positions - middle, axis=1))
    tools.select(table.ids[near[table.classes[near] == 1][:3]].tolist())
    tools.classify("1S")
    tools.select(table.ids[near[:3]].tolist())


def show_what_follows(panel: WorkbenchPanel, camera: Camera) -> None:
    """What is done with the columns: measured, written, scored; and the steps beside the rail."""
    panel.workbench.tools.take("look")
    panel.workbench.tools.select([])
    panel.show_step("Measure")
    wait(panel, "measure", panel.workbench.measuring.current, 60)
    camera.take("measure")
    panel.show_step("Export")
    camera.take("export")
    panel.show_step("Score")
    # The sample's truth lies beside it and is found by itself.
    wait(panel, "score", lambda: bool(panel.workbench.scoring.truths), 60)
    for truth in panel.workbench.scoring.truths:
        panel.workbench.scoring.choose(truth)
    wait(panel, "score", panel.workbench.scoring.current, 60)
    camera.take("score")
    panel.show_step("Time")
    camera.take("time")
    simulate = panel.show_background().simulate
    wait(panel, "series", lambda: simulate.is_built, 30)
    simulate.folder.set_path(Path("waves"))
    camera.take("background")


def close_up(panel: WorkbenchPanel) -> None:
    """Zoom in until single columns are told apart."""
    viewer = panel.workbench.viewer
    extent = viewer.layers["columns"].extent.world
    zoom = viewer.scene.camera.zoom * (extent[1] - extent[0]).max() / (CLOSE_UP_ANGSTROM / 10)
    # napari puts the scale bar where its length before the last change of zoom belongs.
    for factor in (0.9, 1):
        viewer.scene.camera.zoom = zoom * factor
        settle(0.2)


def main() -> int:
    """Make all pictures; 1 where the networks cannot be run, so that their pictures are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "docs" / "images")
    # What a person's own windows and jobs left behind does not belong into the pictures.
    own = tempfile.mkdtemp(prefix="hrtem-app-")
    os.environ.update(HRTEM_APP_AUTOSAVE=own, HRTEM_APP_JOBS=own)
    viewer, panel = create_window()
    window = panel.window()
    if window is None:
        raise RuntimeError("the panel is in no window")
    window.resize(SIZE)
    camera = Camera(window, parser.parse_args().out)
    show_series_and_filter(panel, camera)
    done = show_results(panel, camera)
    if not done:
        sys.stderr.write("\n".join(m.text for m in panel.session.messages) + "\n")
    viewer.close()
    shut_down(panel)
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
