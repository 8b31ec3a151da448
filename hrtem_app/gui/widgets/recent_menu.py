"""A menu of what was opened before."""

from __future__ import annotations

from functools import partial
from typing import cast

from qtpy.QtGui import QAction
from qtpy.QtWidgets import QMenu, QWidget

from hrtem_app.gui.recent import forget_recent, recent_files, title
from hrtem_app.gui.workbench import Workbench


class RecentMenu(QMenu):
    """Opens again what was open; read anew whenever it is about to be shown.

    Parameters
    ----------
    workbench
        Opens the files.
    parent
        Owner of the menu.
    """

    def __init__(self, workbench: Workbench, parent: QWidget) -> None:
        super().__init__("Open recent", parent)
        self.setToolTipsVisible(True)
        self._workbench = workbench
        self.aboutToShow.connect(self.refresh)

    def refresh(self) -> None:
        """Show what is in the list now."""
        self.clear()
        entries = recent_files()
        self.setEnabled(bool(entries))
        for paths in entries:
            entry = self.addAction(title(paths))
            if entry is not None:
                entry.setToolTip("\n".join(str(path) for path in paths))
                entry.triggered.connect(partial(self._open, paths))
        if entries:
            self.addSeparator()
            self.addAction("Empty this list", forget_recent)
        else:
            cast(QAction, self.addAction("Nothing that is still there")).setEnabled(False)

    def _open(self, paths: tuple[object, ...]) -> None:
        self._workbench.open([str(path) for path in paths])
