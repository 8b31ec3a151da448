"""Rows of vacancies: what they take, and how far the flake closes up."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from scipy.spatial import cKDTree

from hrtem_app.materials import find_material
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.simulation.structures import NO_COLUMN, Structure, draw_structure

MO, TWO_S, ONE_S = range(3)


def _drawn(seed: int, **values: Any) -> Structure:
    plain = {
        "field_of_view": 60.0,
        "layers": (1, 1),
        "flake_radius": (0.5, 0.5),
        "single_vacancies": (0.0, 0.0),
        "column_vacancies": (0.0, 0.0),
        "temperature": (0.0, 0.0),
    }
    return draw_structure(seed, StructureSettings(**plain | values))


@pytest.mark.parametrize("seed", range(5))
def test_a_line_takes_one_atom_of_each_pair_and_nothing_else(seed: int) -> None:
    plain = _drawn(seed)
    lined = _drawn(seed, vacancy_lines=(1, 1), line_contraction=(0.0, 0.0), line_filling=(1.0, 1.0))
    np.testing.assert_allclose(lined.positions, plain.positions, atol=1e-9)
    assert (plain.classes != ONE_S).all()
    changed = np.flatnonzero(plain.classes != lined.classes)
    assert len(changed)
    assert (plain.classes[changed] == TWO_S).all()
    assert (lined.classes[changed] == ONE_S).all()
    assert lined.parameters["vacancy_lines"] == 1
    assert plain.parameters["vacancy_lines"] == 0


@pytest.mark.parametrize("seed", range(5))
def test_vacancies_of_a_line_follow_each_other_along_a_zigzag_row(seed: int) -> None:
    constant = find_material("MoS2").lattice_constants[0]
    structure = _drawn(
        seed,
        vacancy_lines=(1, 1),
        lattice_constant=(constant, constant),
        line_contraction=(0.0, 0.0),
        line_filling=(1.0, 1.0),
        line_length=(30.0, 30.0),
    )
    singles = structure.positions[structure.classes == ONE_S]
    assert len(singles) >= 3
    # Each has another one a lattice constant away, and all lie in one row of that direction, or in two neighbours.
    distances, nearest = cKDTree(singles).query(singles, k=2)
    np.testing.assert_allclose(distances[:, 1], constant, atol=1e-6)
    directions = (singles[nearest[:, 1]] - singles) / constant
    places = [np.unique(np.round(singles @ (-d[1], d[0]), 4)) for d in directions]
    rows = min(places, key=len)
    assert len(rows) <= 2
    assert np.ptp(rows) == pytest.approx((len(rows) - 1) * constant * 3**0.5 / 2, abs=1e-3)


def _row_of_each(places: np.ndarray) -> np.ndarray:
    """(n,) which row along a zigzag direction each vacancy lies in: the direction with the fewest rows."""
    pairs = cKDTree(places).query_pairs(3.3, output_type="ndarray")
    steps = places[pairs[:, 1]] - places[pairs[:, 0]]
    across = [np.unique(np.round(places @ (-y, x) / np.hypot(y, x)), return_inverse=True)[1] for x, y in steps]
    return min(across, key=lambda rows: rows.max())


def test_every_row_loses_atoms_of_one_sheet() -> None:
    rows, sheets = 0, set()
    for seed in range(8):
        structure = _drawn(
            seed,
            vacancy_lines=(1, 1),
            line_filling=(1.0, 1.0),
            line_length=(40.0, 40.0),
            line_contraction=(0.0, 0.0),
            flake_first=0.0,
        )
        singles = np.flatnonzero(structure.classes == ONE_S)
        height = np.array([structure.levels[structure.columns == column].item() for column in singles])
        row = _row_of_each(structure.positions[singles])
        middle = structure.levels[structure.columns != NO_COLUMN].mean()
        for number in np.unique(row):
            (left,) = np.unique(height[row == number])
            rows, sheets = rows + 1, sheets | {bool(left > middle)}
    assert rows > 8
    assert sheets == {False, True}


@pytest.mark.parametrize("contraction", [0.2, 0.5])
def test_the_rows_beside_a_line_come_nearer_by_what_is_asked_for(contraction: float) -> None:
    settings = {"vacancy_lines": (1, 1), "line_filling": (1.0, 1.0), "line_length": (50.0, 50.0)}
    found = []
    for seed in range(6):
        closed = _drawn(seed, line_contraction=(contraction, contraction), **settings)
        open_ = _drawn(seed, line_contraction=(0.0, 0.0), **settings)
        singles = open_.classes == ONE_S
        place = open_.positions[singles].mean(axis=0)
        direction = np.linalg.svd(open_.positions[singles] - place)[2]
        if np.ptp((open_.positions[singles] - place) @ direction[1]) > 0.1:
            continue  # two rows
        near = np.linalg.norm(open_.positions - place, axis=1) < 5
        metal = near & (open_.classes == MO)
        before = (open_.positions[metal] - place) @ direction[1]
        after = (closed.positions[metal] - place) @ direction[1]
        above, below = before == before[before > 0].min(), before == before[before < 0].max()
        found.append(before[above].mean() - before[below].mean() - after[above].mean() + after[below].mean())
        np.testing.assert_allclose((open_.positions - closed.positions)[metal] @ direction[0], 0, atol=1e-6)
    assert len(found) >= 2
    # In the middle of the line, where an ellipse has its full width, less what a flake gives way over a bond.
    assert np.mean(found) == pytest.approx(contraction, rel=0.2)
    assert np.max(found) <= contraction + 1e-9


def test_lines_that_reach_beyond_the_flake_take_what_is_there() -> None:
    # Middles are any pair, so that of such long double rows some have their second one outside of the flake.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        structure = _drawn(4, vacancy_lines=(50, 50), line_length=(200.0, 300.0), flake_radius=(0.2, 0.2))
    assert structure.parameters["vacancy_lines"] == 50
    assert len(structure.positions) == len(structure.classes) > 0


def test_lines_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(ValueError, match="vacancy_lines 3 to 1 are no range"):
        StructureSettings(vacancy_lines=(3, 1))
