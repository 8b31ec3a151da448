"""From a seed to a structure: an irregular flake with defects on a support (thesis section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hrtem_app.materials import Material, Support, find_material, find_support
from hrtem_app.ranges import draw, stream
from hrtem_app.simulation.deformation import deform, draw_height_field
from hrtem_app.simulation.parts import (
    NO_COLUMN,
    Part,
    contaminated,
    draw_flake,
    draw_support,
    merged,
)
from hrtem_app.simulation.structure_settings import StructureSettings

if TYPE_CHECKING:
    from ase import Atoms

# Vacuum above and below in Å.
_VACUUM = 1.5


@dataclass(frozen=True, eq=False)
class Structure:
    """Atoms and the truth about them.

    Parameters
    ----------
    atoms
        In a periodic cell, beam along +z.
    levels
        (atoms,) height in Å of the sheet that each belongs to, were it flat.
    columns
        (atoms,) number of the column that each stands in, `NO_COLUMN` for those of the support and the like.
    positions
        (n, 2) column positions (y, x) in Å: the mean of each column's atoms.
    classes
        (n,) indices into the material's classes (of MoS2: 0 Mo, 1 2S, 2 1S).
    parameters
        Everything that was drawn.
    """

    atoms: Atoms
    levels: NDArray[np.float64]
    columns: NDArray[np.int64]
    positions: NDArray[np.float64]
    classes: NDArray[np.int64]
    parameters: dict[str, Any]

    @property
    def side(self) -> float:
        """Side of the square cell in Å."""
        return float(self.atoms.cell[0, 0])

    @property
    def sheets(self) -> NDArray[np.float64]:
        """Heights of the sheets in Å, ascending."""
        return np.unique(self.levels)


def draw_structure(seed: int, settings: StructureSettings) -> Structure:
    """Draw a structure; the same seed and settings give the same one.

    Parameters
    ----------
    seed
        Any non-negative integer.
    settings
        The ranges.
    """
    material, support = find_material(settings.material), find_support(settings.support)
    parameters: dict[str, Any] = {"seed": seed, "material": material.name} | _draw_parameters(
        seed, settings, material, support
    )
    parts = [draw_flake(seed, settings, material, parameters)]
    if parameters["layers"] and support:
        # As long as nothing is stacked, the flake lies on z = 0; then it lies on the support.
        below = draw_support(seed, settings, support, parameters)
        parts = [below, parts[0].raised(below.thickness + parameters["distance"])]
    whole = merged(contaminated(seed, settings, parts, parameters))
    return _assembled(seed, settings, material, whole, parameters)


def _draw_parameters(
    seed: int, settings: StructureSettings, material: Material, support: Support | None
) -> dict[str, Any]:
    rng = stream(seed, "parameters")
    layers = int(rng.integers(settings.layers[0], settings.layers[1] + 1))
    bare = bool(rng.random() < settings.bare) or support is None
    support_angle = float(rng.uniform(0, np.pi / 3))
    free = draw(settings.free_turn, rng)
    # The thesis' choice: an aligned flake, one turned by 15° or 30°, or any angle.
    turn = float(rng.choice([*settings.turns, free]))
    return {
        "support": "none" if bare or support is None else support.name,
        "layers": 0 if bare else layers,
        "support_angle": support_angle,
        "turbostratic": bool(rng.random() < settings.turbostratic),
        "turn": turn,
        "lattice_constant": draw(settings.lattice_constant or material.lattice_constants, rng),
        "distance": draw(settings.distance, rng),
        "single_vacancies": draw(settings.single_vacancies, rng),
        "column_vacancies": draw(settings.column_vacancies, rng),
        "support_vacancies": draw(settings.support_vacancies or settings.single_vacancies, rng),
        "flake_first": bool(rng.random() < settings.flake_first),
        "contaminated": bool(rng.random() < settings.contamination),
        "temperature": draw(settings.temperature, rng),
    }


def _assembled(
    seed: int, settings: StructureSettings, material: Material, part: Part, parameters: dict[str, Any]
) -> Structure:
    """Turn it over or not, bend it, put it into its cell, and read the columns off the atoms."""
    from ase import Atoms

    top = part.thickness
    z, levels = part.positions[:, 2], part.levels
    if parameters["flake_first"]:
        z, levels = top - z, top - levels
    field, drawn = draw_height_field(settings, stream(seed, "slopes"))
    in_flake = part.columns != NO_COLUMN
    neutral = float(levels[in_flake].mean()) if in_flake.any() else 0.0
    positions = deform(np.column_stack([part.positions[:, :2], z]), field, neutral)
    lowest = positions[:, 2].min(initial=0.0)
    positions[:, 2] += _VACUUM - lowest
    levels = levels + _VACUUM - lowest
    positions[:, :2] %= settings.cell
    height = float(max(positions[:, 2].max(initial=0.0), levels.max(initial=0.0)) + _VACUUM)
    atoms = Atoms(part.symbols.tolist(), positions, cell=[settings.cell, settings.cell, height], pbc=True)
    columns, places, classes = _columns(positions, part.symbols, part.columns, material, settings.cell)
    return Structure(atoms, np.round(levels, 6), columns, places, classes, parameters | drawn)


def _columns(
    positions: NDArray[np.float64],
    symbols: NDArray[np.str_],
    columns: NDArray[np.int64],
    material: Material,
    side: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """The columns that are left, numbered anew; their positions (y, x) in Å; their classes by what stands in them."""
    in_flake = columns != NO_COLUMN
    left, first, numbers = np.unique(columns[in_flake], return_index=True, return_inverse=True)
    renumbered = np.full(len(columns), NO_COLUMN)
    renumbered[in_flake] = numbers
    flat = positions[in_flake][:, [1, 0]]
    # Atoms of one column may lie on both sides of a border: what is averaged is how far they are from its first.
    aside = (flat - flat[first][numbers] + side / 2) % side - side / 2
    count = np.bincount(numbers, minlength=len(left))
    mean = np.stack([np.bincount(numbers, aside[:, axis], len(left)) for axis in range(2)], axis=1)
    places = (flat[first] + mean / np.maximum(count, 1)[:, np.newaxis]) % side
    return renumbered, places, _classes(symbols[in_flake], numbers, len(left), material)


def _classes(
    symbols: NDArray[np.str_], numbers: NDArray[np.int64], count: int, material: Material
) -> NDArray[np.int64]:
    """Class of each column by the atoms in it."""
    kinds, kind = np.unique(symbols, return_inverse=True)
    content = np.zeros((count, len(kinds)), np.int64)
    np.add.at(content, (numbers, kind), 1)
    compositions, which = np.unique(content, axis=0, return_inverse=True)
    found = [
        material.class_of(tuple(str(k) for k, n in zip(kinds, row, strict=True) for _ in range(n)))
        for row in compositions
    ]
    classes: NDArray[np.int64] = np.array(found, np.int64)[which.ravel()] if count else np.empty(0, np.int64)
    return classes


def write_structure(structure: Structure, path: str | Path) -> None:
    """Write a structure as extended XYZ, which ASE, OVITO and others open.

    Every atom carries the number of its `column` (-1: none); the header has the cell and all that was drawn.
    """
    from ase.io import write

    atoms = structure.atoms.copy()
    atoms.new_array("column", structure.columns)
    atoms.info.update({key: value for key, value in structure.parameters.items() if value is not None})
    write(str(path), atoms, format="extxyz")
