"""A step of the rail: one line with its state, which opens in place."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from hrtem_app.gui import theme

_DOTS = {"todo": ("○", theme.QUIET, "to do"), "done": ("●", theme.DONE, "done"), "stale": ("◐", theme.WARNING, "stale")}


class Section(QFrame):
    """A header that stays and a body that opens and closes.

    Parameters
    ----------
    title
        Shown in the header.
    body
        The panel.
    """

    toggled = Signal(bool)
    taken_out = Signal()

    def __init__(self, title: str, body: QWidget) -> None:
        super().__init__()
        self.body = body
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.header = QPushButton()
        self.header.setCheckable(True)
        self.header.setMinimumHeight(30)
        self.header.setAccessibleName(title)
        self._dot, self._title, self._summary = QLabel(), QLabel(f"<b>{title}</b>"), QLabel()
        self._summary.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._summary.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        line = QHBoxLayout(self.header)
        line.setContentsMargins(8, 0, 8, 0)
        for label, stretch in ((self._dot, 0), (self._title, 0), (self._summary, 1)):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            label.setStyleSheet("background: transparent")
            line.addWidget(label, stretch)
        self.out_button = QToolButton()
        self.out_button.setText("↗")
        self.out_button.setAutoRaise(True)
        self.out_button.setToolTip("Show this step in a window of its own")
        self.out_button.setAccessibleName(f"{title} in a window of its own")
        self.out_button.clicked.connect(self.taken_out)
        self.out_button.hide()
        line.addWidget(self.out_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.header)
        layout.addWidget(body)
        body.setVisible(False)
        self.header.toggled.connect(self._on_toggled)
        self.show_state("todo", "", 0)

    def is_open(self) -> bool:
        """Whether the body is shown."""
        return bool(self.header.isChecked())

    def set_open(self, is_open: bool) -> None:
        """Show or hide the body."""
        self.header.setChecked(is_open)

    def show_state(self, state: str, summary: str, unread: int) -> None:
        """Show how far this step is, its result in a few words, and how many messages wait in it."""
        dot, colour, words = _DOTS[state]
        self._dot.setText(f"<span style='color:{theme.ink(colour, self)}'>{dot}</span>")
        self.header.setToolTip(f"{words}: {summary}" if summary else words)
        sign = f"<span style='color:{theme.ink(theme.WARNING, self)}'>⚠ {unread}</span>  " if unread else ""
        self._summary.setText(f"{sign}<span style='color:{theme.ink(theme.QUIET, self)}'>{summary}</span>")

    def _on_toggled(self, is_open: bool) -> None:
        self.body.setVisible(is_open)
        self.out_button.setVisible(is_open)
        self.toggled.emit(is_open)
