"""The curves of a study, as the thesis' Figures 4.2 (parameters) and 4.3 (training structures)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from hrtem_app.simulation.figures import COLOURS
from hrtem_app.study.settings import StudySettings
from hrtem_app.training.card import TITLES

Row = dict[str, Any]
_PANELS = {
    "atomic_f1_mean": "atomic F1, mean",
    "atomic_f1_10th_percentile": "atomic F1, 10th percentile",
    "pixel_f1_without_background": "pixel F1 without background",
    "test_loss": "test loss",
}
_SWEEPS = {
    "sizes": ("structures", "training structures"),
    "architectures": ("parameters", "trainable parameters"),
}
_COLOURS = dict(zip(TITLES, COLOURS, strict=False))
_MARKERS = dict(zip(TITLES, "os^", strict=True))
_INCHES = 3.0


def study_figure(rows: Sequence[Row], settings: StudySettings) -> Figure:
    """Scores on the test set against training structures and against parameters, for each network.

    Parameters
    ----------
    rows
        Of the study's table; failed ones are named below the curves.
    settings
        Said below the curves.
    """
    # A single place is no curve; it stands in the other sweep as well.
    places = {name: {row[x] for row in rows if row[f"sweep_{name}"]} for name, (x, _) in _SWEEPS.items()}
    sweeps = [name for name in _SWEEPS if len(places[name]) > 1] or [name for name in _SWEEPS if places[name]]
    figure = Figure(figsize=(_INCHES * len(_PANELS), 0.85 * _INCHES * max(1, len(sweeps)) + 1.1), layout="constrained")
    FigureCanvasAgg(figure)
    for number, sweep in enumerate(sweeps):
        chosen = [row for row in rows if row[f"sweep_{sweep}"] and row["error"] is None]
        for column, score in enumerate(_PANELS):
            axes = figure.add_subplot(len(sweeps), len(_PANELS), number * len(_PANELS) + column + 1)
            _curves(axes, chosen, _SWEEPS[sweep][0], score)
            axes.set_xlabel(_SWEEPS[sweep][1], fontsize=8)
            axes.set_ylabel(_PANELS[score], fontsize=8)
    _legend(figure, rows)
    figure.supxlabel(caption(rows, settings), fontsize=7)
    return figure


def curve(rows: Sequence[Row], x: str, score: str) -> tuple[list[float], list[float], list[float]]:
    """Places, means over the repeats and their standard errors (0 for a single one), ascending."""
    places = sorted({row[x] for row in rows})
    values = [[row[score] for row in rows if row[x] == place and row.get(score) is not None] for place in places]
    kept = [(place, part) for place, part in zip(places, values, strict=True) if part]
    errors = [float(np.std(part, ddof=1) / np.sqrt(len(part))) if len(part) > 1 else 0.0 for _, part in kept]
    return [place for place, _ in kept], [float(np.mean(part)) for _, part in kept], errors


def caption(rows: Sequence[Row], settings: StudySettings) -> str:
    """What was run, in three lines."""
    examples, good = settings.training.examples, [row for row in rows if row["error"] is None]
    length = f"{settings.steps} steps" if settings.steps is not None else f"{settings.minutes:g} minutes"
    images = examples.images_per_structure
    seen = "new microscopes at every visit" if images is None else f"{images} fixed images of each structure"
    series = " or ".join(str(n) for n in sorted({row["test_series"] for row in good})) or "no"
    devices = ", ".join(sorted({row["device"] for row in rows})) or "none"
    steps = sorted({row["steps"] for row in good})
    taken = f" ({steps[0]}-{steps[-1]} steps)" if steps and settings.steps is None else ""
    failed = [row["cell"] for row in rows if row["error"]]
    lines = [
        f"Every training: {length}{taken} of {examples.batch} crops of {examples.crop} px, {seen}, on {devices}; "
        f"{settings.held_out} held-out structures choose its weights.",
        f"Scores on {series} test series; {_repeated(settings.repeats)}",
        f"{len(good)} trainings" + (f", failed: {', '.join(failed)}" if failed else ""),
    ]
    return "\n".join(lines)


def _repeated(repeats: int) -> str:
    return (
        "every training once." if repeats == 1 else f"points are means of {repeats} repeats, bars their standard error."
    )


def _legend(figure: Figure, rows: Sequence[Row]) -> None:
    there = [network for network in TITLES if any(row["network"] == network for row in rows)]
    lines = [Line2D([], [], color=_COLOURS[n], marker=_MARKERS[n], label=TITLES[n]) for n in there]
    if lines:
        figure.legend(handles=lines, loc="outside upper center", ncols=len(lines), frameon=False)


def _curves(axes: Axes, rows: Sequence[Row], x: str, score: str) -> None:
    for network in TITLES:
        places, means, errors = curve([row for row in rows if row["network"] == network], x, score)
        if places:
            axes.errorbar(
                places, means, errors, color=_COLOURS[network], marker=_MARKERS[network], capsize=3,
                markersize=4, linewidth=1.2,
            )  # fmt: skip
    axes.set_xscale("log")
    if score == "test_loss":
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    if x == "structures":
        axes.set_xticks(sorted({row[x] for row in rows}))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.3, linewidth=0.5)
