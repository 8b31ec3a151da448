"""One network over one filtered series: standardise, predict, find columns."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from hrtem_app.imaging.standardise import standardise
from hrtem_app.inference.interruption import Stop, never
from hrtem_app.inference.resample import resample
from hrtem_app.inference.result import NetworkResult, columns_from_maps
from hrtem_app.inference.turned import averaged_steps
from hrtem_app.networks.catalog import NetworkCard
from hrtem_app.recipe import Recipe


class Stopwatch:
    """Seconds spent per step, added up where a step comes more than once."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def measure(self, step: str) -> Generator[None]:
        """Add the time that the body takes to a step."""
        start = perf_counter()
        try:
            yield
        finally:
            self.seconds[step] = self.seconds.get(step, 0.0) + perf_counter() - start


def working_sampling(sampling: float, card: NetworkCard) -> float:
    """The Å per pixel at which a network sees a series: the series' own inside its range, else the network's."""
    lowest, highest = card.sampling_range
    return sampling if lowest <= sampling <= highest else card.sampling


class Inputs:
    """Filtered frames as the networks want them; what several networks share is computed once."""

    def __init__(self, filtered: NDArray[np.float32], sampling: float, sigma: float) -> None:
        self.sampling = sampling
        self._filtered = filtered
        self._sigma = sigma
        self._ready: dict[tuple[float, int], NDArray[np.float32]] = {}

    def of(self, card: NetworkCard) -> NDArray[np.float32]:
        """(frames, y, x) at the network's working sampling, standardised there."""
        target = working_sampling(self.sampling, card)
        key = (target, card.frames)
        if key not in self._ready:
            frames = self._filtered[: card.frames]
            if target != self.sampling:
                frames = resample(frames, target / self.sampling)
            self._ready[key] = standardise(frames, target, self._sigma)
        return self._ready[key]


def network_steps(
    module: torch.nn.Module,
    card: NetworkCard,
    inputs: Inputs,
    recipe: Recipe,
    device: torch.device,
    watch: Stopwatch,
    stop: Stop = never,
) -> Generator[float, None, NetworkResult]:
    """Run one network; yields the fraction done after each tile and returns what it said.

    Raises
    ------
    StoppedError
        Where `stop` returned true while the network ran.
    """
    with watch.measure("standardisation"):
        frames = inputs.of(card)
    target = working_sampling(inputs.sampling, card)
    with watch.measure(card.name):
        maps = yield from averaged_steps(module, frames, device, card.temperature, recipe.precision, recipe.views, stop)
    with watch.measure("columns"):
        columns = columns_from_maps(card.name, maps, target, inputs.sampling, recipe.columns, recipe.sublattice)
    return NetworkResult(card, maps, target, columns)
