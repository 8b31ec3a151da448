"""The application: napari with our panels."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import cast

import napari
from napari.utils.notifications import ErrorNotification, Notification, notification_manager
from qtpy.QtCore import QSize, QThreadPool
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QApplication, QMainWindow, QWidget

from hrtem_app.gui.actions import ActionMenu
from hrtem_app.gui.jobs import describe
from hrtem_app.gui.panels.series_panel import is_openable
from hrtem_app.gui.panels.workbench_panel import WorkbenchPanel
from hrtem_app.gui.session import Session
from hrtem_app.gui.widgets.drop import FileDrop

logger = logging.getLogger(__name__)

TITLE = "hrtem-app"
_SIZE = QSize(1500, 940)
_PATIENCE_MS = 10_000


def run(paths: Sequence[Path], analyse: bool = False) -> int:
    """Open the window and stay until it is closed.

    Parameters
    ----------
    paths
        Files of one series to open at once; none: an empty window.
    analyse
        Run the networks as soon as the series is read.

    Returns
    -------
    The exit code for the shell.
    """
    _, panel = create_window()
    if paths:
        panel.workbench.open(paths, analyse)
    with ErrorsInWindow(panel.session):
        napari.run()
    shut_down(panel)
    return 0


def shut_down(panel: WorkbenchPanel) -> None:
    """Stop what runs; threads end at their next step, and Qt must still be there when they say so."""
    panel.workbench.close()
    cast(QThreadPool, QThreadPool.globalInstance()).waitForDone(_PATIENCE_MS)


def create_window() -> tuple[napari.Viewer, WorkbenchPanel]:
    """A napari window with all our panels in the right dock, its menu, its icon and drag and drop."""
    viewer = napari.Viewer(title=TITLE, show=False)
    panel = WorkbenchPanel(viewer)
    viewer.window.add_dock_widget(panel, name="HR-TEM analysis", area="right", add_vertical_stretch=False)
    window = cast(QWidget, panel.window())
    icon = QIcon(str(resources.files("hrtem_app.resources") / "icons" / "hrtem-app.svg"))
    window.setWindowIcon(icon)
    QApplication.setWindowIcon(icon)
    menu = ActionMenu(panel)
    viewer.window.main_menu.insertMenu(_help_menu(viewer), menu)
    viewer.window.help_menu.addAction(menu.entries[-1])
    viewer.window.help_menu.addAction("Keys of the analysis", menu.show_keys)
    _accept_drops(panel)
    viewer.window.show()
    _fit_to_screen(window)
    return viewer, panel


class ErrorsInWindow:
    """While active, exceptions that nobody caught also become a line in the window that stays until it is read.

    napari catches them while its event loop runs, and shows each in a pop-up that goes away by itself.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> None:
        notification_manager.notification_ready.connect(self._on_notification)

    def __exit__(self, *_: object) -> None:
        notification_manager.notification_ready.disconnect(self._on_notification)

    def _on_notification(self, notification: Notification) -> None:
        if isinstance(notification, ErrorNotification):
            logger.error("uncaught", exc_info=notification.exception)
            text = f"Something went wrong, but nothing is lost: {describe(notification.exception)}"
            self._session.tell("series", "error", text)


def _accept_drops(panel: WorkbenchPanel) -> None:
    """Open files of ours that are dropped onto the canvas in a thread; napari takes all others."""
    window = panel.window()
    centre = window.centralWidget() if isinstance(window, QMainWindow) else None
    if centre is None:
        return
    for widget in [centre, *centre.findChildren(QWidget)]:
        if widget.acceptDrops():
            FileDrop(widget, is_openable, panel.workbench.open)


def _help_menu(viewer: napari.Viewer) -> object:
    """The action of the menu bar before which ours stands."""
    return viewer.window.main_menu.actions()[-1]


def _fit_to_screen(window: QWidget) -> None:
    screen = window.screen()
    if screen is not None:
        room = screen.availableGeometry()
        window.resize(_SIZE.boundedTo(room.size()))
        window.move(room.topLeft())
