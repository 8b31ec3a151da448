"""Scores of the open results against a truth, kept up to date in a thread while somebody looks at them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from napari.components import ViewerModel
from napari.layers import Layer, Points
from psygnal import Signal

from hrtem_app.gui.jobs import LatestWins, Outcome, describe
from hrtem_app.gui.links import Links
from hrtem_app.gui.score_task import OfferedTruth, ScoreTask, score
from hrtem_app.gui.session import Session

if TYPE_CHECKING:
    from hrtem_app.evaluation.table_scores import Scores
    from hrtem_app.series import FocalSeries

StartJob = Callable[..., object]
# Samplings are read off positions with five digits after the point.
_SAME_SAMPLING = 1e-4
# Diameter of what marks a true column, in that of the dot of a found one.
_RING = 1.8
_NOTHING_CORRECTED = "Correct or review columns first, or open a table of true columns."


class Scoring:
    """What the results of a viewer are scored against, and the newest score.

    `changed` tells that there is another score, another truth to choose from, or another choice.

    Parameters
    ----------
    viewer
        Where the columns of a truth are shown.
    session
        Whose results are scored.
    start_job
        Runs a function in a thread: name, source of its messages, what to do with its value, function, arguments.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel, session: Session, start_job: StartJob) -> None:
        self._viewer, self._session, self._start_job = viewer, session, start_job
        # By series, as its files state it: an undo that brings a series back brings its truths back.
        self._offered: WeakKeyDictionary[FocalSeries, tuple[OfferedTruth, ...]] = WeakKeyDictionary()
        self._chosen: WeakKeyDictionary[FocalSeries, OfferedTruth] = WeakKeyDictionary()
        self._layers: dict[Path, Layer] = {}
        self._shown_for: FocalSeries | None = None
        self._reviewed_only = False
        self._asked: ScoreTask | None = None
        self._answer: tuple[ScoreTask, Scores | ValueError] | None = None
        self._latest = LatestWins()
        self._latest.done.connect(self._on_scored)
        self._links = Links((session.series_changed, self._on_series))
        self._links.open()

    @property
    def truths(self) -> tuple[OfferedTruth, ...]:
        """Truths of the open series from files."""
        series = self._session.file_series
        return () if series is None else self._offered.get(series, ())

    @property
    def chosen(self) -> OfferedTruth | None:
        """The truth in use; None: the corrected columns."""
        series = self._session.file_series
        return None if series is None else self._chosen.get(series)

    @property
    def reviewed_only(self) -> bool:
        """Whether only columns count that a person reviewed or edited."""
        return self._reviewed_only

    @property
    def result(self) -> Scores | None:
        """The newest score of the open series' results, be it of an earlier table."""
        if self._answer is None or self._session.analysis is None:
            return None
        task, said = self._answer
        same = task.analysis.series.frames is self._session.analysis.series.frames
        return said if same and not isinstance(said, ValueError) else None

    @property
    def problem(self) -> str:
        """Why what is there now has no score; empty where it has one, or will."""
        task = self.task()
        if task is None:
            return "No columns yet: run the networks first." if self._session.table is None else _NOTHING_CORRECTED
        if self._answer is None or not task.is_same(self._answer[0]):
            return ""
        said = self._answer[1]
        return describe(said) if isinstance(said, ValueError) else ""

    def current(self) -> bool:
        """Whether `result` belongs to the table, the truth and the choices as they are now."""
        task = self.task()
        return self.result is not None and self._answer is not None and self._answer[0].is_same(task)

    def task(self) -> ScoreTask | None:
        """What is to be scored now; None for nothing to score, or where nobody corrected what is to be the truth."""
        session, truth = self._session, self.chosen
        if session.analysis is None or session.table is None:
            return None
        if truth is None and (session.corrections is None or not session.corrections.edits):
            return None
        return ScoreTask(session.analysis, session.table, truth, self._reviewed_only)

    def request(self) -> None:
        """Score what is there now, in a thread, unless that is done or under way."""
        task = self.task()
        if task is not None and not task.is_same(self._asked):
            self._asked = task
            self._latest.request(_score, task)

    def choose(self, truth: OfferedTruth | None) -> None:
        """Score against one of the offered truths, whose columns are shown, or against the corrected columns (None)."""
        series = self._session.file_series
        if series is None:
            return
        if truth is None:
            self._chosen.pop(series, None)
        else:
            self._chosen[series] = truth
            self._show(truth)
        self.changed.emit()

    def set_reviewed_only(self, reviewed_only: bool) -> None:
        """Judge only columns that a person reviewed or edited, and places near them."""
        self._reviewed_only = reviewed_only
        self.changed.emit()

    def open(self, paths: Sequence[str | Path], choose: bool = False) -> None:
        """Read true columns in a thread; they are offered and shown, and with `choose` scored against at once."""
        series, sampling = self._session.file_series, self._sampling()
        self._session.forget("score")
        if series is None or sampling is None:
            self._session.tell("score", "error", "Open the series of these columns first, and give its sampling.")
            return
        done = partial(self._on_read, series, choose)
        self._start_job("truth", "score", done, _read, [Path(path) for path in paths], sampling)

    def look_around(self) -> None:
        """Offer the truths that lie beside the files of the open series, once; read in a thread."""
        series, sampling = self._session.file_series, self._sampling()
        if series is None or sampling is None or series in self._offered:
            return
        self._offered[series] = ()
        files = [source.path for source in series.sources]
        if files:
            self._start_job("look", "score", partial(self._on_found, series), _find, files, sampling)

    def close(self) -> None:
        """Score no more; the layers stay with the viewer."""
        self._links.close()
        self._latest.close()

    def _sampling(self) -> float | None:
        series = self._session.series
        return None if series is None else series.sampling

    def _on_read(self, series: FocalSeries, choose: bool, truths: list[OfferedTruth]) -> None:
        self._on_found(series, truths)
        if series is not self._session.file_series:
            return
        for truth in truths:
            self._show(truth)
        if choose:
            self.choose(truths[-1])

    def _on_found(self, series: FocalSeries, truths: list[OfferedTruth]) -> None:
        read = {truth.path for truth in truths}
        kept = tuple(truth for truth in self._offered.get(series, ()) if truth.path not in read)
        self._offered[series] = (*kept, *truths)
        self.changed.emit()

    def _on_scored(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            self._session.tell("score", "error", describe(outcome.error))
            return
        self._answer = outcome.value
        self.changed.emit()

    def _on_series(self) -> None:
        """Columns of another series are no longer shown."""
        series = self._session.file_series
        if series is self._shown_for:
            return
        self._shown_for = series
        for layer in self._layers.values():
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self._layers.clear()
        if self.chosen is not None:
            self._show(self.chosen)
        self.changed.emit()

    def _show(self, truth: OfferedTruth) -> None:
        from hrtem_app.gui.plugin.reader import columns_layer

        layer = self._layers.get(truth.path)
        if layer is not None and layer in self._viewer.layers:
            if layer.metadata.get("truth") is truth:
                return
            self._viewer.layers.remove(layer)
        active = self._viewer.layers.selection.active
        data, kwargs, _ = columns_layer(truth.table, truth.path.stem)
        # Rings around what was found, so that both are seen.
        look = {"symbol": "ring", "size": _RING * kwargs["size"]}
        self._layers[truth.path] = Points(data, **kwargs | look, metadata={"truth": truth})
        self._viewer.layers.append(self._layers[truth.path])
        # Keys for corrections go to the layer that they went to before.
        self._viewer.layers.selection.active = active


def _score(task: ScoreTask) -> tuple[ScoreTask, Scores | ValueError]:
    try:
        return task, score(task)
    except ValueError as error:
        return task, error


def _read(paths: Sequence[Path], sampling: float) -> list[OfferedTruth]:
    from hrtem_app.evaluation.truth_files import read_truth

    truths = [OfferedTruth(path, read_truth(path, sampling)) for path in paths]
    for truth in truths:
        if len(truth.table) == 0:
            raise ValueError(f"{truth.path} holds no columns: give a table with some")
        if not math.isclose(truth.table.sampling, sampling, rel_tol=_SAME_SAMPLING):
            raise ValueError(
                f"the columns of {truth.path} are of {truth.table.sampling:.6g} Å/px and the open series is of "
                f"{sampling:.6g}: open the series that they belong to, or correct its sampling"
            )
    return truths


def _find(files: Sequence[Path], sampling: float) -> list[OfferedTruth]:
    from hrtem_app.evaluation.truth_files import truths_beside

    found = []
    for path in truths_beside(files):
        try:
            found += _read([path], sampling)
        except ValueError:
            # Nobody asked for this file.
            continue
    return found
