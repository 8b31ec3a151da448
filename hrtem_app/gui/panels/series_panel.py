"""Series: what is open, what its files say about it, and what the user corrects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QDoubleSpinBox, QFileDialog, QFormLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from hrtem_app.evaluation.truth_files import is_column_table
from hrtem_app.gui.links import Link
from hrtem_app.gui.panels.base import Panel
from hrtem_app.gui.recent import is_anything_recent
from hrtem_app.gui.shown import used_frames
from hrtem_app.gui.widgets.drop import FileDrop
from hrtem_app.gui.widgets.frame_table import FrameRow, FrameTable
from hrtem_app.gui.widgets.recent_menu import RecentMenu
from hrtem_app.gui.widgets.recovery import RecoveryOffer
from hrtem_app.gui.widgets.sampling_request import SamplingRequest
from hrtem_app.series import FocalSeries
from hrtem_app.sessions import SUFFIX as SESSION_SUFFIX

if TYPE_CHECKING:
    from hrtem_app.sessions import MissingSourceError, Pending

_HINT = "Drop a focal series here: one stack, or one file per frame (in the order of their names)."


def is_openable(path: Path) -> bool:
    """Whether a dropped file may be a series, a session or a table of columns; reading it says what is wrong."""
    from hrtem_app.io import suffixes

    return path.suffix.lower() in suffixes() or path.suffix == SESSION_SUFFIX or is_column_table(path)


def choose_files(parent: QWidget) -> list[Path]:
    """Ask for the files of a series."""
    from hrtem_app.io import suffixes

    patterns = " ".join(f"*{suffix}" for suffix in (*suffixes(), SESSION_SUFFIX))
    names, _ = QFileDialog.getOpenFileNames(
        parent, "Open a focal series or a session", "", f"Series and sessions ({patterns});;All files (*)"
    )
    return [Path(name) for name in names]


class SeriesPanel(Panel):
    """Open a series; see and correct sampling, defoci and which frames are used."""

    source = "series"

    def build(self) -> None:
        """Make the widgets."""
        self.open_button = _button("Open…", "Read a stack, or several files as the frames of one series")
        self.sample_button = _button("Sample", "Open the simulated series that comes with the application")
        self.recent_button = _button("Recent", "Open again what was open before")
        self.recent_menu = RecentMenu(self.workbench, self)
        self.recent_button.setMenu(self.recent_menu)
        self.layer_button = _button("From layer", "Use the image layer that is selected in the layer list")
        self.open_button.clicked.connect(self._on_open)
        self.sample_button.clicked.connect(self._on_sample)
        self.layer_button.clicked.connect(self._on_layer)
        buttons = QHBoxLayout()
        for button in (self.open_button, self.recent_button, self.sample_button, self.layer_button):
            buttons.addWidget(button)
        self.title = QLabel(_HINT)
        self.title.setWordWrap(True)
        self.request = SamplingRequest()
        self.request.given.connect(self._on_sampling)
        self.details = QWidget()
        self._form = form = QFormLayout(self.details)
        form.setContentsMargins(0, 0, 0, 0)
        self.sampling = QDoubleSpinBox()
        self.sampling.setDecimals(5)
        self.sampling.setRange(0.00001, 100)
        self.sampling.setSingleStep(0.001)
        self.sampling.setSuffix(" Å/px")
        self.sampling.setKeyboardTracking(False)
        self.sampling.setToolTip(
            "Å per pixel, the same along both axes. Change it where the file's calibration is wrong."
        )
        self.sampling.valueChanged.connect(self._on_sampling)
        self.stated = QLabel()
        self.energy = QDoubleSpinBox()
        self.energy.setDecimals(1)
        self.energy.setRange(0, 3000)
        self.energy.setSpecialValueText("unknown")
        self.energy.setSuffix(" keV")
        self.energy.setKeyboardTracking(False)
        self.energy.setToolTip("The electrons' energy in keV. Change it where the file does not state it, or wrongly.")
        self.energy.valueChanged.connect(self._on_energy)
        self.stated_energy = QLabel()
        self.sampling.setMinimumWidth(170)
        row = QHBoxLayout()
        row.addWidget(self.sampling)
        row.addWidget(self.stated, 1)
        form.addRow("Sampling", row)
        self.energy.setMinimumWidth(170)
        energy_row = QHBoxLayout()
        energy_row.addWidget(self.energy)
        energy_row.addWidget(self.stated_energy, 1)
        form.addRow("Energy", energy_row)
        self._given: dict[int, float] = {}
        self._given_for: FocalSeries | None = None
        self.frames = FrameTable()
        self.frames.defocus_changed.connect(self._on_defocus)
        self.frames.used_changed.connect(self._on_used)
        self.frames.refused.connect(self._on_refused)
        self.recovery = RecoveryOffer()
        self.recovery.wanted.connect(self.workbench.keeper.restore)
        self.recovery.unwanted.connect(self.workbench.keeper.discard)
        self.workbench.keeper.pending_changed.connect(self.update_view)
        self.workbench.keeper.sources_missing.connect(self._on_missing)
        self.column.addWidget(self.recovery)
        self.column.addLayout(buttons)
        for widget in (self.title, self.request, self.details, self.frames):
            self.column.addWidget(widget)
        self._drop = FileDrop(self, is_openable, self.workbench.open)

    def links(self) -> list[Link]:
        """Follow series, recipe and jobs."""
        session = self.session
        return [
            (s, self.update_view) for s in (session.series_changed, session.recipe_changed, session.activity_changed)
        ]

    def refresh(self) -> None:
        """Show the open series."""
        series, opening = self.session.series, "open" in self.session.busy
        # Offered until something is open: whoever has begun is not to be asked again.
        self.recovery.show_entries(self.workbench.keeper.pending if series is None and not opening else ())
        self.open_button.setEnabled(not opening)
        self.sample_button.setEnabled(not opening)
        self.recent_button.setEnabled(not opening and is_anything_recent())
        for widget in (self.details, self.frames):
            widget.setVisible(series is not None)
        self.request.setVisible(series is not None and not self.session.ready)
        if series is None:
            self.title.setText("Reading…" if opening else _HINT)
            return
        self.title.setText("Reading…" if opening else _describe(series))
        self._form.setRowVisible(0, self.session.ready)
        self._show_energy(series)
        self._show_sampling(series)
        used = used_frames(series, self.session.recipe)
        self.frames.show_rows(
            [FrameRow(_file(series, i), defocus, i in used) for i, defocus in enumerate(self._defocus())]
        )

    def _show_sampling(self, series: FocalSeries) -> None:
        stated = self.session.file_series.sampling if self.session.file_series is not None else None
        self.stated.setText("not in the file" if stated is None else f"file: {stated:.5g}")
        if series.sampling is not None:
            blocker = QSignalBlocker(self.sampling)
            self.sampling.setValue(series.sampling)
            del blocker

    def _show_energy(self, series: FocalSeries) -> None:
        stated = self.session.file_series.energy if self.session.file_series is not None else None
        self.stated_energy.setText("not in the file" if stated is None else f"file: {stated / 1000:g}")
        blocker = QSignalBlocker(self.energy)
        self.energy.setValue(0 if series.energy is None else series.energy / 1000)
        del blocker

    def _on_open(self) -> None:
        paths = choose_files(self)
        if paths:
            self.workbench.open(paths)

    def _on_sample(self) -> None:
        self.workbench.open_sample()

    def _on_layer(self) -> None:
        self.workbench.open_selected_layer()

    def _on_sampling(self, value: float) -> None:
        self.session.change(sampling=value)

    def _on_energy(self, value: float) -> None:
        # At its least value the box says that nobody knows: back to what the file says.
        self.session.change(energy=1000 * value or None)

    def _on_defocus(self, change: tuple[int, float]) -> None:
        index, value = change
        self._given[index] = value
        known = self._defocus()
        if None not in known:
            self.session.change(defocus=known)
        self.refresh()

    def _defocus(self) -> tuple[float | None, ...]:
        """What is known of the defoci; where the file states none they count once all of them are given."""
        series = self.session.series
        if series is None:
            return ()
        if self._given_for is not self.session.file_series:
            self._given, self._given_for = {}, self.session.file_series
        stated = series.defocus or (None,) * len(series)
        return tuple(self._given.get(i, value) for i, value in enumerate(stated))

    def _on_used(self, used: tuple[int, ...]) -> None:
        series = self.session.series
        if series is None:
            return
        chosen = tuple(i for i in series.defocus_order() if i in used)
        self.session.change(frames=chosen or None)

    def _on_missing(self, kept: Path | Pending, error: MissingSourceError) -> None:
        """Ask where the files are that a session was made from, and go on with them."""
        # What a crash left lies in a folder of the program's; nobody moves a series there.
        start = kept.parent if isinstance(kept, Path) else error.missing[0].path.parent
        found: dict[Path, Path] = {}
        for missing in error.missing:
            there = moved_alike(missing.path, found)
            if there is not None:
                found[missing.path] = there
                continue
            name, _ = QFileDialog.getOpenFileName(self, f"Where is {missing.path.name} now?", str(start))
            if not name:
                self.session.tell("series", "error", str(error))
                return
            found[missing.path] = Path(name)
        if isinstance(kept, Path):
            self.workbench.keeper.open(kept, found)
        else:
            self.workbench.keeper.restore(kept, found)

    def _on_refused(self, text: str) -> None:
        self.session.tell("series", "error", text)


def moved_alike(path: Path, found: Mapping[Path, Path]) -> Path | None:
    """Where a file is if it was moved together with others; None where there is none.

    Parameters
    ----------
    path
        Where it was.
    found
        By where others were, where they are now.
    """
    for old, new in found.items():
        before, after = old.parent, new.parent
        while before.name == after.name and before != before.parent and not path.is_relative_to(before):
            before, after = before.parent, after.parent
        if path.is_relative_to(before):
            there = after / path.relative_to(before)
            if there != path and there.is_file():
                return there
    return None


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    return button


def _describe(series: FocalSeries) -> str:
    height, width = series.shape
    frames = "1 frame" if len(series) == 1 else f"{len(series)} frames"
    field = (
        ""
        if series.sampling is None
        else f", {width * series.sampling / 10:.1f} by {height * series.sampling / 10:.1f} nm"
    )
    return f"{series.name}: {frames} of {width} by {height} px{field}"


def _file(series: FocalSeries, index: int) -> str:
    sources = series.sources
    if len(sources) == len(series):
        return sources[index].path.name
    return sources[0].path.name if sources else series.name
