"""A folder or a file that is typed or chosen."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget


class PathLine(QWidget):
    """A line with a path and a button that asks for one.

    Parameters
    ----------
    what
        Is asked for, as in "the folder of the dataset".
    tip
        What it is for.
    files
        Pattern of the files that are asked for, as in `Weights (*.safetensors)`; empty: folders are.
    """

    changed = Signal()

    def __init__(self, what: str, tip: str, files: str = "") -> None:
        super().__init__()
        self._what, self._files = what, files
        self.line = QLineEdit()
        self.line.setPlaceholderText(what)
        self.line.setToolTip(tip)
        self.line.textChanged.connect(self._on_text)
        self.button = QPushButton("Browse…")
        self.button.setToolTip(f"Choose {what}")
        self.button.clicked.connect(self._on_browse)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line, 1)
        row.addWidget(self.button)

    def path(self) -> Path:
        """The path; ValueError where none is given."""
        text = self.line.text().strip()
        if not text:
            raise ValueError(f"{self._what} is missing: type it, or choose it with Browse")
        return Path(text).expanduser().absolute()

    def set_path(self, path: Path) -> None:
        """Show a path."""
        self.line.setText(str(path))

    def _on_text(self) -> None:
        self.changed.emit()

    def _on_browse(self) -> None:
        there = self.line.text().strip()
        if self._files:
            name, _ = QFileDialog.getOpenFileName(self, f"Choose {self._what}", there, f"{self._files};;All files (*)")
        else:
            name = QFileDialog.getExistingDirectory(self, f"Choose {self._what}", there)
        if name:
            self.line.setText(name)
