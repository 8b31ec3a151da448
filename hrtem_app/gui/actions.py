"""What the Analysis menu offers, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtGui import QAction
from qtpy.QtWidgets import QFileDialog, QMenu

from hrtem_app.gui.panels.series_panel import choose_files
from hrtem_app.gui.panels.workbench_panel import WorkbenchPanel
from hrtem_app.gui.session import Session
from hrtem_app.gui.widgets.recent_menu import RecentMenu
from hrtem_app.sessions import SUFFIX


@dataclass(frozen=True)
class Action:
    """One entry of the menu.

    Parameters
    ----------
    title
        As the menu shows it.
    run
        What it does.
    enabled
        Whether it can be done now.
    shortcut
        Its key, empty for none.
    """

    title: str
    run: Callable[[WorkbenchPanel], object]
    enabled: Callable[[Session], bool] = lambda session: True
    shortcut: str = ""


def _open(panel: WorkbenchPanel) -> None:
    paths = choose_files(panel)
    if paths:
        panel.workbench.open(paths)


def _save(panel: WorkbenchPanel) -> None:
    name, _ = QFileDialog.getSaveFileName(panel, "Save the session", "", f"Sessions (*{SUFFIX})")
    if name:
        panel.workbench.keeper.save(name)


def _show_guide(panel: WorkbenchPanel) -> None:
    from hrtem_app.gui.guide import show_guide

    show_guide(panel)


ACTIONS: tuple[Action, ...] = (
    Action("Open a focal series…", _open, shortcut="F2"),
    Action("Open the sample", lambda panel: panel.workbench.open_sample()),
    Action("Save the session…", _save, lambda s: s.file_series is not None, "F7"),
    Action("Run", lambda panel: panel.workbench.run(), lambda s: s.ready and "analyse" not in s.busy, "F5"),
    Action("Cancel the run", lambda panel: panel.workbench.cancel(), lambda s: "analyse" in s.busy, "Shift+F5"),
    Action("Undo", lambda panel: panel.session.undo(), lambda s: bool(s.undo_text), "Ctrl+Z"),
    Action("Redo", lambda panel: panel.session.redo(), lambda s: bool(s.redo_text), "Ctrl+Shift+Z"),
    Action("Simulate, train and jobs", lambda panel: panel.show_background()),
    Action("Export…", lambda panel: panel.export(), lambda s: s.analysis is not None, "F8"),
    Action("User's guide", _show_guide, shortcut="F1"),
)


class ActionMenu(QMenu):
    """The Analysis menu of a panel."""

    def __init__(self, panel: WorkbenchPanel) -> None:
        super().__init__("&Analysis", panel)
        self._panel = panel
        self.entries = [self._add(action) for action in ACTIONS]
        self.recent = RecentMenu(panel.workbench, self)
        self.insertMenu(self.entries[1], self.recent)
        self.aboutToShow.connect(self.refresh)

    def refresh(self) -> None:
        """Grey out what cannot be done now."""
        for action, entry in zip(ACTIONS, self.entries, strict=True):
            entry.setEnabled(action.enabled(self._panel.session))
        self.recent.refresh()

    def show_keys(self) -> None:
        """Show the list of keys."""
        from hrtem_app.gui.keys import show_keys

        show_keys(self._panel)

    def _add(self, action: Action) -> QAction:
        entry = QAction(action.title, self)
        entry.setShortcut(action.shortcut)
        entry.triggered.connect(lambda: self._run(action))
        self.addAction(entry)
        return entry

    def _run(self, action: Action) -> None:
        # A shortcut works while the menu is closed, so what it shows may be out of date.
        if action.enabled(self._panel.session):
            action.run(self._panel)
