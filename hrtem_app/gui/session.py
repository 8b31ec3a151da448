"""What is open in a window and what was asked of it: plain data with signals, no Qt."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from psygnal import Signal
from pydantic import Field

from hrtem_app.gui.timeline import Moment, Timeline
from hrtem_app.recipe import Part, Recipe

if TYPE_CHECKING:
    from hrtem_app.analysis import Analysis, Progress
    from hrtem_app.columns import ColumnTable
    from hrtem_app.correction import Corrections, Edit
    from hrtem_app.gui.filtering.preview import Preview
    from hrtem_app.imaging.alignment import Drift
    from hrtem_app.imaging.calibration import Calibration
    from hrtem_app.series import FocalSeries
    from hrtem_app.sessions import SessionContent

Palette = Literal["thesis", "colour-blind"]
Kind = Literal["all", "agree", "unique"]
Level = Literal["info", "warning", "error"]
Source = Literal[
    "series", "calibrate", "align", "filter", "predict", "columns", "correct", "measure", "export", "score", "time"
]

# What can be dragged: changes of one such field that follow each other within a second are one action to undo.
_DRAGGED = frozenset({"radius", "edge", "angles", "shifts", "largest", "threshold"})
_ONE_DRAG = 1.0


@dataclass(frozen=True)
class Message:
    """One line for the user; it stays until it is read or its action is tried again."""

    source: Source
    level: Level
    text: str


@dataclass(frozen=True, eq=False)
class MeasuredDrift:
    """A drift, and the frames that it was measured between, in order.

    Parameters
    ----------
    frames
        0-based, the first of them being the reference.
    drift
        One row for each of them.
    """

    frames: tuple[int, ...]
    drift: Drift


class View(Part):
    """What of the results is shown; never part of what is computed."""

    votes: Annotated[int, Field(ge=1, description="Columns with at least this many votes are shown.")] = 1
    class_index: Annotated[int, Field(ge=0, description="Class of the agreement picture and the maps.")] = 0
    kind: Annotated[Kind, Field(description="Which predictions the agreement picture shows.")] = "all"
    hidden: Annotated[frozenset[str], Field(description="Networks left out of it.")] = frozenset()
    palette: Annotated[Palette, Field(description="Colours of the networks.")] = "thesis"
    equal_dots: Annotated[bool, Field(description="Unique predictions as large as the others, not a third.")] = False


class Session:
    """The state of one viewer: series, recipe, results, corrections, view and messages.

    What it holds is immutable and replaced as a whole: a snapshot for undo or autosave is a handful of references.
    Signals carry nothing: a listener reads the session.
    """

    series_changed = Signal()
    recipe_changed = Signal()
    calibration_changed = Signal()
    drift_changed = Signal()
    preview_changed = Signal()
    analysis_changed = Signal()
    corrections_changed = Signal()
    timeline_changed = Signal()
    view_changed = Signal()
    messages_changed = Signal()
    activity_changed = Signal()

    def __init__(self) -> None:
        self._file_series: FocalSeries | None = None
        self._series: FocalSeries | None = None
        self._recipe = Recipe()
        self._calibration: Calibration | None = None
        self._drift: MeasuredDrift | None = None
        self._preview: Preview | None = None
        self._analysis: Analysis | None = None
        self._corrections: Corrections | None = None
        self._exported: ColumnTable | None = None
        self._timeline = Timeline()
        self._dragged: tuple[frozenset[str], float] = (frozenset(), 0.0)
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
    def calibration(self) -> Calibration | None:
        """What a lattice in the open series says about its sampling; None until it is measured."""
        return self._calibration

    @property
    def drift(self) -> MeasuredDrift | None:
        """The drift between the used frames of the open series; None until it is measured, or for other frames."""
        return self._drift

    @property
    def preview(self) -> Preview | None:
        """The newest lattice filter of the open series; None until it is computed."""
        return self._preview

    @property
    def analysis(self) -> Analysis | None:
        """The newest result for the open series."""
        return self._analysis

    @property
    def corrections(self) -> Corrections | None:
        """What a person made of the newest result."""
        return self._corrections

    @property
    def table(self) -> ColumnTable | None:
        """The columns as they are now, corrections included."""
        return None if self._corrections is None else self._corrections.table

    @property
    def exported(self) -> ColumnTable | None:
        """The columns that were written last; None until they are, or for another series."""
        return self._exported

    @property
    def undo_text(self) -> str:
        """What `undo` takes back, in a few words; empty for nothing."""
        return self._timeline.undo_text

    @property
    def redo_text(self) -> str:
        """What `redo` does again; empty for nothing."""
        return self._timeline.redo_text

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
        return self._analysis.recipe.of_analysis() != self._recipe.of_analysis()

    def open(self, series: FocalSeries) -> None:
        """Start on another series: what belonged to the last one is put away, for `undo` to bring back."""
        if self._file_series is not None:
            self._note(f"open {series.name}")
        self._file_series = series
        self._analysis = None
        self._corrections = None
        self._exported = None
        self._preview = None
        self._calibration = None
        self._drift = None
        self._view = self._view.model_copy(update={"votes": 1})
        self._messages = tuple(Message("series", "warning", text) for text in series.warnings)
        whole = {"sampling": None, "defocus": None, "energy": None, "frames": None}
        parts = {
            "measure": self._recipe.measure.model_copy(update={"region": None}),
            "filter": self._recipe.filter.model_copy(update={"angles": None}),
            "alignment": self._recipe.alignment.model_copy(update={"shifts": None}),
        }
        self._recipe = self._recipe.model_copy(update=whole | parts)
        self._series = series
        self._tell_everything()

    def begin_with(self, recipe: Recipe) -> None:
        """Take a recipe to begin with while nothing is open; that is no action to undo."""
        if self._file_series is None and recipe != self._recipe:
            self._recipe = recipe
            self.recipe_changed.emit()

    def restore(self, content: SessionContent) -> None:
        """Bring back a session that was saved; what was open is put away, for `undo` to bring back."""
        from hrtem_app.correction import Corrections

        if self._file_series is not None:
            self._note("open a session")
        self._file_series, self._recipe, self._analysis = content.series, content.recipe, content.analysis
        self._corrections = content.corrections
        if self._corrections is None and content.analysis is not None:
            self._corrections = Corrections.begin(content.analysis.table)
        try:
            self._view = View.model_validate(content.view)
        except ValueError:
            # A view of another version: what is shown is no loss.
            self._view = View()
        self._series = _applied(content.series, content.recipe)
        self._preview = self._calibration = self._drift = self._exported = None
        warnings = content.series.warnings if content.analysis is None else content.analysis.warnings
        self._messages = tuple(Message("predict" if content.analysis else "series", "warning", w) for w in warnings)
        self._tell_everything()

    def show(
        self, series: FocalSeries, recipe: Recipe, analysis: Analysis | None, corrections: Corrections | None
    ) -> None:
        """Bring another time point of a stack on screen with what was made of it; that is no action to undo."""
        self._restore(Moment(series, recipe, analysis, corrections))

    def change(self, **fields: Any) -> None:
        """Change fields of the recipe; raises ValueError (pydantic's) for a value out of its bounds."""
        recipe = Recipe.model_validate(self._recipe.model_dump() | fields)
        if recipe == self._recipe:
            return
        self._note_change(recipe)
        series = _applied(self._file_series, recipe)
        rescaled = _scales(series) != _scales(self._series)
        self._recipe, self._series = recipe, series
        self.recipe_changed.emit()
        if rescaled:
            self.series_changed.emit()

    def change_filter(self, **fields: Any) -> None:
        """Change fields of the recipe's lattice filter."""
        self.change(filter=self._recipe.filter.model_dump() | fields)

    def change_alignment(self, **fields: Any) -> None:
        """Change fields of the recipe's alignment."""
        self.change(alignment=self._recipe.alignment.model_dump() | fields)

    def change_measure(self, **fields: Any) -> None:
        """Change fields of the recipe's measurement, which no result of the networks depends on."""
        self.change(measure=self._recipe.measure.model_dump() | fields)

    def change_view(self, **fields: Any) -> None:
        """Change what is shown."""
        view = View.model_validate(self._view.model_dump() | fields)
        if view != self._view:
            self._view = view
            self.view_changed.emit()

    def accept_calibration(self, calibration: Calibration, file_series: FocalSeries) -> bool:
        """Take what a lattice says; returns whether it was taken: one of another series is dropped."""
        if file_series is not self._file_series:
            return False
        self._calibration = calibration
        self.calibration_changed.emit()
        return True

    def accept_drift(self, drift: MeasuredDrift, file_series: FocalSeries) -> bool:
        """Take a measured drift; returns whether it was taken: one of another series is dropped."""
        if file_series is not self._file_series:
            return False
        self._drift = drift
        self.forget("align")
        if drift.drift.warning:
            self.tell("align", "warning", drift.drift.warning)
        self.drift_changed.emit()
        return True

    def accept_preview(self, preview: Preview) -> None:
        """Take a filter's result; one of another series or another sampling is dropped."""
        if self._series is not None and preview.source.fits(self._series):
            self._preview = preview
            self.preview_changed.emit()

    def accept_analysis(self, analysis: Analysis, file_series: FocalSeries) -> bool:
        """Take a result; returns whether it was taken: one that was started for another series is dropped."""
        if file_series is not self._file_series:
            return False
        corrections, sentences = _carried_over(self._corrections, analysis.table)
        # Also the first one: an undo of what was changed before it must not take the result along unsaid.
        self._note("run the networks")
        self._analysis, self._corrections = analysis, corrections
        self._view = self._view.model_copy(update={"votes": min(self._view.votes, max(1, len(analysis.networks)))})
        self.forget("predict")
        for text in analysis.warnings:
            self.tell("predict", "warning", text)
        for text in sentences:
            self.tell("correct", "warning", text)
        self.analysis_changed.emit()
        self.corrections_changed.emit()
        self.view_changed.emit()
        return True

    def accept_found_again(self, analysis: Analysis, before: Analysis) -> bool:
        """Take columns that were found anew in the maps of a result; dropped where that is the newest no longer.

        The change of the recipe that led to it was noted as an action, so this is none of its own.
        """
        if before is not self._analysis:
            return False
        self._corrections, sentences = _carried_over(self._corrections, analysis.table)
        self._analysis = analysis
        self.forget("correct")
        for text in sentences:
            self.tell("correct", "warning", text)
        self.analysis_changed.emit()
        self.corrections_changed.emit()
        self.view_changed.emit()
        return True

    def correct(self, edit: Edit) -> bool:
        """Correct columns; returns whether that changed anything. An edit that does not fit becomes a message."""
        if self._corrections is None:
            return False
        try:
            after = self._corrections.do(edit)
        except ValueError as error:
            self.tell("correct", "error", str(error))
            return False
        if after is self._corrections:
            return False
        self.forget("correct")
        self._note(edit.description)
        self._corrections = after
        self.corrections_changed.emit()
        return True

    def undo(self) -> None:
        """Take the last action back, if there is one."""
        if self._timeline.undo_text:
            self._restore(self._timeline.undo(self._moment()))

    def redo(self) -> None:
        """Do the action again that was taken back last, if there is one."""
        if self._timeline.redo_text:
            self._restore(self._timeline.redo(self._moment()))

    def note_exported(self, table: ColumnTable) -> None:
        """Note that these columns were written into a folder."""
        self._exported = table
        self.activity_changed.emit()

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

    def _moment(self) -> Moment:
        return Moment(self._file_series, self._recipe, self._analysis, self._corrections)

    def _note(self, text: str) -> None:
        """An action begins that can be undone."""
        self._dragged = frozenset(), 0.0
        self._timeline.note(text, self._moment())
        self.timeline_changed.emit()

    def _note_change(self, recipe: Recipe) -> None:
        """The recipe is about to change."""
        fields = _differing(self._recipe, recipe)
        before, when = self._dragged
        now = time.monotonic()
        if not fields <= _DRAGGED or fields != before or now - when > _ONE_DRAG or not self._timeline.undo_text:
            self._note(f"change {', '.join(sorted(name.replace('_', ' ') for name in fields))}")
        self._dragged = fields, now

    def _restore(self, moment: Moment) -> None:
        """Bring back a state, and say what of it is another one than now."""
        now = self._moment()
        self._dragged = frozenset(), 0.0
        self._recipe, self._file_series = moment.recipe, moment.series
        self._analysis, self._corrections = moment.analysis, moment.corrections
        series = _applied(moment.series, moment.recipe)
        same_series = moment.series is now.series
        rescaled = not same_series or _scales(series) != _scales(self._series)
        if rescaled:
            self._series = series
        if not same_series:
            self._preview = self._calibration = self._drift = None
            self._messages = tuple(m for m in self._messages if m.level == "info")
            self._tell_everything()
            self.timeline_changed.emit()
            return
        if rescaled:
            self.series_changed.emit()
        if moment.recipe != now.recipe:
            self.recipe_changed.emit()
        if moment.analysis is not now.analysis:
            self.analysis_changed.emit()
            self.view_changed.emit()
        if moment.corrections is not now.corrections:
            self.corrections_changed.emit()
        self.timeline_changed.emit()

    def _tell_everything(self) -> None:
        for signal in (
            self.series_changed,
            self.recipe_changed,
            self.calibration_changed,
            self.drift_changed,
            self.preview_changed,
            self.analysis_changed,
            self.corrections_changed,
            self.view_changed,
            self.messages_changed,
        ):
            signal.emit()


def _carried_over(corrections: Corrections | None, table: ColumnTable) -> tuple[Corrections, tuple[str, ...]]:
    """The corrections of an earlier run on the columns of a new one, and what a person should be told of that."""
    from hrtem_app.correction import Corrections, rebased

    if corrections is None or not corrections.edits:
        return Corrections.begin(table), ()
    carried = rebased(corrections, table)
    return carried.corrections, carried.sentences


def _differing(before: Part, after: Part) -> frozenset[str]:
    """Names of the fields in which two recipes differ, those of a part where only some of it does."""
    names: set[str] = set()
    for name in type(before).model_fields:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            names |= _differing(old, new) if isinstance(old, Part) else {name}
    return frozenset(names)


def _applied(series: FocalSeries | None, recipe: Recipe) -> FocalSeries | None:
    if series is None:
        return None
    if recipe.sampling is not None:
        series = series.with_sampling(recipe.sampling)
    if recipe.energy is not None:
        series = series.with_energy(recipe.energy)
    return series if recipe.defocus is None else series.with_defocus(recipe.defocus)


def _scales(series: FocalSeries | None) -> tuple[object, ...]:
    return () if series is None else (series.sampling, series.defocus, series.energy)
