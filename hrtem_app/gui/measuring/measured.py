"""Measurements of the columns as they are now, made in a thread while somebody looks at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QObject

from hrtem_app.gui.jobs import LatestWins, Outcome, describe
from hrtem_app.gui.links import Links
from hrtem_app.gui.measuring.rows import Row, rows_of
from hrtem_app.gui.session import Session

if TYPE_CHECKING:
    from hrtem_app.analysis import Analysis
    from hrtem_app.columns import ColumnTable
    from hrtem_app.inference.result import NetworkResult
    from hrtem_app.measure import Measurements
    from hrtem_app.recipe import MeasureSettings


@dataclass(frozen=True, eq=False)
class Measured:
    """Measurements, and what of them is worked out in the same thread.

    Parameters
    ----------
    table
        The columns that were measured.
    measurements
        What came out.
    one_s
        (m,) for each of `measurements.columns`, the mean over the networks of the probability that it is 1S; NaN
        without networks.
    rows
        The numbers as text.
    """

    table: ColumnTable
    measurements: Measurements
    one_s: NDArray[np.float64]
    rows: tuple[Row, ...]


class Measuring(QObject):
    """Keeps the newest measurements of the session's table.

    They are made anew when the table or the settings of the measurement change, but only while something wants them,
    so that editing stays quick when nobody looks. `failed` says whether the last one ended in an error.

    Parameters
    ----------
    session
        Whose table is measured, corrections included.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._measured: Measured | None = None
        self._analysis: Analysis | None = None
        self._asked: tuple[ColumnTable, MeasureSettings] | None = None
        self._holders: set[int] = set()
        self.failed = False
        self._runner = LatestWins()
        self._runner.done.connect(self._on_done)
        self._links = Links((session.corrections_changed, self._update), (session.recipe_changed, self._update))
        self._links.open()

    @property
    def measured(self) -> Measured | None:
        """The newest of the result that is open, maybe before its latest corrections; None until there are any."""
        return self._measured

    def current(self) -> bool:
        """Whether `measured` belongs to the table and the settings as they are now."""
        measured, session = self._measured, self._session
        return (
            measured is not None
            and measured.table is session.table
            and measured.measurements.settings == session.recipe.measure
        )

    def want(self, holder: int) -> None:
        """Keep the measurements up to date from now on, for a holder that gives its identity."""
        self._holders.add(holder)
        self._update()

    def unwant(self, holder: int) -> None:
        """A holder looks no longer."""
        self._holders.discard(holder)

    def close(self) -> None:
        """Follow the session no longer, and let go of what is under way."""
        self._links.close()
        self._runner.close()

    def _update(self) -> None:
        session, table, settings = self._session, self._session.table, self._session.recipe.measure
        if self._measured is not None and self._analysis is not session.analysis:
            # Of another run: the same ids are other columns there.
            self._measured = None
            self.changed.emit()
        if not self._holders or table is None or session.series is None or session.analysis is None or self.current():
            return
        if self._asked is not None and self._asked[0] is table and self._asked[1] == settings:
            return
        self._asked = table, settings
        self._runner.request(_measure, table, settings, session.series.shape, session.analysis.networks)

    def _on_done(self, outcome: Outcome) -> None:
        session = self._session
        if self.failed:
            session.forget("measure")
        self.failed = outcome.error is not None
        if outcome.error is not None:
            session.tell("measure", "error", describe(outcome.error))
            self.changed.emit()
            return
        measured = outcome.value
        if self._asked == (measured.table, measured.measurements.settings):
            # It may be asked for again, after another table was there in between.
            self._asked = None
        if measured.table is not session.table:
            return
        self._measured, self._analysis = measured, session.analysis
        self.changed.emit()


def _measure(
    table: ColumnTable, settings: MeasureSettings, shape: tuple[int, int], networks: Mapping[str, NetworkResult]
) -> Measured:
    from hrtem_app.measure import measure
    from hrtem_app.measure.defects import ONE_S

    measurements = measure(table, settings=settings, image_shape=shape)
    places = measurements.columns.positions
    told = [result.probability_at(places, ONE_S) for result in networks.values()]
    one_s = np.mean(told, axis=0) if told else np.full(len(places), np.nan)
    return Measured(table, measurements, one_s, rows_of(measurements))
