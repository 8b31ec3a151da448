"""Validation: what a network in training says about structures that it is never trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.evaluation.metrics import ColumnScore, column_score
from hrtem_app.inference.finding import read_map
from hrtem_app.inference.predict import predict
from hrtem_app.inference.result import columns_from_maps
from hrtem_app.recipe import ColumnFinding, Sublattice
from hrtem_app.training.batches import ExampleSettings, Structures, network_input

# Keeps the microscopes of a validation apart from those of trainings and tests, whose seeds end in 1 and 2.
_VALIDATION = 3
_COLUMN_BY_COLUMN = Sublattice(enabled=False)
# The score by which the weights of a training are chosen.
CHOSEN_BY = "atomic_f1_better_reading"
_MO, _TWO_S, _ONE_S = (CLASSES.index(name) for name in ("Mo", "2S", "1S"))


@dataclass(frozen=True, eq=False)
class _Scene:
    frames: NDArray[np.float32]
    positions: NDArray[np.float64]
    classes: NDArray[np.int64]
    sampling: float
    source: int


class Validation:
    """Series of held-out structures, recorded once for the whole run and looked at whole, as `analyse` would.

    Weights are chosen by a score that forgives a grain whose Mo and S are exchanged as a whole. Which way round a grain
    at little contrast or dose is read changes from one look to the next; a single one outweighs all that a network
    learns between them, and the choice of its best weights would be luck.

    Parameters
    ----------
    structures
        For each source of the settings, the structures that are held out.
    settings
        Microscopes, filter, standardisation. Nothing is treated here.
    most
        Series at most, shared out among the sources.
    """

    def __init__(self, structures: Sequence[Structures], settings: ExampleSettings, most: int) -> None:
        self.scenes: list[_Scene] = []
        each = max(1, most // len(structures))
        for number, (part, source) in enumerate(zip(structures, settings.sources, strict=True)):
            for seed in part.seeds[:each]:
                series = part.recorded(seed, source.microscope, (seed, 0, _VALIDATION))
                frames = network_input(series, settings)
                self.scenes.append(_Scene(frames, series.positions, series.classes, series.sampling, number))

    def __len__(self) -> int:
        return len(self.scenes)

    def score(self, module: torch.nn.Module, device: torch.device) -> dict[str, float]:
        """Atomic F1 pooled, per class and, where there are several, per source; position error in pm.

        `atomic_f1` takes every column for itself. `analysed_f1` is the pooled one with sublattices decided for whole
        grains, as an analysis gives it; `atomic_f1_better_reading` the same with every grain read the way round that
        fits better.

        Parameters
        ----------
        module
            In evaluation mode.
        device
            Where it is.
        """
        return self.score_maps(self.maps(module, device))

    def maps(self, module: torch.nn.Module, device: torch.device) -> list[NDArray[np.float32]]:
        """Probabilities (classes + 1, y, x) of each series."""
        return [predict(module, scene.frames, device) for scene in self.scenes]

    def score_maps(self, maps: Sequence[NDArray[np.float32]]) -> dict[str, float]:
        """What `score` gives, of maps that are there."""
        scores: list[tuple[int, ColumnScore, float]] = []
        analysed, better = list[ColumnScore](), list[ColumnScore]()
        for scene, probabilities in zip(self.scenes, maps, strict=True):
            score = _score(scene, _table(scene, probabilities, _COLUMN_BY_COLUMN))
            scores.append((scene.source, score, score.squares * (100 * scene.sampling) ** 2))
            table = _table(scene, probabilities, Sublattice())
            analysed.append(_score(scene, table))
            better.append(_better_reading(scene, table, probabilities, analysed[-1]))
        total = _sum([score for _, score, _ in scores])
        hits = int(total.hits.sum())
        result = {"atomic_f1": _number(total.f1()), "analysed_f1": _number(_sum(analysed).f1())}
        result[CHOSEN_BY] = _number(_sum(better).f1())
        result |= {f"f1_{name}": _number(value) for name, value in total.class_f1().items()}
        result["position_error_pm"] = float(np.sqrt(sum(s for _, _, s in scores) / hits)) if hits else 0.0
        sources = sorted({source for source, _, _ in scores})
        if len(sources) > 1:
            for source in sources:
                part = _sum([score for number, score, _ in scores if number == source])
                result[f"atomic_f1_source_{source}"] = _number(part.f1())
        return result


def _table(scene: _Scene, probabilities: NDArray[np.float32], sublattice: Sublattice) -> ColumnTable:
    scale = scene.sampling
    return columns_from_maps("validated", probabilities, scale, scale, ColumnFinding(), sublattice)


def _score(scene: _Scene, found: ColumnTable) -> ColumnScore:
    shape = (scene.frames.shape[1], scene.frames.shape[2])
    return column_score(found.positions, found.classes, scene.positions, scene.classes, shape)


def _better_reading(
    scene: _Scene, found: ColumnTable, probabilities: NDArray[np.float32], score: ColumnScore
) -> ColumnScore:
    """The score with Mo and S exchanged in every grain where that makes it higher; `score` as it is found."""
    single, pair = (read_map(probabilities[index], found.positions) for index in (_ONE_S, _TWO_S))
    sulphur = np.where(single > pair, _ONE_S, _TWO_S)
    for grain in range(int(found.grain.max(initial=-1)) + 1):
        exchanged = np.where(found.classes == _MO, sulphur, _MO)
        other = replace(found, classes=np.where(found.grain == grain, exchanged, found.classes))
        if (tried := _score(scene, other)).f1() > score.f1():
            found, score = other, tried
    return score


def _sum(scores: list[ColumnScore]) -> ColumnScore:
    return sum(scores[1:], start=scores[0])


def _number(value: float) -> float:
    """JSON has no NaN: where there was nothing to find and nothing was found, nothing was wrong."""
    return 1.0 if np.isnan(value) else float(value)
