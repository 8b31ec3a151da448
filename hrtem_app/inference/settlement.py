"""Which sublattice of a grain is molybdenum, settled between networks that may not read it alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hrtem_app.inference.grains import find_grains
from hrtem_app.inference.odd_columns import oddness
from hrtem_app.inference.sublattice import grain_evidence
from hrtem_app.recipe import Sublattice


@dataclass(frozen=True, eq=False)
class Settlement:
    """What K networks say together about the grains of S sites.

    Parameters
    ----------
    grain
        (S,) number of its grain; -1 for none.
    evidence
        (S,) mean over the networks of their log odds that the site's sublattice is Mo; NaN for no grain.
    sublattice
        (S,) +1 where the site belongs on Mo by the likelier reading, -1 on S, 0 outside of all grains.
    decided
        (S,) whether networks decided, none of them against the others, and the mean evidence is clear enough.
    networks
        (grains, K) log odds of each network for what was settled: negative where it says the opposite.
    """

    grain: NDArray[np.int64]
    evidence: NDArray[np.float64]
    sublattice: NDArray[np.int64]
    decided: NDArray[np.bool_]
    networks: NDArray[np.float64]


def settle(places: NDArray[np.float64], probabilities: NDArray[np.float64], settings: Sublattice) -> Settlement:
    """Settle every grain of the sites as one: by the majority of the networks that decide it, else the clearer ones.

    A grain that nobody decides gets the likelier reading, and is marked as undecided.

    A network's evidence is that of its maps at all sites of the grain, also at those where it found no column: networks
    that each see a part of a crystal judge the whole of it.

    Parameters
    ----------
    places
        (S, 2) of the sites, in Å.
    probabilities
        (S, K, 3) of Mo, 2S and 1S that each network gives there.
    settings
        The least number of sites in a grain, and how clear its evidence must be.
    """
    count, kinds = probabilities.shape[:2]
    open_sites = np.full(count, -1, np.int64), np.full(count, np.nan), np.zeros(count, np.int64), np.zeros(count, bool)
    if not settings.enabled or count == 0:
        return Settlement(*open_sites, np.empty((0, kinds)))
    grains = find_grains(places, settings)
    settled = Settlement(grains.label, *open_sites[1:], np.zeros((grains.number, kinds)))
    odd = [oddness(places, probabilities[:, k], grains) for k in range(kinds)]
    for grain in range(grains.number):
        rows = grains.rows(grain)
        side = grains.side[rows]
        own = np.array([grain_evidence(probabilities[rows, k], odd[k][rows], side) for k in range(kinds)])
        votes = np.sign(own[np.abs(own) >= settings.evidence])
        reading = int(np.sign(votes.sum()) or np.sign(own.mean()) or 1)
        settled.networks[grain] = reading * own
        settled.evidence[rows] = side * own.mean()
        settled.sublattice[rows] = side * reading
        clear = len(votes) > 0 and bool(np.all(votes == reading))
        settled.decided[rows] = clear and abs(own.mean()) >= settings.evidence
    return settled
