"""Time: a stack is cut, analysed, looked through and corrected; what is done at a time point stays with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

from hrtem_app.columns import ColumnTable
from hrtem_app.correction import Delete, Reclassify
from hrtem_app.gui.panels.time_panel import TimePanel
from hrtem_app.imaging.shifting import shift_back
from hrtem_app.io import save_series
from hrtem_app.series import FocalSeries

DRIFT = ((0.0, 0.0), (2.0, -3.0), (5.0, 1.0))


@pytest.fixture
def film(fakes: ModuleType) -> FocalSeries:
    """Three time points of three frames, whose content drifts."""
    series = fakes.make_series(name="film")
    frames = [shift_back(series.frames, [(-dy, -dx)] * 3) for dy, dx in DRIFT]
    return FocalSeries(np.concatenate(frames), series.sampling, series.defocus * 3, series.energy, "film")


@pytest.fixture
def runs(networks: None, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the series that were analysed; columns lie where the content of each time point does."""
    from hrtem_app.timelapse import analyse

    names: list[str] = []

    def steps(series: FocalSeries, recipe: Any) -> Generator[Any, None, Any]:
        names.append(series.name)
        analysis = yield from fakes.fake_steps(series, recipe)
        number = int(series.name[-1])
        table: ColumnTable = analysis.table
        # Rows and ids in another order at each time point, so that neither can stand for a site.
        order = np.random.default_rng(number).permutation(len(table))
        moved = replace(table, positions=table.positions + np.array(DRIFT[number])).select(order)
        return replace(analysis, table=replace(moved, ids=np.arange(len(table))))

    monkeypatch.setattr(analyse, "analysis_steps", steps)
    return names


@pytest.fixture
def panel(add_panel: Any, runs: list[str], film: FocalSeries, qtbot: Any) -> TimePanel:
    panel: TimePanel = add_panel(TimePanel)
    panel.workbench.open_series(film)
    panel.form.seconds.setValue(2)
    qtbot.mouseClick(panel.form.split_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.over_time.current == 0)
    return panel


@pytest.fixture
def done(panel: TimePanel, qtbot: Any) -> TimePanel:
    """All time points are analysed, and linked."""
    qtbot.mouseClick(panel.run_button, Qt.MouseButton.LeftButton)
    wait_for_links(panel, qtbot)
    return panel


def wait_for_links(panel: TimePanel, qtbot: Any, count: int = 3) -> None:
    qtbot.waitUntil(lambda: "analyse" not in panel.session.busy)
    qtbot.waitUntil(lambda: panel.over_time.columns.summary is not None)
    qtbot.waitUntil(lambda: len(panel.over_time.columns.summary.observations) == count)  # type: ignore[union-attr]


def wait_for_change(panel: TimePanel, qtbot: Any, action: Callable[[], Any]) -> Any:
    """Do something that makes new links necessary; gives them."""
    before = panel.over_time.columns.summary
    action()
    qtbot.waitUntil(lambda: panel.over_time.columns.summary is not before)
    return panel.over_time.columns.summary


def go_to(panel: TimePanel, qtbot: Any, number: int) -> None:
    panel.slider.setValue(number)
    qtbot.waitUntil(lambda: panel.over_time.current == number)


def heights(panel: TimePanel, name: str) -> list[float]:
    return panel.plot.curves[name].getData()[1].tolist()  # type: ignore[no-any-return]


def test_a_series_is_cut_into_time_points(panel: TimePanel, film: FocalSeries, qtbot: Any) -> None:
    assert len(panel.over_time) == 3
    assert panel.session.series is not None
    assert np.array_equal(panel.session.series.frames, film.frames[:3])
    assert panel.slider.maximum() == 2
    assert panel.where.text() == "1 of 3, 0 s"
    go_to(panel, qtbot, 2)
    assert np.array_equal(panel.session.series.frames, film.frames[6:])
    assert panel.session.series.defocus == (-50, 0, 50)
    assert panel.where.text() == "3 of 3, 4 s"
    assert panel.workbench.layers.get("series").data.shape == (3, 160, 160)


def test_all_time_points_are_run_and_counted(done: TimePanel, runs: list[str], qtbot: Any) -> None:
    assert runs == ["film #0", "film #1", "film #2"]
    assert "3 of 3 time points are done" in done.said.text()
    summary = done.over_time.columns.summary
    assert summary is not None
    assert summary.tracks.drift == pytest.approx(np.array(DRIFT), abs=0.01)
    assert summary.tracks.seen.all()
    assert "+0 ± 0 1S columns per s. +0 ± 0 % of the S columns per s." in done.said.text()
    done.what.setCurrentText("Columns by class")
    for number in range(3):
        go_to(done, qtbot, number)
        counts = done.session.table.counts()  # type: ignore[union-attr]
        assert {name: heights(done, name)[number] for name in counts} == counts
    done.what.setCurrentText("1S vacancies, %")
    counts = done.session.table.counts()  # type: ignore[union-attr]
    assert heights(done, "1S of S columns")[2] == pytest.approx(100 * counts["1S"] / (counts["1S"] + counts["2S"]))
    assert done.plot.curves["1S of S columns"].getData()[0].tolist() == [0, 2, 4]


def test_results_stay_with_the_series_they_came_from(done: TimePanel, film: FocalSeries, qtbot: Any) -> None:
    for number in (2, 0, 1):
        go_to(done, qtbot, number)
        session = done.session
        assert session.analysis is not None
        assert session.file_series is not None
        assert np.array_equal(session.file_series.frames, film.frames[3 * number : 3 * number + 3])
        assert session.analysis.series.frames is session.file_series.frames
        points = done.workbench.layers.get("columns")
        assert np.array_equal(points.data, session.table.positions)  # type: ignore[union-attr]
        assert not session.stale


def test_a_correction_stays_with_its_time_point(done: TimePanel, qtbot: Any) -> None:
    done.what.setCurrentText("1S vacancies, number")
    before = heights(done, "1S")
    go_to(done, qtbot, 1)
    table = done.session.table
    assert table is not None
    chosen = table.ids[np.flatnonzero(table.classes == 1)[:2]].tolist()
    summary = wait_for_change(done, qtbot, lambda: done.session.correct(Reclassify(ids=tuple(chosen), class_name="1S")))
    corrections = done.session.corrections
    assert heights(done, "1S") == [before[0], before[1] + 2, before[2]]
    assert sorted((e.number, e.kind) for e in summary.events) == [(1, "vacancy made")] * 2 + [(2, "filled")] * 2
    go_to(done, qtbot, 0)
    assert not done.session.table.edited.any()  # type: ignore[union-attr]
    go_to(done, qtbot, 1)
    assert done.session.corrections is corrections
    done.what.setCurrentText("Vacancies made and filled")
    assert (heights(done, "made"), heights(done, "filled")) == ([0, 2, 0], [0, 0, 2])
    done.smooth.setFocus()
    wait_for_change(done, qtbot, lambda: qtbot.keyClick(done.smooth, Qt.Key.Key_Space))
    assert (heights(done, "made"), heights(done, "filled")) == ([0, 0, 0], [0, 0, 0])


def test_undo_goes_to_the_time_point_where_it_was_done(done: TimePanel, qtbot: Any) -> None:
    go_to(done, qtbot, 1)
    table = done.session.table
    assert table is not None
    wait_for_change(done, qtbot, lambda: done.session.correct(Delete(ids=(int(table.ids[0]),))))
    go_to(done, qtbot, 2)
    other = done.session.corrections
    assert "delete" in done.session.undo_text
    done.session.undo()
    assert done.over_time.current == 1
    assert done.session.table is table
    go_to(done, qtbot, 2)
    assert done.session.corrections is other


def on_plot(panel: TimePanel, time: float) -> QPoint:
    """A place on the plot at a time, above the middle, in pixels of its viewport."""
    plot, view = panel.plot.plot, panel.plot.item.vb
    low, high = view.viewRange()[1]
    return plot.mapFromScene(view.mapViewToScene(QPointF(time, low + 0.3 * (high - low))))


def test_the_line_is_dragged_and_the_plot_clicked(done: TimePanel, qtbot: Any) -> None:
    viewport = done.plot.plot.viewport()
    qtbot.mouseMove(viewport, on_plot(done, 0))
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=on_plot(done, 0))
    for time in np.linspace(0, 2.4, 10):
        point = QPointF(on_plot(done, float(time)))
        buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        where = QPointF(viewport.mapToGlobal(point.toPoint()))
        move = QMouseEvent(QEvent.Type.MouseMove, point, where, Qt.MouseButton.NoButton, buttons, keys)
        QApplication.sendEvent(viewport, move)
        qtbot.wait(15)
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=on_plot(done, 2.4))
    assert done.over_time.current == 1
    assert done.slider.value() == 1
    assert done.plot.line.value() == pytest.approx(2.0)
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=on_plot(done, 3.9))
    assert done.over_time.current == 2
    assert done.plot.line.value() == pytest.approx(4.0)


def test_a_site_stays_selected_through_time(done: TimePanel, qtbot: Any) -> None:
    tools, table = done.workbench.tools, done.session.table
    assert table is not None
    row = int(np.flatnonzero(table.classes == 2)[0])
    tools.select([int(table.ids[row])])
    assert done.site.text().endswith(": 1S at 0 to 2.")
    go_to(done, qtbot, 2)
    now = done.session.table
    assert now is not None
    assert len(tools.selected) == 1
    place = now.positions[now.ids == tools.selected[0]][0]
    assert place == pytest.approx(table.positions[row] + np.array(DRIFT[2]), abs=1e-6)


def test_zoom_and_frame_stay(done: TimePanel, qtbot: Any) -> None:
    viewer = done.workbench.viewer
    viewer.scene.camera.zoom, viewer.scene.camera.center = 33.0, (0.0, 1.5, 2.5)
    viewer.dims.set_current_step(0, 2)
    go_to(done, qtbot, 1)
    assert viewer.scene.camera.zoom == 33
    assert viewer.scene.camera.center[-2:] == pytest.approx((1.5, 2.5))
    assert viewer.dims.current_step[0] == 2


def test_a_run_is_cancelled_and_goes_on(
    panel: TimePanel, runs: list[str], qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Event

    from hrtem_app.timelapse import analyse

    quick, go_on = analyse.analysis_steps, Event()

    def slow(series: FocalSeries, recipe: Any) -> Generator[Any, None, Any]:
        steps = quick(series, recipe)
        if series.name == "film #1":
            first = next(steps)
            while not go_on.wait(0.01):
                yield first
        return (yield from steps)

    monkeypatch.setattr(analyse, "analysis_steps", slow)
    qtbot.mouseClick(panel.run_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.over_time.done == 1 and "film #1" in runs)
    qtbot.waitUntil(lambda: panel.progress.isVisible() and "time point 2 of 3" in panel.progress.format())
    go_to(panel, qtbot, 2)
    qtbot.mouseClick(panel.cancel_button, Qt.MouseButton.LeftButton)
    assert panel.over_time.done == 1
    assert panel.session.analysis is None
    go_on.set()
    runs.clear()
    qtbot.mouseClick(panel.run_button, Qt.MouseButton.LeftButton)
    wait_for_links(panel, qtbot)
    assert runs == ["film #1", "film #2"]
    assert panel.session.analysis is not None
    assert panel.over_time.columns.summary is not None
    assert panel.over_time.columns.summary.tracks.drift == pytest.approx(np.array(DRIFT), abs=0.01)


def test_another_recipe_runs_all_again_and_corrections_are_carried_over(
    done: TimePanel, runs: list[str], qtbot: Any
) -> None:
    go_to(done, qtbot, 1)
    table = done.session.table
    assert table is not None
    gone = table.positions[4]
    done.session.correct(Delete(ids=(int(table.ids[4]),)))
    go_to(done, qtbot, 0)
    runs.clear()
    done.session.change(networks=("unet", "msd_net"))
    qtbot.mouseClick(done.run_button, Qt.MouseButton.LeftButton)
    wait_for_links(done, qtbot)
    assert runs == ["film #0", "film #1", "film #2"]
    go_to(done, qtbot, 1)
    assert done.session.table is not None
    assert len(done.session.analysis.networks) == 2  # type: ignore[union-attr]
    assert np.linalg.norm(done.session.table.positions - gone, axis=1).min() > 3
    assert len(done.session.corrections.edits) == 1  # type: ignore[union-attr]


def test_another_series_may_be_open_in_between(done: TimePanel, fakes: ModuleType, qtbot: Any) -> None:
    go_to(done, qtbot, 1)
    done.session.change_filter(radius=0.04)
    analysis = done.session.analysis
    done.workbench.open_series(fakes.make_series(120, name="another"))
    assert done.where.text() == "not on screen"
    done.session.change(sampling=0.3)
    done.slider.setValue(2)
    assert done.over_time.current == 2
    go_to(done, qtbot, 1)
    assert done.session.analysis is analysis
    assert done.session.recipe.sampling is None
    assert done.session.recipe.filter.radius == 0.04


def test_playing(done: TimePanel, qtbot: Any) -> None:
    done._timer.setInterval(20)
    qtbot.mouseClick(done.play_button, Qt.MouseButton.LeftButton)
    assert done.play_button.text() == "■"
    qtbot.waitUntil(lambda: not done.play_button.isChecked())
    assert done.over_time.current == 2
    assert done.play_button.text() == "▶"


def test_files_are_opened_and_what_does_not_fit_is_said(
    add_panel: Any, film: FocalSeries, runs: list[str], tmp_path: Path, qtbot: Any
) -> None:
    panel = add_panel(TimePanel)
    for number in range(2):
        save_series(film.select(range(3 * number, 3 * number + 3)), tmp_path / f"point_{number}.tif")
    files = sorted(tmp_path.glob("*.tif"))
    panel.over_time.open(files, 2, "time", None)
    qtbot.waitUntil(lambda: bool(panel.session.messages))
    assert "cannot be cut into groups of 2" in panel.session.messages[0].text
    panel.over_time.open(files, 3, "time", None)
    qtbot.waitUntil(lambda: panel.over_time.current == 0)
    assert panel.session.messages == ()
    assert panel.where.text() == "1 of 2"
    go_to(panel, qtbot, 1)
    assert np.array_equal(panel.session.series.frames, film.frames[3:6])


def test_tables_are_written_with_their_corrections(done: TimePanel, tmp_path: Path, qtbot: Any) -> None:
    go_to(done, qtbot, 1)
    table = done.session.table
    assert table is not None
    wait_for_change(done, qtbot, lambda: done.session.correct(Delete(ids=(int(table.ids[0]),))))
    done.over_time.write(tmp_path / "out")
    qtbot.waitUntil(lambda: any(m.source == "time" for m in done.session.messages))
    assert "files written to" in next(m.text for m in done.session.messages if m.source == "time")
    assert json.loads((tmp_path / "out" / "timelapse.json").read_text())["time_points"][1]["time_s"] == 2
    written = ColumnTable.from_csv(tmp_path / "out" / "0001" / "columns.csv")
    assert written.ids.tolist() == table.ids[1:].tolist()


def test_closing_leaves_nothing_on_the_disk(done: TimePanel, qtbot: Any) -> None:
    folder = done.over_time._shelf.folder  # type: ignore[union-attr]
    assert folder.exists()
    done.over_time.close()
    assert not folder.exists()
