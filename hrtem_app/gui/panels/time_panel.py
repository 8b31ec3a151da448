"""Time: a stack over time, one time point of it on screen, and what happens to the columns."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QSignalBlocker, Qt, QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QSlider,
)

from hrtem_app.gui.links import Link
from hrtem_app.gui.over_time.curves import CURVES, curves_of, told_history, told_rates
from hrtem_app.gui.over_time.over_time import OverTime
from hrtem_app.gui.panels.base import Panel
from hrtem_app.gui.panels.series_panel import choose_files
from hrtem_app.gui.widgets.stack_form import StackForm
from hrtem_app.gui.widgets.time_plot import TimePlot

_PLAY_MS = 700
_SMOOTHING = 3
_MOST_WARNINGS = 2


class TimePanel(Panel):
    """Analyse a stack over time, go through its time points, and see vacancies come and go."""

    source = "time"

    def build(self) -> None:
        """Make the widgets."""
        self.over_time: OverTime = self.workbench.over_time
        self.form = StackForm()
        self.form.files_wanted.connect(self._on_open)
        self.form.split_wanted.connect(self._on_split)
        self.column.addWidget(self.form)
        self._build_slider()
        self._build_run()
        self._build_plot()
        self._timer = QTimer(self)
        self._timer.setInterval(_PLAY_MS)
        self._timer.timeout.connect(self._on_tick)

    def links(self) -> list[Link]:
        """Follow the session, which may show one of the time points, and what is known of them."""
        session, over_time = self.session, self.over_time
        return [
            (session.activity_changed, self.update_view),
            (over_time.changed, self.update_view),
            (over_time.relinked, self._show_linking),
            (over_time.columns.changed, self._show_columns),
            (self.workbench.tools.changed, self._show_site),
        ]

    def refresh(self) -> None:
        """Show where in time the session is, and what is known."""
        over_time, session = self.over_time, self.session
        there, busy = len(over_time) > 0, "analyse" in session.busy
        self.form.open_button.setEnabled("stack" not in session.busy)
        self.form.split_button.setEnabled(session.series is not None and "stack" not in session.busy)
        for widget in (self.slider, self.play_button):
            widget.setEnabled(there)
        self.run_button.setEnabled(there and session.ready and not busy)
        self.cancel_button.setEnabled(busy)
        self.write_button.setEnabled(over_time.columns.summary is not None and "write stack" not in session.busy)
        self.progress.setVisible(busy and session.progress is not None)
        if session.progress is not None:
            self.progress.setValue(round(100 * session.progress.fraction))
            self.progress.setFormat(f"{session.progress.step} (%p%)")
        blocker = QSignalBlocker(self.slider)
        self.slider.setRange(0, max(0, len(over_time) - 1))
        self.slider.setValue(over_time.wanted or 0)
        del blocker
        self.where.setText(self._where())
        self.said.setText(self._said())
        self.plot.show_time(over_time.wanted)
        self._show_site()
        self._show_columns()

    def _build_slider(self) -> None:
        self.play_button = _button("▶", "Go through the time points one after the other; again to stop")
        self.play_button.setCheckable(True)
        self.play_button.setMaximumWidth(36)
        self.play_button.toggled.connect(self._on_play)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setPageStep(1)
        self.slider.setToolTip("Time point on screen; its results and corrections come with it")
        self.slider.valueChanged.connect(self.over_time.go_to)
        self.where = QLabel()
        self.where.setMinimumWidth(90)
        row = QHBoxLayout()
        row.addWidget(self.play_button)
        row.addWidget(self.slider, 1)
        row.addWidget(self.where)
        self.column.addLayout(row)

    def _build_run(self) -> None:
        self.run_button = _button("Run all", "Analyse all time points that are not done with these settings")
        self.run_button.clicked.connect(self.over_time.run)
        self.cancel_button = _button("Cancel", "Stop; the time points that are done stay, and Run all goes on there")
        self.cancel_button.clicked.connect(self.workbench.cancel)
        self.write_button = _button("Write…", "Write counts, tracks and the columns of all time points into a folder")
        self.write_button.clicked.connect(self._on_write)
        row = QHBoxLayout()
        for button in (self.run_button, self.cancel_button, self.write_button):
            row.addWidget(button)
        self.progress = QProgressBar()
        self.progress.setRange(0, 100)
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.column.addLayout(row)
        self.column.addWidget(self.progress)
        self.column.addWidget(self.said)

    def _build_plot(self) -> None:
        self.what = QComboBox()
        self.what.addItems(list(CURVES))
        self.what.setToolTip("What is drawn against time")
        self.what.currentTextChanged.connect(self._draw)
        self.smooth = QCheckBox("Smooth classes")
        self.smooth.setToolTip(
            f"The class of a column is that of most of the {_SMOOTHING} time points around it: flickering goes, and so "
            "does what lasts for one time point only"
        )
        self.smooth.toggled.connect(self._on_smooth)
        self.reach = QDoubleSpinBox()
        self.reach.setRange(0, 3)
        self.reach.setDecimals(2)
        self.reach.setSingleStep(0.05)
        self.reach.setSuffix(" Å")
        self.reach.setSpecialValueText("a third of a bond")
        self.reach.setKeyboardTracking(False)
        self.reach.setToolTip("How far in Å a column may be from a site, the drift taken out, to be its column")
        self.reach.valueChanged.connect(self._on_reach)
        row = QHBoxLayout()
        row.addWidget(self.what, 1)
        row.addWidget(self.smooth)
        form = QFormLayout()
        form.addRow("Reach of a site", self.reach)
        self.plot = TimePlot()
        self.plot.picked.connect(self.over_time.go_to)
        self._show_linking()
        self.site = QLabel()
        self.site.setWordWrap(True)
        self._drawn: object = None
        self.plot.setVisible(False)
        self.column.addLayout(form)
        self.column.addLayout(row)
        self.column.addWidget(self.plot)
        self.column.addWidget(self.site)

    def _show_linking(self) -> None:
        """Show how columns are linked, which another panel or a session that was opened may have said."""
        linking = self.over_time.columns.linking
        blockers = QSignalBlocker(self.smooth), QSignalBlocker(self.reach)
        self.smooth.setChecked(linking.window > 1)
        self.reach.setValue(linking.reach or 0)
        del blockers

    def _where(self) -> str:
        number = self.over_time.wanted
        if number is None:
            return "not on screen" if len(self.over_time) else ""
        time = self.over_time.times[number]
        said = f"{number + 1} of {len(self.over_time)}"
        return said if time is None else f"{said}, {time:g} s"

    def _said(self) -> str:
        over_time, summary = self.over_time, self.over_time.columns.summary
        if len(over_time) == 0:
            return "Open a stack over time: focal series after focal series, or a film of single images."
        said = [f"{over_time.done} of {len(over_time)} time points are done."]
        if summary is not None:
            warnings = summary.tracks.warnings
            said += told_rates(summary)
            said += [f"{warning[0].upper()}{warning[1:]}." for warning in warnings[:_MOST_WARNINGS]]
            if len(warnings) > _MOST_WARNINGS:
                said.append(f"{len(warnings) - _MOST_WARNINGS} more are in doubt like this.")
        return " ".join(said)

    def _show_columns(self) -> None:
        """Draw what is known where it is not what is drawn; drawing at every step of a run would be felt."""
        summary = self.over_time.columns.summary
        if self.isVisible() and summary is not self._drawn:
            self._draw()
            self.said.setText(self._said())
            self._show_site()
            self.write_button.setEnabled(summary is not None and "write stack" not in self.session.busy)

    def _draw(self) -> None:
        summary = self._drawn = self.over_time.columns.summary
        self.plot.setVisible(summary is not None)
        for widget in (self.what, self.smooth):
            widget.setEnabled(summary is not None)
        if summary is None:
            return
        times = [float(n if time is None else time) for n, time in enumerate(self.over_time.times)]
        curves, upwards = curves_of(summary, self.what.currentText())
        across = "time (s)" if summary.has_times else "time point"
        self.plot.show_curves(times, summary.times, curves, across, upwards)
        self.plot.show_time(self.over_time.wanted)

    def _show_site(self) -> None:
        columns = self.over_time.columns
        tracks = columns.tracks_of(self.over_time.current, self.workbench.tools.selected)
        if columns.summary is None:
            self.site.setText("")
        elif not tracks:
            self.site.setText("Select a column to see what happens to its site; it stays selected through time.")
        elif len(tracks) > 1:
            self.site.setText(f"{len(tracks)} sites are selected, and stay so through time.")
        else:
            self.site.setText(told_history(columns.summary, tracks[0]))

    def _on_open(self) -> None:
        paths = choose_files(self)
        if paths:
            self.over_time.open(paths, self.form.group, self.form.order, self.form.interval)

    def _on_split(self) -> None:
        self.over_time.split_open_series(self.form.group, self.form.order, self.form.interval)

    def _on_smooth(self, smooth: bool) -> None:
        self.over_time.link(window=_SMOOTHING if smooth else 1)

    def _on_reach(self, reach: float) -> None:
        self.over_time.link(reach=reach or None)

    def _on_write(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder for tracks and counts")
        if not name:
            return
        from hrtem_app.timelapse.files import FILES

        there = [file for file in FILES if (Path(name) / file).exists()]
        yes = QMessageBox.StandardButton.Yes
        if there and QMessageBox.question(self, "Replace", f"Replace {there[0]} and its like in {name}?") != yes:
            return
        self.over_time.write(Path(name), overwrite=bool(there))

    def _on_play(self, playing: bool) -> None:
        self.play_button.setText("■" if playing else "▶")
        if not playing:
            self._timer.stop()
            return
        if self.slider.value() == self.slider.maximum():
            self.over_time.go_to(0)
        self._timer.start()

    def _on_tick(self) -> None:
        over_time = self.over_time
        if over_time.wanted != over_time.current:
            # It is still being read.
            return
        following = 0 if over_time.current is None else over_time.current + 1
        if following >= len(over_time):
            self.play_button.setChecked(False)
        else:
            over_time.go_to(following)


def _button(title: str, tip: str) -> QPushButton:
    button = QPushButton(title)
    button.setToolTip(tip)
    return button
