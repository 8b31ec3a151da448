"""Charts of an evaluation: histograms (thesis Figures 4.4 and 4.5), scores per class, reliability and sweeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from hrtem_app.columns import CLASSES
from hrtem_app.evaluation.scores import Outcome
from hrtem_app.evaluation.trial import CONSENSUS

# The thesis' red, green and blue, in shades and with marks that are told apart by all kinds of colour vision.
_COLOURS = {"unet": "#D62728", "unet_pp": "#2CA02C", "msd_net": "#1F77B4", CONSENSUS: "0.25"}
_SPARE = ("#E69F00", "#CC79A7", "#56B4E9", "#8C564B")
_MARKS = "os^Dvph"
_HISTOGRAM_BINS = 20
_INCHES = 3.4
# Bins of fewer columns say nothing about a fraction, and are left to the JSON.
_FEWEST = 10

Outcomes = Mapping[str, Sequence[Outcome]]


def figures(content: Mapping[str, Any], outcomes: Outcomes) -> dict[str, Figure]:
    """All charts by the name of their file.

    Parameters
    ----------
    content
        Of `evaluation.json`.
    outcomes
        Of each network and of the consensus, series by series.
    """
    drawn = {
        "pixel_f1": pixel_histograms(content, outcomes),
        "classes": class_boxes(content, outcomes),
        "reliability": reliability_figure(content),
    }
    return drawn | ({"sweeps": sweep_figure(content)} if content["sweeps"] else {})


def new_figure(width: float, height: float) -> Figure:
    """A figure with its own canvas: pyplot and its windows are not touched."""
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def style(content: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Colour, mark and title of each network and of the consensus."""
    spare = iter(_SPARE * len(content["results"]))
    marks = iter(_MARKS * len(content["results"]))
    chosen: dict[str, dict[str, str]] = {}
    for name in content["results"]:
        title = content["networks"][name]["title"] if name in content["networks"] else name
        chosen[name] = {"color": _COLOURS.get(name) or next(spare), "marker": next(marks), "label": title}
    return chosen


def histogram(axes: Axes, values: Mapping[str, NDArray[np.float64]], looks: Mapping[str, Mapping[str, str]]) -> None:
    """Scores of series, one outline for each network, its mean and 10th percentile in the legend."""
    known = {name: each[~np.isnan(each)] for name, each in values.items()}
    known = {name: each for name, each in known.items() if len(each)}
    lowest = min((float(each.min()) for each in known.values()), default=0.0)
    edges: list[float] = np.linspace(min(lowest, 0.99), 1.0, _HISTOGRAM_BINS + 1).tolist()
    for name, each in known.items():
        look = looks[name]
        label = f"{look['label']}: {each.mean():.3f}, {np.percentile(each, 10):.3f}"
        axes.hist(each, edges, histtype="stepfilled", color=look["color"], alpha=0.15)
        axes.hist(each, edges, histtype="step", color=look["color"], linewidth=1.4, label=label)
    axes.set_ylabel("series")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    # Above the axes: inside it would hide the series that went wrong.
    axes.legend(
        fontsize=6.5, title="mean, 10th percentile", title_fontsize=6.5, loc="lower left", bbox_to_anchor=(0, 1),
        frameon=False, ncols=2,
    )  # fmt: skip


def column_of(outcomes: Outcomes, key: str) -> dict[str, NDArray[np.float64]]:
    """One number of every series, for each network that has it."""
    rows = {name: [one.row() for one in each] for name, each in outcomes.items()}
    return {name: np.array([row[key] for row in each], float) for name, each in rows.items() if each and key in each[0]}


def pixel_histograms(content: Mapping[str, Any], outcomes: Outcomes) -> Figure:
    """Pixel F1 of all four channels and without the background (thesis Figure 4.5)."""
    figure = new_figure(2 * _INCHES, _INCHES)
    left, right = figure.subplots(1, 2)
    for axes, key in ((left, "pixel_f1"), (right, "pixel_f1_without_background")):
        histogram(axes, column_of(outcomes, key), style(content))
        axes.set_xlabel("pixel F1, " + ("with background" if key == "pixel_f1" else "without background"))
    return figure


def class_boxes(content: Mapping[str, Any], outcomes: Outcomes) -> Figure:
    """Atomic F1 of the series by class: boxes between the quartiles, whiskers at the 10th and 90th percentile."""
    looks = style(content)
    figure = new_figure(2 * _INCHES, _INCHES)
    axes = figure.subplots()
    width = 0.8 / len(looks)
    for row, (name, look) in enumerate(looks.items()):
        each = [column_of(outcomes, f"atomic_f1_{c}")[name] for c in CLASSES]
        places = np.arange(len(CLASSES)) + (row - (len(looks) - 1) / 2) * width
        axes.boxplot(
            [values[~np.isnan(values)] for values in each], positions=places, widths=0.8 * width, whis=(10, 90),
            patch_artist=True, manage_ticks=False, boxprops={"facecolor": look["color"], "alpha": 0.35},
            medianprops={"color": look["color"]}, flierprops={"markersize": 2.5, "markeredgecolor": look["color"]},
        )  # fmt: skip
        axes.plot([], [], "s", color=look["color"], alpha=0.6, label=look["label"])
    axes.set_xticks(range(len(CLASSES)), CLASSES)
    axes.set_ylabel("atomic F1 of a series")
    axes.legend(fontsize=7, loc="lower left")
    return figure


def reliability_figure(content: Mapping[str, Any]) -> Figure:
    """How often columns of a probability are right, as found and with the fitted temperature; below, how many."""
    looks = style(content)
    figure = new_figure(1.6 * _INCHES, 1.6 * _INCHES)
    axes, counts = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1, linestyle=":")
    for name, result in content["calibration"].items():
        look, fit = looks[name], result.get("temperature")
        label = f"{look['label']}: ECE {result['expected_calibration_error']:.4f}"
        _curve(axes, result["reliability"], look, label, "-")
        if fit:
            after = f"T = {fit['fitted']:.2f}: ECE {fit['expected_calibration_error_after']:.4f}"
            _curve(axes, fit["reliability_after"], look, f"{look['label']}, {after}", "--")
        middles = [(b["low"] + b["high"]) / 2 for b in result["reliability"]]
        counts.plot(
            middles, [b["columns"] for b in result["reliability"]], color=look["color"], marker=look["marker"],
            markersize=3.5, linewidth=1,
        )  # fmt: skip
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), ylabel=f"fraction that is right, bins of {_FEWEST} and more")
    figure.legend(fontsize=6.5, loc="outside upper left", ncols=2, frameon=False)
    if any(result["reliability"] for result in content["calibration"].values()):
        counts.set_yscale("log")
    counts.set(xlabel="probability of the column found", ylabel="columns")
    return figure


def sweep_figure(content: Mapping[str, Any]) -> Figure:
    """Above, atomic F1 of each sweep: means over the series, and 10th percentiles dashed; below, 1S alone, pooled."""
    sweeps, looks = content["sweeps"], style(content)
    figure = new_figure(_INCHES * len(sweeps) + 0.3, 1.7 * _INCHES)
    axes = figure.subplots(2, len(sweeps), squeeze=False, sharey="row", sharex="col")
    for (above, below), (name, sweep) in zip(axes.T, sweeps.items(), strict=True):
        values = [entry["value"] for entry in sweep["values"]]
        for network, look in looks.items():
            results = [entry["results"][network] for entry in sweep["values"]]
            _line(above, values, [r["atomic_f1_mean"] for r in results], look, "-")
            _line(above, values, [r["atomic_f1_10th_percentile"] for r in results], look, "--")
            _line(below, values, [r["atomic_f1_per_class"]["1S"] for r in results], look, "-")
        for panel in (above, below):
            _trained(panel, name, content["networks"])
            panel.grid(alpha=0.25)
        if name == "dose":
            above.set_xscale("log")
        below.set_xlabel(f"{_TITLES[name]}, {sweep['unit']}" if sweep["unit"] else _TITLES[name])
    axes[0, 0].set_ylabel("atomic F1: mean,\n10th percentile dashed")
    axes[1, 0].set_ylabel("atomic F1 of 1S, pooled")
    axes[0, 0].legend(fontsize=7)
    return figure


_TITLES = {
    "dose": "dose per frame",
    "defocus": "defocus of the first frame",
    "sampling-error": "error of the sampling told",
    "tilt": "tilt (mean of a group)",
    "filter": "lattice filter",
}


def _line(axes: Axes, values: Sequence[Any], scores: Sequence[float], look: Mapping[str, str], dash: str) -> None:
    label = look["label"] if dash == "-" else None
    axes.plot(
        values, scores, dash, color=look["color"], marker=look["marker"], markersize=3.5, linewidth=1.2, label=label
    )


def _trained(axes: Axes, sweep: str, networks: Mapping[str, Any]) -> None:
    """Shade what every one of the networks was trained on."""
    if sweep == "dose":
        ranges = [network["dose_range"] for network in networks.values()]
    elif sweep == "defocus":
        # A card tells the defocus of any frame; the last one lies this far behind the first.
        behind = [(n["frames"] - 1) * n["defocus_step_range"][1] for n in networks.values()]
        ranges = [
            (n["defocus_range"][0], n["defocus_range"][1] - b) for n, b in zip(networks.values(), behind, strict=True)
        ]
    else:
        return
    low, high = max(r[0] for r in ranges), min(r[1] for r in ranges)
    if low < high:
        axes.axvspan(low, high, color="0.93", zorder=0)


def _curve(axes: Axes, bins: Sequence[Mapping[str, float]], look: Mapping[str, str], label: str, dash: str) -> None:
    shown = [b for b in bins if b["columns"] >= _FEWEST]
    axes.plot(
        [b["probability"] for b in shown], [b["right"] for b in shown], dash, color=look["color"],
        marker=look["marker"], markersize=3.5, linewidth=1.2, label=label, alpha=1.0 if dash == "-" else 0.6,
    )  # fmt: skip
