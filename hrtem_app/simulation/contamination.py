"""A thin patch of amorphous carbon."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hrtem_app.ranges import draw
from hrtem_app.simulation.lattice import inside, outline
from hrtem_app.simulation.structure_settings import StructureSettings

# Shortest distance of two carbon atoms in Å, a little below the bond of diamond and graphite.
_NEAREST = 1.35
_ROUNDS = 60


def draw_contamination(
    settings: StructureSettings, rng: np.random.Generator
) -> tuple[NDArray[np.float64], dict[str, float]]:
    """(n, 3) positions of a patch's atoms with heights from 0, and what was drawn.

    Atoms are placed at random, none nearer to another than a bond (random sequential adsorption): the pair correlation
    of amorphous carbon beyond the first shell is weak, and so is its influence on an image.
    """
    thickness = draw(settings.contamination_thickness, rng)
    corners = outline(settings, settings.contamination_radius, rng)
    low, high = np.clip([corners.min(axis=0), corners.max(axis=0)], 0, settings.cell)
    box = np.append(high - low, thickness)
    wanted = int(settings.contamination_density * box.prod())
    atoms = np.empty((0, 3))
    for _ in range(_ROUNDS):
        if len(atoms) >= wanted:
            break
        fresh = rng.uniform(0, box, (wanted - len(atoms), 3)) + np.append(low, 0)
        atoms = _apart(np.concatenate([atoms, fresh]))
    atoms = atoms[inside(atoms, corners, settings.cell)]
    return atoms, {"contamination_thickness": thickness}


def _apart(atoms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the later one of any two atoms that are too near to each other."""
    pairs = cKDTree(atoms).query_pairs(_NEAREST, output_type="ndarray")
    kept = np.ones(len(atoms), bool)
    kept[pairs.max(axis=1)] = False
    return atoms[kept]
