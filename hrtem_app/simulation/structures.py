"""From a seed to a structure: an irregular flake with defects on a support (thesis section 3.1)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hrtem_app.materials import Material, Support, find_material, find_support
from hrtem_app.ranges import draw
from hrtem_app.simulation.contamination import draw_contamination
from hrtem_app.simulation.deformation import deform, draw_height_field
from hrtem_app.simulation.lattice import flat_cell, inside, lattice_points, outline, rotation, seam_clashes
from hrtem_app.simulation.structure_settings import StructureSettings

if TYPE_CHECKING:
    from ase import Atoms

# Vacuum above and below in Å.
_VACUUM = 1.5
# Between contamination and what it lies on, in Å.
_GAP = 3.0
# Atoms of a thick part that share a level, in Å.
_SLAB = 1.5
# Across the borders of the cell atoms of a sheet are not nearer than this part of the shortest bond.
_SEAM = 0.7
NO_COLUMN = -1


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


@dataclass
class _Part:
    """Atoms of one kind of layer, before they are stacked: positions from z = 0, symbols, levels, columns."""

    positions: NDArray[np.float64]
    symbols: NDArray[np.str_]
    levels: NDArray[np.float64]
    columns: NDArray[np.int64]

    def raised(self, height: float) -> _Part:
        return _Part(self.positions + np.array([0, 0, height]), self.symbols, self.levels + height, self.columns)

    @property
    def thickness(self) -> float:
        return float(self.positions[:, 2].max()) if len(self.positions) else 0.0


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Random numbers for one purpose: what is drawn for one does not move what is drawn for another."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])


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
    parts = [_draw_flake(seed, settings, material, parameters)]
    if parameters["layers"] and support:
        # As long as nothing is stacked, the flake lies on z = 0; then it lies on the support.
        below = _draw_support(seed, settings, support, parameters)
        parts = [below, parts[0].raised(below.thickness + parameters["distance"])]
    parts = _contaminated(seed, settings, parts, parameters)
    merged = _Part(*(np.concatenate([getattr(p, name) for p in parts]) for name in _Part.__dataclass_fields__))
    return _assembled(seed, settings, material, merged, parameters)


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
        "support_vacancies": draw(settings.single_vacancies, rng),
        "flake_first": bool(rng.random() < settings.flake_first),
        "contaminated": bool(rng.random() < settings.contamination),
        "temperature": draw(settings.temperature, rng),
    }


def _draw_support(seed: int, settings: StructureSettings, support: Support, parameters: dict[str, Any]) -> _Part:
    """Layers, each cut by the same outline; if turbostratic, each turned and shifted at random."""
    rng, turns = stream(seed, "support"), stream(seed, "turbostratic")
    corners = outline(settings, settings.support_radius, rng)
    positions, symbols = [], []
    for layer in range(parameters["layers"]):
        angle, shift = parameters["support_angle"], np.zeros(2)
        if parameters["turbostratic"]:
            angle, shift = float(turns.uniform(0, 2 * np.pi)), turns.uniform(0, support.lattice_constant, 2)
        sheet, kinds = _sheet(support.build(support.lattice_constant, layer), angle, shift, settings.cell)
        kept = inside(sheet, corners, settings.cell) & (rng.random(len(sheet)) >= parameters["support_vacancies"])
        sheet, kinds = sheet[kept], kinds[kept]
        whole = ~seam_clashes(sheet, settings.cell, _SEAM * support.lattice_constant / 3**0.5)
        positions.append(sheet[whole] + [0, 0, layer * support.spacing])
        symbols.append(kinds[whole])
    merged = np.concatenate(positions)
    none = np.full(len(merged), NO_COLUMN)
    return _Part(merged, np.concatenate(symbols), merged[:, 2].copy(), none)


def _sheet(
    unit: Atoms, angle: float, shift: NDArray[np.float64], side: float
) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """(n, 3) atoms of a layer over the whole cell, heights from 0, and their symbols."""
    cell = flat_cell(unit)
    parts = [lattice_points(cell, angle, shift + p[:2], side) for p in unit.positions]
    heights = unit.positions[:, 2] - unit.positions[:, 2].min()
    z = np.repeat(heights, [len(p) for p in parts])
    symbols = np.repeat(np.array(unit.get_chemical_symbols()), [len(p) for p in parts])
    return np.column_stack([np.concatenate(parts), z]), symbols


def _draw_flake(seed: int, settings: StructureSettings, material: Material, parameters: dict[str, Any]) -> _Part:
    """The layer cut to an outline, without the atoms that its defects take; every atom knows its column."""
    rng = stream(seed, "flake")
    corners = outline(settings, settings.flake_radius, rng)
    unit = material.build(parameters["lattice_constant"])
    angle = parameters["support_angle"] + parameters["turn"]
    shift = rng.uniform(0, parameters["lattice_constant"], 2)
    sites = _sites(unit)
    cell = flat_cell(unit)
    shortest = parameters["lattice_constant"] / 3**0.5
    positions, symbols, columns, count = [], [], [], 0
    for site in sites:
        places = lattice_points(cell, angle, shift + unit.positions[site[0], :2], settings.cell)
        places = places[inside(places, corners, settings.cell)]
        numbers = count + np.arange(len(places))
        count += len(places)
        for atom in site:
            aside = (unit.positions[atom, :2] - unit.positions[site[0], :2]) @ rotation(angle)
            height = unit.positions[atom, 2] - unit.positions[:, 2].min()
            positions.append(np.column_stack([places + aside, np.full(len(places), height)]))
            symbols.append(np.full(len(places), unit.symbols[atom]))
            columns.append(numbers)
    flake = np.concatenate(positions)
    part = _Part(flake, np.concatenate(symbols), flake[:, 2].copy(), np.concatenate(columns))
    return _with_defects(part, settings, parameters, shortest, stream(seed, "defects"))


def _sites(unit: Atoms) -> list[list[int]]:
    """Atoms of the unit cell that stand above each other."""
    sites: list[list[int]] = []
    for atom, place in enumerate(unit.positions[:, :2]):
        for site in sites:
            if np.linalg.norm(unit.positions[site[0], :2] - place) < 0.1:
                site.append(atom)
                break
        else:
            sites.append([atom])
    return sites


def _with_defects(
    part: _Part,
    settings: StructureSettings,
    parameters: dict[str, Any],
    shortest: float,
    rng: np.random.Generator,
) -> _Part:
    """Whole columns go first, then single atoms of what are pairs or more; a pair may lose both."""
    count = int(part.columns.max(initial=-1)) + 1
    gone = rng.random(count) < parameters["column_vacancies"]
    first = np.unique(part.columns, return_index=True)[1]
    gone |= seam_clashes(part.positions[first], settings.cell, _SEAM * shortest)
    paired = np.bincount(part.columns, minlength=count)[part.columns] > 1
    single = paired & (rng.random(len(part.columns)) < parameters["single_vacancies"])
    kept = ~(gone[part.columns] | single)
    return _Part(*(getattr(part, name)[kept] for name in _Part.__dataclass_fields__))


def _contaminated(
    seed: int, settings: StructureSettings, parts: list[_Part], parameters: dict[str, Any]
) -> list[_Part]:
    """The stack with a patch of amorphous carbon below or on top of it, where one was drawn."""
    if not parameters["contaminated"]:
        return parts
    rng = stream(seed, "contamination")
    atoms, drawn = draw_contamination(settings, rng)
    below = bool(rng.random() < 0.5)
    parameters |= drawn | {"contamination_below": below}
    levels = (np.floor(atoms[:, 2] / _SLAB) + 0.5) * _SLAB
    patch = _Part(atoms, np.full(len(atoms), "C"), levels, np.full(len(atoms), NO_COLUMN))
    if below:
        return [patch, *(p.raised(drawn["contamination_thickness"] + _GAP) for p in parts)]
    return [*parts, patch.raised(max(p.thickness for p in parts) + _GAP)]


def _assembled(
    seed: int, settings: StructureSettings, material: Material, part: _Part, parameters: dict[str, Any]
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
