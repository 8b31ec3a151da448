"""A small specimen made by hand, an analysis whose networks see it almost alike, and files dropped by hand."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QWidget

from hrtem_app.recipe import Recipe
from hrtem_app.series import FocalSeries, Source

SAMPLING = 0.22
NAMES = ("unet", "unet_pp", "msd_net")
TITLES = {"unet": "U-net", "unet_pp": "U-net++", "msd_net": "MSD-net"}


def columns(shape: tuple[int, int], sampling: float = SAMPLING) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Positions (n, 2) in px and classes of MoS2 in the middle of an image, some dimers being single."""
    a, (height, width) = 3.18 / sampling, shape
    first, second = np.array([0.0, a]), np.array([a * np.sqrt(3) / 2, a / 2])
    cells = np.stack(np.meshgrid(np.arange(-80, 80), np.arange(-80, 80)), -1).reshape(-1, 2)
    mo = cells[:, :1] * first + cells[:, 1:] * second + np.array([height / 2, width / 2])
    s = mo + (first + second) / 3
    positions = np.concatenate([mo, s])
    classes = np.repeat([0, 1], len(mo))
    classes[(classes == 1) & (np.random.default_rng(1).random(len(classes)) < 0.1)] = 2
    inside = (np.abs(positions - np.array([height / 2, width / 2])) < 0.36 * np.array([height, width])).all(axis=1)
    return positions[inside], classes[inside].astype(np.int64)


def blobs(
    positions: NDArray[np.float64], weights: NDArray[np.float64], shape: tuple[int, int], sigma: float
) -> NDArray[np.float32]:
    """A Gaussian of some weight at every position."""
    image = np.zeros(shape, np.float32)
    reach = int(4 * sigma) + 1
    offsets = np.arange(-reach, reach + 1)
    for (y, x), weight in zip(positions, weights, strict=True):
        rows, cols = round(y) + offsets, round(x) + offsets
        rows, cols = rows[(rows >= 0) & (rows < shape[0])], cols[(cols >= 0) & (cols < shape[1])]
        spot = weight * np.exp(-((rows[:, None] - y) ** 2 + (cols - x) ** 2) / (2 * sigma**2))
        image[np.ix_(rows, cols)] += spot.astype(np.float32)
    return image


def make_series(
    size: int = 160, frames: int = 3, sampling: float | None = SAMPLING, name: str = "specimen"
) -> FocalSeries:
    """MoS2 on a graphene lattice turned by 12°, noisy."""
    step, shape = sampling or SAMPLING, (size, size)
    positions, classes = columns(shape, step)
    y, x = np.mgrid[:size, :size] * step
    graphene = np.zeros(shape)
    for angle in np.deg2rad(12) + np.pi / 3 * np.arange(3):
        graphene += np.cos(2 * np.pi * 0.4680 * (x * np.cos(angle) + y * np.sin(angle)))
    mos2 = blobs(positions, np.array([1.0, 0.8, 0.5])[classes], shape, 0.5 / step)
    noise = np.random.default_rng(0).normal(0, 0.3, (frames, size, size))
    stack = 100 * (1 + 0.06 * graphene - 0.35 * mos2 + 0.2 * noise)
    sources = tuple(Source(Path(f"focus_{i}.dm3")) for i in range(frames))
    defocus = tuple(-50.0 + 50 * i for i in range(frames))
    return FocalSeries(stack.astype(np.float32), sampling, defocus, 50e3, name, sources)


def make_card(name: str):  # type: ignore[no-untyped-def]
    """A card like those that are shipped."""
    from hrtem_app.networks.catalog import NetworkCard

    return NetworkCard(
        name=name,
        title=TITLES[name],
        architecture=name,
        settings={"channels": 8},
        parameters=989468,
        dose_range=(300, 1e5),
        defocus_range=(-150, 150),
        energy=50e3,
        label_radius=0.65,
    )


def make_result(series: FocalSeries, recipe: Recipe, name: str):  # type: ignore[no-untyped-def]
    """What a network would say that misses a few columns and takes a few dimers for single atoms."""
    from hrtem_app.inference.result import NetworkResult, columns_from_maps

    sampling = recipe.sampling or series.known_sampling
    rng = np.random.default_rng(NAMES.index(name) + 10)
    positions, classes = columns(series.shape, sampling)
    kept = rng.random(len(classes)) > 0.04
    classes = np.where((classes == 1) & (rng.random(len(classes)) < 0.05), 2, classes)
    moved = positions + rng.normal(0, 0.15, positions.shape)
    maps = [
        blobs(moved[kept & (classes == c)], np.full(int((kept & (classes == c)).sum()), 0.95), series.shape, 2.5)
        for c in range(3)
    ]
    stack = np.clip(np.stack([*maps, 1 - sum(maps)]), 0, 1).astype(np.float32)
    return NetworkResult(
        make_card(name), stack, sampling, columns_from_maps(name, stack, sampling, sampling, recipe.columns)
    )


def fake_steps(
    series: FocalSeries, recipe: Recipe | None = None, stop: object = None
) -> Generator[object, None, object]:
    """`analysis_steps` without networks."""
    from hrtem_app.analysis import Analysis, Progress
    from hrtem_app.imaging.lattice_filter import remove_lattice
    from hrtem_app.inference.agreement import agree

    recipe = recipe or Recipe()
    sampling = recipe.sampling or series.known_sampling
    yield Progress("lattice filter", 0.0)
    lattice = remove_lattice(series.frames, sampling, recipe.filter)
    results = {}
    for number, name in enumerate(recipe.networks):
        yield Progress(name, number / len(recipe.networks))
        results[name] = make_result(series, recipe, name)
    return Analysis(
        series=series.with_sampling(sampling),
        frames=tuple(range(len(series))),
        recipe=recipe,
        filtered=series.with_frames(lattice.frames),
        angles=lattice.angles,
        networks=results,
        table=agree(results, recipe.columns, recipe.agreement),
        warnings=("The dose is outside the range of the networks.",),
        seconds={"lattice filter": 0.1, "unet": 1.0},
    )


def run_to_end(series: FocalSeries, recipe: Recipe) -> object:
    """The analysis that `fake_steps` returns."""
    steps = fake_steps(series, recipe)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def drop(widget: QWidget, paths: list[Path]) -> bool:
    """Drag files onto a widget and let go; returns whether it took them."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    centre, actions = widget.rect().center(), Qt.DropAction.CopyAction
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(centre), actions, mime, buttons, keys)
    enter.ignore()
    QApplication.sendEvent(widget, enter)
    if not enter.isAccepted():
        return False
    QApplication.sendEvent(widget, QDropEvent(QPointF(centre), actions, mime, buttons, keys))
    return True
