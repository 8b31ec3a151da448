"""Measuring in the background, what of it is written and coloured, and polygons around columns."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from skimage.measure import points_in_poly

from hrtem_app.columns import ColumnTable
from hrtem_app.correction import Delete, Move
from hrtem_app.gui.measuring.measured import Measuring
from hrtem_app.gui.measuring.region import region_around
from hrtem_app.gui.measuring.values import UNKNOWN, Colouring, distances, single_sulphurs
from hrtem_app.gui.session import Session
from hrtem_app.measure import measure
from hrtem_app.recipe import Recipe


@pytest.fixture
def session(fakes: ModuleType, settled: None) -> Session:
    session = Session()
    accept(session, fakes)
    return session


@pytest.fixture
def measuring(session: Session) -> Any:
    measuring = Measuring(session)
    yield measuring
    measuring.close()


def accept(session: Session, fakes: ModuleType, **series: Any) -> None:
    opened = fakes.make_series(**series)
    session.open(opened)
    session.accept_analysis(fakes.run_to_end(opened, Recipe()), opened)


def delete(session: Session, row: int) -> None:
    assert session.table is not None
    session.correct(Delete(ids=(int(session.table.ids[row]),)))


def test_nothing_is_measured_while_nobody_looks(measuring: Measuring, session: Session, qtbot: Any) -> None:
    delete(session, 40)
    session.change_measure(votes=2)
    qtbot.wait(300)
    assert measuring.measured is None
    measuring.want(1)
    qtbot.waitUntil(measuring.current)
    first = measuring.measured
    measuring.unwant(1)
    delete(session, 40)
    qtbot.wait(300)
    assert not measuring.current()
    assert measuring.measured is first
    measuring.want(2)
    qtbot.waitUntil(measuring.current)
    assert measuring.measured.table is session.table


def test_it_measures_what_measure_does(measuring: Measuring, session: Session, qtbot: Any) -> None:
    delete(session, 40)
    corners = ((20.0, 20.0), (20.0, 120.0), (130.0, 120.0))
    session.change_measure(region=corners, votes=2, reference=3.16)
    measuring.want(1)
    qtbot.waitUntil(measuring.current)
    directly = measure(session.table, corners, session.recipe.measure, session.series.shape)
    assert measuring.measured.measurements.content() == directly.content()
    maps = [result.probability_at(directly.columns.positions, 2) for result in session.analysis.networks.values()]
    assert measuring.measured.one_s == pytest.approx(np.mean(maps, axis=0))


def test_results_of_another_table_are_dropped(measuring: Measuring, session: Session, qtbot: Any) -> None:
    told = []
    measuring.changed.connect(lambda: told.append((measuring.measured.table, session.table)))
    measuring.want(1)
    for row in (40, 41, 42):
        # The first job is under way by now, and none of these tables is there any more when it ends.
        delete(session, row)
    qtbot.waitUntil(measuring.current)
    assert told
    assert all(measured is present for measured, present in told)


def test_undo_brings_a_table_back(measuring: Measuring, session: Session, fakes: ModuleType, qtbot: Any) -> None:
    first = session.table
    measuring.want(1)
    qtbot.waitUntil(measuring.current)
    session.open(fakes.make_series(name="another", size=120))
    assert measuring.measured is None
    session.undo()
    assert session.table is first
    qtbot.waitUntil(measuring.current)
    delete(session, 40)
    session.undo()
    assert session.table is first
    qtbot.waitUntil(measuring.current)


def test_closing_ends_it(measuring: Measuring, session: Session, qtbot: Any) -> None:
    measuring.want(1)
    measuring.close()
    qtbot.wait(300)
    delete(session, 40)
    assert measuring.measured is None


def test_colours_and_samples_belong_to_their_columns(measuring: Measuring, session: Session, qtbot: Any) -> None:
    measuring.want(1)
    qtbot.waitUntil(measuring.current)
    measured = measuring.measured
    before = Colouring(measured, "displacement").colours(session.table)
    delete(session, 40)
    moved = session.table
    session.correct(Move(ids=(int(moved.ids[10]),), positions=((2.0, 2.0),)))
    assert Colouring(measured, "displacement").colours(session.table) == pytest.approx(np.delete(before, 40, axis=0))
    strange = np.full(len(moved), 10**6) + np.arange(len(moved))
    others = ColumnTable(moved.positions, moved.classes, moved.sampling, moved.votes, moved.probability, ids=strange)
    grey = np.array([int(UNKNOWN[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    assert Colouring(measured, "strain xx").colours(others)[:, :3] == pytest.approx(np.tile(grey, (len(others), 1)))
    sample, table = distances(measured, "S-S"), measured.table
    place = {int(i): p * table.sampling for i, p in zip(table.ids, table.positions, strict=True)}
    away = [np.linalg.norm(place[a] - place[b]) for a, b in sample.ids.tolist()]
    assert sample.values == pytest.approx(np.array(away))
    single = single_sulphurs(measured, "along x")
    assert set(single.ids.ravel().tolist()) == set(table.ids[table.classes == 2].tolist())
    assert single.values == pytest.approx(np.array([place[i][1] / 10 for i in single.ids.ravel().tolist()]))


def test_displacement_goes_from_dark_to_bright(measuring: Measuring, session: Session, qtbot: Any) -> None:
    measuring.want(1)
    qtbot.waitUntil(measuring.current)
    columns = measuring.measured.measurements.columns
    size = np.hypot(*columns.displacement.T)
    colours = Colouring(measuring.measured, "displacement").colours(session.table)
    # Viridis begins dark violet and ends yellow: its green only rises.
    order = columns.rows[np.argsort(size)]
    assert (np.diff(colours[order, 1]) > -1e-6).all()
    assert np.ptp(colours[:, 1]) > 0.7


def test_a_region_holds_what_was_chosen_and_nothing_else(fakes: ModuleType) -> None:
    positions, _ = fakes.columns((400, 400))
    away = np.hypot(*(positions - 200).T)
    box = (np.abs(positions - 200) < 50).all(axis=1)
    moon = (away < 60) & (np.hypot(*(positions - [200, 240]).T) > 40)
    for chosen in (box, moon, away < 10, away == away.min()):
        corners = region_around(positions, chosen, fakes.SAMPLING)
        assert chosen.any()
        assert (points_in_poly(positions, corners) == chosen).all()
    ring = (away > 30) & (away < 60)
    # A polygon has no hole, so it holds more.
    inside = points_in_poly(positions, region_around(positions, ring, fakes.SAMPLING))
    assert inside[ring].all()
