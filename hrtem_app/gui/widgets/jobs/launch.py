"""The end of a form that makes jobs: what they would cost, and the button that starts them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QApplication, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from hrtem_app.gui.jobs import Job, Outcome, describe
from hrtem_app.gui.widgets.jobs.notice import Level, Notice
from hrtem_app.gui.widgets.jobs.words import estimate_told

if TYPE_CHECKING:
    from hrtem_app.jobs import Estimate

Content = dict[str, Any]


class LaunchBar(QWidget):
    """Two buttons and what came of them.

    `submitted` tells how many jobs were begun.

    Parameters
    ----------
    contents
        What is asked for, as JSON has requests; its ValueErrors are shown.
    tip
        What the jobs do.
    """

    submitted = Signal(int)

    def __init__(self, contents: Callable[[], Sequence[Content]], tip: str) -> None:
        super().__init__()
        self._contents = contents
        self._job: Job | None = None
        self._stop = threading.Event()
        self.notice = Notice()
        self.estimate_button = QPushButton("Estimate")
        self.estimate_button.setToolTip("Try a small part and tell time, disk and memory; takes about half a minute")
        self.estimate_button.clicked.connect(self._on_estimate)
        self.launch_button = QPushButton("Launch")
        self.launch_button.setToolTip(f"{tip}. It goes on when the window is closed, and is listed under Jobs")
        self.launch_button.clicked.connect(self._on_launch)
        buttons = QHBoxLayout()
        buttons.addWidget(self.estimate_button)
        buttons.addWidget(self.launch_button, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.notice)
        layout.addLayout(buttons)

    @property
    def measuring(self) -> bool:
        """Whether an estimate is under way."""
        return self._job is not None

    def _on_estimate(self) -> None:
        if self._job is not None:
            self._stop.set()
            self._job.cancel()
            self._end("quiet", "Measuring was stopped.")
            return
        contents = self._asked()
        if contents is None:
            return
        stop = self._stop = threading.Event()
        # The flag knows nothing of this object, which is gone when Qt says so; nor may a window wait for it to close.
        self.destroyed.connect(stop.set)
        if (app := QApplication.instance()) is not None:
            app.aboutToQuit.connect(stop.set)
        self._job = Job(_estimates, contents, stop)
        self._job.done.connect(self._on_estimated)
        self.estimate_button.setText("Stop measuring")
        self.notice.say("quiet", "Measuring on a small part…")
        self._job.start()

    def _on_estimated(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            self._end("error", describe(outcome.error))
            return
        estimates: list[Estimate] = outcome.value
        doubts = [doubt for estimate in estimates for doubt in estimate.doubts]
        lines = [estimate_told(estimate) for estimate in estimates]
        lines += [f"Careful: {doubt}." for doubt in dict.fromkeys(doubts)]
        self._end("warning" if doubts else "done", "\n".join(lines))

    def _on_launch(self) -> None:
        contents = self._asked()
        if contents is None:
            return
        self.launch_button.setEnabled(False)
        self.notice.say("quiet", "Starting…")
        job = Job(_submit, contents)
        job.done.connect(self._on_submitted)
        job.start()

    def _on_submitted(self, outcome: Outcome) -> None:
        self.launch_button.setEnabled(True)
        if outcome.error is not None:
            self.notice.say("error", describe(outcome.error))
            return
        titles = ", ".join(f"{job.number} ({job.title})" for job in outcome.value)
        self.notice.say("done", f"Begun: job {titles}." if len(outcome.value) == 1 else f"Begun: jobs {titles}.")
        self.submitted.emit(len(outcome.value))

    def _asked(self) -> Sequence[Content] | None:
        try:
            return self._contents()
        except ValueError as error:
            self.notice.say("error", str(error))
            return None

    def _end(self, level: Level, text: str) -> None:
        self._job = None
        self.estimate_button.setText("Estimate")
        self.notice.say(level, text)


def _estimates(contents: Sequence[Content], stop: threading.Event) -> list[Estimate]:
    from hrtem_app.jobs import estimate, parse_request

    return [estimate(parse_request(content), cancelled=stop.is_set) for content in contents]


def _submit(contents: Sequence[Content]) -> list[Any]:
    from hrtem_app.jobs import parse_request, submit

    # All are read before the first one begins.
    return [submit(request) for request in [parse_request(content) for content in contents]]
