"""From a seed to a structure: an irregular MoS2 flake with defects on graphite (thesis section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from ase import Atoms
from ase.build import mx2
from numpy.typing import NDArray
from pydantic import Field
from skimage.measure import points_in_poly

from hrtem_app.recipe import Part

GRAPHITE_A, GRAPHITE_C = 2.46, 6.708
_MO, _TWO_S, _ONE_S = 0, 1, 2
_VACUUM = 1.5

Range = tuple[float, float]


class StructureSettings(Part):
    """The ranges that a structure is drawn from; every draw is uniform."""

    field_of_view: Annotated[float, Field(ge=20, le=300, description="Side of the image in Å.")] = 70.0
    margin: Annotated[float, Field(ge=0, le=20, description="Rim of the cell that no image shows, in Å.")] = 3.4
    layers: Annotated[tuple[int, int], Field(description="Graphite layers, least and most.")] = (1, 6)
    lattice_constant: Annotated[Range, Field(description="Lattice constant of MoS2 in Å.")] = (3.16, 3.18)
    distance: Annotated[Range, Field(description="From the top graphite layer to the nearest S layer in Å.")] = (
        3.3,
        7.0,
    )
    single_vacancies: Annotated[Range, Field(description="Fraction of single S and C atoms removed.")] = (0.0, 0.05)
    column_vacancies: Annotated[Range, Field(description="Fraction of Mo columns and S dimers removed.")] = (0.0, 0.05)
    flake_radius: Annotated[
        Range, Field(description="Mean radius of the flake, as a fraction of the field of view.")
    ] = (0.28, 0.6)
    support_radius: Annotated[Range, Field(description="Mean radius of the support, likewise.")] = (0.4, 0.9)
    temperature: Annotated[Range, Field(description="Temperature in K.")] = (100.0, 600.0)

    @property
    def cell(self) -> float:
        """Side of the simulated cell in Å."""
        return self.field_of_view + 2 * self.margin


@dataclass(frozen=True, eq=False)
class Structure:
    """Atoms and the truth about them.

    Parameters
    ----------
    atoms
        In a periodic cell, beam along +z.
    positions
        (n, 2) column positions (y, x) in Å.
    classes
        (n,) 0 Mo, 1 2S, 2 1S.
    parameters
        Everything that was drawn.
    """

    atoms: Atoms
    positions: NDArray[np.float64]
    classes: NDArray[np.int64]
    parameters: dict[str, Any]

    @property
    def planes(self) -> tuple[float, ...]:
        """Heights of the atomic planes in Å, ascending."""
        return tuple(float(z) for z in np.unique(np.round(self.atoms.positions[:, 2], 3)))


def draw_structure(seed: int, settings: StructureSettings) -> Structure:
    """Draw a structure; the same seed and settings give the same one.

    Parameters
    ----------
    seed
        Any non-negative integer.
    settings
        The ranges.
    """
    rng = np.random.default_rng([seed, 0])
    layers = int(rng.integers(settings.layers[0], settings.layers[1] + 1))
    support_angle = float(rng.uniform(0, 60))
    # The thesis' choice: an aligned flake, one turned by 15° or 30°, or any angle.
    turn = float(rng.choice([0.0, 15.0, 30.0, rng.uniform(0, 90)]))
    single, whole = rng.uniform(*settings.single_vacancies), rng.uniform(*settings.column_vacancies)
    lattice_constant, distance = rng.uniform(*settings.lattice_constant), rng.uniform(*settings.distance)
    carbon = _graphite(layers, support_angle, settings, rng)
    carbon = carbon[rng.random(len(carbon)) >= rng.uniform(*settings.single_vacancies)]
    columns, classes = _flake(lattice_constant, support_angle + turn, settings, rng)
    columns, classes = _with_defects(columns, classes, single, whole, rng)
    thickness = (layers - 1) * GRAPHITE_C / 2
    flake, is_mo = _flake_atoms(columns, classes, thickness + distance, rng)
    positions = np.concatenate([carbon, flake])
    symbols = ["C"] * len(carbon) + ["Mo" if mo else "S" for mo in is_mo]
    flipped = bool(rng.random() < 0.5)
    if flipped:
        positions[:, 2] = positions[:, 2].max() - positions[:, 2]
    positions[:, 2] += _VACUUM - positions[:, 2].min()
    height = float(positions[:, 2].max() + _VACUUM)
    atoms = Atoms(symbols, positions, cell=[settings.cell, settings.cell, height], pbc=True)
    parameters = {
        "seed": seed,
        "layers": layers,
        "support_angle": support_angle,
        "turn": turn,
        "single_vacancies": float(single),
        "column_vacancies": float(whole),
        "lattice_constant": float(lattice_constant),
        "distance": float(distance),
        "flake_first": flipped,
        "temperature": float(rng.uniform(*settings.temperature)),
    }
    return Structure(atoms, columns[:, ::-1].copy(), classes, parameters)


def _graphite(layers: int, angle: float, settings: StructureSettings, rng: np.random.Generator) -> NDArray[np.float64]:
    """(n, 3) carbon positions: AB-stacked layers, each cut by the same outline."""
    outline = _outline(settings, settings.support_radius, rng)
    basis = np.array([[0, 0], [0, GRAPHITE_A / np.sqrt(3)]])
    sheets = []
    for layer in range(layers):
        shift = np.array([0, GRAPHITE_A / np.sqrt(3)]) * (layer % 2)
        points = np.concatenate([_lattice(GRAPHITE_A, b + shift, angle, settings.cell) for b in basis])
        points = points[points_in_poly(points, outline)]
        sheets.append(np.column_stack([points, np.full(len(points), layer * GRAPHITE_C / 2)]))
    return np.concatenate(sheets)


def _flake(
    lattice_constant: float, angle: float, settings: StructureSettings, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(n, 2) columns (x, y) of a perfect irregular flake and their classes."""
    outline = _outline(settings, settings.flake_radius, rng)
    cell = mx2("MoS2", a=lattice_constant)
    sulphur = cell.positions[1, :2] - cell.positions[0, :2]
    shift = rng.uniform(0, lattice_constant, 2)
    mo = _lattice(lattice_constant, shift, angle, settings.cell)
    s = _lattice(lattice_constant, shift + sulphur, angle, settings.cell)
    mo, s = mo[points_in_poly(mo, outline)], s[points_in_poly(s, outline)]
    return np.concatenate([mo, s]), np.repeat([_MO, _TWO_S], [len(mo), len(s)])


def _with_defects(
    columns: NDArray[np.float64], classes: NDArray[np.int64], single: float, whole: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Remove whole columns, then single sulphur atoms; a pair that loses both atoms is gone."""
    kept = rng.random(len(columns)) >= whole
    columns, classes = columns[kept], classes[kept].copy()
    lost = (rng.random((len(columns), 2)) < single).sum(axis=1)
    classes[(classes == _TWO_S) & (lost == 1)] = _ONE_S
    gone = (classes == _TWO_S) & (lost == 2)
    return columns[~gone], classes[~gone]


def _flake_atoms(
    columns: NDArray[np.float64], classes: NDArray[np.int64], bottom: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(n, 3) atoms of the columns, and which are Mo; of a 1S column either the upper or the lower atom is left."""
    half = float(np.ptp(mx2("MoS2").positions[:, 2])) / 2
    mo, two, one = columns[classes == _MO], columns[classes == _TWO_S], columns[classes == _ONE_S]
    one_z = bottom + 2 * half * (rng.random(len(one)) < 0.5)
    parts = [
        np.column_stack([mo, np.full(len(mo), bottom + half)]),
        np.column_stack([two, np.full(len(two), bottom)]),
        np.column_stack([two, np.full(len(two), bottom + 2 * half)]),
        np.column_stack([one, one_z]),
    ]
    atoms = np.concatenate(parts)
    return atoms, np.arange(len(atoms)) < len(mo)


def _lattice(a: float, offset: NDArray[np.float64], angle: float, cell: float) -> NDArray[np.float64]:
    """(n, 2) points (x, y) of a hexagonal lattice in the cell, shifted, then turned by `angle` degrees."""
    reach = int(np.ceil(cell / a)) + 2
    i, j = np.meshgrid(np.arange(-reach, reach + 1), np.arange(-reach, reach + 1))
    points = np.stack([a * (i - j / 2).ravel(), a * np.sqrt(3) / 2 * j.ravel()], axis=1) + offset
    t = np.deg2rad(angle)
    points = points @ np.array([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]]) + cell / 2
    inside: NDArray[np.float64] = points[((points >= 0) & (points < cell)).all(axis=1)]
    return inside


def _outline(settings: StructureSettings, radius: Range, rng: np.random.Generator) -> NDArray[np.float64]:
    """(m, 2) corners (x, y) of an irregular polygon around the middle of the cell."""
    corners = int(rng.integers(5, 10))
    # Jittered equal steps: corners drawn freely leave slivers and half-discs.
    angles = 2 * np.pi * (np.arange(corners) + rng.uniform(0, 0.7, corners)) / corners + rng.uniform(0, 2 * np.pi)
    mean = rng.uniform(*radius) * settings.field_of_view
    radii = mean * rng.uniform(0.8, 1.15, corners)
    middle = settings.cell / 2 + rng.uniform(-0.08, 0.08, 2) * settings.field_of_view
    corner: NDArray[np.float64] = middle + radii[:, np.newaxis] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return corner
