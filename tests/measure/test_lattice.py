"""The lattice of a grain: its places, its fit, its errors."""

from __future__ import annotations

import numpy as np
import pytest
from ideal_crystals import MO, A, Points, cut, disk, roomy, sheet, table, turned

from hrtem_app.measure import measure
from hrtem_app.measure.grain import GrainMeasurement
from hrtem_app.measure.lattice import Lattice, fit_lattice


def only_grain(points: Points, classes: np.ndarray, noise_pm: float = 0, seed: int = 0) -> GrainMeasurement:
    made = table(points, classes, noise_pm, seed)
    (grain,) = measure(made, image_shape=roomy(made)).grains
    return grain


def lattice_of(grain: GrainMeasurement) -> Lattice:
    assert grain.lattice is not None
    return grain.lattice


@pytest.mark.parametrize("degrees", [0.0, 7.5, 29.0, 30.0, 44.0, 59.5, 100.0])
def test_constant_and_orientation(degrees: float) -> None:
    points, classes = cut(20, disk(30))
    grain = only_grain(turned(points, degrees), classes)
    lattice = lattice_of(grain)
    assert grain.columns == len(points)
    assert lattice.constant == pytest.approx(A, abs=1e-9)
    assert (lattice.orientation - degrees + 30) % 60 - 30 == pytest.approx(0, abs=1e-7)
    assert lattice.anisotropy == pytest.approx(0, abs=1e-9)
    assert lattice.cell_area == pytest.approx(np.sqrt(3) / 2 * A**2)
    assert grain.displacement == pytest.approx(0, abs=1e-6)
    assert grain.agreement == 1


def test_errors_are_as_large_as_the_scatter_of_repeated_measurements() -> None:
    points, classes = cut(20, disk(25))
    fits = [lattice_of(only_grain(turned(points, 11), classes, 8, seed)) for seed in range(60)]
    deviations = np.array([(fit.constant - A) / fit.constant_error for fit in fits])
    # 60 draws: the standard deviation of a standard normal is known to 9 %.
    assert 0.7 < deviations.std() < 1.3
    assert abs(deviations.mean()) < 0.45
    assert np.mean([fit.deviation for fit in fits]) == pytest.approx(0.08, rel=0.02)
    # Two components of that error each; their length is 1.25 of it in the mean (Rayleigh).
    ratio = np.mean([fit.anisotropy / fit.anisotropy_error for fit in fits])
    assert ratio == pytest.approx(np.sqrt(np.pi / 2), rel=0.25)


def test_the_error_of_the_constant_is_that_of_numerical_differentiation() -> None:
    points, classes = cut(12, disk(15))
    lattice = lattice_of(only_grain(points, classes, 8))
    slopes = []
    for vector, axis in np.ndindex(2, 2):
        moved = lattice.vectors.copy()
        moved[vector, axis] += 1e-6
        other = Lattice(lattice.origin, moved, lattice.covariance, 0, 0, 0)
        slopes.append((other.constant - lattice.constant) / 1e-6)
    slope = np.array(slopes).reshape(2, 2)
    variance = sum(slope[:, axis] @ lattice.covariance @ slope[:, axis] for axis in range(2))
    assert lattice.constant_error == pytest.approx(np.sqrt(variance), rel=1e-4)


@pytest.mark.parametrize("along", [0.0, 35.0, 90.0, 160.0])
def test_a_known_stretch_is_found_with_its_direction(along: float) -> None:
    points, classes = cut(20, disk(30))
    points = turned(points, 13)
    stretch = np.diag([1.02, 0.995])
    stretched = turned(turned(points, -along) @ stretch, along)
    lattice = lattice_of(only_grain(stretched, classes, 6))
    assert lattice.anisotropy == pytest.approx(1.02 / 0.995 - 1, abs=6 * lattice.anisotropy_error)
    assert (lattice.anisotropy_direction - along + 90) % 180 - 90 == pytest.approx(0, abs=3)
    assert lattice.constant == pytest.approx(A * np.sqrt(1.02 * 0.995), abs=6 * lattice.constant_error)


def test_outliers_do_not_pull_the_fit() -> None:
    points, classes = cut(20, disk(30))
    rng = np.random.default_rng(3)
    moved = rng.choice(len(points), len(points) // 20, replace=False)
    pulled = points + rng.normal(0, 0.05, points.shape)
    pulled[moved] += [0.5, 0.2]
    grain = only_grain(pulled, classes)
    lattice = lattice_of(grain)
    assert lattice.constant == pytest.approx(A, abs=4 * lattice.constant_error)
    assert lattice.deviation == pytest.approx(0.05, rel=0.1)
    assert len(moved) - 3 <= lattice.outliers <= len(moved) + 3


def test_a_bend_of_more_than_a_bond_loses_no_column() -> None:
    points, classes = cut(40, disk(60))
    bent = points.copy()
    bent[:, 1] += 0.0015 * points[:, 0] ** 2
    # The ends lie 5.4 Å away from where a straight lattice has them, three bonds.
    made = table(bent, classes, 5)
    measured = measure(made, image_shape=roomy(made))
    (grain,) = measured.grains
    assert grain.columns == len(points)
    assert grain.misfits == 0
    assert not measured.defects
    assert np.isfinite(measured.columns.displacement).all()
    assert np.hypot(*measured.columns.displacement.T).max() > 180


def test_displacement_is_that_which_was_put_in() -> None:
    points, classes = cut(20, disk(30))
    moved = points.copy()
    moved[100] += [0.3, -0.12]
    made = table(moved, classes)
    measured = measure(made, image_shape=roomy(made))
    np.testing.assert_allclose(measured.columns.displacement[100], [30, -12], atol=0.1)
    assert np.abs(np.delete(measured.columns.displacement, 100, axis=0)).max() < 0.1


def test_sulphur_beside_its_place_is_an_offset_of_the_sublattice() -> None:
    points, classes = cut(20, disk(30))
    points[classes != MO] += [0.06, -0.02]
    grain = only_grain(points, classes, 5)
    assert grain.sublattice_offset == pytest.approx((6, -2), abs=1)


def test_too_few_columns_have_no_lattice() -> None:
    points, classes = sheet(0)
    measured = measure(table(points, classes), image_shape=(300, 300))
    assert not measured.grains
    assert any("2 of 2 columns fit no lattice" in warning for warning in measured.warnings)
    assert np.isnan(measured.columns.displacement).all()


def test_a_fit_of_exact_places() -> None:
    coordinates = np.array([[0, 0], [1, 0], [0, 1], [2, 3], [4, -1], [1 / 3, 1 / 3]])
    origin, vectors = np.array([3.0, -2.0]), np.array([[3.1, 0.4], [1.2, 2.8]])
    fit = fit_lattice(coordinates, origin + coordinates @ vectors)
    np.testing.assert_allclose(fit.vectors, vectors)
    np.testing.assert_allclose(fit.origin, origin)
    assert (fit.columns, fit.outliers) == (6, 0)
