"""Where the shipped networks go wrong: at the rim of the support or away from it, by its layers, and by the dose.

Run from the repository's root: `python benchmarks/mistakes.py DATASET [NETWORK ...]`; it rewrites its section of
`docs/benchmarks.md`. DATASET is a folder that `hrtem-app simulate` made. It counts true columns that were not found, or
found as another class, further than 10 pixels from the border of the image.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from report import table, write_section
from scipy.spatial import cKDTree

from hrtem_app.imaging.lattice_filter import remove_lattice
from hrtem_app.inference.matching import match
from hrtem_app.inference.network_run import Inputs, Stopwatch, network_steps
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.microscope.record import RecordedSeries
from hrtem_app.networks.catalog import NetworkCard, load_network
from hrtem_app.recipe import Recipe
from hrtem_app.simulation.dataset import Dataset
from hrtem_app.simulation.recording import recorded_series
from hrtem_app.simulation.structures import NO_COLUMN, draw_structure

# Support atoms are counted this far around a column (Å); those are near its rim that have between these fractions of
# what a column has at most.
_REACH, _RIM = 6.0, (0.25, 0.75)
_DISTANCE, _BORDER = 3.0, 10.0
_MICROSCOPES = 2


Network = tuple[torch.nn.Module, NetworkCard]


def cover(dataset: Dataset, seed: int, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) atoms of the support around places (y, x) in Å of the cell, as a fraction of the most that any has."""
    atoms = draw_structure(seed, dataset.settings.structure)
    support = atoms.atoms.positions[atoms.columns == NO_COLUMN]
    if not len(support) or not len(places):
        return np.zeros(len(places))
    count = np.array([len(near) for near in cKDTree(support[:, 1::-1]).query_ball_point(places, _REACH)])
    return count / max(1, count.max())


def wrong(series: RecordedSeries, inputs: Inputs, network: Network, recipe: Recipe) -> NDArray[np.bool_]:
    """(n,) whether a network does not find a true column, or names it otherwise."""
    run = network_steps(*network, inputs, recipe, torch.device("cpu"), Stopwatch())
    while True:
        try:
            next(run)
        except StopIteration as end:
            columns = end.value.columns
            break
    missed = np.ones(len(series.positions), np.bool_)
    pairs = match(columns.positions, series.positions, _DISTANCE)
    missed[pairs[:, 1]] = columns.classes[pairs[:, 0]] != series.classes[pairs[:, 1]]
    return missed


def main() -> None:
    """Count and write."""
    dataset, names = Dataset(Path(sys.argv[1])), sys.argv[2:] or ["unet", "unet_pp", "msd_net"]
    recipe, networks = Recipe(), [load_network(name) for name in names]
    covers, layers, doses, mistakes = [], [], [], {name: [] for name in names}
    for seed in dataset.seeds:
        stored = dataset.load(seed)
        for number in range(_MICROSCOPES):
            series = recorded_series(stored, MicroscopeSettings(), (seed, number, 2))
            last = np.array(series.frames.shape[1:]) - 1 - _BORDER
            inside = ((series.positions >= _BORDER) & (series.positions <= last)).all(axis=1)
            places = series.positions * series.sampling + stored.margin
            covers.append(cover(dataset, seed, places)[inside])
            layers.append(np.full(inside.sum(), stored.parameters["layers"]))
            doses.append(np.full(inside.sum(), series.microscope.dose))
            frames = remove_lattice(series.frames, series.sampling, recipe.filter).frames
            inputs = Inputs(frames, series.sampling, recipe.standardisation.sigma)
            for name, network in zip(names, networks, strict=True):
                mistakes[name].append(wrong(series, inputs, network, recipe)[inside])
    covered, layer, dose = np.concatenate(covers), np.concatenate(layers), np.concatenate(doses)
    low, high = _RIM
    at_rim = (covered >= low) & (covered <= high)
    groups = {
        "all": np.ones(len(covered), np.bool_),
        "beside the support": covered < low,
        "at its rim": at_rim,
        "at its rim, five or six layers": at_rim & (layer >= 5),
        "on it": covered > high,
        "on it, one or two layers": (covered > high) & (layer <= 2),
        "on it, five or six layers": (covered > high) & (layer >= 5),
        "dose below 1000 e/Å²": dose < 1000,
        "dose of 1000 to 10 000 e/Å²": (dose >= 1000) & (dose < 10_000),
        "dose above 10 000 e/Å²": dose >= 10_000,
    }
    rows = []
    for title, chosen in groups.items():
        counts = [int(np.concatenate(mistakes[name])[chosen].sum()) for name in names]
        total = int(chosen.sum())
        rows.append([title, str(total), *(f"{n} ({100 * n / max(1, total):.2f} %)" for n in counts)])
    series_count = len(dataset) * _MICROSCOPES
    about = f"{series_count} series of {len(dataset)} structures; columns that a network missed or named wrongly."
    write_section("mistakes", f"{about}\n\n{table(['columns', 'number', *names], rows)}")


if __name__ == "__main__":
    main()
