"""Sweeps: the same held-out structures under the same microscopes but for one thing, which takes several values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from hrtem_app.evaluation.scores import Outcome
from hrtem_app.evaluation.truth import TEST, KnownSeries, KnownSeriesSource, known_series, read_known_series
from hrtem_app.microscope.draw import Microscope, draw_microscope
from hrtem_app.recipe import Recipe
from hrtem_app.simulation.dataset import StoredStructure
from hrtem_app.simulation.recording import record_stored

Value = float | str

# Doses in e/Å², defoci of the first frame in Å (the thesis trains on -150…50), errors of the sampling in %.
VALUES: dict[str, tuple[Value, ...]] = {
    "dose": tuple(float(f"{10**e:.4g}") for e in (2, 2.5, 3, 3.5, 4, 4.5, 5)),
    "defocus": (-400.0, -300.0, -200.0, -150.0, -100.0, -50.0, 0.0, 50.0, 100.0, 200.0, 300.0, 400.0),
    "sampling-error": (-10.0, -5.0, -3.0, -1.0, 0.0, 1.0, 3.0, 5.0, 10.0),
    "filter": ("off", "on"),
}
UNITS = {"dose": "e/Å²", "defocus": "Å", "sampling-error": "%", "tilt": "mrad", "filter": ""}
SWEEPS = tuple(UNITS)
ALL = "all"
# The tilt belongs to the structures: they are put into so many groups of equal size.
TILT_GROUPS = 4
_NEEDS_WAVES = ("dose", "defocus", "tilt")


@dataclass(frozen=True, eq=False)
class Scene:
    """A series and, for those of a dataset, what it takes to record it otherwise."""

    series: KnownSeries
    image: int = 0
    stored: StoredStructure | None = None
    microscope: Microscope | None = None
    noise: int = 0

    def recorded(self, microscope: Microscope) -> KnownSeries:
        """The same structure by another microscope, with noise from the same seed."""
        if self.stored is None:
            raise ValueError(f"'{self.series.name}' has no exit waves: give a dataset that `hrtem-app simulate` made")
        return _recorded(self.stored, microscope, self.noise, self.image)


class Scenes:
    """The series of a source, by number; those of one structure read its waves once when taken in order."""

    def __init__(self, source: KnownSeriesSource) -> None:
        self._source = source
        self._last: StoredStructure | None = None

    def __len__(self) -> int:
        return len(self._source)

    @property
    def frames(self) -> int:
        """Frames of a series; of images that others made, of the first one."""
        return self._source.microscope.frames if self._source.dataset else len(self[0].series.frames)

    def __iter__(self) -> Iterator[Scene]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Scene:
        if self._source.dataset is None:
            return Scene(read_known_series(self._source.files[index]))
        seed, image = self._source.dataset.seeds[index // self._source.images], index % self._source.images
        if self._last is None or self._last.seed != seed:
            self._last = self._source.dataset.load(seed)
        # As `recorded_series` draws them, so that the series are those of the source.
        rng = np.random.default_rng((seed, image, TEST))
        microscope = draw_microscope(self._source.microscope, rng)
        noise = int(rng.integers(2**62))
        return Scene(_recorded(self._last, microscope, noise, image), image, self._last, microscope, noise)


@dataclass(frozen=True, eq=False)
class View:
    """A series as an analysis gets it.

    Parameters
    ----------
    series
        The frames and the truth.
    sampling
        Å per pixel that the analysis is told.
    recipe
        Its filter and all else.
    """

    series: KnownSeries
    sampling: float
    recipe: Recipe


@dataclass(frozen=True)
class Point:
    """One value of one sweep."""

    sweep: str
    value: Value

    def changes_nothing(self, recipe: Recipe) -> bool:
        """Whether this is how the evaluation looks at the series anyway."""
        usual: dict[str, Value] = {"sampling-error": 0.0, "filter": "on" if recipe.filter.enabled else "off"}
        return self.sweep in usual and usual[self.sweep] == self.value

    def view(self, scene: Scene, recipe: Recipe) -> View:
        """The scene with this value."""
        series, value = scene.series, self.value
        if self.sweep == "filter":
            changed = recipe.filter.model_copy(update={"enabled": value == "on"})
            return View(series, series.sampling, recipe.model_copy(update={"filter": changed}))
        number = float(value)
        if self.sweep == "sampling-error":
            return View(series, series.sampling * (1 + number / 100), recipe)
        if scene.microscope is None:
            raise ValueError(f"'{series.name}' has no microscope to change: leave out the sweep '{self.sweep}'")
        series = scene.recorded(_changed(scene.microscope, self.sweep, number))
        return View(series, series.sampling, recipe)


def chosen_sweeps(names: Sequence[str], source: KnownSeriesSource) -> tuple[tuple[str, ...], dict[str, str]]:
    """The sweeps that were asked for, and of `all` those that the data do not allow, each with the reason.

    Raises
    ------
    ValueError
        For a sweep that does not exist, or that was asked for by name and is not possible with these data.
    """
    for name in names:
        if name not in (*SWEEPS, ALL):
            raise ValueError(f"there is no sweep '{name}': choose from {', '.join(SWEEPS)}, or {ALL}")
    refused = {name: reason for name in SWEEPS if (reason := _refusal(name, source))}
    for name in names:
        if name in refused:
            raise ValueError(refused[name])
    if ALL in names:
        return tuple(name for name in SWEEPS if name not in refused), refused
    return tuple(name for name in SWEEPS if name in names), {}


def points(sweeps: Sequence[str]) -> list[Point]:
    """Every value of some sweeps; the tilt has none, see `by_tilt`."""
    return [Point(name, value) for name in sweeps for value in VALUES.get(name, ())]


def by_tilt(outcomes: Sequence[Outcome]) -> list[tuple[float, list[int]]]:
    """Groups of series of like tilt: their mean tilt in mrad, and which they are."""
    tilts = np.array([float(one.parameters.get("tilt") or 0.0) for one in outcomes])
    groups = np.array_split(np.argsort(tilts, kind="stable"), min(TILT_GROUPS, len(tilts)))
    return [(float(1000 * tilts[group].mean()), group.tolist()) for group in groups]


def _changed(microscope: Microscope, what: str, value: float) -> Microscope:
    if what == "dose":
        return replace(microscope, dose=value)
    # The steps from frame to frame stay as drawn.
    return replace(microscope, defocus=tuple(value + d - microscope.defocus[0] for d in microscope.defocus))


def _recorded(stored: StoredStructure, microscope: Microscope, noise: int, image: int) -> KnownSeries:
    series = record_stored(stored, microscope, torch.Generator().manual_seed(noise))
    return known_series(stored, series, image)


def _refusal(name: str, source: KnownSeriesSource) -> str | None:
    """Why the data do not allow a sweep; None: they do."""
    if source.dataset is None:
        if name not in _NEEDS_WAVES:
            return None
        return (
            f"the sweep '{name}' needs exit waves, and {source.folder} holds finished images (npz): give a dataset "
            "that `hrtem-app simulate` made, or choose sampling-error, filter"
        )
    if name == "tilt" and source.dataset.settings.structure.tilt[1] == 0:
        return (
            f"the sweep 'tilt' needs tilted structures, and those of {source.folder} have tilt 0 to 0: simulate a "
            'dataset with "structure": {"tilt": [0, 0.03]} (rad) in its settings, or leave out tilt'
        )
    return None
