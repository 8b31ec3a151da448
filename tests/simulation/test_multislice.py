"""Exit waves against a plain abTEM script, closed forms and each other."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Iterator
from typing import Any

import abtem
import numpy as np
import pytest
from pydantic import ValidationError

from hrtem_app.recipe import explain
from hrtem_app.simulation.multislice import (
    FAST,
    REFERENCE,
    MultisliceSettings,
    band_limited,
    displacements,
    draw_energy,
    exit_waves,
    grid_points,
    slice_thicknesses,
)
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.simulation.structures import Structure, draw_structure

SEED = 2


@pytest.fixture(scope="module")
def structure() -> Structure:
    return draw_structure(SEED, StructureSettings(field_of_view=20.0, margin=1.0, layers=(2, 2)))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with abtem.config.set({"local_diagnostics.progress_bar": False, "diagnostics.progress_bar": False}):
        yield


def changed(base: MultisliceSettings, **values: Any) -> MultisliceSettings:
    return MultisliceSettings.model_validate(base.model_dump() | values)


def waves(structure: Structure, settings: MultisliceSettings, seed: int = SEED) -> np.ndarray:
    return np.stack(list(exit_waves(structure, settings, seed)))


def test_reference_is_the_plain_script(structure: Structure) -> None:
    """abTEM's own phonons, potential and multislice, as its tutorial has them; equal to 1e-4."""
    settings = changed(REFERENCE, configurations=2)
    found = waves(structure, settings)
    phonons = abtem.FrozenPhonons(structure.atoms, num_configs=2, sigmas=displacements(structure, settings), seed=SEED)
    points = grid_points(structure.side, settings)
    potential = abtem.Potential(
        phonons, gpts=points, slice_thickness=0.25, parametrization="kirkland", projection="finite"
    )
    theirs = abtem.PlaneWave(energy=50e3).multislice(potential, lazy=False).array.swapaxes(-1, -2)
    expected = band_limited(theirs, found.shape[-1])
    assert np.abs(np.abs(found) ** 2 - np.abs(expected) ** 2).max() < 1e-4
    assert np.abs(found - expected).max() < 1e-4
    assert np.abs(expected - 1).max() > 0.3


def image(exit_waves: np.ndarray, side: float) -> np.ndarray:
    """Mean intensity at 50 keV, a defocus of 60 Å and a focal spread of 7 Å."""
    k = np.fft.fftfreq(exit_waves.shape[-1], side / exit_waves.shape[-1])
    phase = np.pi * 0.053553 * (k[:, None] ** 2 + k**2)
    transfer = np.exp(1j * 60 * phase - (7 * phase / 2) ** 2)
    found: np.ndarray = (np.abs(np.fft.ifft2(np.fft.fft2(exit_waves) * transfer)) ** 2).mean(axis=0)
    return found


def test_fast_is_near_the_reference(structure: Structure, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same kind of phonons what is left is slicing and sampling, a few percent of the contrast."""
    fast = image(waves(structure, FAST), structure.side)
    same = changed(REFERENCE, configurations=3, phonons="balanced")
    reference = image(waves(structure, same), structure.side)
    assert reference.std() > 0.05
    assert np.sqrt(((fast - reference) ** 2).mean()) < 0.04 * reference.std()
    # Where slices begin matters: an Å earlier is as wrong as an Å of defocus.
    monkeypatch.setattr("hrtem_app.simulation.multislice._LEAD", 1.125)
    early = image(waves(structure, FAST), structure.side)
    assert ((early - reference) ** 2).mean() > 1.5 * ((fast - reference) ** 2).mean()


def test_the_error_of_fast_is_below_the_shot_noise_of_the_highest_dose(structure: Structure) -> None:
    """10⁵ e/Å² on pixels of 0.225 Å; against the mean of two runs of the reference, without their own error."""
    fast = image(waves(structure, FAST), structure.side)
    one, other = (image(waves(structure, changed(REFERENCE, configurations=6), s), structure.side) for s in (11, 12))
    squared = np.mean((fast - one) * (fast - other)) / one.mean() ** 2
    independent = image(waves(structure, changed(FAST, phonons="independent")), structure.side)
    assert squared < 0.25 / (1e5 * 0.225**2)
    # What balanced phonons are for.
    assert np.mean((independent - one) * (independent - other)) / one.mean() ** 2 > 4 * squared


@pytest.mark.parametrize("settings", [FAST, changed(REFERENCE, configurations=2, sampling=0.13)])
def test_waves_have_the_shape_and_intensity_of_the_settings(structure: Structure, settings: MultisliceSettings) -> None:
    found = waves(structure, settings)
    assert found.shape == (settings.configurations, 110, 110)
    assert found.dtype == np.complex64
    np.testing.assert_allclose(np.mean(np.abs(found) ** 2, axis=(1, 2)), 1, atol=0.03)
    assert 0 < np.abs(found[0] - found[1]).mean() < 0.5 * np.abs(found[0] - 1).mean()


def test_the_same_seed_gives_the_same_waves_bit_for_bit(structure: Structure) -> None:
    first, again, other = (waves(structure, FAST, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


def test_vacuum_does_nothing() -> None:
    empty = draw_structure(1, StructureSettings(field_of_view=20.0, support="none", column_vacancies=(1.0, 1.0)))
    assert len(empty.atoms) == 0
    found = waves(empty, changed(FAST, configurations=1))
    np.testing.assert_allclose(found, np.full_like(found, found[0, 0, 0]), atol=1e-5)
    np.testing.assert_allclose(np.abs(found), 1, atol=1e-5)


def test_a_weak_potential_turns_the_phase_by_sigma_times_it() -> None:
    """First order: arg ψ = σ·V, σ = 2π m e λ/h² (Kirkland, Advanced Computing in Electron Microscopy, eq. 5.6)."""
    from abtem.core.energy import energy2sigma

    from hrtem_app.simulation.projection import projection

    lone = draw_structure(
        1, StructureSettings(field_of_view=20.0, material="MoS2", support="none", temperature=(0.0, 0.0))
    )
    keep = int(np.flatnonzero(lone.atoms.symbols == "S")[0])
    atoms, level = lone.atoms[[keep]], lone.levels[[keep]]
    single = Structure(atoms, level, np.zeros(1, int), np.empty((0, 2)), np.empty(0, int), lone.parameters)
    settings = changed(FAST, configurations=1, energy=(300e3, 300e3), displacements={"S": 0.0})
    points = grid_points(single.side, settings)
    step = single.side / points
    potential = projection("kirkland", "infinite").integrate_on_grid(atoms, 0, 9, (points, points), (step, step))
    expected = energy2sigma(300e3) * band_limited(potential.T.astype(complex), 134).real
    phase = np.angle(waves(single, settings)[0])
    middle = np.linalg.norm(np.stack(np.indices(phase.shape)) - phase.shape[0] / 2, axis=0)
    assert expected.max() > 0.05
    far = expected < 0.02 * expected.max()
    # The total phase, which no blur of the propagation to the exit changes.
    assert (phase - phase[far].mean()).sum() == pytest.approx((expected - expected[far].mean()).sum(), rel=0.05)
    assert middle.size == phase.size


def test_memory_does_not_grow_with_the_configurations(structure: Structure) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        for _ in exit_waves(structure, changed(FAST, configurations=count), SEED):
            pass
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(2)  # tables are made at the first use
    assert peak(12) < 1.2 * peak(2)


def test_planes_are_slices_that_begin_before_their_atoms(structure: Structure) -> None:
    thicknesses = np.array(slice_thicknesses(structure, FAST))
    np.testing.assert_allclose(np.cumsum(thicknesses)[:-1], structure.sheets - 0.125)
    assert thicknesses.sum() == pytest.approx(structure.atoms.cell[2, 2])
    assert slice_thicknesses(structure, REFERENCE) == 0.25


@pytest.mark.parametrize(("side", "sampling", "points"), [(76.8, 0.1, 770), (76.8, 0.13, 594), (146.8, 0.1, 1470)])
def test_grids_are_fine_enough_and_quick(side: float, sampling: float, points: int) -> None:
    settings = changed(FAST, sampling=sampling)
    assert grid_points(side, settings) == points
    assert side / points <= sampling


def test_energies_are_drawn_for_each_seed() -> None:
    settings = changed(FAST, energy=(50e3, 80e3))
    energies = [draw_energy(seed, settings) for seed in range(30)]
    assert energies == [draw_energy(seed, settings) for seed in range(30)]
    assert 50e3 <= min(energies) < 58e3 < 72e3 < max(energies) <= 80e3


def test_the_energy_changes_the_wave(structure: Structure) -> None:
    low, high = (waves(structure, changed(FAST, energy=(e, e), configurations=1)) for e in (50e3, 80e3))
    # The interaction parameter σ falls by a fifth.
    assert np.abs(high - 1).mean() < 0.95 * np.abs(low - 1).mean()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sampling": 0.15}, r"sampling of 0.15 Å aliases: waves stored at 0.2 Å need it to be 0.133 Å"),
        ({"sampling": 0.5}, r"sampling = 0.5.*0.01 to 0.2 Å"),
        ({"energy": (1e3, 5e4)}, r"energy.*1000 is outside of 10000 to 400000 eV"),
        ({"configurations": 0}, r"configurations = 0"),
        ({"displacements": {"Xy": 0.1}}, r"displacements.*'Xy' is no chemical symbol"),
        ({"displacements": {"C": -0.1}}, r"displacements.C = -0.1"),
        ({"debye_temperature": 0}, r"debye_temperature = 0.*1 to 5000 K"),
        ({"parametrization": "weickenmeier"}, r"parametrization.*'kirkland' or 'lobato'"),
        ({"projection": "finite"}, r"slices = 'planes'.*thickness"),
        ({"slices": 0.001}, r"slices.*0.05 to 5 Å"),
        ({"phonons": "random"}, r"phonons"),
    ],
)
def test_impossible_settings_are_refused_by_name(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        MultisliceSettings(**values)
    assert re.search(message, explain(caught.value))


def test_band_limiting_keeps_a_plane_wave_at_its_places() -> None:
    x = np.arange(240) / 240
    wave = np.exp(2j * np.pi * (9 * x[:, None] - 14 * x))[None]
    y = np.arange(100) / 100
    np.testing.assert_allclose(band_limited(wave, 100), np.exp(2j * np.pi * (9 * y[:, None] - 14 * y))[None], atol=1e-5)
