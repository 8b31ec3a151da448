"""Offering back what a crash left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from hrtem_app.gui import theme

if TYPE_CHECKING:
    from hrtem_app.sessions import Pending


class RecoveryOffer(QFrame):
    """The newest session that was not saved, with two buttons: bring it back, or delete it."""

    wanted = Signal(object)
    unwanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("recovery")
        self.setStyleSheet(f"#recovery {{ border: 1px solid {theme.WARNING}; border-radius: 4px; }}")
        self._entry: Pending | None = None
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.restore_button = QPushButton("Bring it back")
        self.restore_button.setToolTip("Open the series with its settings, results and corrections")
        self.discard_button = QPushButton("Delete it")
        self.discard_button.setToolTip("Let go of it for good")
        self.restore_button.clicked.connect(lambda: self.wanted.emit(self._entry))
        self.discard_button.clicked.connect(lambda: self.unwanted.emit(self._entry))
        row = QHBoxLayout()
        row.addWidget(self.restore_button)
        row.addWidget(self.discard_button)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addLayout(row)

    def show_entries(self, entries: tuple[Pending, ...]) -> None:
        """Offer the first of them; hidden where there are none."""
        self._entry = entries[0] if entries else None
        self.setVisible(bool(entries))
        if self._entry is None:
            return
        entry = self._entry
        edits = f" with {entry.edits} correction{'s' if entry.edits != 1 else ''}" if entry.edits else ""
        more = f" ({len(entries) - 1} more after it)" if len(entries) > 1 else ""
        self.text.setText(f"'{entry.series}'{edits} of {entry.when:%d %b, %H:%M} was not saved{more}.")
