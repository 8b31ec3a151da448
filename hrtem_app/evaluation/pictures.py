"""Pictures of single series of an evaluation (thesis Figures 4.1, 4.4 and 4.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.evaluation.figures import Outcomes, column_of, histogram, new_figure, style
from hrtem_app.evaluation.scores import Outcome
from hrtem_app.evaluation.sweeps import Scenes, View
from hrtem_app.evaluation.trial import Loaded, Said, tried
from hrtem_app.evaluation.truth import KnownSeries
from hrtem_app.inference.matching import match
from hrtem_app.recipe import Recipe
from hrtem_app.simulation.figures import COLOURS
from hrtem_app.simulation.labels import disk_labels

_PANEL = 2.3
# A hit of the atomic F1, in pixels.
_DISTANCE = 3.0


def pictures(
    content: Mapping[str, Any], outcomes: Outcomes, scenes: Scenes, loaded: Loaded, recipe: Recipe, device: torch.device
) -> dict[str, Figure]:
    """The pictures by the name of their file; the series in them are analysed once more.

    Parameters
    ----------
    content
        Of `evaluation.json`.
    outcomes
        Of each network and of the consensus, series by series.
    scenes
        The series.
    loaded, recipe, device
        As in the evaluation.
    """

    def seen(index: int) -> tuple[KnownSeries, list[Said]]:
        series = scenes[index].series
        return series, tried(View(series, series.sampling, recipe), loaded, device)

    first = next(iter(outcomes))
    middle = median_series(outcomes[first])
    series, said = seen(middle)
    titles = {name: look["label"] for name, look in style(content).items()}
    subject = f"{series.name}: median of {titles[first]}, atomic F1 {outcomes[first][middle].score.f1():.3f}"
    drawn = {
        "columns": columns_figure(series, said, titles, subject),
        "maps": maps_figure(series, said, titles, subject),
    }
    network, best = best_series({name: outcomes[name] for name in content["networks"]})
    series, said = seen(best)
    table = next(one.table for one in said if one.name == network)
    title = f"best: {titles[network]}, {series.name}, {outcomes[network][best].score.f1():.3f}"
    return drawn | {"atomic_f1": atomic_figure(content, outcomes, series, table, title)}


def median_series(outcomes: Sequence[Outcome]) -> int:
    """The series whose atomic F1 is the median, or the one below it."""
    scores = np.nan_to_num([one.score.f1() for one in outcomes], nan=1.0)
    return int(np.argsort(scores, kind="stable")[(len(scores) - 1) // 2])


def best_series(outcomes: Outcomes) -> tuple[str, int]:
    """The network and the series of the best atomic F1; of equal ones that with the most columns."""
    ranked = [
        (np.nan_to_num(one.score.f1(), nan=-1.0), int(one.score.hits.sum()), name, index)
        for name, each in outcomes.items()
        for index, one in enumerate(each)
    ]
    *_, network, index = max(ranked, key=lambda entry: entry[:2])
    return network, index


def columns_figure(series: KnownSeries, said: Sequence[Said], titles: Mapping[str, str], subject: str) -> Figure:
    """Truth as circles as wide as a hit, found columns as dots if right and crosses if wrong (thesis Figure 4.1)."""
    figure = new_figure(1.25 * _PANEL * len(CLASSES), 1.25 * _PANEL * len(said) + 0.5)
    axes = figure.subplots(len(said), len(CLASSES), squeeze=False)
    for row, one in zip(axes, said, strict=True):
        for c, (panel, name) in enumerate(zip(row, CLASSES, strict=True)):
            true, found = series.positions[series.classes == c], one.table.positions[one.table.classes == c]
            pairs = match(found, true, _DISTANCE)
            right = np.isin(np.arange(len(found)), pairs[:, 0])
            missed = ~np.isin(np.arange(len(true)), pairs[:, 1])
            _image(panel, series.frames[0], faint=True)
            _circles(panel, true[~missed], "#0072B2")
            _circles(panel, true[missed], "#E69F00")
            panel.scatter(found[right, 1], found[right, 0], s=2.5, c="#009E73", linewidths=0)
            panel.scatter(found[~right, 1], found[~right, 0], s=14, c="#D55E00", marker="x", linewidths=0.8)
            _whole(panel, series.frames[0])
            panel.set_title(
                f"{titles[one.name]}, {name}: {right.sum()} right, {(~right).sum()} wrong, {missed.sum()} missed",
                fontsize=6,
            )
    figure.suptitle(
        f"{subject}\ntrue columns: blue circles, those missed orange; found: green dots, wrong ones red crosses",
        fontsize=8,
    )
    return figure


def maps_figure(series: KnownSeries, said: Sequence[Said], titles: Mapping[str, str], subject: str) -> Figure:
    """The frames, the label disks and every network's maps, a class in each row (thesis Figure 4.6)."""
    networks = [one for one in said if one.result is not None]
    rows, across = max(len(CLASSES), len(series.frames)), 2 + len(networks)
    figure = new_figure(_PANEL * across, _PANEL * rows + 0.6)
    axes = figure.subplots(rows, across, squeeze=False)
    for panel in axes.ravel():
        panel.axis("off")
    for number, (panel, frame) in enumerate(zip(axes[:, 0], series.frames, strict=False)):
        _image(panel, frame)
        panel.set_title(f"frame {number + 1}{_defocus(series, number)}", fontsize=7)
    radius = next(one.result.card.label_radius for one in networks if one.result is not None)
    shape = (series.frames.shape[1], series.frames.shape[2])
    labels = disk_labels(series.positions, series.classes, shape, series.sampling, radius)
    for c, name in enumerate(CLASSES):
        _map(axes[c, 1], labels == c, f"{name}, truth")
        for panel, one in zip(axes[c, 2:], networks, strict=True):
            if one.result is not None:
                _map(panel, one.result.probabilities[c], f"{name}, {titles[one.name]}")
    figure.suptitle(subject, fontsize=8)
    return figure


def atomic_figure(
    content: Mapping[str, Any], outcomes: Outcomes, series: KnownSeries, table: ColumnTable, title: str
) -> Figure:
    """Atomic F1 of the series, and the best prediction (thesis Figure 4.4)."""
    figure = new_figure(3.2 * _PANEL, 1.6 * _PANEL)
    left, right = figure.subplots(1, 2)
    histogram(left, column_of(outcomes, "atomic_f1"), style(content))
    left.set_xlabel(f"atomic F1, matching {content['matching']}")
    _image(right, series.frames[0], faint=True)
    for c, (name, colour) in enumerate(zip(CLASSES, COLOURS, strict=False)):
        places = table.positions[table.classes == c]
        right.scatter(places[:, 1], places[:, 0], s=4, c=colour, linewidths=0, label=name)
    _whole(right, series.frames[0])
    right.legend(fontsize=6.5, loc="upper right", markerscale=2)
    right.set_title(title, fontsize=7)
    return figure


def _image(axes: Axes, image: NDArray[np.float32], faint: bool = False) -> None:
    low, high = np.percentile(image, [0.5, 99.5])
    # Faint is bright and of low contrast, so that marks on it are seen.
    axes.imshow(
        image, cmap="gray", vmin=low - (3 * (high - low) if faint else 0), vmax=high, interpolation="antialiased"
    )
    axes.set_xticks([])
    axes.set_yticks([])


def _whole(axes: Axes, image: NDArray[np.float32]) -> None:
    """Show the image and no more, though marks reach beyond it."""
    axes.set_xlim(-0.5, image.shape[1] - 0.5)
    axes.set_ylim(image.shape[0] - 0.5, -0.5)


def _map(axes: Axes, values: NDArray[Any], title: str) -> None:
    axes.imshow(values, cmap="gray", vmin=0, vmax=1, interpolation="antialiased")
    axes.set_title(title, fontsize=7)


def _circles(axes: Axes, places: NDArray[np.float64], colour: str) -> None:
    """Circles in the pixels of the image, whatever the size of the figure."""
    turn = np.linspace(0, 2 * np.pi, 25)
    # One line with gaps: thousands of patches would take minutes to draw.
    y = places[:, :1] + _DISTANCE * np.sin(turn)
    x = places[:, 1:] + _DISTANCE * np.cos(turn)
    gap = np.full((len(places), 1), np.nan)
    axes.plot(np.hstack([x, gap]).ravel(), np.hstack([y, gap]).ravel(), color=colour, linewidth=0.6)


def _defocus(series: KnownSeries, number: int) -> str:
    defocus = series.parameters.get("defocus")
    if not isinstance(defocus, list | tuple) or number >= len(defocus):
        return ""
    return f", {defocus[number]:.0f} Å"
