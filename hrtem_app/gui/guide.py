"""The user's guide in a window of its own: the pages of the documentation, which every installation has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from qtpy.QtCore import QSize, Qt, QUrl
from qtpy.QtGui import (
    QColor,
    QDesktopServices,
    QImage,
    QShowEvent,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QTextBrowser, QVBoxLayout, QWidget

_SIZE = QSize(980, 820)
_FIRST = "guide.md"
# What the frame and the scroll bar take of the width.
_RIM = 60
# Can be read on light and on dark.
_LINK = "#4a90d9"


def guide_folder() -> Path:
    """Where the pages lie."""
    return Path(str(resources.files("hrtem_app.docs")))


class Pages(QTextBrowser):
    """Pages of Markdown that link to each other; links to elsewhere open in the browser of the desktop."""

    def __init__(self) -> None:
        super().__init__()
        self.setOpenLinks(False)
        self.anchorClicked.connect(self.follow)
        self.sourceChanged.connect(self._colour_links)

    def follow(self, link: QUrl) -> None:
        """Go where a link leads."""
        target = self.source().resolved(link)
        if not target.isLocalFile():
            QDesktopServices.openUrl(target)
            return
        page = target.toLocalFile()
        if page != self.source().toLocalFile() and _is_page(Path(page)):
            self.setSource(QUrl.fromLocalFile(page))
        if target.hasFragment():
            self._show_heading(target.fragment())

    def loadResource(self, kind: int, name: QUrl) -> Any:  # noqa: N802 - Qt's name
        """Pictures as wide as the text, not as wide as the screen that they show."""
        if kind != QTextDocument.ResourceType.ImageResource.value:
            return super().loadResource(kind, name)
        picture, width = QImage(self.source().resolved(name).toLocalFile()), self.width() - _RIM
        if picture.width() > width > 0:
            ratio = self.devicePixelRatioF()
            smooth = Qt.TransformationMode.SmoothTransformation
            picture = picture.scaledToWidth(min(picture.width(), round(width * ratio)), smooth)
            picture.setDevicePixelRatio(picture.width() / width)
        return picture

    def _colour_links(self) -> None:
        """Qt's own blue cannot be read on dark grey."""
        links = []
        for block in self._blocks():
            pieces = block.begin()
            while not pieces.atEnd():
                piece = pieces.fragment()
                if piece.charFormat().isAnchor():
                    links.append((piece.position(), piece.position() + piece.length()))
                pieces += 1
        look, cursor = QTextCharFormat(), QTextCursor(self.document())
        look.setForeground(QColor(_LINK))
        # As one edit: after many small ones Qt leaves out blocks when it lays out the page.
        cursor.beginEditBlock()
        for first, end in links:
            cursor.setPosition(first)
            cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
            cursor.mergeCharFormat(look)
        cursor.endEditBlock()

    def _show_heading(self, wanted: str) -> None:
        """Qt gives headings of Markdown no names to go to."""
        for block in self._blocks():
            if block.blockFormat().headingLevel() and _slug(block.text()) == wanted:
                # The cursor comes into view at the end that it is scrolled from: come from below.
                self.moveCursor(QTextCursor.MoveOperation.End)
                self.setTextCursor(QTextCursor(block))
                return

    def _blocks(self) -> Iterator[QTextBlock]:
        document = self.document()
        block = QTextBlock() if document is None else document.begin()
        while block.isValid():
            yield block
            block = block.next()


class Guide(QWidget):
    """The guide, with the buttons of a browser: a window of its own, or a dock of any napari."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("User's guide")
        self.pages = Pages()
        self.back, self.forward, self.start = QPushButton("Back"), QPushButton("Forward"), QPushButton("Start")
        row = QHBoxLayout()
        for button, action, tip in (
            (self.back, self.pages.backward, "The page before"),
            (self.forward, self.pages.forward, "The page after"),
            (self.start, self.pages.home, "The first page"),
        ):
            button.setToolTip(tip)
            button.clicked.connect(action)
            row.addWidget(button)
        row.addStretch()
        self.back.setEnabled(False)
        self.forward.setEnabled(False)
        self.pages.backwardAvailable.connect(self.back.setEnabled)
        self.pages.forwardAvailable.connect(self.forward.setEnabled)
        layout = QVBoxLayout(self)
        layout.addLayout(row)
        layout.addWidget(self.pages)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As wide as the longest lines of text are easy to read."""
        return _SIZE

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Only now is it known how wide pictures may be."""
        super().showEvent(event)
        if self.pages.source().isEmpty():
            self.pages.setSource(QUrl.fromLocalFile(str(guide_folder() / _FIRST)))


def show_guide(beside: QWidget) -> Guide:
    """Show the guide in a window of its own, which closes with the one that it stands beside."""
    guide = Guide()
    guide.setParent(beside, Qt.WindowType.Window)
    guide.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    guide.resize(_SIZE)
    guide.show()
    return guide


def _is_page(path: Path) -> bool:
    """Whether it is one of ours; what lies outside of the documentation is not installed."""
    return path.parent == guide_folder() and path.is_file()


def _slug(heading: str) -> str:
    """The name of a heading in links, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
