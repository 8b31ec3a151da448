"""Distances of nearest neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from ideal_crystals import MO, ONE_S, SAMPLING, TWO_S, A, cut, disk, roomy, sheet, table, turned

from hrtem_app.measure import measure


@pytest.mark.parametrize("degrees", [0.0, 14.0])
def test_distances_of_an_ideal_sheet(degrees: float) -> None:
    points, classes = cut(20, disk(30))
    classes[np.flatnonzero(classes == TWO_S)[::5]] = ONE_S
    made = table(turned(points, degrees), classes)
    distances = measure(made, image_shape=roomy(made)).distances
    assert list(distances) == ["Mo-S", "Mo-Mo", "S-S"]
    for pair, expected in (("Mo-S", A / np.sqrt(3)), ("Mo-Mo", A), ("S-S", A)):
        assert distances[pair].mean == pytest.approx(expected, abs=1e-9)
        assert distances[pair].deviation == pytest.approx(0, abs=1e-9)


def test_every_pair_is_there_once() -> None:
    points, classes = sheet(4)
    made = table(points, classes)
    distances = measure(made, image_shape=roomy(made)).distances
    # A rhombus of 9 × 9 cells: bonds within the cell and to two of the next ones; rows in three directions.
    assert len(distances["Mo-S"].values) == 9 * 9 + 2 * 8 * 9
    assert len(distances["Mo-Mo"].values) == len(distances["S-S"].values) == 2 * 8 * 9 + 8 * 8
    for each in distances.values():
        assert len(np.unique(np.sort(each.rows, axis=1), axis=0)) == len(each.rows)


def test_rows_are_those_of_the_pair() -> None:
    points, classes = cut(20, disk(30))
    made = table(points, classes, 10)
    for pair, each in measure(made, image_shape=roomy(made)).distances.items():
        between = made.positions[each.rows[:, 0]] - made.positions[each.rows[:, 1]]
        np.testing.assert_allclose(np.linalg.norm(between, axis=1) * SAMPLING, each.values)
        metals = (made.classes[each.rows] == MO).sum(axis=1)
        assert set(metals) == {{"Mo-S": 1, "Mo-Mo": 2, "S-S": 0}[pair]}


def test_noise_widens_and_lengthens_as_it_must() -> None:
    points, classes = cut(30, disk(55))
    noise = 0.10
    distances = measure(table(points, classes, 100 * noise)).distances
    for pair, length in (("Mo-S", A / np.sqrt(3)), ("Mo-Mo", A), ("S-S", A)):
        # Two columns each with noise along and across: √2 σ along; across it lengthens by σ²/d in the mean.
        assert distances[pair].deviation == pytest.approx(np.sqrt(2) * noise, rel=0.04)
        assert distances[pair].mean == pytest.approx(length + noise**2 / length, abs=0.004)


def test_pairs_of_a_region_have_both_columns_in_it() -> None:
    points, classes = cut(30, disk(40))
    made = table(points, classes)
    y, x = made.positions.mean(axis=0)
    region = [(y - 60, x - 60), (y - 60, x + 60), (y + 60, x + 60), (y + 60, x - 60)]
    measured = measure(made, region, image_shape=roomy(made))
    inside = set(measured.columns.rows.tolist())
    assert inside == set(np.flatnonzero((np.abs(made.positions - [y, x]) < 60).all(axis=1)).tolist())
    for each in measured.distances.values():
        assert set(each.rows.ravel().tolist()) <= inside
        assert len(each.values) > 100
