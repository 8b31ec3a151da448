"""Missing columns, fractions, areas and densities against what was taken out of an ideal flake."""

from __future__ import annotations

import numpy as np
import pytest
from ideal_crystals import (
    HEXAGON,
    MO,
    MO_TRIANGLE,
    ONE_S,
    S_TRIANGLE,
    SAMPLING,
    TWO_S,
    A,
    cut,
    disk,
    polygon,
    roomy,
    sheet,
    table,
    turned,
)  # fmt: skip
from scipy.spatial import ConvexHull, Voronoi

from hrtem_app.columns import ColumnTable
from hrtem_app.measure import Measurements, MeasureSettings, measure
from hrtem_app.measure.scene import count_single_sulphurs
from hrtem_app.measure.vacancies import fraction


def measured_of(made: ColumnTable, **more: object) -> Measurements:
    return measure(made, image_shape=roomy(made), **more)  # type: ignore[arg-type]


def far_apart(points: np.ndarray, rows: np.ndarray, number: int, distance: float) -> list[int]:
    """The first rows that keep a distance from each other."""
    chosen: list[int] = []
    for row in rows:
        if all(np.linalg.norm(points[row] - points[other]) > distance for other in chosen):
            chosen.append(int(row))
    assert len(chosen) >= number
    return chosen[:number]


@pytest.mark.parametrize(("count", "total"), [(0, 50), (3, 50), (50, 50), (17, 400)])
def test_intervals_are_wilsons(count: int, total: int) -> None:
    z, p = 1.959963984540054, count / total
    middle = (p + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * np.sqrt(p * (1 - p) / total + z**2 / (4 * total**2))
    found = fraction(count, total, 0.95)
    assert (found.low, found.high) == pytest.approx((middle - half, middle + half), abs=1e-12)
    assert found.value == p


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.binomial(400, 0.03, 2000)
    held = [f.low <= 0.03 <= f.high for f in (fraction(int(k), 400, 0.95) for k in drawn)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


def test_nothing_of_nothing_is_unknown() -> None:
    nothing = fraction(0, 0, 0.95)
    assert np.isnan([nothing.value, nothing.low, nothing.high]).all()


def test_single_vacancies_are_counted_by_votes_and_decision() -> None:
    points, classes = cut(20, disk(25))
    sulphur = np.flatnonzero(classes == TWO_S)
    classes[sulphur[:20]] = ONE_S
    votes = np.full(len(points), 3)
    votes[sulphur[:5]], votes[sulphur[-7:]] = 1, 2
    decided = np.ones(len(points), bool)
    decided[sulphur[5:8]] = False
    made = table(points, classes, votes=votes, decided=decided)
    single = measured_of(made).vacancies.single
    assert (single.count, single.total) == (20, len(sulphur))
    chosen = measured_of(made, settings=MeasureSettings(votes=2))
    assert (chosen.vacancies.single.count, chosen.vacancies.single.total) == (15, len(sulphur) - 5)
    assert chosen.vacancies.left_out == 5
    assert any("5 columns are in no count of classes" in warning for warning in chosen.warnings)
    strict = measured_of(made, settings=MeasureSettings(votes=3, decided_only=True)).vacancies
    assert (strict.single.count, strict.single.total, strict.left_out) == (12, len(sulphur) - 15, 15)


@pytest.mark.parametrize("field", ["edited", "reviewed"])
def test_what_a_person_set_counts_without_votes(field: str) -> None:
    """A pair of which a person says that one atom is missing is one vacancy more, not one column less."""
    points, classes = cut(20, disk(25))
    sulphur = np.flatnonzero(classes == TWO_S)
    classes[sulphur[:4]] = ONE_S
    votes = np.full(len(points), 3)
    votes[sulphur[:6]] = 0
    by_hand = np.zeros(len(points), bool)
    by_hand[sulphur[:3]] = True
    made = table(points, classes, votes=votes, decided=np.zeros(len(points), bool), **{field: by_hand})
    measured = measured_of(made)
    single = measured.vacancies.single
    # One 1S column without votes that nobody looked at, and two such 2S columns, are left out.
    assert (single.count, single.total, measured.vacancies.left_out) == (3, len(sulphur) - 3, 3)
    assert measured.defect_counts()["V_S"] == 3
    assert any(
        "3 columns are in no count of classes: their class has fewer votes than 1," in w for w in measured.warnings
    )
    strict = measured_of(made, settings=MeasureSettings(votes=100, decided_only=True)).vacancies
    assert (strict.single.count, strict.single.total) == (3, 3)


def test_the_quick_count_is_that_of_the_measurement() -> None:
    points, classes = cut(20, disk(25))
    sulphur = np.flatnonzero(classes == TWO_S)
    classes[sulphur[::7]] = ONE_S
    rng = np.random.default_rng(5)
    made = table(
        points, classes, votes=rng.integers(0, 4, len(points)), edited=rng.random(len(points)) < 0.1,
        decided=rng.random(len(points)) < 0.7,
    )  # fmt: skip
    y, x = made.positions.mean(axis=0)
    region = ((y - 70, x - 50), (y - 60, x + 60), (y + 50, x + 10))
    for settings in (MeasureSettings(), MeasureSettings(votes=2, region=region), MeasureSettings(decided_only=True)):
        single = measured_of(made, settings=settings).vacancies.single
        assert 0 < single.count < single.total < len(sulphur)
        assert count_single_sulphurs(made, settings) == (single.count, single.total)


def test_undecided_grains_miss_nothing_where_only_decided_ones_count() -> None:
    points, classes = cut(20, disk(25))
    hole = int(np.linalg.norm(points, axis=1).argmin())
    made = table(np.delete(points, hole, 0), np.delete(classes, hole))
    assert measured_of(made).vacancies.missing_mo.count == 1
    assert measured_of(made, settings=MeasureSettings(decided_only=True)).vacancies.missing_mo.count == 0


@pytest.mark.parametrize("seed", range(4))
def test_missing_columns_are_found_where_they_were(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, classes = cut(25, disk(40))
    points = turned(points, rng.uniform(0, 360))
    inner = rng.permutation(np.flatnonzero(np.linalg.norm(points, axis=1) < 33))
    gone = far_apart(points, inner, 30, 6.0)
    noisy = points + rng.normal(0, 0.1, points.shape)
    shift = 20 - np.delete(noisy, gone, 0).min(axis=0)
    made = table(np.delete(noisy, gone, 0), np.delete(classes, gone))
    measured = measured_of(made)
    vacancies = measured.vacancies
    assert vacancies.missing_mo.count == (classes[gone] == MO).sum()
    assert vacancies.missing_2s.count == (classes[gone] == TWO_S).sum()
    assert vacancies.missing_mo.total == (classes == MO).sum()
    assert vacancies.missing_2s.total == (classes == TWO_S).sum()
    found = {(d.kind, *np.round([d.x, d.y])) for d in measured.defects}
    assert len(found) == 30
    for defect in measured.defects:
        nearest = np.linalg.norm(points[gone] + shift - [defect.x, defect.y], axis=1)
        assert nearest.min() < 0.35
        kind = "V_Mo" if classes[gone[int(nearest.argmin())]] == MO else "V_S2"
        assert defect.kind == kind
        assert len(defect.rows) == 3
        around = made.positions[list(defect.rows)][:, ::-1] * SAMPLING
        assert np.abs(np.linalg.norm(around - [defect.x, defect.y], axis=1) - A / np.sqrt(3)).max() < 0.6


def test_a_group_of_missing_columns_is_a_vacancy_or_a_hole() -> None:
    points, classes = cut(25, disk(35))
    # The six columns of the hexagon around this centre.
    gone = np.linalg.norm(points - [0, A / np.sqrt(3)], axis=1) < 2
    assert gone.sum() == 6
    made = table(points[~gone], classes[~gone], 5)
    cluster = measured_of(made)
    assert (cluster.vacancies.missing_mo.count, cluster.vacancies.missing_2s.count) == (3, 3)
    assert not any(edge.hole for edge in cluster.edges)
    hole = measured_of(made, settings=MeasureSettings(largest_vacancy=5))
    assert not hole.defects
    assert any(edge.hole for edge in hole.edges)
    assert cluster.density.area - hole.density.area == pytest.approx(6 * np.sqrt(3) / 4 * A**2 / 100, rel=1e-3)


def test_a_notch_in_the_edge_is_no_vacancy() -> None:
    points, classes = cut(20, disk(25))
    outermost = int(np.linalg.norm(points, axis=1).argmax())
    assert not measured_of(table(np.delete(points, outermost, 0), np.delete(classes, outermost))).defects


def test_a_column_beside_its_site_is_not_missing() -> None:
    points, classes = cut(20, disk(25))
    middle = int(np.linalg.norm(points, axis=1).argmin())
    points[middle] += [0.9, 0.5]
    measured = measured_of(table(points, classes))
    assert not measured.defects
    assert any("1 of" in warning and "fit no lattice" in warning for warning in measured.warnings)


def test_beyond_the_border_of_the_image_nothing_is_missing() -> None:
    points, classes = sheet(20)
    size = 8.1 / SAMPLING * 5
    inside = (np.abs(points) < 20).all(axis=1)
    shown = points[inside] + 20
    ones = np.ones(len(shown))
    made = ColumnTable(shown[:, ::-1] / SAMPLING, classes[inside], SAMPLING, ones.astype(np.int64), ones)
    measured = measure(made, image_shape=(int(size), int(size)))
    assert not measured.defects
    assert not measured.edges


@pytest.mark.parametrize(("normals", "shape"), [(HEXAGON, 3 * np.sqrt(3) / 2), (MO_TRIANGLE, np.sqrt(3) / 4)])
@pytest.mark.parametrize("sides", [12, 24])
def test_areas_of_polygons(normals: tuple[float, ...], shape: float, sides: int) -> None:
    points, classes = cut(2 * sides, polygon(normals, sides))
    made = table(turned(points, 25), classes, 8)
    found = measured_of(made).density
    assert found.area == pytest.approx(shape * (sides * A) ** 2 / 100, rel=2e-3)
    assert found.columns == pytest.approx(len(points) / found.area)


def test_the_area_is_that_of_voronoi_cells_inside() -> None:
    points, classes = cut(25, disk(40))
    points = turned(points, 10) * [1.01, 1]
    made = table(points, classes, 8)
    cells = Voronoi(made.positions * SAMPLING)
    inner = np.flatnonzero(np.linalg.norm(points, axis=1) < 30)
    area = sum(ConvexHull(cells.vertices[cells.regions[cells.point_region[row]]]).volume for row in inner)
    per_column = area / len(inner)
    assert measured_of(made).density.area == pytest.approx(len(points) * per_column / 100, rel=3e-3)


def test_vacancies_do_not_shrink_the_area() -> None:
    points, classes = cut(30, polygon(S_TRIANGLE, 30))
    whole = measured_of(table(points, classes)).density.area
    inner = np.flatnonzero(np.linalg.norm(points, axis=1) < 15)
    gone = far_apart(points, inner, 12, 5.0)
    classes[np.setdiff1d(np.flatnonzero(classes == TWO_S), gone)[:50]] = ONE_S
    measured = measured_of(table(np.delete(points, gone, 0), np.delete(classes, gone)))
    density = measured.density
    assert density.area == pytest.approx(whole, rel=1e-6)
    assert density.single == pytest.approx(50 / whole)
    assert density.missing_mo + density.missing_2s == pytest.approx(12 / whole)
    assert density.columns == pytest.approx((len(points) - 12) / whole)


def test_the_area_in_a_region_is_that_of_the_region() -> None:
    points, classes = cut(40, disk(60))
    made = table(turned(points, 5), classes, 5)
    y, x = made.positions.mean(axis=0)
    corners = np.array([(y - 140, x - 90), (y - 110, x + 150), (y + 120, x + 100), (y + 90, x - 160)])
    following = np.roll(corners, -1, axis=0)
    exact = abs((corners[:, 0] * following[:, 1] - following[:, 0] * corners[:, 1]).sum()) / 2 * SAMPLING**2 / 100
    measured = measured_of(made, region=corners)
    assert measured.density.area == pytest.approx(exact, rel=0.015)
    assert not measured.edges


def test_sulphur_atoms_that_are_missing() -> None:
    points, classes = cut(20, disk(25))
    sulphur = np.flatnonzero(classes == TWO_S)
    total = 2 * len(sulphur)
    order = sulphur[np.linalg.norm(points[sulphur], axis=1).argsort()]
    classes[order[3:8]] = ONE_S
    found = measured_of(table(np.delete(points, order[0], 0), np.delete(classes, order[0]))).vacancies
    assert (found.single.count, found.missing_2s.count) == (5, 1)
    assert found.sulphur_atoms == pytest.approx(7 / total)
