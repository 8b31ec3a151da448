"""Figure of the counts against time."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hrtem_app.columns import CLASSES
from hrtem_app.timelapse.events import FILLED, VACANCY, count_events
from hrtem_app.timelapse.timelapse import FRACTION, Timelapse

_INCHES = 3.4
_COLOURS = {"Mo": "#1F77B4", "2S": "#E69F00", "1S": "#D62728"}
_EVENT_COLOURS = {VACANCY: "#D62728", FILLED: "#2CA02C"}


def counts_figure(timelapse: Timelapse) -> Figure:
    """Columns by class, the fraction of vacancies with its interval, and vacancies made and filled, against time."""
    figure = Figure(figsize=(1.6 * _INCHES, 2 * _INCHES), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    classes, fraction, events = figure.subplots(3, 1, sharex=True)
    times = np.array(timelapse.times)
    for name in CLASSES:
        numbers = [each.columns[name] for each in timelapse.counts]
        classes.plot(times, numbers, "o-", color=_COLOURS[name], markersize=3, linewidth=1, label=name)
    classes.set(ylabel="columns", ylim=(0, None))
    classes.legend(fontsize=7, frameon=False, ncols=len(CLASSES))
    _draw_fraction(fraction, timelapse, times)
    width = 0.35 * float(np.diff(times).min(initial=1.0) if len(times) > 1 else 1.0)
    found = count_events(timelapse.events, len(times))
    for side, (kind, colour) in zip((-0.5, 0.5), _EVENT_COLOURS.items(), strict=True):
        events.bar(times + side * width, found[kind], width, color=colour, label=kind)
    most = max(int(numbers.max(initial=0)) for numbers in (found[VACANCY], found[FILLED]))
    events.set(ylim=(0, 1.3 * max(most, 1)), ylabel="events", xlabel="time, s" if timelapse.has_times else "time point")
    events.yaxis.set_major_locator(MaxNLocator(integer=True))
    events.legend(fontsize=7, frameon=False, ncols=len(_EVENT_COLOURS))
    return figure


def _draw_fraction(axes: Axes, timelapse: Timelapse, times: np.ndarray) -> None:
    single = [each.vacancies.single for each in timelapse.counts]
    values = 100 * np.array([part.value for part in single])
    around = 100 * np.array([(part.value - part.low, part.high - part.value) for part in single]).T
    axes.errorbar(times, values, np.maximum(around, 0), fmt="o", color=_COLOURS["1S"], markersize=3, linewidth=1)
    rate = timelapse.rates.get(FRACTION)
    if rate is not None:
        known = np.isfinite(values)
        level = values[known].mean() - 100 * rate.slope * times[known].mean()
        axes.plot(times, level + 100 * rate.slope * times, color="black", linewidth=1)
        title = f"{100 * rate.slope:.3g} ± {100 * rate.error:.2g} % per {rate.per}"
        axes.set_title(title, fontsize=8)
    axes.set(ylabel="1S of S columns, %")
