"""From the tables of all time points to tracks: drift as a whole, then column by column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hrtem_app.columns import ColumnTable
from hrtem_app.imaging.shifting import Area
from hrtem_app.timelapse.column_drift import CLEAR, LARGEST, column_drift
from hrtem_app.timelapse.pairing import inside, mutual_neighbours
from hrtem_app.timelapse.tracks import NOT_SEEN, Tracks

Shift = tuple[float, float]

_PART_OF_BOND = 1 / 3
# Å: in place of a nearest neighbour distance where no table has two columns.
_BOND = 1.83
# Å: nearer to the border of an image than that, a column may well be missed.
_BORDER = 1.5
# A site is where its last so many columns were.
_SIGHTINGS = 5
# Looks at how far all columns together miss their sites.
_LOOKS = 3
# Tables that were read from files tell their sampling so exactly.
_ROUNDING = 1e-5
# Of the columns that should be there: if fewer are, a drift is in doubt.
_FITTING = 0.5


def link_columns(
    tables: Sequence[ColumnTable],
    reach: float | None = None,
    *,
    shifts: Sequence[Shift | None] | None = None,
    views: Sequence[Area] | None = None,
    memory: int = 1,
    largest: float = LARGEST,
) -> Tracks:
    """Give columns that stand on one site at different times one track.

    From one time point to the next all columns are shifted together: as the images say, else as the faults of the
    lattice do (`column_drift`). What all linked columns then miss their sites by, in the median, is taken out too, so
    errors do not add up. A column belongs to the site that is its nearest, and whose nearest it is, within `reach`.

    Parameters
    ----------
    tables
        The columns of each time point, of one sampling; the order of rows does not matter.
    reach
        Å; None: a third of the median nearest neighbour distance.
    shifts
        (dy, dx) in pixels from each time point to the next, where the images tell it clearly; None: from the columns.
    views
        The pixels in which columns of each time point were sought; None: the rectangle around them.
    memory
        A site may go unseen for so many time points and is still the same when a column is there again.
    largest
        Drift in Å within which the next time point's columns are sought, where no shift is given.

    Raises
    ------
    ValueError
        For no tables, tables of different samplings, a reach that is not positive, or shifts or views that are not as
        many as there should be.
    """
    _check(tables, reach, shifts, views, memory)
    radius = _default_reach(tables) if reach is None else reach
    seen_in = tuple(views) if views is not None else tuple(_around(table) for table in tables)
    linker = _Linker(tables[0].sampling, radius, memory)
    for number, table in enumerate(tables):
        step = (0.0, 0.0)
        if number:
            given = None if shifts is None else shifts[number - 1]
            step = linker.step(
                number, tables[number - 1 : number + 1], seen_in[number - 1 : number + 1], given, largest
            )
        linker.take(number, table, step)
    return linker.tracks(tables, seen_in)


@dataclass(eq=False)
class _Linker:
    """The sites so far; lengths in Å, places as in the first time point."""

    sampling: float
    reach: float
    memory: int
    drift: list[NDArray[np.float64]] = field(default_factory=list)
    sites: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))
    sightings: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    last_seen: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    track_of: list[NDArray[np.int64]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def step(
        self,
        number: int,
        tables: Sequence[ColumnTable],
        views: Sequence[Area],
        given: Shift | None,
        largest: float,
    ) -> Shift:
        """(dy, dx) in pixels from the last time point to this one."""
        if given is not None:
            return given
        found = column_drift(tables[0], tables[1], (views[0], views[1]), largest)
        if found.evidence < CLEAR:
            self.warnings.append(
                f"from time point {number - 1} to {number} the drift is ambiguous: another shift fits the columns "
                "nearly as well, so sites may be linked to their neighbours; look whether vacancies stay where they are"
            )
        return found.shift

    def take(self, number: int, table: ColumnTable, step: Shift) -> None:
        """Link the columns of the next time point."""
        points = table.positions * self.sampling
        start = self.drift[-1] if self.drift else np.zeros(2)
        live = np.flatnonzero(self.last_seen >= number - 1 - self.memory)
        drift = self._refined(self.sites[live], points, start + np.array(step) * self.sampling)
        self.drift.append(drift)
        places = points - drift
        pairs = mutual_neighbours(self.sites[live], places, self.reach)
        if number and len(pairs) < _FITTING * min(len(live), len(points)):
            self.warnings.append(
                f"only {len(pairs)} of the {len(points)} columns of time point {number} stand on sites of those "
                "before: its drift may be wrong, or it shows another place"
            )
        known = live[pairs[:, 0]]
        tracks = np.full(len(points), NOT_SEEN)
        tracks[pairs[:, 1]] = known
        weight = 1 / np.minimum(self.sightings[known] + 1, _SIGHTINGS)
        self.sites[known] += weight[:, np.newaxis] * (places[pairs[:, 1]] - self.sites[known])
        self.sightings[known] += 1
        self.last_seen[known] = number
        fresh = np.flatnonzero(tracks == NOT_SEEN)
        # From top to bottom, so that numbers do not depend on the order of rows.
        fresh = fresh[np.lexsort(places[fresh].T[::-1])]
        tracks[fresh] = len(self.sites) + np.arange(len(fresh))
        self.sites = np.concatenate([self.sites, places[fresh]])
        self.sightings = np.concatenate([self.sightings, np.ones(len(fresh), np.int64)])
        self.last_seen = np.concatenate([self.last_seen, np.full(len(fresh), number)])
        self.track_of.append(tracks)

    def tracks(self, tables: Sequence[ColumnTable], views: Sequence[Area]) -> Tracks:
        """All sites."""
        shape = len(self.sites), len(tables)
        rows, classes = np.full(shape, NOT_SEEN), np.full(shape, NOT_SEEN)
        positions = np.full((*shape, 2), np.nan)
        for number, (table, tracks) in enumerate(zip(tables, self.track_of, strict=True)):
            rows[tracks, number] = np.arange(len(table))
            classes[tracks, number] = table.classes
            positions[tracks, number] = table.positions
        drift = np.stack(self.drift) / self.sampling
        in_view = np.stack(
            [
                inside(view, self.sites / self.sampling + d, _BORDER / self.sampling)
                for view, d in zip(views, drift, strict=True)
            ],
            axis=1,
        )
        return Tracks(
            sampling=self.sampling,
            rows=rows,
            classes=classes,
            positions=positions,
            drift=drift,
            in_view=in_view | (rows != NOT_SEEN),
            reach=self.reach,
            memory=self.memory,
            warnings=tuple(self.warnings),
        )

    def _refined(
        self, sites: NDArray[np.float64], points: NDArray[np.float64], drift: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The drift in Å by which the linked columns miss their sites by nothing in the median."""
        for _ in range(_LOOKS):
            pairs = mutual_neighbours(sites, points - drift, self.reach)
            if len(pairs) == 0:
                break
            drift = drift + np.median(points[pairs[:, 1]] - drift - sites[pairs[:, 0]], axis=0)
        return drift


def _default_reach(tables: Sequence[ColumnTable]) -> float:
    """A third of the median distance from a column to its nearest neighbour, in Å."""
    nearest = [cKDTree(t.positions).query(t.positions, k=2)[0][:, 1] * t.sampling for t in tables if len(t) > 1]
    return _PART_OF_BOND * (float(np.median(np.concatenate(nearest))) if nearest else _BOND)


def _around(table: ColumnTable) -> Area:
    """The rectangle of pixels that holds all columns."""
    if len(table) == 0:
        return Area(0, 0, 0, 0)
    (top, left), (bottom, right) = np.floor(table.positions.min(axis=0)), np.ceil(table.positions.max(axis=0))
    return Area(int(top), int(bottom) + 1, int(left), int(right) + 1)


def _check(
    tables: Sequence[ColumnTable],
    reach: float | None,
    shifts: Sequence[Shift | None] | None,
    views: Sequence[Area] | None,
    memory: int,
) -> None:
    if len(tables) == 0:
        raise ValueError("there are no tables to link: give the columns of each time point")
    samplings = sorted(float(table.sampling) for table in tables)
    if samplings[-1] - samplings[0] > _ROUNDING * samplings[0]:
        raise ValueError(
            f"time points must have one sampling, and these have {samplings[0]:.6g} to {samplings[-1]:.6g} Å/px: give "
            "tables of one magnification, or state the sampling of all of them"
        )
    if reach is not None and not 0 < reach < float("inf"):
        raise ValueError(f"a reach of {reach} Å is impossible: give a positive number, 0.6 say")
    if memory < 0:
        raise ValueError(f"a memory of {memory} time points is impossible: give 0 or more")
    if shifts is not None and len(shifts) != len(tables) - 1:
        raise ValueError(f"{len(shifts)} shifts for {len(tables)} time points: give one from each to the next")
    if views is not None and len(views) != len(tables):
        raise ValueError(f"{len(views)} views for {len(tables)} time points: give one for each")
