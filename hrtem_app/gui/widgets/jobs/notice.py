"""A sentence about what was asked for last."""

from __future__ import annotations

from typing import Literal

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QLabel

from hrtem_app.gui import theme

Level = Literal["quiet", "done", "warning", "error"]
_COLOURS: dict[Level, str] = {
    "quiet": theme.QUIET,
    "done": theme.DONE,
    "warning": theme.WARNING,
    "error": theme.ERROR,
}


class Notice(QLabel):
    """A line that stays until the next one; no height while there is nothing to say."""

    def __init__(self) -> None:
        super().__init__()
        self._level: Level = "quiet"
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setVisible(False)

    def say(self, level: Level, text: str) -> None:
        """Show a sentence, empty for none."""
        self._level = level
        self.setText(text)
        self.setVisible(bool(text))
        theme.colour_text(self, _COLOURS[level], self)

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 - Qt's name
        """Stay readable when napari's theme changes."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            theme.colour_text(self, _COLOURS[self._level], self)
