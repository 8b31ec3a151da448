"""What all panels share: their viewer's workbench, and letting go of it when they are closed."""

from __future__ import annotations

from napari.components import ViewerModel
from qtpy.QtCore import QEvent
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from hrtem_app.gui.links import Link, Links
from hrtem_app.gui.session import Message, Session, Source
from hrtem_app.gui.widgets.messages import MessageList
from hrtem_app.gui.workbench import Workbench


class Docked(QWidget):
    """A widget for a dock, in which there may be panels: they follow their session while it is in one."""

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 - Qt's name
        """Let go of the session when napari closes the dock, which only takes the widget out of it."""
        super().changeEvent(event)
        if event is None or event.type() != QEvent.Type.ParentChange:
            return
        # Qt tells this widget alone, not those in it.
        for panel in [self, *self.findChildren(Panel)]:
            if isinstance(panel, Panel):
                panel.follow(self.parent() is not None)


class Panel(Docked):
    """A dock widget that works on the session of a viewer.

    A subclass builds its widgets in `build`, names what it listens to in `links` and shows the session in `refresh`.

    Parameters
    ----------
    napari_viewer
        The viewer whose workbench it uses; panels of the same viewer share one.
    """

    source: Source = "series"

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self.workbench = Workbench.of(napari_viewer)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(8, 6, 8, 8)
        self.column.setSpacing(6)
        self.messages = MessageList()
        self.messages.read.connect(self._on_read)
        self.build()
        self.column.addWidget(self.messages)
        self._is_current = False
        self._attachment = _Attachment(self.workbench, id(self), self._all_links())
        self._attachment.open()
        # The attachment knows nothing of this object, which is gone when Qt says so.
        self.destroyed.connect(self._attachment.close)
        self.update_view()
        self._show_messages()

    @property
    def session(self) -> Session:
        """The session of the viewer."""
        return self.workbench.session

    def build(self) -> None:
        """Make the widgets, once."""

    def links(self) -> list[Link]:
        """The session's signals and what they set off here."""
        return []

    def refresh(self) -> None:
        """Show the session as it is."""

    def update_view(self) -> None:
        """Refresh now if the panel is on screen, else when it comes there: sliders stay quick beside many panels."""
        self._is_current = self.isVisible()
        if self._is_current:
            self.refresh()

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Catch up with the session."""
        super().showEvent(event)
        if not self._is_current:
            self._is_current = True
            self.refresh()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take on the colours of another theme of napari's."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange and hasattr(self, "_attachment"):
            self.update_view()

    def follow(self, wanted: bool) -> None:
        """Follow the session, or let go of it."""
        if not hasattr(self, "_attachment"):
            # It is still being made.
            return
        if not wanted:
            self._attachment.close()
        elif self._attachment.open():
            self.update_view()
            self._show_messages()

    def _all_links(self) -> Links:
        return Links(*self.links(), (self.session.messages_changed, self._show_messages))

    def _show_messages(self) -> None:
        self.messages.show_messages(tuple(m for m in self.session.messages if m.source == self.source))

    def _on_read(self, message: Message) -> None:
        self.session.dismiss(message)


class _Attachment:
    """A panel's hold on its workbench, which can outlive the panel itself."""

    def __init__(self, workbench: Workbench, holder: int, links: Links) -> None:
        self._workbench, self._holder, self._links = workbench, holder, links

    def open(self) -> bool:
        """Follow the session; returns False where it already did."""
        if self._links.are_open:
            return False
        self._links.open()
        self._workbench.attach(self._holder)
        return True

    def close(self) -> None:
        """Follow it no longer; the workbench of a viewer without panels closes."""
        if self._links.are_open:
            self._links.close()
            self._workbench.detach(self._holder)
