"""What happened to sites: vacancies made and filled, columns lost, found and moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import CLASSES
from hrtem_app.timelapse.tracks import Tracks

VACANCY, FILLED, LOST, APPEARED = "vacancy made", "filled", "lost", "appeared"
MOVED, OTHER_CLASS = "moved", "other class"
EVENT_KINDS = (VACANCY, FILLED, LOST, APPEARED, MOVED, OTHER_CLASS)

_TWO_S, _ONE_S = CLASSES.index("2S"), CLASSES.index("1S")
# A column that moved is further from its site than this part of the reach, and than so many standard deviations.
_PART, _DEVIATIONS = 0.5, 4.5
# The median of distances in a plane is so many standard deviations per axis (Rayleigh).
_MEDIAN = 1.1774


@dataclass(frozen=True)
class Event:
    """Something that happened to a site.

    Parameters
    ----------
    track
        Of the site.
    number
        Time point at which it is seen for the first time.
    kind
        One of `EVENT_KINDS`.
    """

    track: int
    number: int
    kind: str


def find_events(tracks: Tracks) -> tuple[Event, ...]:
    """All events, by time point and then by track.

    *Vacancy made* is a 2S column that is 1S at its next sighting, *filled* the reverse; every other change of class is
    *other class*. A column is *lost* at the first time point at which its site is in view and empty, and never seen
    again; a gap that `memory` bridges is none. It *appeared* where its site was in view, and empty, the time point
    before its first. It *moved* where it is further from where it was seen last than half of the reach and
    than 4.5 standard deviations of such distances.
    """
    found = [
        *_changes(tracks),
        *_events(_lost(tracks), LOST),
        *_events(_appeared(tracks), APPEARED),
        *_events(_moved(tracks), MOVED),
    ]
    return tuple(sorted(found, key=lambda e: (e.number, e.track, EVENT_KINDS.index(e.kind))))


def count_events(events: tuple[Event, ...], time_points: int) -> dict[str, NDArray[np.int64]]:
    """(n,) by kind, how many there are at each time point."""
    return {
        kind: np.bincount([e.number for e in events if e.kind == kind], minlength=time_points).astype(np.int64)
        for kind in EVENT_KINDS
    }


def _previous(seen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(k, n) the last time point before each at which a site was seen; -1 for none."""
    last = np.maximum.accumulate(np.where(seen, np.arange(seen.shape[1]), -1), axis=1)
    return np.concatenate([np.full((len(seen), 1), -1), last[:, :-1]], axis=1)


def _changes(tracks: Tracks) -> list[Event]:
    previous = _previous(tracks.seen)
    track, number = np.nonzero(tracks.seen & (previous >= 0))
    before, after = tracks.classes[track, previous[track, number]], tracks.classes[track, number]
    kinds = {(_TWO_S, _ONE_S): VACANCY, (_ONE_S, _TWO_S): FILLED}
    rows = np.flatnonzero(before != after)
    return [Event(int(track[r]), int(number[r]), kinds.get((int(before[r]), int(after[r])), OTHER_CLASS)) for r in rows]


def _lost(tracks: Tracks) -> NDArray[np.bool_]:
    ended = np.maximum.accumulate(tracks.seen[:, ::-1], axis=1)[:, ::-1]
    lost: NDArray[np.bool_] = ~ended & np.pad(ended, ((0, 0), (1, 0)))[:, :-1] & tracks.in_view
    return lost


def _appeared(tracks: Tracks) -> NDArray[np.bool_]:
    begun = np.maximum.accumulate(tracks.seen, axis=1)
    first = begun & ~np.pad(begun, ((0, 0), (1, 0)), constant_values=True)[:, :-1]
    appeared: NDArray[np.bool_] = first & np.pad(tracks.in_view, ((0, 0), (1, 0)))[:, :-1]
    return appeared


def _moved(tracks: Tracks) -> NDArray[np.bool_]:
    previous = _previous(tracks.seen)
    places = tracks.places * tracks.sampling
    before = np.take_along_axis(places, np.maximum(previous, 0)[:, :, np.newaxis], axis=1)
    known = tracks.seen & (previous >= 0)
    distance = np.where(known, np.linalg.norm(places - before, axis=2), 0.0)
    usual = float(np.median(distance[known])) / _MEDIAN if known.any() else 0.0
    return distance > max(_PART * tracks.reach, _DEVIATIONS * usual)


def _events(where: NDArray[np.bool_], kind: str) -> list[Event]:
    return [Event(int(track), int(number), kind) for track, number in np.argwhere(where)]
