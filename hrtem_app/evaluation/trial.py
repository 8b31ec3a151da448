"""Networks tried on one view of a series: what each of them says, and what they agree on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from hrtem_app.columns import ColumnTable
from hrtem_app.evaluation.sweeps import View
from hrtem_app.imaging.lattice_filter import remove_lattice
from hrtem_app.inference.agreement import agree
from hrtem_app.inference.checks import outside_ranges
from hrtem_app.inference.network_run import Inputs, Stopwatch, network_steps
from hrtem_app.inference.result import NetworkResult
from hrtem_app.inference.versions import WIDE, wider_version
from hrtem_app.networks.catalog import NetworkCard, NetworkError, available, load_network, load_network_file
from hrtem_app.series import FocalSeries

CONSENSUS = "consensus"

Loaded = Sequence[tuple[torch.nn.Module, NetworkCard]]


class Said(NamedTuple):
    """What a network, or the consensus of several, which has no maps, says of a series."""

    name: str
    table: ColumnTable
    result: NetworkResult | None


def load_networks(
    names: Sequence[str] | None, weights: Sequence[str | Path], device: torch.device, frames: int
) -> Loaded:
    """Networks of the catalog and of files.

    Parameters
    ----------
    names
        In the catalog; None: all that have enough frames, unless weights are given.
    weights
        Files, with their cards beside them.
    device
        Where they will run.
    frames
        Of the series.

    Raises
    ------
    NetworkError
        For none at all, two of one name, or one that cannot be loaded.
    """
    fitting = [] if weights else [name for name, card in available().items() if card.frames <= frames]
    chosen = fitting if names is None else list(names)
    loaded = [load_network(name, device) for name in chosen] + [load_network_file(path, device) for path in weights]
    if not loaded:
        raise NetworkError("no network to evaluate: name one, or give a weights file")
    seen = [card.name for _, card in loaded]
    for name in seen:
        if seen.count(name) > 1:
            raise NetworkError(f"two networks are called '{name}': evaluate them one after the other")
    return loaded


def tried(view: View, loaded: Loaded, device: torch.device) -> list[Said]:
    """Every network's columns, and the sites on which two or more agree, as an experiment would get them.

    Only networks that see the same number of frames are asked for a consensus, since an analysis runs no others
    together: that of the most frames is `consensus`, another one `consensus_1`, say. Of a network and its version for
    wider ranges it asks the one that an analysis of this series would run.

    Raises
    ------
    NetworkError
        Where the series has fewer frames than a network wants.
    """
    frames, recipe = view.series.frames, view.recipe
    filtered = remove_lattice(frames, view.sampling, recipe.filter).frames
    inputs = Inputs(filtered, view.sampling, recipe.standardisation.sigma)
    results: dict[str, NetworkResult] = {}
    for module, card in loaded:
        if len(frames) < card.frames:
            raise NetworkError(
                f"'{view.series.name}' has {len(frames)} frames and '{card.name}' wants {card.frames}: "
                "choose other networks, or series with more frames"
            )
        run = network_steps(module, card, inputs, recipe, device, Stopwatch())
        while card.name not in results:
            try:
                next(run)
            except StopIteration as end:
                results[card.name] = end.value
    said = [Said(name, result.columns, result) for name, result in results.items()]
    for name, group in _groups(results, view).items():
        sites = agree(group, recipe.columns, recipe.agreement, recipe.sublattice)
        said.append(Said(name, sites.select(sites.votes >= 2), None))
    return said


def _as_analysed(group: Mapping[str, NetworkResult], view: View) -> dict[str, NetworkResult]:
    """Without networks whose other version is right for the series."""
    known = view.series
    defocus, energy = known.parameters.get("defocus"), known.parameters.get("energy")
    defoci = tuple(defocus) if defocus is not None and len(defocus) == len(known.frames) else None
    series = FocalSeries(known.frames, view.sampling, defoci, energy, known.name)
    cards = {name: result.card for name, result in group.items()}
    outside = partial(outside_ranges, series, series.defocus_order())
    others = {f"{name}{WIDE}" for name in cards}
    chosen = [wider_version(card, cards, outside).name for name, card in cards.items() if name not in others]
    return {name: group[name] for name in chosen}


def _groups(results: Mapping[str, NetworkResult], view: View) -> dict[str, dict[str, NetworkResult]]:
    """Networks that see the same number of frames, two or more of them, by the name of their consensus."""
    groups: dict[str, dict[str, NetworkResult]] = {}
    for frames in sorted({result.card.frames for result in results.values()}, reverse=True):
        alike = {name: result for name, result in results.items() if result.card.frames == frames}
        group = _as_analysed(alike, view)
        if len(group) > 1:
            groups[f"{CONSENSUS}_{frames}" if groups else CONSENSUS] = group
    return groups
