"""A click finds the column that was drawn, and the maps tell single sulphur from double."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from hrtem_app.columns import empty_table
from hrtem_app.correction import Corrections, SwapSublattices
from hrtem_app.correction.from_maps import nearest_peak, single_sulphur
from hrtem_app.inference.finding import find_columns
from hrtem_app.inference.result import NetworkResult
from hrtem_app.recipe import ColumnFinding

MAP_SAMPLING, SAMPLING = 0.225, 0.15
SCALE = MAP_SAMPLING / SAMPLING
COLUMNS = np.array([[30.3, 40.8], [38.1, 41.2], [60.6, 80.25], [2.2, 3.4]])


def drawn(columns=COLUMNS, height=0.9, shape=(90, 110), classes=None):
    """A network whose maps have soft disks at these places, in pixels of the maps."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    maps = np.zeros((4, *shape), np.float32)
    for number, (py, px) in enumerate(columns):
        off = (np.hypot(y - py, x - px) - 0.65 / MAP_SAMPLING) / 0.35
        kind = number % 3 if classes is None else classes[number]
        maps[kind] = np.maximum(maps[kind], height / (1 + np.exp(np.clip(off, -50, 50))))
    maps[3] = 1 - maps[:3].max(axis=0)
    return NetworkResult(SimpleNamespace(name="made"), maps, MAP_SAMPLING, empty_table(SAMPLING))


def in_image(places):
    return (np.asarray(places) + 0.5) * SCALE - 0.5


@pytest.mark.parametrize("number", range(len(COLUMNS)))
@pytest.mark.parametrize("height", [0.9, 0.15])
def test_a_click_finds_the_column_nearby(number, height):
    rng = np.random.default_rng(number)
    truth = in_image(COLUMNS[number])
    for _ in range(5):
        angle, off = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.8) / SAMPLING
        click = truth + off * np.array([np.sin(angle), np.cos(angle)])
        found = nearest_peak({"made": drawn(height=height)}, click)
        assert np.linalg.norm(found - truth) * SAMPLING < 0.03


def test_a_click_finds_exactly_what_the_analysis_finds():
    rng = np.random.default_rng(1)
    result = drawn(np.stack(np.meshgrid(np.arange(6, 88, 9.0), np.arange(6, 104, 9.0)), -1).reshape(-1, 2)
                   + rng.uniform(-1, 1, (110, 2)))  # fmt: skip
    settings = ColumnFinding(threshold=0.05)
    whole = in_image(find_columns(result.probabilities, MAP_SAMPLING, settings)[0])
    assert len(whole) == 110
    for place in whole[::7]:
        assert nearest_peak({"made": result}, place + 2.0) == pytest.approx(place, abs=1e-4)


def test_networks_are_averaged_and_those_without_a_peak_do_not_count():
    right, off = np.array([0, 0.5]), np.array([0, 20])
    networks = {"a": drawn(COLUMNS), "b": drawn(COLUMNS + right), "c": drawn(COLUMNS + off)}
    assert nearest_peak(networks, in_image(COLUMNS[0])) == pytest.approx(in_image(COLUMNS[0] + right / 2), abs=0.1)


@pytest.mark.parametrize("click", [(100.0, 20.0), (-50.0, 20.0), (1e5, 1e5), (2.0, -30.0)])
def test_where_nothing_is_nothing_is_found(click):
    assert nearest_peak({"made": drawn()}, click) is None
    assert nearest_peak({}, click) is None


def test_the_more_probable_sulphur(made_table):
    table = made_table()
    rows = np.flatnonzero((table.grain == 0) & (table.classes == 0))
    places = (table.positions[rows] + 0.5) * SAMPLING / MAP_SAMPLING * (table.sampling / SAMPLING) - 0.5
    kinds = np.where(np.arange(len(rows)) % 3 == 0, 2, 1)
    places += 20 - places.min()
    shape = tuple((places.max(axis=0) + 20).astype(int))
    scale = MAP_SAMPLING / table.sampling
    moved = table.positions.copy()
    moved[rows] = (places + 0.5) * scale - 0.5
    table = replace(table, positions=moved)
    network = replace(drawn(places, shape=shape, classes=kinds), columns=empty_table(table.sampling))
    single = single_sulphur(table, 0, {"made": network})
    assert set(single) == set(table.ids[rows[kinds == 2]].tolist())
    assert single_sulphur(table, 0, {}) == ()
    after = Corrections.begin(table).do(SwapSublattices(grain=0, single=single)).table
    assert after.classes[rows].tolist() == kinds.tolist()
