"""Everything together: the bundled sample's truth, regions, tables and JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ideal_crystals import MO, SAMPLING, TWO_S, cut, disk, roomy, table, turned
from scipy.spatial import cKDTree

from hrtem_app.columns import CLASSES, ColumnTable, empty_table
from hrtem_app.measure import Measurements, MeasureSettings, measure
from hrtem_app.resources import sample_path
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.simulation.structures import Structure, draw_structure

# What the bundled sample was drawn with, as in scripts/make_sample.py.
SAMPLE_SEED = 900_019
SAMPLE = StructureSettings(
    field_of_view=90.0, layers=(2, 3), single_vacancies=(0.04, 0.05), flake_radius=(0.37, 0.39), whole_flake=True,
    support_radius=(0.8, 0.9),
)  # fmt: skip


@pytest.fixture(scope="module")
def truth() -> ColumnTable:
    return ColumnTable.from_csv(sample_path().with_name("mos2_on_graphite-truth.csv"))


@pytest.fixture(scope="module")
def drawn() -> Structure:
    return draw_structure(SAMPLE_SEED, SAMPLE)


@pytest.fixture(scope="module")
def sample(truth: ColumnTable) -> Measurements:
    return measure(truth, image_shape=(400, 400))


def with_noise(table: ColumnTable, pm: float) -> ColumnTable:
    rng = np.random.default_rng(1)
    moved = table.positions + rng.normal(0, pm / 100 / table.sampling, table.positions.shape)
    return ColumnTable(moved, table.classes, table.sampling, table.votes, table.probability)


def test_the_samples_lattice_is_the_one_it_was_drawn_with(sample: Measurements, drawn: Structure) -> None:
    (grain,) = sample.grains
    assert grain.lattice is not None
    assert grain.columns == len(drawn.classes)
    # Positions in the CSV have four digits behind the point, so many pixels.
    assert grain.lattice.constant == pytest.approx(drawn.parameters["lattice_constant"], abs=2e-5)
    assert grain.lattice.anisotropy < 2e-5
    assert grain.displacement < 0.1
    assert not sample.warnings


def test_the_samples_vacancies_are_those_that_were_made(
    sample: Measurements, truth: ColumnTable, drawn: Structure
) -> None:
    whole = draw_structure(
        SAMPLE_SEED, SAMPLE.model_copy(update={"single_vacancies": (0.0, 0.0), "column_vacancies": (0.0, 0.0)})
    )
    single = (drawn.classes == CLASSES.index("1S")).sum()
    assert sample.vacancies.single.count == single == 38
    assert sample.vacancies.single.total == (drawn.classes != MO).sum()
    # Columns of the whole flake that are gone and had all their neighbours.
    gone = cKDTree(drawn.positions).query(whole.positions)[0] > 0.5
    bonds = np.array([len(near) - 1 for near in cKDTree(whole.positions).query_ball_point(whole.positions, 2.2)])
    inner = gone & (bonds == 3)
    assert inner.sum() > 10
    kinds = {
        "V_Mo": whole.positions[inner & (whole.classes == MO)],
        "V_S2": whole.positions[inner & (whole.classes == TWO_S)],
    }
    # The images' origin lies elsewhere than the structure's.
    shift = (truth.positions * truth.sampling).mean(axis=0) - drawn.positions.mean(axis=0)
    for kind, places in kinds.items():
        found = np.array([(d.y, d.x) for d in sample.defects if d.kind == kind])
        assert len(found) == len(places)
        assert cKDTree(found).query(places + shift)[0].max() < 0.05


def test_the_samples_area_is_that_of_its_unit_cells(sample: Measurements, drawn: Structure) -> None:
    sites = len(drawn.classes) + sample.defect_counts()["V_Mo"] + sample.defect_counts()["V_S2"]
    cell = np.sqrt(3) / 2 * drawn.parameters["lattice_constant"] ** 2
    assert sample.density.area == pytest.approx(sites * cell / 2 / 100, rel=1e-4)


@pytest.mark.parametrize("pm", [5.0, 10.0])
def test_the_sample_under_noise(truth: ColumnTable, sample: Measurements, drawn: Structure, pm: float) -> None:
    noisy = measure(with_noise(truth, pm), image_shape=(400, 400))
    (grain,) = noisy.grains
    assert grain.lattice is not None
    put_in = drawn.parameters["lattice_constant"]
    assert grain.lattice.constant == pytest.approx(put_in, abs=4 * grain.lattice.constant_error)
    assert grain.lattice.constant_error < 1e-3
    assert grain.noise == pytest.approx(pm, rel=0.1)
    assert noisy.defect_counts() == sample.defect_counts()
    assert noisy.vacancies == sample.vacancies
    assert noisy.cluster_sizes() == sample.cluster_sizes()
    assert [edge.kind for edge in noisy.edges] == [edge.kind for edge in sample.edges]


def test_the_order_of_rows_does_not_matter(truth: ColumnTable, sample: Measurements) -> None:
    order = np.random.default_rng(2).permutation(len(truth))
    other = measure(truth.select(order), image_shape=(400, 400))
    assert other.vacancies == sample.vacancies
    assert other.density.area == pytest.approx(sample.density.area)
    assert other.edge_lengths() == pytest.approx(sample.edge_lengths())
    assert other.cluster_sizes() == sample.cluster_sizes()
    np.testing.assert_allclose(other.columns.displacement, sample.columns.displacement[order], atol=1e-6)
    np.testing.assert_allclose(other.columns.strain, sample.columns.strain[order], atol=1e-9)


def test_a_turned_flake_measures_the_same() -> None:
    points, classes = cut(30, lambda p: disk(40)(p) & (p[:, 1] < 11 + 0.3 * p[:, 0]) & (p[:, 0] < 32))
    classes[np.flatnonzero(classes == TWO_S)[::9]] = 2
    points = points + np.random.default_rng(0).normal(0, 0.05, points.shape)
    first, second = (table(turned(points, angle), classes) for angle in (0, 77))
    one, other = (measure(made, image_shape=roomy(made)) for made in (first, second))
    assert one.vacancies == other.vacancies
    assert one.density.area == pytest.approx(other.density.area, rel=1e-9)
    assert one.edge_lengths() == pytest.approx(other.edge_lengths())
    np.testing.assert_allclose(
        np.hypot(*one.columns.displacement.T), np.hypot(*other.columns.displacement.T), atol=1e-6
    )
    np.testing.assert_allclose(
        one.columns.strain[:, :2].sum(axis=1), other.columns.strain[:, :2].sum(axis=1), atol=1e-9
    )


def test_a_region_is_fitted_by_itself() -> None:
    points, classes = cut(40, disk(60))
    right = points[:, 0] > 0
    points[right, 0] *= 1.02
    made = table(points, classes)
    x = 20 - points[:, 0].min()
    y, height = made.positions[:, 0].mean(), 200
    corners = [(y - height, x / SAMPLING + 30), (y - height, 9e3), (y + height, 9e3), (y + height, x / SAMPLING + 30)]
    (grain,) = measure(made, corners, image_shape=roomy(made)).grains
    assert grain.lattice is not None
    assert grain.lattice.anisotropy == pytest.approx(0.02, abs=1e-6)
    assert grain.displacement == pytest.approx(0, abs=1e-3)
    (whole,) = measure(made, image_shape=roomy(made)).grains
    assert whole.displacement > 5


def test_the_region_of_the_settings_counts_unless_another_is_given(truth: ColumnTable) -> None:
    corners = ((0.0, 0.0), (0.0, 300.0), (300.0, 300.0), (300.0, 0.0))
    inside = ((truth.positions >= 0) & (truth.positions <= 300)).all(axis=1).sum()
    settings = MeasureSettings(region=corners)
    assert len(measure(truth, settings=settings).columns) == len(measure(truth, corners).columns) == inside
    assert len(measure(truth, [(y, x / 2) for y, x in corners], settings).columns) < inside


def test_a_region_with_few_columns_refers_to_its_whole_grain() -> None:
    points, classes = cut(20, disk(25))
    made = table(points, classes)
    y, x = made.positions.mean(axis=0)
    measured = measure(made, [(y - 12, x - 12), (y - 12, x + 12), (y + 12, x)], image_shape=roomy(made))
    (grain,) = measured.grains
    assert 0 < grain.columns < 12
    assert grain.lattice is None
    np.testing.assert_allclose(measured.columns.displacement, 0, atol=1e-6)
    assert any("too few to fit a lattice to" in warning for warning in measured.warnings)


def test_the_table_of_columns(sample: Measurements, truth: ColumnTable) -> None:
    frame = sample.to_frame()
    assert len(frame) == len(truth)
    assert frame["id"].tolist() == truth.ids.tolist()
    assert frame["class"].tolist() == truth.class_names
    assert (frame["site"] == "Mo").tolist() == (truth.classes == MO).tolist()
    assert (frame["defect"] == "V_S").sum() == 38
    np.testing.assert_allclose(frame[["y_px", "x_px"]].to_numpy(), truth.positions)
    np.testing.assert_allclose(
        frame["displacement_pm"], np.hypot(frame["displacement_x_pm"], frame["displacement_y_pm"])
    )
    at_edge = frame["edge_segment"] >= 0
    kinds = np.array([edge.kind for edge in sample.edges])
    assert frame["edge"][at_edge].tolist() == kinds[frame["edge_segment"][at_edge]].tolist()
    assert (frame["edge"][~at_edge] == "").all()
    assert sorted(frame["row"][at_edge]) == sorted({row for edge in sample.edges for row in edge.rows})


def test_json_holds_the_numbers_and_no_nan(sample: Measurements) -> None:
    content = json.loads(sample.to_json())
    assert content["counts"] == sample.counts() == {"Mo": 360, "2S": 321, "1S": 38}
    assert content["vacancies"]["1S"]["fraction"] == pytest.approx(38 / 359)
    assert content["density"]["area_nm2"] == pytest.approx(sample.density.area)
    assert content["distances"]["Mo-S"]["mean_A"] == pytest.approx(sample.distances["Mo-S"].mean)
    assert len(content["defects"]) == sum(content["defect_counts"].values())
    assert sum(content["edge_length_nm"].values()) == pytest.approx(sum(e["length_nm"] for e in content["edges"]))
    assert content["clusters_of_1S"]["neighbouring_pairs"] == sample.neighbour_pairs.found
    nothing = json.loads(measure(empty_table(0.2)).to_json())
    assert nothing["vacancies"]["1S"] == {"count": 0, "of": 0, "fraction": None, "low": None, "high": None}


def test_nothing_gives_nothing() -> None:
    measured = measure(empty_table(0.2))
    assert len(measured.columns) == len(measured.to_frame()) == 0
    assert (measured.grains, measured.edges, measured.defects, measured.warnings) == ((), (), (), ())
    assert measured.density.area == 0
    assert "none" in measured.summary()


def test_results_cannot_be_changed(sample: Measurements) -> None:
    with pytest.raises(ValueError, match="read-only"):
        sample.columns.displacement[0] = 0


def test_grains_keep_the_tables_numbers() -> None:
    points, classes = cut(20, disk(25))
    far = points + np.array([100, 0])
    grain = np.repeat([7, 3], len(points))
    grain[:4] = -1
    made = table(np.concatenate([points, far]), np.tile(classes, 2), grain=grain)
    measured = measure(made, image_shape=roomy(made))
    assert [g.number for g in measured.grains] == [3, 7]
    assert measured.columns.grain.tolist() == np.repeat([7, 3], len(points)).tolist()
    # What the table has as one grain and lies apart gets a number that it does not use.
    parted = measure(table(np.concatenate([points, far]), np.tile(classes, 2), grain=np.full(len(grain), 7)))
    assert sorted(g.number for g in parted.grains) == [7, 8]
    fresh = measure(table(points, classes), image_shape=roomy(made))
    assert [g.number for g in fresh.grains] == [0]
