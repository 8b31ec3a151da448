"""Thermal motion: the Debye formula, and the configurations that show it."""

from __future__ import annotations

import numpy as np
import pytest

from hrtem_app.simulation.phonons import configurations
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.simulation.structures import Structure, draw_structure
from hrtem_app.simulation.thermal import displacement

SIGMAS = {"C": 0.09, "S": 0.055, "Mo": 0.03}


@pytest.fixture(scope="module")
def structure() -> Structure:
    return draw_structure(1, StructureSettings(field_of_view=40.0))


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


def test_zero_point_motion_is_left_at_zero_temperature() -> None:
    # ⟨x²⟩ = 3ħ²/(8 m k θ)
    assert displacement("C", 0) == pytest.approx(displacement("C", 580) / np.sqrt(5))


@pytest.mark.parametrize(("symbol", "temperature", "debye"), [("C", -1, 580), ("Xx", 300, 580), ("C", 300, 0)])
def test_what_makes_no_displacement_is_refused(symbol: str, temperature: float, debye: float) -> None:
    with pytest.raises(ValueError, match="Xx" if symbol == "Xx" else str(temperature)):
        displacement(symbol, temperature, debye)


def moves(structure: Structure, count: int, sampling: str, seed: int = 3) -> np.ndarray:
    return np.stack(list(configurations(structure, SIGMAS, count, seed, sampling))) - structure.atoms.positions  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [0, 7])
def test_independent_configurations_are_those_of_abtem(structure: Structure, seed: int) -> None:
    abtem = pytest.importorskip("abtem")
    theirs = abtem.FrozenPhonons(structure.atoms, num_configs=4, sigmas=SIGMAS, seed=seed).to_atoms_ensemble()
    ours = configurations(structure, SIGMAS, 4, seed, "independent")
    for atoms, positions in zip(theirs.trajectory, ours, strict=True):
        np.testing.assert_allclose(positions, atoms.positions, atol=1e-12)


@pytest.mark.parametrize("count", [2, 3, 5, 10])
def test_balanced_configurations_are_balanced_for_every_atom(structure: Structure, count: int) -> None:
    displaced = moves(structure, count, "balanced")
    sigma = np.array([SIGMAS[s] for s in structure.atoms.get_chemical_symbols()])
    np.testing.assert_allclose(displaced.mean(axis=0), 0, atol=1e-12)
    in_plane = (displaced[..., :2] ** 2).mean(axis=0)
    np.testing.assert_allclose(in_plane.sum(axis=1), 2 * sigma**2, rtol=1e-9)
    if count > 2:
        np.testing.assert_allclose(in_plane, np.repeat(sigma[:, None] ** 2, 2, axis=1), rtol=1e-9)
        np.testing.assert_allclose((displaced[..., 0] * displaced[..., 1]).mean(axis=0), 0, atol=1e-12)


@pytest.mark.parametrize("sampling", ["independent", "balanced"])
def test_mean_squares_are_those_of_the_species(structure: Structure, sampling: str) -> None:
    displaced = moves(structure, 40, sampling)
    kinds = np.array(structure.atoms.get_chemical_symbols())
    for symbol, sigma in SIGMAS.items():
        square = (displaced[:, kinds == symbol] ** 2).mean(axis=(0, 1))
        np.testing.assert_allclose(square, sigma**2, rtol=0.08)


@pytest.mark.parametrize("sampling", ["independent", "balanced"])
def test_a_seed_decides_and_atoms_are_independent(structure: Structure, sampling: str) -> None:
    first, again, other = (moves(structure, 3, sampling, seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.05
    carbon = first[np.array(structure.atoms.get_chemical_symbols()) == "C"][:, :2]
    assert abs(np.corrcoef(carbon[:-1, 0], carbon[1:, 0])[0, 1]) < 0.08


def test_a_single_configuration_moves_the_atoms(structure: Structure) -> None:
    np.testing.assert_array_equal(moves(structure, 1, "balanced"), moves(structure, 1, "independent"))
    assert moves(structure, 1, "balanced").std() > 0.05
