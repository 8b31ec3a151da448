"""Jobs: what runs in the background on this machine, and what came of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer, QUrl
from qtpy.QtGui import QDesktopServices, QShowEvent
from qtpy.QtWidgets import QGridLayout, QPlainTextEdit, QPushButton

from hrtem_app.gui.background import Background
from hrtem_app.gui.jobs import Job as Task
from hrtem_app.gui.jobs import LatestWins, Outcome, describe
from hrtem_app.gui.links import Link
from hrtem_app.gui.panels.base import Panel
from hrtem_app.gui.widgets.jobs.history import Curves, JobHistory
from hrtem_app.gui.widgets.jobs.list import JobList
from hrtem_app.gui.widgets.jobs.notice import Notice
from hrtem_app.gui.widgets.jobs.plots import JobPlots
from hrtem_app.gui.widgets.jobs.words import details_told, folder_of

if TYPE_CHECKING:
    from hrtem_app.jobs import Job

_TICK_MS = 1000
_LIST_HEIGHT, _LOG_HEIGHT = 150, 260
_ACTIONS = {
    "pause": ("Pause", "Stop it so that it can go on later; a training writes a checkpoint first", "pausing…"),
    "resume": ("Resume", "Let it go on with what it has done; it queues up behind the others", "resuming…"),
    "cancel": ("Cancel", "End it; what it has written stays", "cancelling…"),
    "retry": ("Retry", "Begin what is not finished from nothing, a training without its checkpoint", "retrying…"),
    "remove": ("Remove", "Take it off this list, with its log; what it has made stays where it is", "removing…"),
}


class JobsPanel(Panel):
    """The jobs of this machine, whoever began them, also after a restart."""

    def build(self) -> None:
        """Make the widgets."""
        self.background = Background.of(self.workbench)
        self._asked: dict[str, tuple[str, int]] = {}
        self._history: JobHistory | None = None
        self._read_of: Job | None = None
        self._reading = LatestWins()
        self._reading.done.connect(self._on_read_history)
        self.list = JobList()
        self.list.setMinimumHeight(_LIST_HEIGHT)
        self.list.setToolTip("Jobs of this machine, the newest first")
        self.list.chosen.connect(self._on_chosen)
        self.notice = Notice()
        self.buttons = {name: self._button(title, tip) for name, (title, tip, _) in _ACTIONS.items()}
        for name, button in self.buttons.items():
            button.clicked.connect(partial(self._on_action, name))
        self.folder_button = self._button("Open folder", "Open the folder that it writes to")
        self.folder_button.clicked.connect(self._on_folder)
        self.log_button = self._button("Log", "Show what its processes said, in place of the curves")
        self.log_button.setCheckable(True)
        self.log_button.toggled.connect(self._on_log)
        grid = QGridLayout()
        for place, button in enumerate([*self.buttons.values(), self.folder_button, self.log_button]):
            grid.addWidget(button, place // 4, place % 4)
        self.details = Notice()
        self.plots = JobPlots()
        self.plots.setVisible(False)
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setPlaceholderText("It has said nothing.")
        self.log.setFixedHeight(_LOG_HEIGHT)
        self.log.setVisible(False)
        self.column.addWidget(self.list, 1)
        self.column.addLayout(grid)
        for widget in (self.notice, self.details, self.plots, self.log):
            self.column.addWidget(widget)
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._on_tick)
        self._timer.start()
        self.destroyed.connect(self._reading.close)

    def links(self) -> list[Link]:
        """Follow the jobs."""
        return [(self.background.jobs_changed, self.update_view)]

    def refresh(self) -> None:
        """Show the jobs as they were seen last."""
        jobs = self.background.jobs
        at_work = {job.name: job for job in jobs}
        # What was asked is done once the job is another attempt, or has stopped, or is gone.
        self._asked = {
            name: (action, attempt)
            for name, (action, attempt) in self._asked.items()
            if name in at_work and at_work[name].attempt == attempt and at_work[name].at_work
        }
        self.list.show_jobs(jobs, {name: _ACTIONS[action][2] for name, (action, _) in self._asked.items()})
        if self.background.trouble:
            self.notice.say("error", self.background.trouble)
        self._show_chosen()

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Look at once, not only when the timer says so."""
        super().showEvent(event)
        self._on_tick()

    def selected(self) -> Job | None:
        """The job that is selected."""
        return self.list.selected()

    def _show_messages(self) -> None:
        """The session's messages are about its series."""

    def _on_tick(self) -> None:
        if self.isVisible():
            self.background.look()
            self._read()

    def _show_chosen(self) -> None:
        job = self.selected()
        for name, button in self.buttons.items():
            button.setEnabled(job is not None and name in job.actions and job.name not in self._asked)
        for button in (self.folder_button, self.log_button):
            button.setEnabled(job is not None)
        failed = job is not None and job.state in ("failed", "broken")
        self.details.say("error" if failed else "quiet", "No jobs yet." if job is None else details_told(job))

    def _on_chosen(self) -> None:
        self.notice.say("quiet", "")
        self._history = self._read_of = None
        self.plots.show_curves(Curves())
        self.plots.setVisible(False)
        self.log.clear()
        self._show_chosen()
        self._read()

    def _read(self) -> None:
        """Read what has come, unless the job has stopped and all of it was read."""
        job = self.selected()
        if job is None or job.state == "broken" or (job == self._read_of and not job.at_work):
            return
        if self._history is None:
            self._history = JobHistory(job)
        self._read_of = job
        self._reading.request(self._history.read, self.log_button.isChecked())

    def _on_read_history(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            self.notice.say("error", f"what it said cannot be read: {describe(outcome.error)}")
            return
        history, curves, log = outcome.value
        if history is not self._history:
            return
        self.plots.show_curves(curves)
        self.plots.setVisible(self.plots.has_curves and not self.log_button.isChecked())
        if self.log_button.isChecked() and log != self.log.toPlainText():
            self.log.setPlainText(log)
            bar = self.log.verticalScrollBar()
            if bar is not None:
                bar.setValue(bar.maximum())

    def _on_action(self, action: str) -> None:
        job = self.selected()
        if job is None:
            return
        self._asked[job.name] = (action, job.attempt)
        self.list.rows[job.name].show_job(job, _ACTIONS[action][2])
        self._show_chosen()
        self.notice.say("quiet", "")
        task = Task(_do, action, job)
        task.done.connect(partial(self._on_done, job))
        task.start()

    def _on_done(self, job: Job, outcome: Outcome) -> None:
        # A pause is only asked for: it is there once the checkpoint is written.
        if outcome.error is not None or self._asked.get(job.name, ("", 0))[0] != "pause":
            self._asked.pop(job.name, None)
        if outcome.error is not None:
            self.notice.say("error", describe(outcome.error))
        # From the beginning where it was begun anew.
        self._history = self._read_of = None
        self.refresh()
        self.background.look()

    def _on_folder(self) -> None:
        job = self.selected()
        if job is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder_of(job))))

    def _on_log(self, is_wanted: bool) -> None:
        self.log.setVisible(is_wanted)
        self.plots.setVisible(not is_wanted and self.plots.has_curves)
        self._read_of = None
        self._read()

    def _button(self, title: str, tip: str) -> QPushButton:
        button = QPushButton(title)
        button.setToolTip(tip)
        return button


def _do(action: str, job: Job) -> None:
    from hrtem_app import jobs

    if action == "pause":
        jobs.pause(job, wait=False)
    else:
        getattr(jobs, action)(job)
