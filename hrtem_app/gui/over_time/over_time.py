"""A stack over time in a window: its time points, what was made of each, and which one is on screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from psygnal import Signal

from hrtem_app.gui.jobs import LatestWins, Outcome, describe
from hrtem_app.gui.links import Links
from hrtem_app.gui.over_time.held import Held
from hrtem_app.gui.over_time.jobs import load_point, open_points, run_points, split_points, write
from hrtem_app.gui.over_time.links import LinkedColumns
from hrtem_app.gui.session import Session

if TYPE_CHECKING:
    from hrtem_app.analysis import Progress
    from hrtem_app.gui.workbench import Workbench
    from hrtem_app.recipe import Recipe
    from hrtem_app.series import FocalSeries
    from hrtem_app.sessions import SessionContent, StackContent
    from hrtem_app.timelapse import PointDone, TimePoint
    from hrtem_app.timelapse.points import Order
    from hrtem_app.timelapse.shelf import Shelf

_stacks: WeakValueDictionary[Session, OverTime] = WeakValueDictionary()


class OverTime:
    """The stack of a workbench. The session holds one of its time points at a time, or another series altogether.

    `changed` tells that there are other time points, that another one is on screen, or that more of them are done.
    `relinked` tells that columns are linked otherwise.

    Parameters
    ----------
    workbench
        Whose session it is.
    """

    changed = Signal()
    relinked = Signal()

    def __init__(self, workbench: Workbench) -> None:
        self._workbench, self._session = workbench, workbench.session
        _stacks[self._session] = self
        self.columns = LinkedColumns()
        self.columns.failed.connect(self._on_failed)
        self._held: list[Held] = []
        self._shelf: Shelf | None = None
        self._wanted: int | None = None
        # As it was when one of the time points was on screen; None before.
        self._recipe: Recipe | None = None
        self._loading = LatestWins()
        self._loading.done.connect(self._on_loaded)
        session = self._session
        signals = (
            session.series_changed,
            session.recipe_changed,
            session.analysis_changed,
            session.corrections_changed,
        )
        self._links = Links(*((signal, self.follow) for signal in signals))
        self._links.open()

    def __len__(self) -> int:
        return len(self._held)

    @property
    def current(self) -> int | None:
        """Which time point is on screen; None for none of this stack."""
        series = self._session.file_series
        numbers = [number for number, held in enumerate(self._held) if held.series is series]
        return numbers[0] if series is not None and numbers else None

    @property
    def wanted(self) -> int | None:
        """Which time point is, or soon will be, on screen."""
        return self.current if self._wanted is None else self._wanted

    @property
    def done(self) -> int:
        """How many time points are analysed."""
        return sum(held.analysis is not None for held in self._held)

    @property
    def times(self) -> tuple[float | None, ...]:
        """Of all time points in s; None where they are unknown."""
        return tuple(held.point.time for held in self._held)

    @property
    def saved(self) -> StackContent | None:
        """What a session keeps of it; None where there is no stack."""
        from hrtem_app.sessions import StackContent

        if not self._held:
            return None
        linking, points = self.columns.linking, tuple(held.saved for held in self._held)
        return StackContent(points, self._recipe, linking.reach, linking.memory, linking.window)

    def restore(self, content: SessionContent, shelf: Shelf) -> None:
        """Bring back a session with a stack, the same time point on screen; what was open is put away.

        Parameters
        ----------
        content
            What was saved.
        shelf
            Where its frames and maps lie.
        """
        stack = content.stack
        if stack is None:
            return
        self._begin([Held.of_saved(saved) for saved in stack.points], shelf)
        self._recipe = stack.recipe
        self.columns.request((), content.recipe.measure)
        self.columns.change(reach=stack.reach, memory=stack.memory, window=stack.window)
        self._session.restore(content)
        self._request_summary()
        self.relinked.emit()
        self.changed.emit()

    def link(self, **fields: Any) -> None:
        """Link columns otherwise; see `Linking`."""
        before = self.columns.linking
        self.columns.change(**fields)
        if self.columns.linking != before:
            self.relinked.emit()

    def open(self, paths: Sequence[Path], size: int, order: Order, interval: float | None) -> None:
        """Open files as a stack, in a thread; see `hrtem_app.timelapse.points_of_files`."""
        self._session.forget("time")
        self._workbench.start("stack", "time", self._on_opened, open_points, list(paths), size, order, interval)

    def split_open_series(self, size: int, order: Order, interval: float | None) -> None:
        """Cut the series that is open, with the sampling and the defoci that it was given, into time points."""
        series = self._session.series
        if series is not None:
            self._session.forget("time")
            self._workbench.start("stack", "time", self._on_opened, split_points, series, size, order, interval)

    def go_to(self, number: int) -> None:
        """Bring a time point on screen: its series, its results and its corrections."""
        if self._shelf is None or not 0 <= number < len(self._held):
            return
        series = self._held[number].series
        if series is None:
            self._wanted = number
            self._loading.request(load_point, number, self._held[number].point, self._shelf)
        else:
            self._wanted = None
            if self._session.file_series is not series:
                self._show(self._held[number], series)
        self.changed.emit()

    def run(self) -> None:
        """Analyse the time points that are not done with the recipe as it is, in a thread; `Workbench.cancel` stops."""
        if self._shelf is None or not self._held or "analyse" in self._session.busy:
            return
        self._session.forget("time")
        job = self._workbench.start(
            "analyse", "time", self._on_run, run_points, tuple(self._held), self._session.recipe, self._shelf
        )
        job.progressed.connect(self._on_step)

    def write(self, folder: Path, overwrite: bool = False) -> None:
        """Write tracks, counts and the columns of every time point, in a thread."""
        if self.columns.summary is None:
            return
        self._session.forget("time")
        series = {number: held.series for number, held in enumerate(self._held)}
        summary = self.columns.summary
        self._workbench.start("write stack", "time", self._on_written, write, summary, series, folder, overwrite)

    def follow(self) -> None:
        """Keep what the session has of the time point that is on screen."""
        number, session = self.current, self._session
        if number is not None:
            held = self._held[number]
            recounted = self._recipe is not None and self._recipe.measure != session.recipe.measure
            self._recipe = session.recipe
            self._held[number] = held.followed(session)
            if recounted or self._held[number].table is not held.table:
                self._request_summary()
        self.changed.emit()

    def close(self) -> None:
        """Let go of what is under way, and of the disk."""
        self._links.close()
        self._loading.close()
        self.columns.close()
        self._held = []
        if self._shelf is not None:
            self._shelf.close()
            self._shelf = None

    def _on_opened(self, opened: tuple[tuple[TimePoint, ...], Shelf]) -> None:
        """Begin with other time points, the first of them on screen."""
        points, shelf = opened
        self._begin([Held(point) for point in points], shelf)
        self._request_summary()
        self.go_to(0)

    def _begin(self, held: list[Held], shelf: Shelf) -> None:
        """Other time points, none of them on screen yet."""
        if "analyse" in self._session.busy:
            self._workbench.cancel()
        if self._shelf is not None:
            self._shelf.close()
        self._held, self._shelf = held, shelf
        self._wanted = self._recipe = None

    def _show(self, held: Held, series: FocalSeries) -> None:
        """Show a time point as the last one was looked at: same place, same zoom, same frame, same sites."""
        viewer, session = self._workbench.viewer, self._session
        if self._recipe is None:
            self._workbench.open_series(series)
            self._recipe = session.recipe
            return
        before = self.current
        if before is None:
            session.show(series, self._recipe, held.analysis, held.corrections)
            return
        tracks = self.columns.tracks_of(before, self._workbench.tools.selected)
        look = viewer.scene.camera.center, viewer.scene.camera.zoom, viewer.dims.current_step
        session.show(series, session.recipe, held.analysis, held.corrections)
        viewer.scene.camera.center, viewer.scene.camera.zoom, viewer.dims.current_step = look
        if tracks:
            self._workbench.tools.select(self.columns.ids_of(self.current, tracks))

    def _request_summary(self) -> None:
        observations = [held.observed for held in self._held if held.observed is not None]
        self.columns.request(observations, self._session.recipe.measure)

    def _on_step(self, step: Progress | PointDone) -> None:
        from hrtem_app.analysis import Progress

        if isinstance(step, Progress):
            self._session.set_progress(step)
            return
        number = step.observation.number
        self._held[number] = self._held[number].after(step, self._session)
        self._request_summary()
        self.changed.emit()

    def _on_run(self, _: object) -> None:
        self.changed.emit()

    def _on_loaded(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            self._wanted = None
            self._on_failed(describe(outcome.error))
            self.changed.emit()
            return
        number, point, series = outcome.value
        # Another stack may have been opened meanwhile.
        if number < len(self._held) and self._held[number].point is point:
            if self._held[number].series is None:
                self._held[number] = replace(self._held[number], series=series)
            if self._wanted == number:
                self.go_to(number)

    def _on_failed(self, text: str) -> None:
        self._session.tell("time", "error", text)

    def _on_written(self, paths: list[Path]) -> None:
        self._session.tell("time", "info", f"{len(paths)} files written to {paths[0].parent}")


def time_summary(session: Session) -> str:
    """How far the stack over time is, whose time points the session shows; empty for none."""
    stack = _stacks.get(session)
    return f"{stack.done} of {len(stack)} done" if stack is not None and len(stack) else ""


def all_times_done(session: Session) -> bool:
    """Whether there is a stack over time, and all of it is analysed."""
    stack = _stacks.get(session)
    return stack is not None and 0 < len(stack) == stack.done
