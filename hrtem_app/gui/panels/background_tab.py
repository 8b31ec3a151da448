"""What the panels share that are of no series: a form that scrolls, made once what it shows has been loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from hrtem_app.gui.background import Background
from hrtem_app.gui.jobs import Job, Outcome, describe
from hrtem_app.gui.panels.base import Panel
from hrtem_app.gui.widgets.jobs.notice import Notice


class BackgroundTab(Panel):
    """A panel whose form needs models that are slow to import: they are loaded in a thread when it is first seen.

    A subclass names in `load` what is called there, and makes its form of what comes back in `build_form`.
    """

    load: Callable[[], Any]

    def build(self) -> None:
        """Make the room for the form."""
        self.column.setContentsMargins(4, 4, 2, 4)
        self.background = Background.of(self.workbench)
        self.is_built = False
        self.form_column = QVBoxLayout()
        self.form_column.setContentsMargins(0, 0, 4, 0)
        inside = QWidget()
        inside.setLayout(self.form_column)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        self.loading = Notice()
        self.column.addWidget(self.loading)
        self.column.addWidget(area, 1)
        self._load_job: Job | None = None

    def build_form(self, loaded: Any) -> None:
        """Make the form of what was loaded."""

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Load what the form needs when the panel is first seen, not while the window is being built."""
        super().showEvent(event)
        self.ensure_loaded()

    def ensure_loaded(self) -> None:
        """Begin to load what the form needs, once."""
        if self._load_job is None:
            self.loading.say("quiet", "Loading…")
            self._load_job = Job(type(self).load)
            self._load_job.done.connect(self._on_loaded)
            self._load_job.start()

    def _on_loaded(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            self.loading.say("error", f"The form cannot be made: {describe(outcome.error)}")
            return
        self.loading.say("quiet", "")
        self.build_form(outcome.value)
        self.is_built = True
        self.refresh()

    def _show_messages(self) -> None:
        """The session's messages are about its series."""
