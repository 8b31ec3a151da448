"""Milliseconds from a correction by hand to the picture that shows it, in the window with 20 000 columns.

Run from the repository's root: `python benchmarks/corrections.py`; it needs a screen (`xvfb-run` makes one) and
rewrites its section of `docs/benchmarks.md`; with `--print` it only prints. The whole window is open, at its step for
corrections, so all that follows the columns takes its part. A time ends when the canvas was drawn. Long histories are
timed beside doing the same edits one after another in the same run (the reference).
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from report import machine, table, write_section
from scipy.ndimage import gaussian_filter

from hrtem_app import FocalSeries, Recipe
from hrtem_app.analysis import Analysis
from hrtem_app.columns import ColumnTable
from hrtem_app.correction import Add, Corrections, Delete, Edit, Move, Reclassify, Review, from_json, rebased, to_json
from hrtem_app.inference.result import NetworkResult
from hrtem_app.networks.catalog import available

COLUMNS, EDITS, REPEATS = 20_000, 1000, 20
SAMPLING, LATTICE, GRAINS = 0.2, 3.16, 4
NETWORKS = ("unet", "unet_pp", "msd_net")


def made_table(seed: int = 0) -> ColumnTable:
    """MoS2 in grains side by side; some vacancies, and networks that dispute one column in twelve."""
    rng = np.random.default_rng(seed)
    side = round(np.sqrt(COLUMNS / 2 / (np.sqrt(3) / 2)))
    i, j = (n.ravel() for n in np.meshgrid(np.arange(side), np.arange(int(COLUMNS / 2 / side))))
    mo = LATTICE * np.stack([np.sqrt(3) / 2 * j, i + j % 2 / 2], axis=1)
    positions = np.concatenate([mo, mo + np.array([LATTICE / np.sqrt(3), 0])]) / SAMPLING + 20
    classes = np.repeat([0, 1], len(mo))
    n = len(classes)
    classes[(classes == 1) & (rng.random(n) < 0.1)] = 2
    disputed = np.where(rng.random(n) < 1 / 12, np.choose(classes, ["2S:unet_pp", "1S:unet_pp", "2S:unet"]), "")
    cells = (GRAINS * positions / (positions.max(axis=0) + 1)).astype(int)
    return ColumnTable(
        positions=positions + rng.normal(0, 0.2, (n, 2)),
        classes=classes,
        sampling=SAMPLING,
        votes=rng.integers(1, 4, n),
        probability=rng.random(n),
        network_probability={name: rng.random(n) for name in NETWORKS},
        spread=20 * rng.random(n),
        disputed=tuple(disputed.tolist()),
        grain=cells[:, 0] * GRAINS + cells[:, 1],
        grain_evidence=rng.normal(0, 2, n),
        decided=rng.random(n) < 0.9,
    )


def made_analysis(columns: ColumnTable) -> Analysis:
    """What an analysis with three networks would have given."""
    side = int(columns.positions.max()) + 20
    maps = np.zeros((4, side, side), np.float32)
    y, x = columns.positions.round().astype(int).T
    maps[columns.classes, y, x] = 1
    maps[:3] = [40 * gaussian_filter(image, 2.5) for image in maps[:3]]
    maps[3] = 1 - np.clip(maps[:3].sum(axis=0), 0, 1)
    noise = np.random.default_rng(0).normal(100, 10, (3, side, side)).astype(np.float32)
    series = FocalSeries(noise, SAMPLING, (-50.0, 0.0, 50.0), 50e3, "20 000 columns")
    cards = available()
    networks = {name: NetworkResult(cards[name], maps, SAMPLING, columns) for name in NETWORKS}
    seconds = dict.fromkeys(NETWORKS, 1.0)
    return Analysis(series, (0, 1, 2), Recipe(), series, (), networks, columns, (), seconds)


class Window:
    """The window with a made analysis, at its step for corrections."""

    def __init__(self, analysis: Analysis) -> None:
        from qtpy.QtWidgets import QApplication

        from hrtem_app.gui.application import create_window

        self.viewer, self.panel = create_window()
        self._application = QApplication.instance()
        self._canvas: Any = self.viewer.window._qt_viewer.canvas._scene_canvas
        self._drawn = False
        self._canvas.events.draw.connect(self._on_draw, position="last")
        session = self.panel.session
        session.open(analysis.series)
        session.accept_analysis(analysis, analysis.series)
        self.panel.show_step("Correct")
        self.session, self.tools = session, self.panel.workbench.tools
        self.points: Any = self.panel.workbench.layers.get("columns")
        self.tools.take("select")
        # What is large is written once by the automatic saving.
        self.panel.workbench.keeper.note()
        self.panel.workbench.keeper._autosaving().flush()
        self.settle()

    def settle(self, seconds: float = 0.15) -> None:
        """Let the window do what it put off."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            self._application.processEvents()
            time.sleep(0.01)

    def milliseconds(self, action: Callable[[], object]) -> tuple[float, float]:
        """From the beginning of an action to the end of the drawing, and what of it the window's thread computed."""
        from vispy.gloo import gl

        self.settle()
        self._drawn = False
        start, computed = time.perf_counter(), time.thread_time()
        action()
        self._canvas.update()
        while not self._drawn:
            self._application.processEvents()
        gl.glFinish()
        return 1000 * (time.perf_counter() - start), 1000 * (time.thread_time() - computed)

    def close(self) -> None:
        """End what runs."""
        from hrtem_app.gui.application import shut_down

        shut_down(self.panel)
        self.viewer.close()

    def _on_draw(self, event: object) -> None:
        self._drawn = True


def gestures(window: Window) -> dict[str, Callable[[int], Callable[[], object]]]:
    """For each kind of correction what makes it, prepared for the nth time."""
    points, tools, session = window.points, window.tools, window.session

    def select(number: int) -> None:
        tools.select([int(session.table.ids[(number * 797 + 5) % len(session.table)])])

    def move(number: int) -> Callable[[], object]:
        select(number)
        (row,) = points.selected_data
        points._set_drag_start({row}, points.data[row])
        return lambda: points._move({row}, points.data[row] + (2.0, 1.0))

    def with_selected(action: Callable[[], object], number: int) -> Callable[[], object]:
        select(number)
        return action

    def after(action: Callable[[], object], before: Callable[[], object]) -> Callable[[], object]:
        before()
        return action

    return {
        "add": lambda n: lambda: points.add(session.table.positions[n * 797] + 1.5),
        "move": move,
        "delete": lambda n: with_selected(points.remove_selected, n),
        "reclassify": lambda n: with_selected(lambda: tools.classify(("Mo", "2S", "1S")[n % 3]), n),
        "swap a grain": lambda n: with_selected(tools.swap, n),
        "undo a deletion": lambda n: after(session.undo, lambda: (select(n), tools.delete())),
        "redo a deletion": lambda n: after(session.redo, lambda: (select(n), tools.delete(), session.undo())),
        "undo a class": lambda n: after(session.undo, lambda: (select(n), tools.classify("1S"), tools.classify("Mo"))),
        "next to review": lambda n: tools.review_next,
    }


def many_edits(columns: ColumnTable, number: int = EDITS) -> list[Edit]:
    """What a person does in a long review."""
    rng = np.random.default_rng(1)
    ids: NDArray[np.int64] = rng.permutation(columns.ids)
    edits: list[Edit] = []
    for i, number_of in enumerate(ids[:number].tolist()):
        place = tuple((columns.positions[number_of] + rng.normal(0, 1, 2)).tolist())
        edits.append(
            [
                Review(ids=(number_of,)),
                Reclassify(ids=(number_of,), class_name="1S"),
                Move(ids=(number_of,), positions=(place,)),
                Delete(ids=(number_of,)),
                Add(position=place, class_name="2S"),
            ][i % 5]
        )
    return edits


def seconds_of(action: Callable[[], object]) -> float:
    """Wall time of one call, the better of three."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def one_by_one(columns: ColumnTable, edits: list[Edit]) -> Corrections:
    """The reference: each edit makes a table."""
    corrections = Corrections.begin(columns)
    for edit in edits:
        corrections = corrections.do(edit)
    return corrections


def long_histories(columns: ColumnTable) -> str:
    """Seconds for many edits."""
    edits = many_edits(columns)
    made = one_by_one(columns, edits)
    text, again = to_json(made), made_table(seed=2)
    rows = [
        ["one by one (the reference)", f"{seconds_of(lambda: one_by_one(columns, edits)):.2f}"],
        ["read from a session (`from_json`)", f"{seconds_of(lambda: from_json(columns, text)):.2f}"],
        ["carried over to another run (`rebased`)", f"{seconds_of(lambda: rebased(made, again)):.2f}"],
    ]
    return table([f"{EDITS} edits", "seconds"], rows)


def single_edits(columns: ColumnTable) -> str:
    """Milliseconds in the window."""
    rows = []
    window = Window(made_analysis(columns))
    for kind, prepared in ({"nothing, but drawn": lambda n: lambda: None} | gestures(window)).items():
        walls, threads = [], []
        for number in range(REPEATS):
            wall, thread = window.milliseconds(prepared(number))
            walls.append(wall)
            threads.append(thread)
        rows.append([kind, *(f"{f(times):.0f}" for times in (walls, threads) for f in (statistics.median, max))])
        print(rows[-1], flush=True)
    window.close()
    header = ["correction", "median, ms", f"worst of {REPEATS}", "computing in the window's thread, ms", "worst"]
    return table(header, rows)


def main() -> None:
    """Measure, and write or print."""
    columns = made_table()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HRTEM_APP_AUTOSAVE"] = str(Path(folder) / "autosave")
        text = f"{len(columns)} columns. {machine()}\n\n{single_edits(columns)}\n\n{long_histories(columns)}"
    if "--print" in sys.argv:
        print(text)
    else:
        write_section("corrections", text)


if __name__ == "__main__":
    main()
