"""Evaluation: networks, and their agreement, against series whose columns are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import torch

from hrtem_app.columns import CLASSES
from hrtem_app.evaluation.calibration import Found, calibration, found_columns, together, write_temperature
from hrtem_app.evaluation.files import EvaluationFiles
from hrtem_app.evaluation.metrics import Matching
from hrtem_app.evaluation.scores import Outcome, outcome, summary
from hrtem_app.evaluation.sweeps import UNITS, Point, Scenes, View, by_tilt, chosen_sweeps, points
from hrtem_app.evaluation.trial import Loaded, Said, load_networks, tried
from hrtem_app.evaluation.truth import KnownSeriesSource
from hrtem_app.inference.device import choose_device
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.networks.catalog import NetworkCard
from hrtem_app.recipe import Recipe
from hrtem_app.simulation.dataset import DatasetError

Outcomes = dict[str, list[Outcome]]


def evaluate(
    data: str | Path,
    out: str | Path,
    *,
    networks: Sequence[str] | None = None,
    weights: Sequence[str | Path] = (),
    images_per_structure: int = 1,
    microscope: MicroscopeSettings | None = None,
    recipe: Recipe | None = None,
    matching: Matching = "one-to-one",
    sweep: Sequence[str] = (),
    figures: bool = False,
    write_temperature: bool = False,
    progress: Callable[[int, int], None] | None = None,
    warn: Callable[[str], None] | None = None,
) -> list[Path]:
    """Score networks on series whose columns are known.

    Parameters
    ----------
    data
        A dataset that `simulate` made, or a folder of npz series with their truth.
    out
        Folder for `evaluation.json` (pooled), `evaluation.csv` (per series and network) and what is asked for besides.
    networks
        Names in the catalog; None: all that have enough frames, unless weights are given.
    weights
        Weights files, with their cards beside them.
    images_per_structure
        How many microscopes see each structure of a dataset.
    microscope
        Their ranges; None: the thesis'.
    recipe
        Filter, column finding and agreement; None: the defaults.
    matching
        See `column_score`.
    sweep
        Any of `SWEEPS`, or `all` for those that the data allow: scores against one thing, in `sweeps.csv` and the JSON.
    figures
        Also draw pictures, and write the thesis' Table 5 as `table5.md`.
    write_temperature
        Put the fitted temperature into the card beside each weights file.
    progress
        Called with (done, all) views of series.
    warn
        Called with what a reader of the results should know.

    Returns
    -------
    The files written; without sweep, figures and temperatures `evaluation.json` and `evaluation.csv`.

    Raises
    ------
    DatasetError, NetworkError
        Where data or networks cannot be read.
    ValueError
        For a sweep or a matching that does not exist or does not go with the data; for temperatures without weights.
    """
    recipe = recipe or Recipe()
    if matching not in get_args(Matching):
        raise ValueError(f"there is no matching '{matching}': choose {' or '.join(get_args(Matching))}")
    if write_temperature and not weights:
        raise ValueError("a temperature is written into the card beside a weights file: give one with --weights")
    source = _source(data, images_per_structure, microscope)
    sweeps, left_out = chosen_sweeps(sweep, source)
    device = choose_device(recipe.device)
    scenes = Scenes(source)
    loaded = load_networks(networks, weights, device, scenes.frames)
    trials = _Trials(loaded, device, recipe, matching)
    trials.run(scenes, points(sweeps), progress)
    content = trials.content(data, sweeps, left_out)
    tell = warn or _say_nothing
    for reason in left_out.values():
        tell(f"left out of all sweeps: {reason}")
    files = EvaluationFiles(Path(out))
    files.numbers(content, trials.outcomes)
    if figures:
        files.pictures(content, trials.outcomes, scenes, loaded, recipe, device)
    if write_temperature:
        files.paths += _temperatures(content, weights, [card for _, card in loaded[-len(weights) :]], tell)
    return files.paths


@dataclass
class _Trials:
    """All that networks did, view by view."""

    loaded: Loaded
    device: torch.device
    recipe: Recipe
    matching: Matching

    def __post_init__(self) -> None:
        self.outcomes: Outcomes = {}
        self.found: dict[str, list[Found]] = {}
        self.swept: dict[Point, Outcomes] = {}

    def run(self, scenes: Scenes, points: Sequence[Point], progress: Callable[[int, int], None] | None) -> None:
        """Look at every scene, as it is and with every value of the sweeps."""
        changed = [point for point in points if not point.changes_nothing(self.recipe)]
        done, total = 0, len(scenes) * (1 + len(changed))

        def tell() -> None:
            nonlocal done
            done += 1
            if progress:
                progress(done, total)

        for scene in scenes:
            series = scene.series
            view = View(series, series.sampling, self.recipe)
            said = tried(view, self.loaded, self.device)
            usual = self._scored(view, said)
            _add(self.outcomes, usual)
            for one in said:
                self.found.setdefault(one.name, []).append(found_columns(series, one.table, one.result))
            tell()
            for point in points:
                if point not in changed:
                    _add(self.swept.setdefault(point, {}), usual)
                    continue
                view = point.view(scene, self.recipe)
                _add(self.swept.setdefault(point, {}), self._scored(view, tried(view, self.loaded, self.device)))
                tell()

    def _scored(self, view: View, said: Sequence[Said]) -> dict[str, Outcome]:
        return {one.name: outcome(view.series, one.table, one.result, self.matching) for one in said}

    def content(self, data: str | Path, sweeps: Sequence[str], left_out: dict[str, str]) -> dict[str, Any]:
        """What `evaluation.json` holds."""
        cards = {card.name: card for _, card in self.loaded}
        return {
            "data": Path(data).name,
            "matching": self.matching,
            "results": {name: summary(outcomes) for name, outcomes in self.outcomes.items()},
            "calibration": {name: calibration(together(f), cards.get(name)) for name, f in self.found.items()},
            "sweeps": {name: {"unit": UNITS[name], "values": self._values(name)} for name in sweeps},
            "sweeps_left_out": left_out,
            "networks": {name: _described(card) for name, card in cards.items()},
            "recipe": self.recipe.model_dump(mode="json"),
            "weights": {name: card.sha256 for name, card in cards.items()},
        }

    def _values(self, sweep: str) -> list[dict[str, Any]]:
        """The summaries of each value of a sweep."""
        if sweep != "tilt":
            chosen = [(point.value, outcomes) for point, outcomes in self.swept.items() if point.sweep == sweep]
            return [{"value": v, "results": {n: summary(o) for n, o in outcomes.items()}} for v, outcomes in chosen]
        groups = by_tilt(next(iter(self.outcomes.values())))
        return [
            {"value": tilt, "results": {n: summary([o[i] for i in members]) for n, o in self.outcomes.items()}}
            for tilt, members in groups
        ]


def _source(data: str | Path, images: int, microscope: MicroscopeSettings | None) -> KnownSeriesSource:
    source = KnownSeriesSource(data, images, microscope)
    names = CLASSES if source.dataset is None else source.dataset.class_names
    if len(names) != len(CLASSES):
        raise DatasetError(
            f"{data} has {len(names)} classes of columns ({', '.join(names)}) and networks tell {len(CLASSES)} apart: "
            "evaluate on a material with as many"
        )
    return source


def _described(card: NetworkCard) -> dict[str, Any]:
    """What tables and figures say about a network."""
    keys = ("title", "architecture", "parameters", "frames", "dose_range", "defocus_range", "defocus_step_range")
    return {key: card.model_dump(mode="json")[key] for key in keys}


def _add(collected: Outcomes, outcomes: dict[str, Outcome]) -> None:
    for name, one in outcomes.items():
        collected.setdefault(name, []).append(one)


def _say_nothing(warning: str) -> None:
    """Where nobody listens, what was left out still stands in the JSON."""


def _temperatures(
    content: dict[str, Any],
    weights: Sequence[str | Path],
    cards: Sequence[NetworkCard],
    tell: Callable[[str], None],
) -> list[Path]:
    """Write the fitted temperatures into the cards, where there is one to trust; returns the cards' paths."""
    written = []
    for path, card in zip(weights, cards, strict=True):
        fit = content["calibration"][card.name].get("temperature")
        if fit is None or fit["at_bound"]:
            why = (
                "it found no column" if fit is None else f"its fit of {fit['fitted']:.3g} lies at the end of the range"
            )
            tell(f"the card of '{card.name}' keeps its temperature of {card.temperature:g}: {why}; give more series")
            continue
        written.append(write_temperature(path, fit["fitted"]))
    return written
