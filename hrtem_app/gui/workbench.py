"""The scriptable object behind the panels: it opens, runs, cancels and exports, for one viewer."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from hrtem_app.evaluation.truth_files import is_column_table
from hrtem_app.gui.canvas.column_tools import ColumnTools
from hrtem_app.gui.canvas.layers import Layers
from hrtem_app.gui.exporting import Export, ExportOptions, write_export
from hrtem_app.gui.filtering.live_preview import LivePreview
from hrtem_app.gui.jobs import Job, LatestWins, Outcome, describe
from hrtem_app.gui.keeper import Keeper
from hrtem_app.gui.links import Links
from hrtem_app.gui.measuring.measured import Measuring
from hrtem_app.gui.over_time.over_time import OverTime
from hrtem_app.gui.preferences import Preferences
from hrtem_app.gui.recent import remember
from hrtem_app.gui.scoring import Scoring
from hrtem_app.gui.session import MeasuredDrift, Session, Source
from hrtem_app.gui.shown import used_frames
from hrtem_app.series import FocalSeries, SeriesError

if TYPE_CHECKING:
    from hrtem_app.analysis import Analysis, Progress
    from hrtem_app.columns import ColumnTable
    from hrtem_app.export.results import Writing
    from hrtem_app.imaging.calibration import Calibration
    from hrtem_app.recipe import Recipe

_workbenches: WeakKeyDictionary[ViewerModel, Workbench] = WeakKeyDictionary()
_EVERYTHING = ExportOptions()


class Workbench(QObject):
    """A session, its layers and its jobs in one viewer. Panels of the same viewer share it: use `Workbench.of`.

    Parameters
    ----------
    viewer
        A napari viewer.
    """

    # From the thread that writes results to that of the window.
    _written = Signal(object)

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.session = Session()
        self.preferences = Preferences(self.session)
        self.layers = Layers(viewer, self.session)
        self.tools = ColumnTools(viewer, self.session, self.layers)
        self.measuring = Measuring(self.session)
        self.viewer = viewer
        self._jobs: dict[str, Job] = {}
        # Before what keeps it, so that this finds it as it is after every signal of the session.
        self.over_time = OverTime(self)
        self.keeper = Keeper(self.session, self.over_time, self.start, self.measure_sampling)
        self.scoring = Scoring(viewer, self.session, self.start)
        self.exported: tuple[Path, ...] = ()
        self.writing: Writing | None = None
        self._written.connect(self._on_writing)
        self.live = LivePreview(viewer, self.session, self.layers)
        self._holders: set[int] = set()
        self._finding = LatestWins()
        self._finding.done.connect(self._on_found_again)
        self._links = Links(
            (self.session.series_changed, self.live.request),
            (self.session.recipe_changed, self.live.request),
            (self.session.recipe_changed, self._request_columns),
        )
        self._links.open()

    @classmethod
    def of(cls, viewer: ViewerModel) -> Workbench:
        """The workbench of a viewer, made if there is none yet; napari's proxy of a viewer counts as the viewer."""
        real = getattr(viewer, "__wrapped__", viewer)
        if real not in _workbenches:
            _workbenches[real] = cls(real)
        return _workbenches[real]

    def open(self, paths: Sequence[str | Path], analyse: bool = False, remembered: bool = True) -> None:
        """Read files, in the given order, as one series in a thread; with `analyse`, run the networks then.

        A single session file is opened as such, and tables of columns become truths of the open series. What could be
        opened as a series or a session is among the recent files, if wanted.
        """
        if paths and all(is_column_table(path) for path in paths):
            self.scoring.open(paths)
            return
        if len(paths) == 1 and is_session(paths[0]):
            self.keeper.open(paths[0])
            return
        self.session.forget("series")
        done = partial(self._on_opened, paths=paths if remembered else (), analyse=analyse)
        self.start("open", "series", done, _load, [Path(p) for p in paths])

    def open_sample(self, analyse: bool = False) -> None:
        """Open the simulated series that comes with the application."""
        from hrtem_app.resources import sample_path

        self.open([sample_path()], analyse, remembered=False)

    def open_series(self, series: FocalSeries) -> None:
        """Open a series that is in memory; a run for another one is stopped. Its sampling is measured at once."""
        if "analyse" in self._jobs:
            self.cancel()
            self.session.open(series)
            self.session.tell("predict", "info", "The run was stopped because another series was opened.")
        else:
            self.session.open(series)
        self.measure_sampling()

    def open_layer(self, layer: object) -> None:
        """Open the pixels of an image layer; its scale counts where its unit is a length."""
        try:
            self.open_series(series_from_layer(layer))
        except SeriesError as error:
            self.session.tell("series", "error", str(error))

    def open_selected_layer(self) -> None:
        """Open the layer that is selected in the viewer."""
        self.open_layer(self.viewer.layers.selection.active)

    def run(self) -> None:
        """Run filter and networks in a thread; the result lands only on the series it was started for."""
        session, series = self.session, self.session.file_series
        if series is None or "analyse" in self._jobs:
            return
        session.forget("predict")
        job = self.start("analyse", "predict", partial(self._on_analysed, series), _steps, series, session.recipe)
        job.progressed.connect(session.set_progress)

    def measure_sampling(self, lattice: str = "graphene") -> None:
        """Measure the sampling by a lattice in the open series, in a thread."""
        session, series = self.session, self.session.file_series
        if series is None:
            return
        session.forget("calibrate")
        frames = series.select(used_frames(session.series or series, session.recipe)).frames
        done = partial(self._on_calibrated, series)
        self.start("calibrate", "calibrate", done, _calibrate, frames, series.sampling, lattice)

    def measure_drift(self) -> None:
        """Measure the drift between the frames in use, in a thread."""
        session, series, told = self.session, self.session.file_series, self.session.series
        if series is None or told is None or told.sampling is None:
            return
        session.forget("align")
        used = used_frames(told, session.recipe)
        done = partial(self._on_drift, series)
        largest = session.recipe.alignment.largest
        self.start("drift", "align", done, _measure_drift, told.select(used).frames, told.sampling, largest, used)

    def cancel(self) -> None:
        """Stop the run, in the middle of a network too; earlier results stay."""
        job = self._jobs.get("analyse")
        if job is not None:
            job.cancel()
            self._end("analyse")

    def export(self, folder: str | Path, overwrite: bool = False, options: ExportOptions = _EVERYTHING) -> None:
        """Write results into a folder, in a thread; `writing` says how far it is, and `exported` then holds the files.

        Parameters
        ----------
        folder, overwrite
            See `hrtem_app.export.write_results`.
        options
            What of them is written. Scores are where there is a truth, see `scoring`.
        """
        corrected = self.corrected()
        if corrected is None:
            return
        self.session.forget("export")
        self.exported = ()
        self.writing = None
        told = Export(corrected, self.session.corrections, self.scoring.task(), Path(folder), overwrite, options)
        done = partial(self._on_exported, corrected.table)
        self.start("export", "export", done, write_export, told, self._written.emit)

    def corrected(self) -> Analysis | None:
        """The newest result with the columns as corrected by hand, and with the measurements' settings as they are."""
        session, analysis = self.session, self.session.analysis
        if analysis is None or session.table is None:
            return None
        recipe = analysis.recipe.model_copy(update={"measure": session.recipe.measure})
        return replace(analysis, table=session.table, recipe=recipe)

    def attach(self, holder: int) -> None:
        """A panel begins to use this workbench."""
        self._holders.add(holder)

    def detach(self, holder: int) -> None:
        """A panel is gone; with the last one the workbench closes."""
        if holder in self._holders:
            self._holders.remove(holder)
            if not self._holders:
                self.close()

    def close(self) -> None:
        """Stop what runs and let go of the viewer; its layers stay."""
        for job in self._jobs.values():
            job.cancel()
        self._jobs.clear()
        self.preferences.close()
        self.live.close()
        self._finding.close()
        self.measuring.close()
        self.keeper.close()
        self.over_time.close()
        self.scoring.close()
        self._links.close()
        self.tools.close()
        self.layers.close()
        if _workbenches.get(self.viewer) is self:
            del _workbenches[self.viewer]

    def start(
        self, name: str, source: Source, done: Callable[[Any], None], function: Callable[..., Any], *args: Any
    ) -> Job:
        """Begin a job; one of the same name that is under way is cancelled.

        Parameters
        ----------
        name
            It is among `session.busy` while it runs.
        source
            The panel that shows what went wrong.
        done
            Called in the window's thread with what the function returned.
        function, args
            Run in a thread of their own, see `Job`.
        """
        if name in self._jobs:
            self._jobs[name].cancel()
        job = Job(function, *args)
        self._jobs[name] = job
        job.done.connect(partial(self._on_done, name, source, done))
        self.session.set_busy(name, True)
        job.start()
        return job

    def _on_done(self, name: str, source: Source, done: Callable[[Any], None], outcome: Outcome) -> None:
        self._end(name)
        if outcome.error is None:
            done(outcome.value)
        else:
            self.session.tell(source, "error", describe(outcome.error))

    def _end(self, name: str) -> None:
        self._jobs.pop(name, None)
        self.session.set_busy(name, False)

    def _on_opened(self, series: FocalSeries, paths: Sequence[str | Path], analyse: bool) -> None:
        self.open_series(series)
        if paths:
            remember(paths)
        if analyse and self.session.ready:
            self.run()

    def _on_analysed(self, series: FocalSeries, analysis: Analysis) -> None:
        self.session.accept_analysis(analysis, series)

    def _on_calibrated(self, series: FocalSeries, calibration: Calibration) -> None:
        from hrtem_app.imaging.scale_check import compare_sampling

        if not self.session.accept_calibration(calibration, series):
            return
        check = compare_sampling(series.sampling, calibration)
        if series.sampling is not None and check.trust not in ("either", "file"):
            self.session.tell("calibrate", "warning", check.text)

    def _on_drift(self, series: FocalSeries, drift: MeasuredDrift) -> None:
        self.session.accept_drift(drift, series)

    def _on_writing(self, told: Writing) -> None:
        self.writing = told
        self.session.activity_changed.emit()

    def _on_exported(self, table: ColumnTable, paths: list[Path]) -> None:
        self.exported = tuple(paths)
        self.session.note_exported(table)
        self.session.tell("export", "info", f"{len(paths)} files written to {paths[0].parent}")

    def _request_columns(self) -> None:
        """Find the columns anew where only that was changed: the networks' maps are still there."""
        from hrtem_app.analysis import can_be_found_again

        analysis, recipe = self.session.analysis, self.session.recipe
        if analysis is None or not self.session.stale or not can_be_found_again(analysis.recipe, recipe):
            return
        self._finding.request(_find_again, analysis, recipe)

    def _on_found_again(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            self.session.tell("columns", "error", describe(outcome.error))
            return
        before, analysis = outcome.value
        if self.session.accept_found_again(analysis, before):
            # The recipe may have gone on meanwhile; a request made for the result before would be dropped.
            self._request_columns()


def is_session(path: str | Path) -> bool:
    """Whether a file is a session, by its name and its first bytes."""
    from hrtem_app.sessions import SUFFIX, looks_like_session

    return Path(path).suffix == SUFFIX or looks_like_session(path)


# These import what is slow to import in the thread that runs them, so that the window stays free the first time too.


def _load(paths: list[Path]) -> FocalSeries:
    from hrtem_app.io import load_series

    return load_series(paths)


def _steps(series: FocalSeries, recipe: Recipe, *, stop: Callable[[], bool]) -> Generator[Progress, None, Analysis]:
    from hrtem_app.analysis import analysis_steps

    return analysis_steps(series, recipe, stop)


def _find_again(analysis: Analysis, recipe: Recipe) -> tuple[Analysis, Analysis]:
    from hrtem_app.analysis import found_again

    return analysis, found_again(analysis, recipe)


def _calibrate(frames: NDArray[np.float32], rough: float | None, lattice: str) -> Calibration:
    from hrtem_app.imaging.calibration import calibrate

    return calibrate(frames, rough, lattice)


def _measure_drift(
    frames: NDArray[np.float32], sampling: float, largest: float, numbers: tuple[int, ...]
) -> MeasuredDrift:
    from hrtem_app.imaging.alignment import measure_drift

    return MeasuredDrift(numbers, measure_drift(frames, sampling, largest=largest, numbers=numbers))


def series_from_layer(layer: object) -> FocalSeries:
    """The focal series that an image layer shows: the one our reader put there, or its pixels, scale and unit.

    Raises
    ------
    SeriesError
        For anything but an image layer with two or three axes.
    """
    if not isinstance(layer, Image) or layer.rgb:
        raise SeriesError("the selected layer is not a grey image: select the image layer that holds the series")
    known = layer.metadata.get("hrtem_app", {}).get("series")
    if isinstance(known, FocalSeries):
        return known
    return FocalSeries(np.array(layer.data, np.float32), sampling_of(layer), name=layer.name)


def sampling_of(layer: Layer) -> float | None:
    """The pixel size of a layer in Å; None where its unit is no length."""
    unit = layer.units[-1]
    if unit.dimensionality == (1 * unit).to_base_units().dimensionality and unit.is_compatible_with("angstrom"):
        return float((float(layer.scale[-1]) * unit).to("angstrom").magnitude)
    return None
