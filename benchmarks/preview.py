"""Pictures per second while a setting of the lattice filter is dragged, in the window, at 640² and 4096² pixels.

Run from the repository's root: `python benchmarks/preview.py`; it needs a screen (`xvfb-run` makes one) and rewrites
its section of `docs/benchmarks.md`; with `--print` it only prints. The whole window is open, at its step for the
filter. Two ways take turns in one run:

- every frame is filtered for every change, in a thread, from spectra that are there already (the reference);
- what is on screen is filtered at once (`hrtem_app.gui.filtering.glimpse`), every frame when the settings rest.

A change is timed until its pixels are in the layer, and until the canvas was drawn with them. After that a drag: mouse
events move the handle of a slider, and each picture that is drawn with new pixels counts.
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from report import machine, table, write_section
from scipy import fft

from hrtem_app import FocalSeries
from hrtem_app.imaging.lattice_mask import filter_mask
from hrtem_app.recipe import LatticeFilter

SIDES, FRAMES, SAMPLING, ANGLE = (640, 4096), 3, 0.22, 0.3
BLOCKS, IN_BLOCK, DRAG_SECONDS, BETWEEN_MOVES = 4, 6, 4.0, 0.004


def made_series(side: int) -> FocalSeries:
    """Fringes of graphene and noise."""
    rng = np.random.default_rng(0)
    frames = rng.standard_normal((FRAMES, side, side), np.float32) * 20 + 100
    x = np.arange(side, dtype=np.float32) * SAMPLING
    for turn in ANGLE + np.pi / 3 * np.arange(3):
        k = 2 / (np.sqrt(3) * 2.46) * np.array([np.sin(turn), np.cos(turn)])
        waves = [np.exp(2j * np.pi * part * x).astype(np.complex64) for part in k]
        frames += 5 * (waves[0][:, np.newaxis] * waves[1]).real
    return FocalSeries(frames, SAMPLING, (-50.0, 0.0, 50.0), 50e3, f"{side}²")


def filter_all(
    frames: NDArray[np.float32], spectra: NDArray[np.complex64], settings: LatticeFilter
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The reference: all frames and what is taken out of them, by one inverse transform."""
    shape = (frames.shape[1], frames.shape[2])
    mask = filter_mask(shape, SAMPLING, (ANGLE,), settings)
    filtered = fft.irfft2(spectra * mask[:, : spectra.shape[2]], s=shape, workers=-1).astype(np.float32)
    return filtered, frames - filtered


class Window:
    """The window with a series, at its step for the lattice filter."""

    def __init__(self, series: FocalSeries) -> None:
        from qtpy.QtWidgets import QApplication

        from hrtem_app.gui.application import create_window
        from hrtem_app.gui.jobs import LatestWins
        from hrtem_app.gui.panels.lattice_filter_panel import LatticeFilterPanel

        self.viewer, self.panel = create_window()
        self._application = QApplication.instance()
        self._canvas: Any = self.viewer.window._qt_viewer.canvas._scene_canvas
        self._canvas.events.draw.connect(self._on_draw, position="last")
        self._pixels = self._drawn = self._undrawn = False
        self.pictures = 0
        self.session, self.workbench = self.panel.session, self.panel.workbench
        self.workbench.open_series(series)
        self.panel.show_step("Lattice filter")
        self.wait(lambda: self.session.preview is not None and not self.session.busy)
        self.filter_panel: Any = self.panel.findChild(LatticeFilterPanel)
        self.session.change_filter(angles=(ANGLE,))
        self.wait(lambda: self.workbench.live.glimpse.layer is not None)
        self.glimpse: Any = self.workbench.live.glimpse.layer
        self.filtered: Any = self.workbench.layers.get("filtered")
        self.glimpse.events.set_data.connect(self._on_pixels)
        self.filtered.events.set_data.connect(self._on_pixels)
        self._old = LatestWins()
        self._old.done.connect(self._on_old)
        self._spectra = fft.rfft2(series.frames, workers=-1)
        self._series = series
        self.rest()

    def wait(self, condition: Callable[[], bool], seconds: float = 120) -> None:
        """Let the window work until something is so."""
        end = time.perf_counter() + seconds
        while not condition():
            if time.perf_counter() > end:
                raise TimeoutError("the window does not do what it should")
            self._application.processEvents()
            time.sleep(0.0005)

    def rest(self) -> None:
        """Until all frames are filtered and drawn."""
        live = self.workbench.live
        live._stop()
        live.request()
        self.wait(lambda: self.session.preview.settings == self.session.recipe.filter)
        end = time.perf_counter() + 0.3
        self.wait(lambda: time.perf_counter() > end)

    def milliseconds(self, change: Callable[[LatticeFilter], object], settings: LatticeFilter) -> tuple[float, float]:
        """From a change to its pixels in a layer, and to the end of the drawing that shows them."""
        from vispy.gloo import gl

        self._pixels = self._drawn = False
        start = time.perf_counter()
        change(settings)
        self.wait(lambda: self._pixels)
        there = time.perf_counter()
        self.wait(lambda: self._drawn and not self._undrawn)
        gl.glFinish()
        return 1000 * (there - start), 1000 * (time.perf_counter() - start)

    def new_way(self, settings: LatticeFilter) -> None:
        """Change the recipe, as the sliders do."""
        self.session.change_filter(radius=settings.radius)

    def old_way(self, settings: LatticeFilter) -> None:
        """Change the recipe, and filter everything in a thread instead of what is on screen."""
        live = self.workbench.live
        changed = self.session.recipe.filter.model_copy(update={"radius": settings.radius})
        # What is wanted already is not asked for again.
        live._stop()
        live._wanted = live._source, changed
        self.session.change_filter(radius=settings.radius)
        self._old.request(filter_all, self._series.frames, self._spectra, settings)

    def drag(self) -> float:
        """Pictures per second while the mouse moves the radius' slider to and fro."""
        from qtpy.QtCore import QPoint, Qt
        from qtpy.QtTest import QTest
        from qtpy.QtWidgets import QStyle, QStyleOptionSlider

        slider, option = self.filter_panel.radius.slider, QStyleOptionSlider()
        slider.initStyleOption(option)
        handle = QStyle.SubControl.SC_SliderHandle
        start = slider.style().subControlRect(QStyle.ComplexControl.CC_Slider, option, handle, slider).center()
        width = slider.width()
        QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=start)
        self.pictures, begin = 0, time.perf_counter()
        for move in count():
            passed = time.perf_counter() - begin
            if passed > DRAG_SECONDS:
                break
            place = QPoint(int(width * (0.5 + 0.35 * np.sin(move / 9))), start.y())
            QTest.mouseMove(slider, place)
            self._application.processEvents()
            time.sleep(BETWEEN_MOVES)
        rate = self.pictures / passed
        QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=start)
        return rate

    def close(self) -> None:
        """End what runs."""
        from hrtem_app.gui.application import shut_down

        self._old.close()
        shut_down(self.panel)
        self.viewer.close()

    def _on_old(self, outcome: Any) -> None:
        np.copyto(self.filtered.data, outcome.value[0])
        self.filtered.refresh(extent=False, highlight=False)

    def _on_pixels(self, event: object) -> None:
        self._pixels = self._undrawn = True

    def _on_draw(self, event: object) -> None:
        self._drawn = True
        self.pictures += self._undrawn
        self._undrawn = False


def measured(side: int) -> list[list[str]]:
    """Rows of the table for one size."""
    window = Window(made_series(side))
    ways = {"every frame (the reference)": window.old_way, "what is on screen": window.new_way}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    # Never the radius that all frames are filtered with, for which there is nothing to do.
    radius_of = (0.02 + 0.0001 * number for number in count())
    for _ in range(BLOCKS):
        for name, change in ways.items():
            radii = [next(radius_of) for _ in range(IN_BLOCK)]
            # The first one begins a drag, which makes the layer visible.
            found = [window.milliseconds(change, LatticeFilter(angles=(ANGLE,), radius=radius)) for radius in radii]
            times[name] += found[1:]
            window.rest()
    dragged = {"what is on screen": f"{window.drag():.0f}"}
    window.rest()
    window.close()
    there, drawn = (
        {name: statistics.median(pair[which] for pair in pairs) for name, pairs in times.items()} for which in (0, 1)
    )
    reference = next(iter(ways))
    rows = [
        [
            f"{side}²",
            name,
            f"{there[name]:.1f}",
            f"{there[reference] / there[name]:.1f}",
            f"{drawn[name]:.1f}",
            f"{drawn[reference] / drawn[name]:.1f}",
            f"{1000 / drawn[name]:.0f}",
            dragged.get(name, ""),
        ]
        for name in ways
    ]
    print(*rows, sep="\n", flush=True)
    return rows


def main() -> None:
    """Measure, and write or print."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HRTEM_APP_AUTOSAVE"] = str(Path(folder) / "autosave")
        for side in SIDES:
            rows += measured(side)
            gc.collect()
    times = ["ms to new pixels", "reference / this", "ms to the drawn picture", "reference / this"]
    header = ["pixels", "filtered at a change", *times, "changes/s, one by one", "pictures/s in a drag"]
    intro = f"{FRAMES} frames; medians of {BLOCKS * (IN_BLOCK - 1)} changes of the radius. {machine()}"
    text = f"{intro}\n\n{table(header, rows)}"
    if "--print" in sys.argv:
        print(text)
    else:
        write_section("preview", text)


if __name__ == "__main__":
    main()
