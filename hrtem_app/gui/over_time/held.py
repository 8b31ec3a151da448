"""What a window holds of each time point of a stack."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hrtem_app.gui.session import Session

if TYPE_CHECKING:
    from hrtem_app.analysis import Analysis
    from hrtem_app.columns import ColumnTable
    from hrtem_app.correction import Corrections
    from hrtem_app.series import FocalSeries
    from hrtem_app.sessions import StackPoint
    from hrtem_app.timelapse import Observation, PointDone, TimePoint


@dataclass(frozen=True, eq=False)
class Held:
    """A time point and what was made of it.

    Parameters
    ----------
    point
        Where its series comes from.
    series
        As it was read, its frames on the disk; None until it is wanted. Its identity is that of the session's series.
    analysis, corrections
        As the session had them when it was last on screen, or as the run over all time points left them.
    observation
        What linking needs to know, but for the table, which is that of the corrections; None without an analysis.
    """

    point: TimePoint
    series: FocalSeries | None = None
    analysis: Analysis | None = None
    corrections: Corrections | None = None
    observation: Observation | None = None

    @classmethod
    def of_saved(cls, saved: StackPoint) -> Held:
        """A time point of a session that was saved."""
        from hrtem_app.correction import Corrections
        from hrtem_app.timelapse.observation import observed

        corrections, observation = saved.corrections, None
        if saved.series is not None and saved.analysis is not None:
            corrections = corrections or Corrections.begin(saved.analysis.table)
            observation = replace(observed(saved.point, saved.series, saved.analysis), drift=saved.drift)
        return cls(saved.point, saved.series, saved.analysis, corrections, observation)

    @property
    def saved(self) -> StackPoint:
        """What a session keeps of it."""
        from hrtem_app.sessions import StackPoint

        drift = None if self.observation is None else self.observation.drift
        return StackPoint(self.point, self.series, self.analysis, self.corrections, drift)

    @property
    def table(self) -> ColumnTable | None:
        """The columns as they are now."""
        return None if self.corrections is None else self.corrections.table

    @property
    def observed(self) -> Observation | None:
        """What is linked: the observation with the columns as they are now; None for nothing."""
        if self.observation is None or self.table is None:
            return None
        return replace(self.observation, table=self.table)

    def followed(self, session: Session) -> Held:
        """With what the session, which shows this time point, has of it now."""
        observation = self.observation
        if session.analysis is not self.analysis:
            observation = self._of(session.analysis)
        return replace(self, analysis=session.analysis, corrections=session.corrections, observation=observation)

    def after(self, done: PointDone, session: Session) -> Held:
        """With what the run over all time points made of it; goes through the session where that shows it."""
        from hrtem_app.correction import Corrections, rebased

        if done.analysis is None:
            # It was done before, and may have been corrected since; the drift may be known only now.
            known = self.observation
            return self if known is None else replace(self, observation=replace(known, drift=done.observation.drift))
        series, analysis = self.series or done.series, done.analysis
        corrections = Corrections.begin(analysis.table)
        if series is not done.series:
            # It was read twice, for the run and to be looked at; frames are compared quickly where they are the same.
            analysis = replace(analysis, series=replace(analysis.series, frames=series.frames))
        if series is session.file_series:
            session.accept_analysis(analysis, series)
            corrections = session.corrections or corrections
        elif self.corrections is not None and self.corrections.edits:
            corrections = rebased(self.corrections, analysis.table).corrections
        return Held(self.point, series, analysis, corrections, done.observation)

    def _of(self, analysis: Analysis | None) -> Observation | None:
        """What is known of an analysis that was made for this time point alone."""
        from hrtem_app.timelapse.observation import observed

        if analysis is None or self.series is None:
            return None
        drift = None if self.observation is None else self.observation.drift
        return replace(observed(self.point, self.series, analysis), drift=drift)
