"""What is drawn against time, worked out from a stack by pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hrtem_app.columns import CLASSES
from hrtem_app.gui import theme
from hrtem_app.gui.widgets.time_plot import Curve

if TYPE_CHECKING:
    from hrtem_app.timelapse import Timelapse

FRACTION, NUMBER, COLUMNS, EVENTS, DRIFT = (
    "1S vacancies, %",
    "1S vacancies, number",
    "Columns by class",
    "Vacancies made and filled",
    "Drift",
)
CURVES = (FRACTION, NUMBER, COLUMNS, EVENTS, DRIFT)
_MADE, _FILLED = theme.CLASS_COLOURS["1S"], theme.DONE


def curves_of(summary: Timelapse, what: str) -> tuple[dict[str, Curve], str]:
    """The curves of one of `CURVES` by their names, and what the axis upwards is called."""
    if what == FRACTION:
        single = [each.vacancies.single for each in summary.counts]
        value, low, high = (100 * np.array([getattr(s, name) for s in single]) for name in ("value", "low", "high"))
        return {"1S of S columns": Curve(value, theme.CLASS_COLOURS["1S"], low, high)}, "1S of S columns (%)"
    if what in (NUMBER, COLUMNS):
        shown = ("1S",) if what == NUMBER else CLASSES
        return {
            name: Curve(np.array([each.columns[name] for each in summary.counts], float), theme.CLASS_COLOURS[name])
            for name in shown
        }, "columns"
    if what == EVENTS:
        from hrtem_app.timelapse.events import FILLED, VACANCY, count_events

        found = count_events(summary.events, len(summary.counts))
        return {
            "made": Curve(found[VACANCY].astype(float), _MADE),
            "filled": Curve(found[FILLED].astype(float), _FILLED),
        }, "columns"
    dy, dx = summary.tracks.drift.T
    return {"dx": Curve(dx, theme.GRAPHENE), "dy": Curve(dy, theme.MOS2)}, "drift (px)"


def told_rates(summary: Timelapse) -> list[str]:
    """How fast vacancies are made, net of those that are filled, a sentence each; none for too few time points."""
    from hrtem_app.timelapse.timelapse import FRACTION, VACANCIES

    units = {VACANCIES: (1.0, " 1S columns"), FRACTION: (100.0, " % of the S columns")}
    return [
        f"{scale * rate.slope:+.3g} ± {scale * rate.error:.2g}{unit} per {rate.per}."
        for name, (scale, unit) in units.items()
        for rate in [summary.rates.get(name)]
        if rate is not None
    ]


def told_history(summary: Timelapse, track: int) -> str:
    """What was seen of a site, in a sentence."""
    from hrtem_app.timelapse import history

    return f"Site {track}: {history(summary, track)}."
