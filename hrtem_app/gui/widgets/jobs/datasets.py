"""The datasets that a network is trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QListWidget, QMenu, QPushButton, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from hrtem_app.jobs import Job

_HEIGHT = 76


class DatasetList(QWidget):
    """Folders in an order, which is that of the sources of the settings.

    Parameters
    ----------
    recent
        Gives the folders to choose from.
    """

    changed = Signal()

    def __init__(self, recent: Callable[[], Sequence[Path]]) -> None:
        super().__init__()
        self._recent = recent
        self.list = QListWidget()
        self.list.setMaximumHeight(_HEIGHT)
        self.list.setToolTip("Datasets that Simulate made, or folders of labelled series; one for each source")
        self.add_button = QPushButton("Add…")
        self.add_button.setToolTip("Add a folder")
        self.add_button.clicked.connect(self._on_add)
        self.recent_button = QPushButton("Recent")
        self.recent_button.setToolTip("Add a folder that a job wrote or read")
        self.menu = QMenu(self)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.recent_button.setMenu(self.menu)
        self.remove_button = QPushButton("Remove")
        self.remove_button.setToolTip("Take the selected folder out of this list; it stays on the disk")
        self.remove_button.clicked.connect(self._on_remove)
        row = QHBoxLayout()
        for button in (self.add_button, self.recent_button, self.remove_button):
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.list)
        layout.addLayout(row)

    def paths(self) -> tuple[Path, ...]:
        """The folders."""
        items = (self.list.item(row) for row in range(self.list.count()))
        return tuple(Path(item.text()) for item in items if item is not None)

    def add(self, path: Path) -> None:
        """Put a folder at the end, unless it is there."""
        if path not in self.paths():
            self.list.addItem(str(path))
            self.list.setCurrentRow(self.list.count() - 1)
            self.changed.emit()

    def _fill_menu(self) -> None:
        self.menu.clear()
        for path in self._recent():
            action = self.menu.addAction(f"{path.name}, in {path.parent}")
            if action is not None:
                action.triggered.connect(partial(self.add, path))
        if self.menu.isEmpty():
            self.menu.addAction("Nothing yet").setEnabled(False)  # type: ignore[union-attr]

    def _on_add(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Choose a dataset")
        if name:
            self.add(Path(name))

    def _on_remove(self) -> None:
        row = self.list.currentRow()
        if row >= 0:
            self.list.takeItem(row)
            self.changed.emit()


def datasets_of(jobs: Sequence[Job]) -> tuple[Path, ...]:
    """Folders of datasets that jobs wrote or read, those of the newest jobs first, as long as they are there."""
    found: dict[Path, None] = {}
    for job in reversed(jobs):
        request = job.request or {}
        names = {
            "simulate": [request.get("out")],
            "chain": [f"{request.get('folder')}/waves"],
            "train": request.get("data", []),
        }.get(job.kind, [])
        found |= dict.fromkeys(Path(name) for name in names if name)
    return tuple(path for path in found if path.is_dir())
