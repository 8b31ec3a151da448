"""Point defects and clusters, put in by hand."""

from __future__ import annotations

import numpy as np
import pytest
from ideal_crystals import MO, ONE_S, SAMPLING, TWO_S, A, cut, disk, roomy, table, turned

from hrtem_app.columns import ColumnTable
from hrtem_app.measure import Measurements, MeasureSettings, measure


def measured_of(made: ColumnTable, **more: object) -> Measurements:
    return measure(made, image_shape=roomy(made), **more)  # type: ignore[arg-type]


def at(points: np.ndarray, place: tuple[float, float]) -> int:
    """The column at a place."""
    distance = np.linalg.norm(points - np.array(place), axis=1)
    assert distance.min() < 0.1
    return int(distance.argmin())


def sulphur_at(points: np.ndarray, i: int, j: int) -> int:
    """The sulphur column of a cell of the sheet."""
    return at(points, (A * (i + j / 2 + 1 / 2), A * (np.sqrt(3) / 2 * j + 1 / np.sqrt(12))))


def test_single_vacancies_are_listed_with_their_neighbours() -> None:
    points, classes = cut(20, disk(25))
    row = sulphur_at(points, 1, 2)
    classes[row] = ONE_S
    made = table(turned(points, 8), classes, 8, ids=np.arange(len(points)) + 1000)
    measured = measured_of(made)
    (defect,) = measured.defects
    assert (defect.kind, defect.rows[0], defect.at_edge, defect.grain) == ("V_S", row, False, 0)
    np.testing.assert_allclose([defect.y, defect.x], made.positions[row] * SAMPLING)
    bonded = np.flatnonzero(np.abs(np.linalg.norm(points - points[row], axis=1) - A / np.sqrt(3)) < 0.1)
    assert sorted(defect.rows[1:]) == bonded.tolist()
    (told,) = measured.content()["defects"]
    assert told["ids"][0] == row + 1000
    assert measured.defect_counts()["V_S"] == 1


def test_a_single_vacancy_at_the_edge_is_marked() -> None:
    points, classes = cut(20, disk(25))
    lacking = measured_of(table(points, classes)).columns.bonds < 3
    row = int(np.flatnonzero(lacking & (classes == TWO_S))[0])
    classes[row] = ONE_S
    (defect,) = measured_of(table(points, classes)).defects
    assert defect.at_edge


def test_clusters_have_their_sizes_and_lines() -> None:
    points, classes = cut(30, disk(45))
    line = [(0, 0), (1, 0), (2, 0), (3, 0)]
    triangle = [(-6, 2), (-5, 2), (-6, 3)]
    pair, alone = [(4, -7), (4, -6)], [(-3, -5), (7, 3)]
    rows = [[sulphur_at(points, i, j) for i, j in group] for group in (line, triangle, pair, alone)]
    classes[np.concatenate(rows)] = ONE_S
    measured = measured_of(table(turned(points, 21), classes, 8))
    assert measured.cluster_sizes() == {1: 2, 2: 1, 3: 1, 4: 1}
    first, second, third = measured.clusters[:3]
    assert (set(first.rows), first.line) == (set(rows[0]), True)
    assert (set(second.rows), second.line) == (set(rows[1]), False)
    assert (set(third.rows), third.line) == (set(rows[2]), False)
    assert measured.neighbour_pairs.found == 3 + 3 + 1
    assert measured.columns.cluster[rows[0]].tolist() == [4] * 4
    assert measured.columns.cluster[rows[3]].tolist() == [1, 1]


def test_pairs_expected_are_the_mean_of_random_draws() -> None:
    points, classes = cut(20, disk(30))
    sulphur = np.flatnonzero(classes == TWO_S)
    rng = np.random.default_rng(0)
    found, expected = [], []
    for _ in range(60):
        drawn = classes.copy()
        drawn[rng.choice(sulphur, 30, replace=False)] = ONE_S
        pairs = measured_of(table(points, drawn)).neighbour_pairs
        found.append(pairs.found)
        expected.append(pairs.expected)
    assert np.ptp(expected) == pytest.approx(0)
    assert np.mean(found) == pytest.approx(expected[0], abs=3 * np.std(found) / np.sqrt(60))


def test_antisites_are_columns_on_the_other_sublattice() -> None:
    points, classes = cut(20, disk(25))
    on_sulphur, on_mo = sulphur_at(points, 2, 1), at(points, (-2 * A, 0))
    classes[on_sulphur], classes[on_mo] = MO, TWO_S
    measured = measured_of(table(turned(points, 50), classes, 8))
    assert {(d.kind, d.rows[0]) for d in measured.defects} == {("Mo_S", on_sulphur), ("S_Mo", on_mo)}
    (grain,) = measured.grains
    assert grain.agreement == pytest.approx(1 - 2 / len(points))
    assert measured.columns.on_mo[on_sulphur] == 0
    assert measured.columns.on_mo[on_mo] == 1


def test_a_patch_read_the_wrong_way_round_is_no_crowd_of_antisites() -> None:
    points, classes = cut(20, disk(35))
    patch = np.linalg.norm(points - [10, 5], axis=1) < 7
    classes[patch] = 1 - classes[patch]
    measured = measured_of(table(points, classes))
    assert not measured.defects
    assert any(f"{patch.sum()} columns of the wrong sublattice" in warning for warning in measured.warnings)
    few = measured_of(table(points, classes), settings=MeasureSettings(largest_antisite=1000))
    assert len(few.defects) == patch.sum()


def test_where_classes_say_nothing_no_antisites_are_told() -> None:
    points, classes = cut(20, disk(30))
    made = table(points, np.random.default_rng(0).permutation(classes))
    measured = measured_of(made)
    assert not {"Mo_S", "S_Mo"} & {defect.kind for defect in measured.defects}
    assert any("of the classes fit its sublattices" in warning for warning in measured.warnings)


def test_the_domains_of_a_mirror_twin_are_two_grains() -> None:
    upper, upper_classes = cut(30, lambda p: (p[:, 1] > 0.5) & (p[:, 1] < 30) & (np.abs(p[:, 0]) < 30))
    # Rows of sulphur end both domains and are one; squares of Mo and S lie along it, a little drawn out.
    start = upper[upper_classes == TWO_S, 1].min()
    upper = upper - [0, start]
    seam = np.abs(upper[:, 1]) < 0.1
    assert (upper_classes[seam] == TWO_S).all()
    upper[~seam, 1] += 0.6
    lower = upper[~seam] * [1, -1]
    points = np.concatenate([upper, lower])
    classes = np.concatenate([upper_classes, upper_classes[~seam]])
    measured = measured_of(table(points, classes, 3))
    assert len(measured.grains) == 2
    assert all(grain.agreement == 1 for grain in measured.grains)
    assert not measured.defects
    on_lattice = np.isfinite(measured.columns.displacement[:, 0])
    assert on_lattice.mean() > 0.97
    middle = np.abs(points[:, 0]) < 25
    assert (measured.columns.edge[middle & (np.abs(points[:, 1]) < 5)] < 0).all()


def test_only_defects_in_the_region_are_listed() -> None:
    points, classes = cut(30, disk(40))
    inside, outside = sulphur_at(points, 1, 1), sulphur_at(points, 8, 0)
    missing = [at(points, (-2 * A, 0)), at(points, (-9 * A, 0))]
    classes[[inside, outside]] = ONE_S
    made = table(np.delete(points, missing, 0), np.delete(classes, missing))
    origin = (-points.min(axis=0) + 20)[::-1] / SAMPLING
    region = origin + np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)]) * 15 / SAMPLING
    assert measured_of(made).defect_counts() == {"V_S": 2, "V_S2": 0, "V_Mo": 2, "Mo_S": 0, "S_Mo": 0}
    assert measured_of(made, region=region).defect_counts() == {"V_S": 1, "V_S2": 0, "V_Mo": 1, "Mo_S": 0, "S_Mo": 0}
