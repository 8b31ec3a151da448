"""Columns are linked through time as they were made."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from hrtem_app.imaging.shifting import Area
from hrtem_app.timelapse import link_columns
from hrtem_app.timelapse.column_drift import CLEAR, column_drift

SAMPLING = 0.2


def truly_linked(made: Any, tracks: Any) -> tuple[float, float]:
    """Precision and recall of the pairs of consecutive sightings that a track joins, against those of one site."""
    right = found = there = 0
    for number in range(1, len(made.tables)):
        before = dict(
            zip(tracks.track_of_rows(number - 1).tolist(), made.site_of_row[number - 1].tolist(), strict=True)
        )
        now = dict(zip(tracks.track_of_rows(number).tolist(), made.site_of_row[number].tolist(), strict=True))
        joined = before.keys() & now.keys()
        right += sum(before[track] == now[track] for track in joined)
        found += len(joined)
        there += len(set(before.values()) & set(now.values()))
    return right / found, right / there


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("radius", [None, 22.0])
def test_links_are_those_that_were_made(stack: Any, seed: int, radius: float | None) -> None:
    made = stack(seed, radius=radius)
    tracks = link_columns(made.tables, views=made.views)
    precision, recall = truly_linked(made, tracks)
    assert precision == 1
    assert recall > 0.999
    assert tracks.drift == pytest.approx(made.drift, abs=0.15)
    assert tracks.warnings == ()


def told_by_images(made: Any) -> list[tuple[float, float]]:
    """The drift from each time point to the next, a little wrong."""
    return [(dy + 0.7, dx - 0.7) for dy, dx in np.diff(made.drift, axis=0).tolist()]


def test_more_jitter_and_more_missing_columns(stack: Any) -> None:
    made = stack(3, jitter=0.15, missed=0.1, flicker=0.1)
    precision, recall = truly_linked(made, link_columns(made.tables, shifts=told_by_images(made), views=made.views))
    assert precision > 0.999
    # A sixtieth of the columns are further than the reach from where they were: exp(-0.61² / 4 / 0.15²).
    assert recall > 0.96


def test_a_drift_that_the_images_told_needs_no_faults(stack: Any) -> None:
    made = stack(0, vacancies=0.0, missed=0.0, flicker=0.0)
    tracks = link_columns(made.tables, shifts=told_by_images(made), views=made.views)
    assert truly_linked(made, tracks) == (1, 1)
    # What the images missed is told by all columns together, at each time point anew.
    assert tracks.drift == pytest.approx(made.drift, abs=0.15)


def test_a_perfect_lattice_is_said_to_be_ambiguous(stack: Any) -> None:
    made = stack(0, 2, vacancies=0.0, missed=0.0, flicker=0.0)
    tracks = link_columns(made.tables, views=made.views)
    assert "ambiguous" in tracks.warnings[0]
    # The lattice fits all the same, a whole number of cells away.
    assert np.abs(tracks.places[tracks.seen.all(axis=1)].std(axis=1)).max() * SAMPLING < 0.3


def test_no_site_is_in_two_tracks_and_no_column_without(stack: Any) -> None:
    made = stack(5, missed=0.1)
    tracks = link_columns(made.tables, views=made.views)
    for number, table in enumerate(made.tables):
        rows = tracks.rows[tracks.seen[:, number], number]
        assert sorted(rows.tolist()) == list(range(len(table)))
    sites = tracks.sites * SAMPLING
    nearest = np.linalg.norm(sites[:, np.newaxis] - sites, axis=2) + 9 * np.eye(len(sites))
    lived = tracks.seen.sum(axis=1) > 2
    assert nearest[np.ix_(lived, lived)].min() > 1.2


def test_the_order_of_rows_does_not_matter(stack: Any) -> None:
    made = stack(1)
    rng = np.random.default_rng(9)
    orders = [rng.permutation(len(table)) for table in made.tables]
    shuffled = [table.select(order) for table, order in zip(made.tables, orders, strict=True)]
    tracks, again = link_columns(made.tables, views=made.views), link_columns(shuffled, views=made.views)
    assert len(tracks) == len(again)
    assert again.classes.tolist() == tracks.classes.tolist()
    np.testing.assert_array_equal(again.positions, tracks.positions)


def test_a_gap_is_bridged_as_far_as_the_memory_goes(table: Any, crystal: Any) -> None:
    points, classes = crystal(4)
    full = table(points / SAMPLING + 150, classes)
    gone = full.select(np.arange(len(full)) != 7)
    tables = [full, gone, gone, full]
    views = [Area(0, 300, 0, 300)] * 4
    still = [(0.0, 0.0)] * 3

    def tracks_at_site(memory: int) -> int:
        tracks = link_columns(tables, shifts=still, views=views, memory=memory)
        at = np.linalg.norm(tracks.sites - full.positions[7], axis=1) < 1
        return int(at.sum())

    assert [tracks_at_site(memory) for memory in (0, 1, 2, 3)] == [2, 2, 1, 1]


def test_reach_is_the_longest_distance_from_a_site(table: Any) -> None:
    places = np.array([[50.0, 50], [50, 80], [80, 50], [80, 80], [120, 120]])
    moved = places.copy()
    moved[4] += [0, 4.9]
    before, after = table(places, [0] * 5), table(moved, [0] * 5)
    views = [Area(0, 200, 0, 200)] * 2
    counts = {r: len(link_columns([before, after], r, shifts=[(0.0, 0.0)], views=views)) for r in (0.97, 0.99)}
    assert counts == {0.97: 6, 0.99: 5}


def test_a_site_that_leaves_the_image_is_out_of_view(stack: Any) -> None:
    made = stack(2, 4, drift=12.0, missed=0.0)
    tracks = link_columns(made.tables, views=made.views)
    expected = tracks.sites[:, np.newaxis] + tracks.drift
    outside = (expected < -1).any(axis=2) | (expected > np.array(made.shape)).any(axis=2)
    assert outside.any()
    assert not tracks.in_view[outside].any()
    # Nothing was missed, so what is in view was seen.
    assert (tracks.in_view & ~tracks.seen).sum() == 0


def test_evidence_is_honest(stack: Any) -> None:
    """Where a drift counts as clear it is right; where there are few faults it often does not."""
    wrong, unclear = 0, Counter()  # type: ignore[var-annotated]
    for vacancies in (0.0, 0.005, 0.05):
        for seed in range(8):
            made = stack(seed, 2, vacancies=vacancies, shape=(150, 150))
            found = column_drift(made.tables[0], made.tables[1], tuple(made.views))
            if found.evidence < CLEAR:
                unclear[vacancies] += 1
            else:
                wrong += bool(np.abs(np.array(found.shift) - made.drift[1]).max() > 1)
    assert wrong == 0
    assert unclear[0.0] > unclear[0.05]


def test_empty_tables(table: Any, crystal: Any) -> None:
    points, classes = crystal(3)
    full, nothing = table(points / SAMPLING + 150, classes), table(np.empty((0, 2)), [])
    tracks = link_columns([full, nothing, full], memory=1)
    assert len(tracks) == len(full)
    assert tracks.seen.tolist() == [[True, False, True]] * len(full)
    assert len(link_columns([nothing, nothing])) == 0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"reach": 0.0}, "reach of 0.0 Å"),
        ({"memory": -1}, "memory of -1"),
        ({"shifts": []}, "0 shifts for 2 time points"),
        ({"views": []}, "0 views for 2 time points"),
    ],
)
def test_wrong_values_are_named(stack: Any, more: dict[str, Any], words: str) -> None:
    made = stack(0, 2)
    with pytest.raises(ValueError, match=words):
        link_columns(made.tables, **more)


def test_tables_of_different_samplings_are_refused(stack: Any) -> None:
    from dataclasses import replace

    made = stack(0, 2)
    with pytest.raises(ValueError, match="one sampling"):
        link_columns([made.tables[0], replace(made.tables[1], sampling=0.21)])
    # As files tell it, which round.
    assert len(link_columns([made.tables[0], replace(made.tables[1], sampling=0.2 + 1e-8)])) > 0
    with pytest.raises(ValueError, match="no tables"):
        link_columns([])
