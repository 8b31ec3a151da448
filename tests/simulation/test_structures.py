"""Structures: geometry, defects and seeds; thermal motion."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from hrtem_app.simulation.multislice import MultisliceSettings, band_limited, slice_thicknesses
from hrtem_app.simulation.structures import StructureSettings, draw_structure
from hrtem_app.simulation.thermal import displacement

SMALL = StructureSettings(field_of_view=40.0)


@pytest.mark.parametrize(
    ("symbol", "temperature", "expected"),
    [
        ("C", 300, 0.0895),
        ("S", 300, 0.0548),
        ("Mo", 300, 0.0317),
        ("C", 600, 0.1158),
        ("S", 600, 0.0709),
        ("Mo", 600, 0.0410),
    ],
)
def test_thermal_displacement(symbol: str, temperature: float, expected: float) -> None:
    assert displacement(symbol, temperature) == pytest.approx(expected, abs=6e-5)


@pytest.mark.parametrize("seed", range(8))
def test_labels_are_the_atoms(seed: int) -> None:
    structure = draw_structure(seed, SMALL)
    symbols = np.array(structure.atoms.get_chemical_symbols())
    assert np.all((structure.atoms.positions >= 0) & (structure.atoms.positions <= structure.atoms.cell.lengths()))
    for index, (symbol, count) in enumerate((("Mo", 1), ("S", 2), ("S", 1))):
        places = structure.positions[structure.classes == index]
        atoms = structure.atoms.positions[symbols == symbol][:, [1, 0]]
        if len(places):
            near = cKDTree(atoms).query_ball_point(places, 0.01)
            assert {len(n) for n in near} == {count}
    assert np.sum(symbols == "S") == 2 * np.sum(structure.classes == 1) + np.sum(structure.classes == 2)


def test_the_same_seed_gives_the_same_structure_and_another_seed_another() -> None:
    first, again, other = (draw_structure(seed, SMALL) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.atoms.positions, again.atoms.positions)
    assert first.parameters == again.parameters
    assert first.parameters != other.parameters


def test_bond_lengths() -> None:
    perfect = StructureSettings(
        field_of_view=40, single_vacancies=(0, 0), column_vacancies=(0, 0), lattice_constant=(3.16, 3.16), layers=(1, 1)
    )
    structure = draw_structure(1, perfect)
    distance, _ = cKDTree(structure.positions).query(structure.positions, k=2)
    assert np.median(distance[:, 1]) == pytest.approx(3.16 / np.sqrt(3), abs=1e-3)
    carbon = structure.atoms.positions[np.array(structure.atoms.get_chemical_symbols()) == "C"][:, :2]
    distance, _ = cKDTree(carbon).query(carbon, k=2)
    assert np.median(distance[:, 1]) == pytest.approx(2.46 / np.sqrt(3), abs=1e-3)


def test_vacancies_come_at_the_rate_asked_for() -> None:
    settings = StructureSettings(
        field_of_view=120, single_vacancies=(0.1, 0.1), column_vacancies=(0, 0), flake_radius=(0.5, 0.5)
    )
    structure = draw_structure(5, settings)
    two, one = (np.sum(structure.classes == c) for c in (1, 2))
    # Of pairs whose atoms go with 10 % each, 18 % lose one and 1 % lose both.
    assert one / (two + one) == pytest.approx(0.18 / 0.99, abs=0.03)


def test_planes_are_slices_that_begin_before_their_atoms() -> None:
    structure = draw_structure(2, SMALL)
    thicknesses = np.array(slice_thicknesses(structure, MultisliceSettings()))
    borders = np.cumsum(thicknesses)[:-1]
    np.testing.assert_allclose(borders, np.array(structure.planes) - 0.5)
    assert thicknesses.sum() == pytest.approx(structure.atoms.cell[2, 2])
    assert slice_thicknesses(structure, MultisliceSettings(slices=0.25)) == 0.25


def test_band_limiting_keeps_a_plane_wave_at_its_places() -> None:
    x = np.arange(240) / 240
    wave = np.exp(2j * np.pi * (9 * x[:, None] - 14 * x))[None]
    y = np.arange(100) / 100
    np.testing.assert_allclose(band_limited(wave, 100), np.exp(2j * np.pi * (9 * y[:, None] - 14 * y))[None], atol=1e-5)
