"""Evaluation: networks, and their agreement, against series whose columns are known."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.imaging.lattice_filter import remove_lattice
from hrtem_app.inference.agreement import agree
from hrtem_app.inference.device import choose_device
from hrtem_app.inference.network_run import Inputs, Stopwatch, network_steps
from hrtem_app.inference.result import NetworkResult
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.networks.catalog import NetworkCard, NetworkError, available, load_network, load_network_file
from hrtem_app.recipe import Recipe
from hrtem_app.simulation.labels import disk_labels
from hrtem_app.training.metrics import ColumnScore, Matching, column_score, pixel_f1
from hrtem_app.training.truth import KnownSeries, KnownSeriesSource

CONSENSUS = "consensus"


@dataclass
class _Tally:
    """What one network, or the consensus, did on all series."""

    scores: list[ColumnScore] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    squares_pm: float = 0.0

    def summary(self) -> dict[str, Any]:
        total = sum(self.scores[1:], start=self.scores[0])
        f1 = np.array([row["atomic_f1"] for row in self.rows], float)
        hits = int(total.hits.sum())
        result = {
            "series": len(self.rows),
            "atomic_f1": total.f1(),
            "atomic_f1_per_class": total.class_f1(),
            "atomic_f1_mean": float(np.nanmean(f1)),
            "atomic_f1_10th_percentile": float(np.nanpercentile(f1, 10)),
            "position_error_pm": float(np.sqrt(self.squares_pm / hits)) if hits else float("nan"),
            "confusion": {
                name: dict(zip([*CLASSES, "nothing"], row.tolist(), strict=True))
                for name, row in zip(CLASSES, total.confusion, strict=True)
            },
        }
        for key in ("pixel_f1", "pixel_f1_without_background"):
            values = np.array([row.get(key, np.nan) for row in self.rows], float)
            if not np.isnan(values).all():
                result[key] = float(np.nanmean(values))
                result[f"{key}_10th_percentile"] = float(np.nanpercentile(values, 10))
        return result


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
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Score networks on series whose columns are known.

    Parameters
    ----------
    data
        A dataset that `simulate` made, or a folder of npz series with their truth.
    out
        Folder for `evaluation.json` (pooled) and `evaluation.csv` (per series and network).
    networks
        Names in the catalog; None: all, unless weights are given.
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
    progress
        Called with (done, all) series.

    Returns
    -------
    The files written.

    Raises
    ------
    DatasetError, NetworkError
        Where data or networks cannot be read.
    """
    recipe = recipe or Recipe()
    source = KnownSeriesSource(data, images_per_structure, microscope)
    device = choose_device(recipe.device)
    loaded = _load(networks, weights, device)
    tallies = {card.name: _Tally() for _, card in loaded}
    if len(loaded) > 1:
        tallies[CONSENSUS] = _Tally()
    for number, series in enumerate(source, start=1):
        for name, table, result in _predictions(series, loaded, recipe, device):
            _add(tallies[name], series, table, result, matching)
        if progress:
            progress(number, len(source))
    return _write(Path(out), data, tallies, [card for _, card in loaded], recipe, matching)


def _load(
    networks: Sequence[str] | None, weights: Sequence[str | Path], device: torch.device
) -> list[tuple[torch.nn.Module, NetworkCard]]:
    names = list(networks) if networks is not None else ([] if weights else list(available()))
    loaded = [load_network(name, device) for name in names] + [load_network_file(path, device) for path in weights]
    if not loaded:
        raise NetworkError("no network to evaluate: name one, or give a weights file")
    seen = [card.name for _, card in loaded]
    for name in seen:
        if seen.count(name) > 1:
            raise NetworkError(f"two networks are called '{name}': evaluate them one after the other")
    return loaded


def _predictions(
    series: KnownSeries, loaded: list[tuple[torch.nn.Module, NetworkCard]], recipe: Recipe, device: torch.device
) -> list[tuple[str, ColumnTable, NetworkResult | None]]:
    """Every network's columns, and the sites on which two or more agree, as an experiment would get them."""
    filtered = remove_lattice(series.frames, series.sampling, recipe.filter).frames
    inputs = Inputs(filtered, series.sampling, recipe.standardisation.sigma)
    results: dict[str, NetworkResult] = {}
    for module, card in loaded:
        run = network_steps(module, card, inputs, recipe, device, Stopwatch())
        while card.name not in results:
            try:
                next(run)
            except StopIteration as end:
                results[card.name] = end.value
    said: list[tuple[str, ColumnTable, NetworkResult | None]] = [(n, r.columns, r) for n, r in results.items()]
    if len(results) > 1:
        sites = agree(results, recipe.columns, recipe.agreement)
        said.append((CONSENSUS, sites.select(sites.votes >= 2), None))
    return said


def _add(
    tally: _Tally, series: KnownSeries, table: ColumnTable, result: NetworkResult | None, matching: Matching
) -> None:
    shape = (series.frames.shape[1], series.frames.shape[2])
    score = column_score(table.positions, table.classes, series.positions, series.classes, shape, matching=matching)
    row: dict[str, Any] = {
        "series": series.name,
        "sampling": series.sampling,
        "dose": series.parameters.get("dose"),
        "atomic_f1": score.f1(),
        **{f"atomic_f1_{name}": value for name, value in score.class_f1().items()},
        "hits": int(score.hits.sum()),
        "false": int(score.false.sum()),
        "missed": int(score.missed.sum()),
        "position_error_pm": score.position_error(series.sampling),
    }
    if result is not None and result.sampling == series.sampling:
        labels = disk_labels(series.positions, series.classes, shape, series.sampling, result.card.label_radius)
        row["pixel_f1"] = pixel_f1(result.probabilities, labels)
        row["pixel_f1_without_background"] = pixel_f1(result.probabilities, labels, background=False)
    tally.scores.append(score)
    tally.rows.append(row)
    tally.squares_pm += score.squares * (100 * series.sampling) ** 2


def _write(
    folder: Path,
    data: str | Path,
    tallies: dict[str, _Tally],
    cards: list[NetworkCard],
    recipe: Recipe,
    matching: Matching,
) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "data": Path(data).name,
        "matching": matching,
        "results": {name: tally.summary() for name, tally in tallies.items()},
        "recipe": recipe.model_dump(mode="json"),
        "weights": {card.name: card.sha256 for card in cards},
    }
    summary, table = folder / "evaluation.json", folder / "evaluation.csv"
    summary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    rows = [{"network": name} | row for name, tally in tallies.items() for row in tally.rows]
    fields = list(dict.fromkeys(key for row in rows for key in row))
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fields, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return [summary, table]
