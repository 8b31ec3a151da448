"""The jobs one under the other, the newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Signal
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from hrtem_app.gui import theme
from hrtem_app.gui.widgets.jobs.words import STATES, pace_told, state_told, whole_fraction

if TYPE_CHECKING:
    from hrtem_app.jobs import Job

_ROW_HEIGHT, _BAR_HEIGHT, _PARTS = 54, 6, 1000


class JobRow(QWidget):
    """One job: what it is, how it is, how far it is and how quickly it goes."""

    def __init__(self) -> None:
        super().__init__()
        self.title, self.state, self.pace = QLabel(), QLabel(), QLabel()
        for label in (self.title, self.pace):
            # Whatever it says, it makes the list no wider.
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.bar = QProgressBar()
        self.bar.setRange(0, _PARTS)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(_BAR_HEIGHT)
        line = QHBoxLayout()
        line.addWidget(self.title, 1)
        line.addWidget(self.state)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 3, 6, 3)
        layout.setSpacing(2)
        layout.addLayout(line)
        layout.addWidget(self.bar)
        layout.addWidget(self.pace)

    def show_job(self, job: Job, asked: str) -> None:
        """Show a job, and what was asked of it that it has not done yet."""
        sign, colour = STATES[job.state]
        self.title.setText(f"{job.number}  {job.title or job.path.name}")
        self.state.setText(f"{sign} {asked or state_told(job)}")
        theme.colour_text(self.state, colour, self)
        self.bar.setValue(round(_PARTS * whole_fraction(job)))
        self.pace.setText(pace_told(job))
        theme.colour_text(self.pace, theme.QUIET, self)
        sheet = f"QProgressBar::chunk {{ background-color: {theme.ink(colour, self)} }}"
        # Qt works out the style of a widget anew at every assignment.
        if sheet != self.bar.styleSheet():
            self.bar.setStyleSheet(sheet)
        self.setToolTip(f"{job.title}\n{job.reason or job.path}".strip())


class JobList(QListWidget):
    """Rows that are updated in place; `chosen` tells that another job is selected."""

    chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._jobs: dict[str, Job] = {}
        self._items: dict[str, QListWidgetItem] = {}
        self.rows: dict[str, JobRow] = {}
        self.currentItemChanged.connect(self._on_current)

    def selected(self) -> Job | None:
        """The job that is selected."""
        current = self.currentItem()
        return next((self._jobs[name] for name, item in self._items.items() if item is current), None)

    def select(self, name: str) -> None:
        """Select a job by its name."""
        self.setCurrentItem(self._items[name])

    def show_jobs(self, jobs: tuple[Job, ...], asked: dict[str, str]) -> None:
        """Show these and no others.

        Parameters
        ----------
        jobs
            In the order of their numbers.
        asked
            What was asked of jobs by their names, as in `pausing…`.
        """
        self._jobs = {job.name: job for job in jobs}
        for name in self._items.keys() - self._jobs.keys():
            self.takeItem(self.row(self._items.pop(name)))
            self.rows.pop(name)
        for job in jobs:
            if job.name not in self._items:
                self._insert(job.name)
            self.rows[job.name].show_job(job, asked.get(job.name, ""))
        if self.currentItem() is None and self.count():
            self.setCurrentRow(0)

    def _insert(self, name: str) -> None:
        item, row = QListWidgetItem(), JobRow()
        item.setSizeHint(QSize(0, _ROW_HEIGHT))
        self._items[name], self.rows[name] = item, row
        self.insertItem(0, item)
        self.setItemWidget(item, row)

    def _on_current(self) -> None:
        self.chosen.emit()
