"""Edges of flakes whose sides are known."""

from __future__ import annotations

import numpy as np
import pytest
from ideal_crystals import (
    HEXAGON,
    MO,
    MO_TRIANGLE,
    S_TRIANGLE,
    SAMPLING,
    A,
    cut,
    disk,
    polygon,
    roomy,
    sheet,
    table,
    turned,
)  # fmt: skip
from scipy.spatial import cKDTree

from hrtem_app.columns import ColumnTable
from hrtem_app.measure import measure


@pytest.mark.parametrize("degrees", [0.0, 17.0, 41.0])
@pytest.mark.parametrize(("normals", "kind"), [(MO_TRIANGLE, "zigzag Mo"), (S_TRIANGLE, "zigzag S")])
def test_triangles_have_three_sides_of_one_kind(normals: tuple[float, ...], kind: str, degrees: float) -> None:
    points, classes = cut(40, polygon(normals, 24))
    made = table(turned(points, degrees), classes, 8)
    edges = measure(made, image_shape=roomy(made)).edges
    assert [edge.kind for edge in edges] == [kind] * 3
    for edge in edges:
        assert edge.length == pytest.approx(24 * A, rel=2e-3)
        assert edge.angle == pytest.approx(0, abs=1e-6)
        assert len(edge.rows) == 24
        assert not edge.hole


def test_sides_of_a_hexagon_end_on_mo_and_s_in_turn() -> None:
    points, classes = cut(30, polygon(HEXAGON, 10))
    made = table(turned(points, 9), classes, 8)
    measured = measure(made, image_shape=roomy(made))
    kinds = [edge.kind for edge in measured.edges]
    assert kinds in (["zigzag Mo", "zigzag S"] * 3, ["zigzag S", "zigzag Mo"] * 3)
    assert [edge.length for edge in measured.edges] == pytest.approx([10 * A] * 6, rel=2e-3)
    assert measured.edge_lengths()["zigzag Mo"] == pytest.approx(3 * A, rel=2e-3)
    for edge in measured.edges:
        metal = made.classes[list(edge.rows)] == MO
        assert metal.all() if edge.kind == "zigzag Mo" else not metal.any()


def test_rows_of_an_edge_are_in_order_and_lack_a_bond() -> None:
    points, classes = cut(40, polygon(MO_TRIANGLE, 24))
    made = table(points, classes, 5)
    measured = measure(made, image_shape=roomy(made))
    for edge in measured.edges:
        steps = np.linalg.norm(np.diff(made.positions[list(edge.rows)], axis=0), axis=1) * SAMPLING
        np.testing.assert_allclose(steps, A, atol=0.4)
        assert (measured.columns.bonds[list(edge.rows)] < 3).all()
    on_edge = {row for edge in measured.edges for row in edge.rows}
    assert on_edge == set(np.flatnonzero(measured.columns.bonds < 3).tolist())
    assert set(np.flatnonzero(measured.columns.edge >= 0).tolist()) == on_edge


@pytest.mark.parametrize("degrees", [0.0, 23.0])
def test_the_long_sides_of_a_ribbon_are_armchair(degrees: float) -> None:
    points, classes = cut(60, lambda p: (np.abs(p[:, 0] - 0.3) < 20) & (np.abs(p[:, 1] - 0.5) < 60))
    made = table(turned(points, degrees), classes, 8)
    edges = measure(made, image_shape=roomy(made)).edges
    armchair = [edge for edge in edges if edge.kind == "armchair"]
    assert [edge.length for edge in armchair] == pytest.approx([120, 120], abs=6)
    for edge in armchair:
        assert edge.mo_fraction == pytest.approx(0.5, abs=0.05)
        assert edge.angle > 28


def test_a_ribbon_that_leaves_the_image_has_two_edges() -> None:
    points, classes = cut(60, lambda p: np.abs(p[:, 0] - 0.3) < 20)
    inside = np.abs(points[:, 1]) < 40
    shown = points[inside] + 40
    ones = np.ones(len(shown))
    made = ColumnTable(shown[:, ::-1] / SAMPLING, classes[inside], SAMPLING, ones.astype(np.int64), ones)
    edges = measure(made, image_shape=(int(80 / SAMPLING), int(80 / SAMPLING))).edges
    assert [edge.kind for edge in edges] == ["armchair", "armchair"]
    assert [edge.length for edge in edges] == pytest.approx([80, 80], abs=8)


def test_where_the_size_of_the_image_is_unknown_its_far_borders_are_no_edges() -> None:
    points, classes = cut(40, polygon(HEXAGON, 12))
    made = table(points, classes)
    known, unknown = measure(made, image_shape=roomy(made)), measure(made)
    assert any("the size of the image is unknown" in warning for warning in unknown.warnings)
    assert not any("size of the image" in warning for warning in known.warnings)
    for edge in unknown.edges:
        assert (edge.path.max(axis=0) < made.positions[:, ::-1].max(axis=0) * SAMPLING).all()
    near = (made.positions < made.positions.mean(axis=0)).all(axis=1)
    assert (known.columns.edge[near] >= 0).any()
    assert (known.columns.edge[near] >= 0).tolist() == (unknown.columns.edge[near] >= 0).tolist()


def test_next_to_a_vacancy_there_is_no_edge() -> None:
    points, classes = cut(40, polygon(HEXAGON, 12))
    middle = int(np.linalg.norm(points, axis=1).argmin())
    made = table(np.delete(points, middle, 0), np.delete(classes, middle))
    measured = measure(made, image_shape=roomy(made))
    lacking = measured.columns.bonds < 3
    around = set(measured.defects[0].rows)
    assert len(around) == 3
    assert all(lacking[row] for row in around)
    assert set(np.flatnonzero(lacking & (measured.columns.edge < 0)).tolist()) == around


def test_a_missing_column_does_not_break_an_edge() -> None:
    points, classes = cut(40, polygon(MO_TRIANGLE, 24))
    bottom = np.flatnonzero(np.abs(points[:, 1] - points[:, 1].min()) < 0.1)
    gone = bottom[len(bottom) // 2]
    made = table(np.delete(points, gone, 0), np.delete(classes, gone), 8)
    edges = measure(made, image_shape=roomy(made)).edges
    assert [edge.kind for edge in edges] == ["zigzag Mo"] * 3
    assert [edge.length for edge in edges] == pytest.approx([24 * A] * 3, rel=0.01)


def test_the_edge_of_a_hole() -> None:
    points, classes = sheet(25)
    hole = polygon(S_TRIANGLE, 9)(points)
    kept = ~hole & polygon(HEXAGON, 18)(points)
    made = table(points[kept], classes[kept], 5)
    inner = [edge for edge in measure(made, image_shape=roomy(made)).edges if edge.hole]
    # What remains around a triangle of S ends on Mo.
    assert [edge.kind for edge in inner] == ["zigzag Mo"] * 3
    assert [edge.length for edge in inner] == pytest.approx([9 * A] * 3, rel=5e-3)


def test_edges_go_once_around_a_flake() -> None:
    points, classes = cut(30, disk(40))
    made = table(turned(points, 12), classes, 5)
    measured = measure(made, image_shape=roomy(made))
    for before, behind in zip(measured.edges, [*measured.edges[1:], measured.edges[0]], strict=True):
        np.testing.assert_allclose(before.path[-1], behind.path[0], atol=1e-9)
    outline = np.concatenate([edge.path[:-1] for edge in measured.edges])
    following = np.roll(outline, -1, axis=0)
    enclosed = abs((outline[:, 0] * following[:, 1] - following[:, 0] * outline[:, 1]).sum()) / 2 / 100
    assert enclosed == pytest.approx(measured.density.area, rel=1e-9)


def test_a_column_that_ends_several_pieces_belongs_to_the_longest() -> None:
    # A triangle without one of its corners; columns in the others end two sides.
    points, classes = cut(40, lambda p: polygon(MO_TRIANGLE, 24)(p) & (p[:, 1] < 25))
    made = table(points, classes, 5)
    measured = measure(made, image_shape=roomy(made))
    pieces: dict[int, list[int]] = {}
    for number, edge in enumerate(measured.edges):
        for row in edge.rows:
            pieces.setdefault(row, []).append(number)
    shared = {row: numbers for row, numbers in pieces.items() if len(numbers) > 1}
    assert len(shared) >= 2
    for row, numbers in shared.items():
        taken = measured.columns.edge[row]
        assert taken in numbers
        assert measured.edges[taken].length == max(measured.edges[n].length for n in numbers)


def test_short_pieces_have_no_direction() -> None:
    points, classes = cut(20, polygon(HEXAGON, 2))
    made = table(points, classes)
    edges = measure(made, image_shape=roomy(made)).edges
    assert {edge.kind for edge in edges} == {"mixed"}


@pytest.mark.parametrize("degrees", [5.0, 17.0, 30.0])
def test_where_two_crystals_meet_there_is_no_edge(degrees: float) -> None:
    left, left_classes = cut(30, lambda p: (p[:, 0] < 0) & (np.abs(p) < 30).all(axis=1))
    whole, whole_classes = sheet(40)
    right = turned(whole, degrees)
    # As near as columns can be.
    free = cKDTree(left).query(right)[0] > 1.6
    beyond = free & (right[:, 0] > -1.6) & (right[:, 0] < 30) & (np.abs(right[:, 1]) < 30)
    points = np.concatenate([left, right[beyond]])
    classes = np.concatenate([left_classes, whole_classes[beyond]])
    made = table(points, classes, 8)
    measured = measure(made, image_shape=roomy(made))
    assert len(measured.grains) == 2
    for grain, columns, turn in zip(
        sorted(measured.grains, key=lambda g: g.columns), (len(left), beyond.sum()), (0, degrees), strict=True
    ):
        assert grain.columns == pytest.approx(columns, abs=5)
        assert grain.lattice is not None
        assert grain.lattice.constant == pytest.approx(A, abs=0.003)
        assert (grain.lattice.orientation - turn + 30) % 60 - 30 == pytest.approx(0, abs=0.2)
    assert not measured.defects
    x, y = np.concatenate([edge.path for edge in measured.edges]).T + np.array([points.min(axis=0) - 20]).T
    assert len(x) > 90
    assert np.abs(y[np.abs(x) < 5]).min() > 25
    assert sum(measured.edge_lengths().values()) == pytest.approx(24, rel=0.1)
