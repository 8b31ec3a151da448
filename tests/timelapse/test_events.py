"""What happened to sites is told as it was made; smoothing takes flickering out and says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hrtem_app.imaging.shifting import Area
from hrtem_app.timelapse import find_events, link_columns

MO, TWO_S, ONE_S = 0, 1, 2
VIEW = Area(0, 200, 0, 200)
PLACES = np.array([[60.0, 60], [60, 80], [80, 60], [80, 80], [100, 60], [100, 80]])


@pytest.fixture
def tracks_of(table: Any) -> Any:
    """Links time points that are dicts from the number of a place to a class."""

    def make(*times: dict[int, int], memory: int = 0, shift: float = 0.0, moved: Any = None) -> Any:
        tables = [
            table(
                [PLACES[n] + shift * number + (0 if moved is None else moved.get((number, n), 0)) for n in seen],
                list(seen.values()),
            )
            for number, seen in enumerate(times)
        ]
        shifts = [(shift, shift)] * (len(times) - 1)
        return link_columns(tables, 1.0, shifts=shifts, views=[VIEW] * len(times), memory=memory)

    return make


def told(tracks: Any) -> list[tuple[int, int, str]]:
    """(place, time point, kind) of all events."""
    place_of = {track: int(np.linalg.norm(PLACES - site, axis=1).argmin()) for track, site in enumerate(tracks.sites)}
    return sorted((place_of[e.track], e.number, e.kind) for e in find_events(tracks))


ALL = {0: MO, 1: TWO_S, 2: TWO_S, 3: MO, 4: ONE_S, 5: MO}


def test_nothing_happens(tracks_of: Any) -> None:
    assert told(tracks_of(ALL, ALL, ALL, shift=3.0)) == []


def test_classes_change(tracks_of: Any) -> None:
    tracks = tracks_of(ALL, ALL | {1: ONE_S}, ALL | {1: ONE_S, 4: TWO_S}, ALL | {1: ONE_S, 4: TWO_S, 0: TWO_S})
    assert told(tracks) == [(0, 3, "other class"), (1, 1, "vacancy made"), (4, 2, "filled")]


def test_columns_come_and_go(tracks_of: Any) -> None:
    few = {n: c for n, c in ALL.items() if n != 2}
    more = {n: c for n, c in ALL.items() if n != 3}
    assert told(tracks_of(ALL, few, few)) == [(2, 1, "lost")]
    assert told(tracks_of(more, more, ALL)) == [(3, 2, "appeared")]


def test_a_gap_that_memory_bridges_is_no_event_but_a_change_across_it_is(tracks_of: Any) -> None:
    gone = {n: c for n, c in ALL.items() if n != 2}
    assert told(tracks_of(ALL, gone, ALL, memory=1)) == []
    assert told(tracks_of(ALL, gone, ALL | {2: ONE_S}, memory=1)) == [(2, 2, "vacancy made")]
    assert told(tracks_of(ALL, gone, ALL, memory=0)) == [(2, 1, "lost"), (2, 2, "appeared")]


def test_a_column_that_moved(tracks_of: Any) -> None:
    moved = {(2, 1): np.array([0.0, 4.0]), (3, 1): np.array([0.0, 4.0])}
    assert told(tracks_of(ALL, ALL, ALL, ALL, moved=moved)) == [(1, 2, "moved")]
    assert told(tracks_of(ALL, ALL, ALL, moved={(1, 1): np.array([0.0, 2.0])})) == []


def test_a_site_that_leaves_the_image_is_not_lost(table: Any) -> None:
    """The content moves upwards until the first row is outside."""
    kept = [
        table((PLACES - [30 * n, 0])[(PLACES - [30 * n, 0])[:, 0] > 0], [MO] * (6 if n < 2 else 4)) for n in range(3)
    ]
    tracks = link_columns(kept, 1.0, shifts=[(-30.0, 0.0)] * 2, views=[VIEW] * 3, memory=0)
    assert tracks.in_view.sum(axis=0).tolist() == [6, 6, 4]
    assert find_events(tracks) == ()
    back = link_columns(kept[::-1], 1.0, shifts=[(30.0, 0.0)] * 2, views=[VIEW] * 3, memory=0)
    assert find_events(back) == ()


def test_events_of_a_stack_are_those_that_were_made(stack: Any) -> None:
    """Nothing is missed or flickers, so every event is one that was made by hand."""
    from dataclasses import replace

    made = stack(4, 5, missed=0.0, flicker=0.0, drift=3.0)
    rng = np.random.default_rng(0)
    everywhere = set(made.site_of_row[0]).intersection(*made.site_of_row)
    classes = {s: made.tables[0].classes[r] for r, s in enumerate(made.site_of_row[0])}
    sulphur = [s for s in sorted(everywhere) if classes[s] == TWO_S]
    when = {site: int(rng.integers(1, 5)) for site in rng.choice(sulphur, 25, replace=False)}
    tables = []
    for number, (one, sites) in enumerate(zip(made.tables, made.site_of_row, strict=True)):
        changed = [ONE_S if s in when and when[s] <= number else c for s, c in zip(sites, one.classes, strict=True)]
        tables.append(replace(one, classes=np.array(changed)))
    tracks = link_columns(tables, views=made.views)
    found = [e for e in find_events(tracks) if e.kind == "vacancy made"]
    rows = {e.track: tracks.rows[e.track, e.number] for e in found}
    assert {int(made.site_of_row[e.number][rows[e.track]]): e.number for e in found} == when
    assert {e.kind for e in find_events(tracks)} == {"vacancy made"}


def test_smoothing(tracks_of: Any) -> None:
    seen = [TWO_S, ONE_S, TWO_S, TWO_S, ONE_S, ONE_S, ONE_S]
    tracks = tracks_of(*({0: MO, 1: one} for one in seen))
    smooth = tracks.smoothed(3)
    assert smooth.window == 3
    assert smooth.classes[1].tolist() == [TWO_S, TWO_S, TWO_S, TWO_S, ONE_S, ONE_S, ONE_S]
    assert told(smooth) == [(1, 4, "vacancy made")]
    assert len(told(tracks)) == 3
    assert tracks.smoothed(1).classes.tolist() == tracks.classes.tolist()
    for window in (0, 2):
        with pytest.raises(ValueError, match=f"window of {window}"):
            tracks.smoothed(window)


def test_smoothing_leaves_gaps_and_ties(tracks_of: Any) -> None:
    tracks = tracks_of({0: MO, 1: TWO_S}, {0: MO}, {0: MO, 1: ONE_S}, {0: MO, 1: TWO_S}, memory=1).smoothed(3)
    assert tracks.classes[1].tolist() == [TWO_S, -1, ONE_S, TWO_S]


def test_smoothed_tables(stack: Any) -> None:
    made = stack(6, 5, flicker=0.1, drift=2.0)
    shifts = [(dy, dx) for dy, dx in np.diff(made.drift, axis=0).tolist()]
    tracks = link_columns(made.tables, shifts=shifts, views=made.views)
    assert all(a is b for a, b in zip(tracks.tables(made.tables), made.tables, strict=True))
    smooth = tracks.smoothed(3)
    for number, (before, after) in enumerate(zip(made.tables, smooth.tables(made.tables), strict=True)):
        assert after.classes.tolist() == smooth.classes[smooth.track_of_rows(number), number].tolist()
        assert after.ids.tolist() == before.ids.tolist()
    # One in ten sulphur columns is wrong, and 2.8 % of the majorities of three, where there are three.
    wrong = [
        sum(
            int((t.classes != made.classes[sites]).sum())
            for t, sites in list(zip(tables, made.site_of_row, strict=True))[1:4]
        )
        for tables in (made.tables, smooth.tables(made.tables))
    ]
    assert wrong[1] < 0.45 * wrong[0]
