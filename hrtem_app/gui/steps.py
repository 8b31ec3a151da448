"""The steps of an analysis as data: what each is called, how far it is and what came of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from hrtem_app.correction.review import waiting
from hrtem_app.gui.over_time.over_time import all_times_done, time_summary
from hrtem_app.gui.panels.align_panel import AlignPanel, current_shifts
from hrtem_app.gui.panels.base import Panel
from hrtem_app.gui.panels.calibrate_panel import CalibratePanel
from hrtem_app.gui.panels.columns_panel import ColumnsPanel
from hrtem_app.gui.panels.correct_panel import CorrectPanel
from hrtem_app.gui.panels.export_panel import ExportPanel
from hrtem_app.gui.panels.lattice_filter_panel import LatticeFilterPanel
from hrtem_app.gui.panels.measure_panel import MeasurePanel
from hrtem_app.gui.panels.predict_panel import PredictPanel
from hrtem_app.gui.panels.score_panel import ScorePanel
from hrtem_app.gui.panels.series_panel import SeriesPanel
from hrtem_app.gui.panels.time_panel import TimePanel
from hrtem_app.gui.session import Session
from hrtem_app.gui.shown import counts, used_frames
from hrtem_app.measure.scene import count_single_sulphurs

State = Literal["todo", "done", "stale"]


@dataclass(frozen=True)
class Step:
    """One step of the rail.

    Parameters
    ----------
    name
        Its title.
    panel
        The panel that it opens.
    state
        How far it is.
    summary
        Its result in a few words.
    """

    name: str
    panel: type[Panel]
    state: Callable[[Session], State]
    summary: Callable[[Session], str]


def _series_state(session: Session) -> State:
    return "done" if session.ready else "todo"


def _series_summary(session: Session) -> str:
    series = session.series
    if series is None:
        return "reading…" if "open" in session.busy else "nothing open"
    return f"{series.sampling:.4g} Å/px" if series.sampling is not None else "sampling?"


def _calibrate_state(session: Session) -> State:
    return "done" if session.calibration is not None and session.calibration.accepted else "todo"


def _calibrate_summary(session: Session) -> str:
    calibration = session.calibration
    if calibration is None:
        return "measuring…" if "calibrate" in session.busy else ""
    if not calibration.accepted:
        return "no lattice to measure by"
    return f"{calibration.sampling:.4g} ±{100 * calibration.error / calibration.sampling:.1g} %"


def _align_state(session: Session) -> State:
    return "done" if session.recipe.alignment.enabled else "todo"


def _align_summary(session: Session) -> str:
    if session.series is None:
        return ""
    settings = session.recipe.alignment
    shifts = current_shifts(settings.shifts, used_frames(session.series, session.recipe), session)
    if not settings.enabled:
        return "off"
    return "measured by the run" if shifts is None else ", ".join(f"{math.hypot(*s):.1f}" for s in shifts[1:]) + " px"


def _filter_state(session: Session) -> State:
    preview = session.preview
    if preview is None:
        return "todo"
    return "done" if preview.settings == session.recipe.filter else "stale"


def _filter_summary(session: Session) -> str:
    preview = session.preview
    if preview is None:
        return ""
    if not preview.settings.enabled:
        return "off"
    angles = preview.result.angles
    return ", ".join(f"{math.degrees(angle):.1f}°" for angle in angles) if angles else "no lattice found"


def _result_state(session: Session) -> State:
    if session.analysis is None:
        return "todo"
    return "stale" if session.stale else "done"


def _predict_summary(session: Session) -> str:
    if session.progress is not None:
        return f"{session.progress.step}, {100 * session.progress.fraction:.0f} %"
    if "analyse" in session.busy:
        return "starting…"
    if session.analysis is None:
        return ""
    number = len(session.analysis.networks)
    return f"{number} network{'s' if number > 1 else ''}, {sum(session.analysis.seconds.values()):.1f} s"


def _columns_summary(session: Session) -> str:
    if session.analysis is None or session.table is None:
        return ""
    shown = counts(session.analysis, session.table, session.view).shown
    return ", ".join(f"{n} {name}" for name, n in shown.items())


def _correct_state(session: Session) -> State:
    if session.corrections is None or not session.corrections.edits:
        return "todo"
    return "stale" if session.stale else "done"


def _correct_summary(session: Session) -> str:
    if session.corrections is None:
        return ""
    waits = int(waiting(session.corrections.table).sum())
    said = session.corrections.changes_text
    return f"{said}, {waits} to review" if waits or said != "0 edited" else ""


def _measure_state(session: Session) -> State:
    return _result_state(session)


def _measure_summary(session: Session) -> str:
    if session.table is None:
        return ""
    single, sulphur = count_single_sulphurs(session.table, session.recipe.measure)
    where = "whole image" if session.recipe.measure.region is None else "region"
    return f"{single / sulphur:.2%} 1S of S, {where}" if sulphur else where


def _export_state(session: Session) -> State:
    if session.exported is None:
        return "todo"
    return "done" if session.exported is session.table else "stale"


def _export_summary(session: Session) -> str:
    if "export" in session.busy:
        return "writing…"
    return "" if session.exported is None else _export_state(session).replace("done", "written")


def _never(_: Session) -> State:
    """A step that is done where there is a truth, and otherwise needs not be."""
    return "todo"


def _nothing(_: Session) -> str:
    return ""


STEPS: tuple[Step, ...] = (
    Step("Open", SeriesPanel, _series_state, _series_summary),
    Step("Calibrate", CalibratePanel, _calibrate_state, _calibrate_summary),
    Step("Align", AlignPanel, _align_state, _align_summary),
    Step("Lattice filter", LatticeFilterPanel, _filter_state, _filter_summary),
    Step("Predict", PredictPanel, _result_state, _predict_summary),
    Step("Agreement", ColumnsPanel, _result_state, _columns_summary),
    Step("Correct", CorrectPanel, _correct_state, _correct_summary),
    Step("Measure", MeasurePanel, _measure_state, _measure_summary),
    Step("Export", ExportPanel, _export_state, _export_summary),
    Step("Score", ScorePanel, _never, _nothing),
    Step("Time", TimePanel, lambda s: "done" if all_times_done(s) else "todo", time_summary),
)
