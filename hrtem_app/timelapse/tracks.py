"""Tracks: each lattice site through time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import CLASSES, ColumnTable

NOT_SEEN = -1


@dataclass(frozen=True, eq=False)
class Tracks:
    """k sites at n time points; immutable.

    Parameters
    ----------
    sampling
        Å per pixel.
    rows
        (k, n) row of the site's column in the table of a time point; -1 where it was not seen.
    classes
        (k, n) index into `CLASSES`; -1 where it was not seen.
    positions
        (k, n, 2) (y, x) in pixels of the time point's own image; NaN where it was not seen.
    drift
        (n, 2) (dy, dx) in pixels: how far the content of a time point lies from where it is in the first.
    in_view
        (k, n) whether a column at the site would have been found there.
    reach
        Å: how far a column may be from its site.
    memory
        Time points for which a site may go unseen and still be the same.
    warnings
        What to doubt, one sentence each.
    window
        Time points whose majority decided the classes; 1: they are those of the tables.
    """

    sampling: float
    rows: NDArray[np.int64]
    classes: NDArray[np.int64]
    positions: NDArray[np.float64]
    drift: NDArray[np.float64]
    in_view: NDArray[np.bool_]
    reach: float
    memory: int
    warnings: tuple[str, ...] = ()
    window: int = 1

    def __post_init__(self) -> None:
        for array in (self.rows, self.classes, self.positions, self.drift, self.in_view):
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(k, n) where there is a column."""
        seen: NDArray[np.bool_] = self.rows != NOT_SEEN
        return seen

    @property
    def places(self) -> NDArray[np.float64]:
        """(k, n, 2) positions with the drift taken out, in pixels of the first time point's image."""
        return self.positions - self.drift

    @property
    def sites(self) -> NDArray[np.float64]:
        """(k, 2) mean place of each site, in pixels of the first time point's image."""
        mean: NDArray[np.float64] = np.nanmean(self.places, axis=1).reshape(-1, 2)
        return mean

    def track_of_rows(self, number: int) -> NDArray[np.int64]:
        """(rows,) the track of each row of the table of a time point."""
        tracks = np.flatnonzero(self.seen[:, number])
        of_row = np.empty(len(tracks), np.int64)
        of_row[self.rows[tracks, number]] = tracks
        return of_row

    def smoothed(self, window: int = 3) -> Tracks:
        """The same sites, the class at each time point being that of most time points around it.

        A class that lasts for less than half of the window is gone then, whether it was noise or not. Where no class
        has more than any other, it stays. Time points at which a site was not seen have no say and stay so.

        Parameters
        ----------
        window
            An odd number of time points, the one itself in the middle.

        Raises
        ------
        ValueError
            For a window that is even or less than one.
        """
        if window < 1 or window % 2 == 0:
            raise ValueError(f"a window of {window} time points has no middle: give an odd number, 3 say")
        half, count = window // 2, self.classes.shape[1]
        votes = np.zeros((len(CLASSES), *self.classes.shape), np.int64)
        for offset in range(-half, half + 1):
            to, source = slice(max(0, -offset), count - max(0, offset)), slice(max(0, offset), count + min(0, offset))
            for index in range(len(CLASSES)):
                votes[index, :, to] += self.classes[:, source] == index
        most = votes.max(axis=0, initial=0)
        is_alone = (votes == most).sum(axis=0) == 1
        decided = np.where(is_alone, votes.argmax(axis=0), self.classes)
        return replace(self, classes=np.where(self.seen, decided, NOT_SEEN), window=window)

    def tables(self, tables: Sequence[ColumnTable]) -> tuple[ColumnTable, ...]:
        """The tables that were linked, with the classes of the tracks; those that have them already are the same."""
        classes = [self.classes[self.track_of_rows(number), number] for number in range(len(tables))]
        return tuple(
            table if np.array_equal(table.classes, own) else replace(table, classes=own)
            for table, own in zip(tables, classes, strict=True)
        )
