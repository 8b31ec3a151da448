"""Text that changes without moving what is around it."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QLabel


class StillLabel(QLabel):
    """Words that wrap, with room for some lines from the beginning; more lines than these do move what is below.

    Parameters
    ----------
    lines
        How many there is always room for.
    """

    def __init__(self, lines: int) -> None:
        super().__init__()
        self._lines = lines
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)

    def heightForWidth(self, width: int) -> int:  # noqa: N802 - Qt's name
        """The height of the text, or of the lines that there is room for."""
        return max(super().heightForWidth(width), self._room())

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As that of any label, with room for the lines."""
        return self._with_room(super().sizeHint())

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As that of any label, with room for the lines."""
        return self._with_room(super().minimumSizeHint())

    def _with_room(self, size: QSize) -> QSize:
        return size.expandedTo(QSize(0, self._room()))

    def _room(self) -> int:
        return int(self._lines * self.fontMetrics().lineSpacing())
