"""Lattices cut to irregular outlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from skimage.measure import points_in_poly

from hrtem_app.ranges import draw
from hrtem_app.simulation.structure_settings import CORNERS, OFF_CENTRE, StructureSettings

if TYPE_CHECKING:
    from ase import Atoms

Points = NDArray[np.float64]


def lattice_points(cell: Points, angle: float, shift: Points, side: float) -> Points:
    """(n, 2) points (x, y) of a lattice that covers a square cell, with some beyond it.

    Parameters
    ----------
    cell
        (2, 2) lattice vectors as rows, in Å.
    angle
        Turn in rad around the middle of the square.
    shift
        (2,) of the lattice before it is turned, in Å.
    side
        Of the square in Å.
    """
    # The circle around the square is covered whatever the unit cell: its heights are the distances of rows.
    heights = abs(np.linalg.det(cell)) / np.linalg.norm(cell[::-1], axis=1)
    reach = np.ceil((side / np.sqrt(2) + np.abs(shift).max() + np.abs(cell).max()) / heights).astype(int) + 1
    i, j = np.meshgrid(np.arange(-reach[0], reach[0] + 1), np.arange(-reach[1], reach[1] + 1), indexing="ij")
    points = i.ravel()[:, np.newaxis] * cell[0] + j.ravel()[:, np.newaxis] * cell[1] + shift
    turned: Points = points @ rotation(angle) + side / 2
    return turned


def rotation(angle: float) -> Points:
    """(2, 2) matrix that turns rows of (x, y) by an angle in rad when they are multiplied with it from the left."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, s], [-s, c]])


def outline(settings: StructureSettings, radius: tuple[float, float], rng: np.random.Generator) -> Points:
    """(m, 2) corners (x, y) of an irregular polygon around the middle of the cell.

    Parameters
    ----------
    settings
        For the cell.
    radius
        Range of the mean radius, as a fraction of the field of view.
    rng
        Source of the draw.
    """
    corners = int(rng.integers(5, 10))
    # Jittered equal steps: corners drawn freely leave slivers and half-discs.
    angles = 2 * np.pi * (np.arange(corners) + rng.uniform(0, 0.7, corners)) / corners + rng.uniform(0, 2 * np.pi)
    mean = draw(radius, rng) * settings.field_of_view
    radii = mean * rng.uniform(*CORNERS, corners)
    middle = settings.cell / 2 + rng.uniform(-OFF_CENTRE, OFF_CENTRE, 2) * settings.field_of_view
    corner: Points = middle + radii[:, np.newaxis] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return corner


def inside(points: Points, corners: Points, side: float) -> NDArray[np.bool_]:
    """Which points (x, y) lie within an outline and the square cell."""
    in_cell = ((points[:, :2] >= 0) & (points[:, :2] < side)).all(axis=1)
    within: NDArray[np.bool_] = in_cell & points_in_poly(points[:, :2], corners)
    return within


def seam_clashes(points: Points, side: float, distance: float) -> NDArray[np.bool_]:
    """Points (x, y) that a periodic image of an earlier one comes nearer than `distance`: a lattice that does not fit.

    The cell is periodic and the lattice is not, so along its borders atoms may fall upon each other, where two
    potentials would add up to what no sample has.
    """
    clash = np.zeros(len(points), bool)
    if len(points) > 1:
        pairs = cKDTree(points[:, :2] % side, boxsize=side).query_pairs(distance, output_type="ndarray")
        clash[pairs.max(axis=1)] = True
    return clash


def flat_cell(unit: Atoms) -> Points:
    """(2, 2) lattice vectors of a layer, as rows."""
    vectors: Points = np.asarray(unit.cell)[:2, :2]
    return vectors
