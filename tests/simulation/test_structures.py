"""Structures: geometry, defects, options and seeds; labels are read off the atoms."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
from pydantic import ValidationError
from scipy.spatial import cKDTree

from hrtem_app.materials import find_material
from hrtem_app.recipe import explain
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.simulation.structures import NO_COLUMN, Structure, draw_structure, write_structure

SMALL = StructureSettings(field_of_view=40.0)
EVERYTHING = {"tilt": (0.01, 0.015), "ripple": (0.003, 0.005), "turbostratic": 1.0, "contamination": 1.0}


def changed(**values: Any) -> StructureSettings:
    return StructureSettings(**{"field_of_view": 40.0} | values)


def symbols(structure: Structure) -> np.ndarray:
    return np.array(structure.atoms.get_chemical_symbols())


@pytest.mark.parametrize("options", [{}, EVERYTHING], ids=["plain", "everything"])
@pytest.mark.parametrize("material", ["MoS2", "MoSe2", "WS2", "WSe2"])
@pytest.mark.parametrize("seed", range(4))
def test_labels_are_the_atoms(seed: int, material: str, options: dict[str, Any]) -> None:
    structure = draw_structure(seed, changed(material=material, **options))
    positions, cell = structure.atoms.positions, structure.atoms.cell.lengths()
    assert np.all((positions >= 0) & (positions <= cell))
    kinds = symbols(structure)
    classes = find_material(material).classes
    assert len(structure.positions) == len(structure.classes) == structure.columns.max() + 1
    for column, (place, index) in enumerate(zip(structure.positions, structure.classes, strict=True)):
        own = structure.columns == column
        assert tuple(kinds[own]) == classes[index].symbols
        # Mean over atoms that may lie on both sides of a border of the cell.
        aside = (positions[own][:, [1, 0]] - place + cell[0] / 2) % cell[0] - cell[0] / 2
        np.testing.assert_allclose(aside.mean(axis=0), 0, atol=1e-9)
        assert np.abs(aside).max() < 0.06
    assert set(kinds[structure.columns == NO_COLUMN]) <= {"C"}
    assert not {*kinds[structure.columns != NO_COLUMN]} & {"C"}


def test_the_same_seed_gives_the_same_structure_and_another_seed_another() -> None:
    first, again, other = (draw_structure(seed, SMALL) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.atoms.positions, again.atoms.positions)
    assert first.parameters == again.parameters
    assert first.parameters != other.parameters


@pytest.mark.parametrize("options", [{"contamination": 1.0}, {"support": "hBN"}, {"turbostratic": 1.0}])
def test_an_option_leaves_the_flake_as_it_was(options: dict[str, Any]) -> None:
    plain, other = draw_structure(5, SMALL), draw_structure(5, changed(**options))
    np.testing.assert_array_equal(plain.classes, other.classes)
    np.testing.assert_allclose(plain.positions, other.positions)


@pytest.mark.parametrize(
    ("material", "support", "bond", "carbon"), [("MoS2", "graphene", 3.16, 2.46), ("WSe2", "hBN", 3.30, 2.504)]
)
def test_bond_lengths(material: str, support: str, bond: float, carbon: float) -> None:
    perfect = changed(
        material=material,
        support=support,
        single_vacancies=(0, 0),
        column_vacancies=(0, 0),
        lattice_constant=(bond, bond),
        layers=(1, 1),
    )
    structure = draw_structure(1, perfect)
    distance, _ = cKDTree(structure.positions).query(structure.positions, k=2)
    assert np.median(distance[:, 1]) == pytest.approx(bond / np.sqrt(3), abs=1e-3)
    below = structure.atoms.positions[structure.columns == NO_COLUMN][:, :2]
    distance, _ = cKDTree(below).query(below, k=2)
    assert np.median(distance[:, 1]) == pytest.approx(carbon / np.sqrt(3), abs=1e-3)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        # S planes 3.19 Å apart, Mo between; from the top carbon sheet to the nearest S the stacking distance.
        ({"layers": (1, 1)}, [0, 4.0, 5.595, 7.19]),
        ({"layers": (3, 3)}, [0, 3.354, 6.708, 10.708, 12.303, 13.898]),
        ({"layers": (2, 2), "flake_first": 1.0}, [0, 1.595, 3.19, 7.19, 10.544]),
        ({"support": "none"}, [0, 1.595, 3.19]),
        ({"bare": 1.0}, [0, 1.595, 3.19]),
        ({"layers": (2, 2), "support": "hBN"}, [0, 3.33, 7.33, 8.925, 10.52]),
    ],
)
def test_sheets_are_stacked_as_stated(options: dict[str, Any], expected: list[float]) -> None:
    structure = draw_structure(7, changed(**{"distance": (4.0, 4.0), "flake_first": 0.0} | options))
    np.testing.assert_allclose(structure.sheets - structure.sheets[0], expected, atol=1e-5)
    np.testing.assert_allclose(structure.atoms.positions[:, 2], structure.levels, atol=1e-5)


def test_layers_of_graphite_are_shifted_by_a_bond() -> None:
    structure = draw_structure(2, changed(layers=(2, 2), single_vacancies=(0, 0), flake_first=0.0))
    z = structure.atoms.positions[:, 2]
    first, second = (structure.atoms.positions[np.isclose(z, level)][:, :2] for level in structure.sheets[:2])
    distance, _ = cKDTree(first).query(second)
    # Of the upper layer half of the atoms stand above one of the lower layer, half above a hollow.
    middle = np.linalg.norm(second - structure.side / 2, axis=1) < 12
    assert np.mean(distance[middle] < 1e-6) == pytest.approx(0.5, abs=0.05)
    assert np.mean(np.isclose(distance[middle], 1.42, atol=0.01)) == pytest.approx(0.5, abs=0.05)


def test_vacancies_come_at_the_rate_asked_for() -> None:
    settings = changed(field_of_view=120, single_vacancies=(0.1, 0.1), column_vacancies=(0, 0), flake_radius=(0.5, 0.5))
    two, one = (np.sum(draw_structure(5, settings).classes == c) for c in (1, 2))
    # Of pairs whose atoms go with 10 % each, 18 % lose one and 1 % lose both.
    assert one / (two + one) == pytest.approx(0.18 / 0.99, abs=0.03)
    whole = changed(field_of_view=120, column_vacancies=(0.3, 0.3), single_vacancies=(0, 0), flake_radius=(0.5, 0.5))
    perfect = whole.model_copy(update={"column_vacancies": (0.0, 0.0)})
    counts = [np.bincount(draw_structure(5, s).classes, minlength=3) for s in (whole, perfect)]
    np.testing.assert_allclose(counts[0][:2] / counts[1][:2], 0.7, atol=0.04)


def test_turns_are_drawn_from_the_list_and_the_range() -> None:
    turns = [
        draw_structure(seed, changed(turns=(0.0, 0.5), free_turn=(1.0, 1.2))).parameters["turn"] for seed in range(60)
    ]
    free = [t for t in turns if t not in (0.0, 0.5)]
    assert {0.0, 0.5} <= set(turns)
    assert all(1.0 <= t <= 1.2 for t in free)
    assert 10 < len(free) < 30


def test_turbostratic_layers_are_turned_one_by_one() -> None:
    structure = draw_structure(3, changed(layers=(4, 4), turbostratic=1.0, single_vacancies=(0, 0)))
    angles = []
    for level in structure.sheets:
        points = structure.atoms.positions[(structure.levels == level) & (structure.columns == NO_COLUMN)][:, :2]
        if len(points):
            pairs = cKDTree(points).query_pairs(1.45, output_type="ndarray")
            bonds = points[pairs[:, 0]] - points[pairs[:, 1]]
            angles.append(np.angle(np.mean(np.exp(6j * np.arctan2(bonds[:, 1], bonds[:, 0])))) / 6)
    assert len(angles) == 4
    assert min(abs(a - b) for i, a in enumerate(angles) for b in angles[:i]) > np.deg2rad(0.2)


def test_a_tilt_moves_the_planes_against_each_other() -> None:
    tilt = 0.015
    structure = draw_structure(4, changed(tilt=(tilt, tilt), single_vacancies=(0, 0)))
    flat = draw_structure(4, changed(single_vacancies=(0, 0)))
    moved = structure.atoms.positions - flat.atoms.positions
    moved[:, :2] = (moved[:, :2] + 20) % flat.side - 20
    from_neutral = flat.levels - flat.levels[flat.columns != NO_COLUMN].mean()
    np.testing.assert_allclose(np.linalg.norm(moved[:, :2], axis=1), np.abs(from_neutral) * np.tan(tilt), atol=1e-6)
    # One end of the cell is higher than the other by the side times the slope.
    assert np.ptp(structure.atoms.positions[:, 2] - structure.levels) > 0.7 * structure.side * tilt
    np.testing.assert_allclose(structure.positions, flat.positions, atol=1e-9)


def test_ripples_have_the_slope_asked_for_and_fit_the_cell() -> None:
    from hrtem_app.simulation.deformation import draw_height_field

    settings = changed(ripple=(0.004, 0.004))
    field, _ = draw_height_field(settings, np.random.default_rng(1))
    y, x = np.mgrid[0 : settings.cell : 0.5, 0 : settings.cell : 0.5]
    points = np.column_stack([x.ravel(), y.ravel()])
    assert np.sqrt((field.gradient(points) ** 2).sum(axis=1).mean()) == pytest.approx(0.004, rel=0.1)
    np.testing.assert_allclose(field.height(points), field.height(points + np.array([settings.cell, 0])), atol=1e-9)
    step = 1e-4
    slope = (field.height(points + np.array([step, 0])) - field.height(points - np.array([step, 0]))) / (2 * step)
    np.testing.assert_allclose(slope, field.gradient(points)[:, 0], atol=1e-8)


def test_contamination_is_amorphous_and_of_the_density_asked_for() -> None:
    settings = changed(
        support="none",
        contamination=1.0,
        contamination_thickness=(12.0, 12.0),
        contamination_radius=(2.0, 2.0),
        contamination_density=0.1,
    )
    structure = draw_structure(6, settings)
    carbon = structure.atoms.positions[structure.columns == NO_COLUMN]
    assert len(carbon) == pytest.approx(0.1 * 12 * structure.side**2, rel=0.02)
    distance, _ = cKDTree(carbon).query(carbon, k=2)
    assert distance[:, 1].min() >= 1.35
    lattice = np.abs(np.fft.fft2(np.histogram2d(carbon[:, 0], carbon[:, 1], bins=128)[0])) ** 2
    lattice[0, 0] = 0
    assert lattice.max() < 20 * lattice.mean()


def test_no_sheet_has_atoms_upon_each_other_across_the_border() -> None:
    structure = draw_structure(8, changed(layers=(1, 1), support_radius=(1.5, 1.5), flake_radius=(1.5, 1.5)))
    carbon = structure.atoms.positions[structure.columns == NO_COLUMN][:, :2]
    nearest, _ = cKDTree(carbon, boxsize=structure.side).query(carbon, k=2)
    assert nearest[:, 1].min() > 0.9
    nearest, _ = cKDTree(structure.positions, boxsize=structure.side).query(structure.positions, k=2)
    assert nearest[:, 1].min() > 1.2


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"material": "MoX2"}, r"material = 'MoX2'.*MoS2, MoSe2"),
        ({"support": "mica"}, r"support = 'mica'.*graphene, hBN"),
        ({"field_of_view": -3}, r"field_of_view = -3.*20 to 300 Å"),
        ({"layers": (0, 3)}, r"layers.*0 is outside of 1 to 20 layers"),
        ({"layers": (3, 1)}, r"layers 3 to 1 .*lower number first"),
        ({"temperature": (600, 100)}, r"temperature.*600 to 100 is no range"),
        ({"single_vacancies": (0, 1.5)}, r"single_vacancies.*1.5 is outside of 0 to 1"),
        ({"tilt": (0, 0.2)}, r"tilt.*0.2 is outside of 0 to 0.1 rad"),
        ({"turns": (-1.0,)}, r"turns"),
        ({"distance": (0.1, 3)}, r"distance.*1 to 20 Å"),
        ({"whole_flake": True}, r"flake_radius up to 0.6 of 40 Å does not fit into a cell of 46.8 Å: give at most 0.4"),
        ({"unheard": 1}, r"unheard"),
    ],
)
def test_impossible_settings_are_refused_by_name(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        changed(**values)
    assert re.search(message, explain(caught.value))


def test_whole_flakes_are_whole() -> None:
    settings = changed(whole_flake=True, flake_radius=(0.3, 0.42), column_vacancies=(0, 0))
    for seed in range(6):
        positions = draw_structure(seed, settings).positions
        assert len(positions) > 20
        assert ((positions > 0.2) & (positions < settings.cell - 0.2)).all()


def test_settings_survive_json() -> None:
    settings = changed(material="WSe2", tilt=(0.0, 0.01))
    assert StructureSettings.model_validate_json(settings.model_dump_json()) == settings
    schema = StructureSettings.model_json_schema()["properties"]
    assert schema["temperature"]["unit"] == "K"
    assert all("description" in entry for entry in schema.values())


def test_a_structure_goes_through_extended_xyz(tmp_path: Path) -> None:
    structure = draw_structure(2, changed(**EVERYTHING))
    write_structure(structure, tmp_path / "structure.xyz")
    read = ase.io.read(tmp_path / "structure.xyz")
    np.testing.assert_allclose(read.positions, structure.atoms.positions, atol=1e-7)
    np.testing.assert_array_equal(read.get_array("column"), structure.columns)
    assert read.get_chemical_formula() == structure.atoms.get_chemical_formula()
    np.testing.assert_allclose(read.cell.lengths(), structure.atoms.cell.lengths())
    assert read.info["layers"] == structure.parameters["layers"]


def test_vacancies_of_the_support_can_be_told_apart_from_those_of_the_flake() -> None:
    settings = changed(single_vacancies=(0.4, 0.4), column_vacancies=(0, 0), layers=(2, 2))
    rich, whole = (
        draw_structure(7, settings),
        draw_structure(7, settings.model_copy(update={"support_vacancies": (0, 0)})),
    )
    assert whole.parameters["support_vacancies"] == 0
    assert rich.parameters["support_vacancies"] == pytest.approx(0.4)
    np.testing.assert_array_equal(rich.classes, whole.classes)
    assert len(whole.atoms) > len(rich.atoms)
