"""Lines that stay until they are read."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from hrtem_app.gui import theme
from hrtem_app.gui.session import Message

_SIGNS = {"info": ("✓", theme.DONE), "warning": ("⚠", theme.WARNING), "error": ("✖", theme.ERROR)}


class MessageLine(QFrame):
    """A message with a button that says it was read."""

    read = Signal(object)

    def __init__(self, message: Message) -> None:
        super().__init__()
        sign, colour = _SIGNS[message.level]
        self.setObjectName("message")
        self.setStyleSheet(f"#message {{ border-left: 3px solid {colour}; }}")
        text = QLabel(f"{sign} {message.text}")
        text.setWordWrap(True)
        text.setTextFormat(Qt.TextFormat.PlainText)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        button = QToolButton()
        button.setText("✕")
        button.setAutoRaise(True)
        button.setToolTip("I have read this")
        button.clicked.connect(partial(self.read.emit, message))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 2, 2, 2)
        layout.addWidget(text, 1)
        layout.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)


class MessageList(QWidget):
    """The messages of a panel, one under the other; no height while there are none."""

    read = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[Message, ...] = ()
        self._lines: list[MessageLine] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(3)
        self.setVisible(False)

    def show_messages(self, messages: tuple[Message, ...]) -> None:
        """Show these and no others."""
        if messages == self._shown:
            return
        self._shown = messages
        for line in self._lines:
            self._layout.removeWidget(line)
            # Hidden and deleted later: its own button may be the one whose click brought us here.
            line.hide()
            line.deleteLater()
        self._lines = [MessageLine(m) for m in messages]
        for line in self._lines:
            line.read.connect(self.read)
            self._layout.addWidget(line)
        self.setVisible(bool(messages))

    def texts(self) -> list[str]:
        """What is shown."""
        return [m.text for m in self._shown]
