"""Columns linked through time and counted, kept up to date in a thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from hrtem_app.gui.jobs import LatestWins, Outcome, describe
from hrtem_app.gui.over_time.jobs import Counted, put_together

if TYPE_CHECKING:
    from hrtem_app.recipe import MeasureSettings
    from hrtem_app.timelapse import Observation, Timelapse


@dataclass(frozen=True)
class Linking:
    """How columns are linked and counted; see `hrtem_app.timelapse.put_together`."""

    reach: float | None = None
    memory: int = 1
    window: int = 1


class LinkedColumns:
    """Tracks, events and counts of the time points that are done; of several requests the latest counts.

    `changed` tells that they are new; `failed`, with a sentence, that they could not be made.
    """

    changed = Signal()
    failed = Signal(str)

    def __init__(self) -> None:
        self.linking = Linking()
        self.summary: Timelapse | None = None
        self._counted = Counted()
        self._observations: tuple[Observation, ...] = ()
        self._settings: MeasureSettings | None = None
        self._runner = LatestWins()
        self._runner.done.connect(self._on_done)

    def request(self, observations: Sequence[Observation], settings: MeasureSettings) -> None:
        """Link and count these time points; none of them: there is nothing any more."""
        self._observations, self._settings = tuple(observations), settings
        if not observations:
            self.summary = None
            self.changed.emit()
            return
        self._runner.request(put_together, self._observations, self.linking, settings, self._counted)

    def change(self, **fields: Any) -> None:
        """Link otherwise."""
        linking = replace(self.linking, **fields)
        if linking != self.linking:
            self.linking = linking
            if self._settings is not None:
                self.request(self._observations, self._settings)

    def tracks_of(self, number: int | None, ids: Sequence[int]) -> tuple[int, ...]:
        """The sites of columns of a time point; those that are not linked yet are left out."""
        index = self._index_of(number)
        if self.summary is None or index is None:
            return ()
        rows = np.flatnonzero(np.isin(self.summary.observations[index].table.ids, list(ids)))
        return tuple(self.summary.tracks.track_of_rows(index)[rows].tolist())

    def ids_of(self, number: int | None, tracks: Sequence[int]) -> tuple[int, ...]:
        """The columns of a time point that stand on sites; there may be none on some."""
        index = self._index_of(number)
        if self.summary is None or index is None or not tracks:
            return ()
        rows = self.summary.tracks.rows[list(tracks), index]
        return tuple(self.summary.observations[index].table.ids[rows[rows >= 0]].tolist())

    def close(self) -> None:
        """Let go of what is under way."""
        self._runner.close()

    def _index_of(self, number: int | None) -> int | None:
        """Where a time point stands in the summary; None where it is not in it."""
        if self.summary is None:
            return None
        numbers = [o.number for o in self.summary.observations]
        return numbers.index(number) if number in numbers else None

    def _on_done(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            self.failed.emit(describe(outcome.error))
        elif self._observations:
            self.summary = outcome.value
            self.changed.emit()
