"""Validation: what a network in training says about structures that it is never trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from hrtem_app.evaluation.metrics import ColumnScore, column_score
from hrtem_app.inference.predict import predict
from hrtem_app.inference.result import columns_from_maps
from hrtem_app.recipe import ColumnFinding, Sublattice
from hrtem_app.training.batches import ExampleSettings, Structures, network_input

# Keeps the microscopes of a validation apart from those of trainings and tests, whose seeds end in 1 and 2.
_VALIDATION = 3
_COLUMN_BY_COLUMN = Sublattice(enabled=False)


@dataclass(frozen=True, eq=False)
class _Scene:
    frames: NDArray[np.float32]
    positions: NDArray[np.float64]
    classes: NDArray[np.int64]
    sampling: float
    source: int


class Validation:
    """Series of held-out structures, recorded once for the whole run and looked at whole, as `analyse` would.

    Except that nothing is decided for whole grains: one grain that is turned round would outweigh all that a network
    learns between two looks, and the choice of its best weights would be luck.

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

        `analysed_f1` is the pooled one with sublattices decided for whole grains, as an analysis gives it.

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
        analysed: list[ColumnScore] = []
        for scene, probabilities in zip(self.scenes, maps, strict=True):
            score = _score(scene, probabilities, _COLUMN_BY_COLUMN)
            scores.append((scene.source, score, score.squares * (100 * scene.sampling) ** 2))
            analysed.append(_score(scene, probabilities, Sublattice()))
        total = _sum([score for _, score, _ in scores])
        hits = int(total.hits.sum())
        result = {"atomic_f1": _number(total.f1()), "analysed_f1": _number(_sum(analysed).f1())}
        result |= {f"f1_{name}": _number(value) for name, value in total.class_f1().items()}
        result["position_error_pm"] = float(np.sqrt(sum(s for _, _, s in scores) / hits)) if hits else 0.0
        sources = sorted({source for source, _, _ in scores})
        if len(sources) > 1:
            for source in sources:
                part = _sum([score for number, score, _ in scores if number == source])
                result[f"atomic_f1_source_{source}"] = _number(part.f1())
        return result


def _score(scene: _Scene, probabilities: NDArray[np.float32], sublattice: Sublattice) -> ColumnScore:
    scale = scene.sampling
    table = columns_from_maps("validated", probabilities, scale, scale, ColumnFinding(), sublattice)
    shape = (scene.frames.shape[1], scene.frames.shape[2])
    return column_score(table.positions, table.classes, scene.positions, scene.classes, shape)


def _sum(scores: list[ColumnScore]) -> ColumnScore:
    return sum(scores[1:], start=scores[0])


def _number(value: float) -> float:
    """JSON has no NaN: where there was nothing to find and nothing was found, nothing was wrong."""
    return 1.0 if np.isnan(value) else float(value)
