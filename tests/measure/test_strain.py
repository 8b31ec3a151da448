"""Local strain against fields that are known, and against a fit made one column at a time."""

from __future__ import annotations

import numpy as np
import pytest
from ideal_crystals import A, cut, disk, roomy, table, turned
from scipy.linalg import polar

from hrtem_app.measure import MeasureSettings, measure
from hrtem_app.measure.strain import local_strain


@pytest.mark.parametrize("degrees", [0.0, 4.0, -21.0])
def test_a_homogeneous_deformation_is_found_exactly(degrees: float) -> None:
    points, _ = cut(20, disk(20))
    stretch = np.array([[1.03, 0.008], [0.008, 0.985]])
    deformed = turned(points @ stretch, degrees)
    strain = local_strain(points, deformed, 5.0)
    for found, expected in ((strain.xx, 0.03), (strain.yy, -0.015), (strain.xy, 0.008)):
        np.testing.assert_allclose(found, expected, atol=1e-10)
    np.testing.assert_allclose(np.rad2deg(strain.rotation), degrees, atol=1e-9)
    assert strain.noise == pytest.approx(0, abs=1e-7)


def test_each_column_has_the_least_squares_fit_of_its_neighbours() -> None:
    points, _ = cut(10, disk(12))
    rng = np.random.default_rng(5)
    noisy = points + rng.normal(0, 0.1, points.shape)
    strain = local_strain(points, noisy, 5.0)
    for row in (0, 17, 40):
        near = np.linalg.norm(points - points[row], axis=1) < 5.0
        design = np.column_stack([np.ones(near.sum()), points[near]])
        solution, *_ = np.linalg.lstsq(design, noisy[near], rcond=None)
        rotation, stretch = polar(solution[1:].T)
        np.testing.assert_allclose(
            [strain.xx[row], strain.yy[row], strain.xy[row]],
            [stretch[0, 0] - 1, stretch[1, 1] - 1, stretch[0, 1]],
            atol=1e-10,
        )
        assert strain.rotation[row] == pytest.approx(np.arctan2(rotation[1, 0], rotation[0, 0]))


def test_noise_and_error_are_those_of_the_scatter() -> None:
    points, _ = cut(25, disk(45))
    rng = np.random.default_rng(6)
    strain = local_strain(points, points + rng.normal(0, 0.08, points.shape), 5.0)
    assert strain.noise == pytest.approx(0.08, rel=0.03)
    inner = np.linalg.norm(points, axis=1) < 38
    scatter = np.concatenate([strain.xx[inner], strain.yy[inner]]).std()
    assert strain.error[inner].mean() == pytest.approx(scatter, rel=0.1)
    # 18 neighbours within 5 Å: 3, 6, 3 and 6 of them at a/√3, a, 2a/√3 and √7/√3 a.
    squares = (3 / 3 + 6 + 3 * 4 / 3 + 6 * 7 / 3) * A**2 / 2
    assert strain.error[inner].mean() == pytest.approx(0.08 / np.sqrt(squares), rel=0.03)


def test_a_wider_neighbourhood_is_more_precise() -> None:
    points, _ = cut(25, disk(45))
    noisy = points + np.random.default_rng(7).normal(0, 0.08, points.shape)
    inner = np.linalg.norm(points, axis=1) < 30
    near, wide = (local_strain(points, noisy, radius).xx[inner].std() for radius in (5.0, 10.0))
    assert wide < near / 2.5


def test_lonely_columns_have_no_strain() -> None:
    points = np.array([[0, 0], [A, 0], [2 * A, 0], [3 * A, 0], [4 * A, 0], [5 * A, 0], [6 * A, 0]])
    strain = local_strain(points, points, 30.0)
    assert np.isnan(strain.xx).all()
    assert np.isnan(strain.noise)


def test_a_gradient_is_followed_across_a_flake() -> None:
    points, classes = cut(30, disk(50))
    points = turned(points, 20)
    gradient = 4e-4
    bent = points + np.column_stack([gradient * points[:, 0] ** 2 / 2, np.zeros(len(points))])
    made = table(bent, classes, 8)
    measured = measure(made, settings=MeasureSettings(reference=A, strain_radius=8.0), image_shape=roomy(made))
    xx, error = measured.columns.strain[:, 0], measured.columns.strain_error
    expected = gradient * points[:, 0]
    inner = np.linalg.norm(points, axis=1) < 42
    slope = np.polyfit(expected[inner], xx[inner], 1)[0]
    assert slope == pytest.approx(1, abs=0.05)
    assert np.mean((xx - expected)[inner]) == pytest.approx(0, abs=1e-3)
    assert np.sqrt(np.mean(((xx - expected)[inner] / error[inner]) ** 2)) == pytest.approx(1, abs=0.15)
    (grain,) = measured.grains
    assert grain.noise == pytest.approx(8, rel=0.05)


def test_strain_is_relative_to_the_reference() -> None:
    points, classes = cut(20, disk(30), a=A * 1.01)
    made = table(turned(points, 33), classes)
    own = measure(made, image_shape=roomy(made)).columns
    absolute = measure(made, settings=MeasureSettings(reference=A), image_shape=roomy(made)).columns
    np.testing.assert_allclose(own.strain, 0, atol=1e-9)
    np.testing.assert_allclose(absolute.strain[:, :2], 0.01, atol=1e-9)
    np.testing.assert_allclose(absolute.strain[:, 2], 0, atol=1e-9)
    np.testing.assert_allclose(absolute.rotation, 0, atol=1e-9)
