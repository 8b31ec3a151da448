"""Files dropped onto a widget."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import QEvent, QObject
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QWidget


class FileDrop(QObject):
    """Hands the files that are dropped onto a widget to a function, in the order of their names.

    Parameters
    ----------
    target
        The widget; it also becomes the owner of this filter.
    accepts
        Whether a file is ours; a drop in which no file is ours goes to the widget itself.
    take
        Receives the paths.
    """

    def __init__(self, target: QWidget, accepts: Callable[[Path], bool], take: Callable[[list[Path]], object]) -> None:
        super().__init__(target)
        self._accepts, self._take = accepts, take
        target.setAcceptDrops(True)
        target.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Take over drags and drops of our files."""
        if event is None or event.type() not in (QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.Drop):
            return False
        if not isinstance(event, QDropEvent):
            return False
        paths = _paths(event)
        if not paths or not all(self._accepts(path) for path in paths):
            return False
        event.acceptProposedAction()
        if event.type() == QEvent.Type.Drop:
            self._take(paths)
        return True


def _paths(event: QDropEvent) -> list[Path]:
    mime = event.mimeData()
    if mime is None:
        return []
    # File managers hand over several files in the order of selection; names carry the order of a focal series.
    return sorted(Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile())
