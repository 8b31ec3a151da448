"""Frozen phonons: configurations of thermally displaced atoms, one after the other (Einstein model per species)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hrtem_app.ranges import stream
from hrtem_app.simulation.structures import Structure

Sampling = Literal["independent", "balanced"]


def configurations(
    structure: Structure, sigmas: dict[str, float], count: int, seed: int, sampling: Sampling
) -> Iterator[NDArray[np.float64]]:
    """Yield the atoms' positions in each configuration; never more than one is held.

    `independent` draws Gaussian displacements, the very ones of abTEM's `FrozenPhonons` for the same seed.

    `balanced` places an atom's `count` configurations evenly on a circle of radius √2·σ, turned at random, so that for
    every atom their mean is its rest position and their mean square along x and y is σ². What few independent ones
    leave as noise, a displaced mean and a wrong amplitude of every single atom, is then absent; from the third order
    in k·σ on the two models differ (below 1 % of a carbon column's contrast at 1/Å and 300 K).

    Parameters
    ----------
    structure
        At rest.
    sigmas
        Root mean square displacement along one axis in Å, for each species.
    count
        How many configurations.
    seed
        Of the displacements.
    sampling
        `independent` or `balanced`; a single configuration is always independent.

    Yields
    ------
    (atoms, 3) positions in Å.
    """
    symbols, inverse = np.unique(structure.atoms.get_chemical_symbols(), return_inverse=True)
    sigma = np.array([sigmas[str(s)] for s in symbols])[inverse][:, np.newaxis]
    rest = structure.atoms.positions
    if sampling == "independent" or count == 1:
        yield from (rest + sigma * normal for normal in _independent(structure, count, seed))
    else:
        yield from (rest + np.sqrt(2) * sigma * place for place in _balanced(len(rest), count, seed))


def _independent(structure: Structure, count: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """(atoms, 3) normal deviates: abTEM gives each configuration a seed of its own."""
    from ase import Atoms

    from hrtem_app.simulation.compiled import load_abtem

    # The seeds do not depend on the atoms, but there must be one.
    seeds = load_abtem().FrozenPhonons(Atoms("C", cell=(1, 1, 1)), num_configs=count, sigmas=0.1, seed=seed).seed
    for one in seeds:
        yield np.random.default_rng(one).normal(size=(len(structure.atoms), 3))


def _balanced(atoms: int, count: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """(atoms, 3) points of unit circles in the plane, and of a wave along the beam."""
    rng = stream(seed, "phonons")
    phase, height = rng.uniform(0, 2 * np.pi, (2, atoms))
    # Both senses of rotation, so that what is left in the third order has no handedness.
    sense = rng.choice([-1.0, 1.0], atoms)
    for number in range(count):
        turn = 2 * np.pi * number / count
        angle = phase + sense * turn
        yield np.stack([np.cos(angle), np.sin(angle), np.cos(height + turn)], axis=1)
