"""What is open in a window and what was asked of it: plain data with signals, no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from psygnal import Signal
from pydantic import Field

from hrtem_app.recipe import Part, Recipe

if TYPE_CHECKING:
    from hrtem_app.analysis import Analysis, Progress
    from hrtem_app.gui.preview import Preview
    from hrtem_app.series import FocalSeries

Kind = Literal["all", "agree", "unique"]
Level = Literal["info", "warning", "error"]
Source = Literal["series", "filter", "predict", "columns"]


@dataclass(frozen=True)
class Message:
    """One line for the user; it stays until it is read or its action is tried again."""

    source: Source
    level: Level
    text: str


class View(Part):
    """What of the results is shown; never part of what is computed."""

    votes: Annotated[int, Field(ge=1, description="Columns with at least this many votes are shown.")] = 1
    class_index: Annotated[int, Field(ge=0, description="Class of the agreement picture and the maps.")] = 0
    kind: Annotated[Kind, Field(description="Which predictions the agreement picture shows.")] = "all"
    hidden: Annotated[frozenset[str], Field(description="Networks left out of it.")] = frozenset()
    equal_dots: Annotated[bool, Field(description="Unique predictions as large as the others, not a third.")] = False


class Session:
    """The state of one viewer: series, recipe, results, view and messages.

    What it holds is immutable and replaced as a whole: a snapshot for undo or autosave is a handful of references.
    Signals carry nothing: a listener reads the session.
    """

    series_changed = Signal()
    recipe_changed = Signal()
    preview_changed = Signal()
    analysis_changed = Signal()
    view_changed = Signal()
    messages_changed = Signal()
    activity_changed = Signal()

    def __init__(self) -> None:
        self._file_series: FocalSeries | None = None
        self._series: FocalSeries | None = None
        self._recipe = Recipe()
        self._preview: Preview | None = None
        self._analysis: Analysis | None = None
        self._view = View()
        self._messages: tuple[Message, ...] = ()
        self._progress: Progress | None = None
        self._busy: frozenset[str] = frozenset()

    @property
    def file_series(self) -> FocalSeries | None:
        """The series as its files state it; its identity tells which series a result belongs to."""
        return self._file_series

    @property
    def series(self) -> FocalSeries | None:
        """The series with the sampling and the defoci that the user gave in place of the file's."""
        return self._series

    @property
    def recipe(self) -> Recipe:
        """What the next run is told."""
        return self._recipe

    @property
    def preview(self) -> Preview | None:
        """The newest lattice filter of the open series; None until it is computed."""
        return self._preview

    @property
    def analysis(self) -> Analysis | None:
        """The newest result for the open series."""
        return self._analysis

    @property
    def view(self) -> View:
        """What is shown of the results."""
        return self._view

    @property
    def messages(self) -> tuple[Message, ...]:
        """What the user has not dismissed yet, oldest first."""
        return self._messages

    @property
    def progress(self) -> Progress | None:
        """How far the run is that is under way."""
        return self._progress

    @property
    def busy(self) -> frozenset[str]:
        """Names of the jobs under way: open, analyse, export."""
        return self._busy

    @property
    def ready(self) -> bool:
        """Whether there is a series whose sampling is known."""
        return self._series is not None and self._series.sampling is not None

    @property
    def stale(self) -> bool:
        """Whether the recipe was changed after the results that are shown were computed."""
        if self._analysis is None:
            return False
        return _without_device(self._analysis.recipe) != _without_device(self._recipe)

    def open(self, series: FocalSeries) -> None:
        """Start on another series: what belonged to the last one (its sampling, angles, results) is let go."""
        self._file_series = series
        self._analysis = None
        self._preview = None
        self._view = self._view.model_copy(update={"votes": 1})
        self._messages = tuple(Message("series", "warning", text) for text in series.warnings)
        whole = {"sampling": None, "defocus": None, "frames": None}
        self._recipe = self._recipe.model_copy(
            update=whole | {"filter": self._recipe.filter.model_copy(update={"angles": None})}
        )
        self._series = series
        for signal in (self.series_changed, self.recipe_changed, self.preview_changed, self.analysis_changed):
            signal.emit()
        self.view_changed.emit()
        self.messages_changed.emit()

    def change(self, **fields: Any) -> None:
        """Change fields of the recipe; raises ValueError (pydantic's) for a value out of its bounds."""
        recipe = Recipe.model_validate(self._recipe.model_dump() | fields)
        if recipe == self._recipe:
            return
        series = _applied(self._file_series, recipe)
        rescaled = _scales(series) != _scales(self._series)
        self._recipe, self._series = recipe, series
        self.recipe_changed.emit()
        if rescaled:
            self.series_changed.emit()

    def change_filter(self, **fields: Any) -> None:
        """Change fields of the recipe's lattice filter."""
        self.change(filter=self._recipe.filter.model_dump() | fields)

    def change_view(self, **fields: Any) -> None:
        """Change what is shown."""
        view = View.model_validate(self._view.model_dump() | fields)
        if view != self._view:
            self._view = view
            self.view_changed.emit()

    def accept_preview(self, preview: Preview) -> None:
        """Take a filter's result; one of another series or another sampling is dropped."""
        if self._series is not None and preview.source.fits(self._series):
            self._preview = preview
            self.preview_changed.emit()

    def accept_analysis(self, analysis: Analysis, file_series: FocalSeries) -> bool:
        """Take a result; returns whether it was taken: one that was started for another series is dropped."""
        if file_series is not self._file_series:
            return False
        self._analysis = analysis
        self._view = self._view.model_copy(update={"votes": min(self._view.votes, max(1, len(analysis.networks)))})
        self.forget("predict")
        for text in analysis.warnings:
            self.tell("predict", "warning", text)
        self.analysis_changed.emit()
        self.view_changed.emit()
        return True

    def tell(self, source: Source, level: Level, text: str) -> None:
        """Show a line until it is dismissed; a line that is there already is not repeated."""
        message = Message(source, level, text)
        if message not in self._messages:
            self._messages = (*self._messages, message)
            self.messages_changed.emit()

    def dismiss(self, message: Message) -> None:
        """Take away a line that was read."""
        self._messages = tuple(m for m in self._messages if m != message)
        self.messages_changed.emit()

    def forget(self, source: Source) -> None:
        """Take away the lines of a panel, because its action is tried again."""
        if any(m.source == source for m in self._messages):
            self._messages = tuple(m for m in self._messages if m.source != source)
            self.messages_changed.emit()

    def set_busy(self, job: str, busy: bool) -> None:
        """Note that a job began or ended."""
        self._busy = self._busy | {job} if busy else self._busy - {job}
        if job == "analyse":
            self._progress = None
        self.activity_changed.emit()

    def set_progress(self, progress: Progress) -> None:
        """Note how far the run is."""
        self._progress = progress
        self.activity_changed.emit()


def _without_device(recipe: Recipe) -> Recipe:
    return recipe.model_copy(update={"device": "auto"})


def _applied(series: FocalSeries | None, recipe: Recipe) -> FocalSeries | None:
    if series is None:
        return None
    if recipe.sampling is not None:
        series = series.with_sampling(recipe.sampling)
    return series if recipe.defocus is None else series.with_defocus(recipe.defocus)


def _scales(series: FocalSeries | None) -> tuple[object, ...]:
    return () if series is None else (series.sampling, series.defocus)
