"""The parts that a structure is stacked of: layers of the support, the flake, and contamination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hrtem_app.materials import Material, Support
from hrtem_app.ranges import stream
from hrtem_app.simulation.contamination import draw_contamination
from hrtem_app.simulation.lattice import flat_cell, inside, lattice_points, outline, rotation, seam_clashes
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.simulation.vacancy_lines import draw_vacancy_lines

if TYPE_CHECKING:
    from ase import Atoms

# Between contamination and what it lies on, in Å.
_GAP = 3.0
# Atoms of a thick part that share a level, in Å.
_SLAB = 1.5
# Across the borders of the cell atoms of a sheet are not nearer than this part of the shortest bond.
_SEAM = 0.7
NO_COLUMN = -1


@dataclass(frozen=True, eq=False)
class Part:
    """Atoms before they are stacked.

    Parameters
    ----------
    positions
        (n, 3) in Å, heights from 0.
    symbols
        (n,) chemical symbols.
    levels
        (n,) height in Å of the sheet that each belongs to.
    columns
        (n,) number of the column that each stands in, `NO_COLUMN` for none.
    """

    positions: NDArray[np.float64]
    symbols: NDArray[np.str_]
    levels: NDArray[np.float64]
    columns: NDArray[np.int64]

    @property
    def thickness(self) -> float:
        """Height of the highest atom in Å."""
        return float(self.positions[:, 2].max(initial=0.0))

    def raised(self, height: float) -> Part:
        """The part so much higher, in Å."""
        return Part(self.positions + np.array([0, 0, height]), self.symbols, self.levels + height, self.columns)

    def only(self, kept: NDArray[np.bool_]) -> Part:
        """The atoms that are kept."""
        return Part(*(getattr(self, field.name)[kept] for field in fields(self)))


def merged(parts: Sequence[Part]) -> Part:
    """All atoms of some parts."""
    return Part(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Part)))


def draw_support(seed: int, settings: StructureSettings, support: Support, parameters: dict[str, Any]) -> Part:
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
    atoms = np.concatenate(positions)
    return Part(atoms, np.concatenate(symbols), atoms[:, 2].copy(), np.full(len(atoms), NO_COLUMN))


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


def draw_flake(seed: int, settings: StructureSettings, material: Material, parameters: dict[str, Any]) -> Part:
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
    part = Part(flake, np.concatenate(symbols), flake[:, 2].copy(), np.concatenate(columns))
    kept, moved, drawn = draw_vacancy_lines(
        settings, part.positions, part.columns, (parameters["lattice_constant"], angle), stream(seed, "vacancy lines")
    )
    parameters |= drawn
    part = replace(part, positions=part.positions + np.pad(moved, ((0, 0), (0, 1)))).only(kept)
    # Where lines cross, a pair may have lost both.
    part = replace(part, columns=np.unique(part.columns, return_inverse=True)[1])
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
    part: Part,
    settings: StructureSettings,
    parameters: dict[str, Any],
    shortest: float,
    rng: np.random.Generator,
) -> Part:
    """Whole columns go first, then single atoms of what are pairs or more; a pair may lose both."""
    count = int(part.columns.max(initial=-1)) + 1
    gone = rng.random(count) < parameters["column_vacancies"]
    first = np.unique(part.columns, return_index=True)[1]
    gone |= seam_clashes(part.positions[first], settings.cell, _SEAM * shortest)
    paired = np.bincount(part.columns, minlength=count)[part.columns] > 1
    single = paired & (rng.random(len(part.columns)) < parameters["single_vacancies"])
    kept = ~(gone[part.columns] | single)
    return part.only(kept)


def contaminated(seed: int, settings: StructureSettings, parts: list[Part], parameters: dict[str, Any]) -> list[Part]:
    """The stack with a patch of amorphous carbon below or on top of it, where one was drawn."""
    if not parameters["contaminated"]:
        return parts
    rng = stream(seed, "contamination")
    atoms, drawn = draw_contamination(settings, rng)
    below = bool(rng.random() < 0.5)
    parameters |= drawn | {"contamination_below": below}
    levels = (np.floor(atoms[:, 2] / _SLAB) + 0.5) * _SLAB
    patch = Part(atoms, np.full(len(atoms), "C"), levels, np.full(len(atoms), NO_COLUMN))
    if below:
        return [patch, *(p.raised(drawn["contamination_thickness"] + _GAP) for p in parts)]
    return [*parts, patch.raised(max(p.thickness for p in parts) + _GAP)]
