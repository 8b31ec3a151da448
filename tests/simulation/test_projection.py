"""Projected potentials against abTEM's own and against the exact sum over atoms."""

from __future__ import annotations

from typing import Any

import abtem
import numpy as np
import pytest
from abtem.integrals import QuadratureProjectionIntegrals, ScatteringFactorProjectionIntegrals
from ase import Atoms

from hrtem_app.simulation.projection import FastFiniteProjection, SpectralProjection

POINTS, SAMPLING = 160, 0.1
SIDE = POINTS * SAMPLING
GRID = ((POINTS, POINTS), (SAMPLING, SAMPLING))


@pytest.fixture
def atoms() -> Atoms:
    rng = np.random.default_rng(1)
    positions = rng.uniform(0, [SIDE, SIDE, 6], (60, 3))
    # On a pixel, on the border, and at the corner.
    positions[:3] = [(1.0, 2.0, 3.0), (0.0, SIDE - 1e-9, 3.0), (SIDE - 1e-6, 5.0, 0.01)]
    symbols = rng.choice(["C", "S", "Mo"], 60).tolist()
    return Atoms(symbols, positions, cell=[SIDE, SIDE, 6], pbc=True)


def slices(atoms: Atoms, integrator: Any, thickness: float) -> np.ndarray:
    potential = abtem.Potential(atoms, gpts=POINTS, slice_thickness=thickness, integrator=integrator)
    return np.concatenate([s.array for s in potential.generate_slices()])


@pytest.mark.parametrize("parametrization", ["kirkland", "lobato"])
@pytest.mark.parametrize("thickness", [0.25, 1.0, 6.0])
def test_finite_projection_is_abtems(atoms: Atoms, parametrization: str, thickness: float) -> None:
    expected = slices(atoms, QuadratureProjectionIntegrals(parametrization), thickness)
    found = slices(atoms, FastFiniteProjection(parametrization), thickness)
    assert found.dtype == np.float32
    difference = found - expected
    assert np.abs(difference).max() < 3e-4 * expected.max()
    assert np.sqrt((difference**2).mean()) < 5e-5 * np.sqrt((expected**2).mean())


def exact(atoms: Atoms, parametrization: str) -> np.ndarray:
    """Σ f(k) exp(-2πi k·r) / pixel area on the grid's frequencies."""
    factors = ScatteringFactorProjectionIntegrals(parametrization).parametrization
    k = np.fft.fftfreq(POINTS, SAMPLING)
    square = k[:, None] ** 2 + k**2
    total = np.zeros((POINTS, POINTS), complex)
    for symbol in set(atoms.get_chemical_symbols()):
        x, y = atoms.positions[atoms.symbols == symbol, :2].T
        structure_factor = np.exp(-2j * np.pi * np.outer(k, x)) @ np.exp(-2j * np.pi * np.outer(y, k))
        total += structure_factor * factors.projected_scattering_factor(symbol)(square)
    return total / SAMPLING**2


@pytest.mark.parametrize("parametrization", ["kirkland", "lobato"])
def test_spectral_projection_is_exact_within_the_antialiasing_aperture(atoms: Atoms, parametrization: str) -> None:
    spectrum = np.fft.fft2(SpectralProjection(parametrization).integrate_on_grid(atoms, 0, 6, *GRID))
    k = np.fft.fftfreq(POINTS, SAMPLING)
    passed = np.hypot(k[:, None], k) < 2 / 3 * 0.5 / SAMPLING
    expected = exact(atoms, parametrization)
    passed[0, 0] = False

    def error(found: np.ndarray) -> float:
        return float(np.linalg.norm((found - expected)[passed]) / np.linalg.norm(expected[passed]))

    assert error(spectrum) < 1e-6
    # abTEM's own is blurred, which is why there is another one.
    theirs = ScatteringFactorProjectionIntegrals(parametrization).integrate_on_grid(atoms, 0, 6, *GRID)
    assert error(np.fft.fft2(theirs)) > 1e-2


def test_a_single_atom_has_the_integral_of_its_scattering_factor_at_zero() -> None:
    atom = Atoms("Mo", [(3.3, 4.4, 1)], cell=[SIDE, SIDE, 2], pbc=True)
    projected = SpectralProjection("kirkland").integrate_on_grid(atom, 0, 2, *GRID)
    factor = ScatteringFactorProjectionIntegrals("kirkland").parametrization.projected_scattering_factor("Mo")
    assert projected.sum() * SAMPLING**2 == pytest.approx(float(factor(np.zeros(1))[0]), rel=1e-5)
    assert np.unravel_index(projected.argmax(), projected.shape) == (33, 44)


@pytest.mark.parametrize("integrator", [FastFiniteProjection("kirkland"), SpectralProjection("kirkland")])
def test_no_atoms_have_no_potential(integrator: Any) -> None:
    assert not integrator.integrate_on_grid(Atoms(cell=[SIDE, SIDE, 2]), 0, 2, *GRID).any()


@pytest.mark.parametrize("integrator", [FastFiniteProjection("kirkland"), SpectralProjection("kirkland")])
def test_moving_all_atoms_by_pixels_moves_the_potential(atoms: Atoms, integrator: Any) -> None:
    moved = atoms.copy()
    moved.positions[:, :2] = (moved.positions[:, :2] + [0.7, -0.3]) % SIDE
    before, after = slices(atoms, integrator, 6.0)[0], slices(moved, integrator, 6.0)[0]
    np.testing.assert_allclose(after, np.roll(before, (7, -3), axis=(0, 1)), atol=2e-3 * before.max())
