"""Names and values in groups that open and close."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QScrollArea, QTreeWidget, QTreeWidgetItem, QWidget

from hrtem_app.gui.measuring.rows import Row

_IDS = Qt.ItemDataRole.UserRole
_HEIGHT = 290
# Qt's QWIDGETSIZE_MAX, which its bindings lack.
_NO_LIMIT = (1 << 24) - 1


class ValueTree(QTreeWidget):
    """Rows of a measurement; `picked` brings the ids of the columns that a row that was clicked is about.

    In something that scrolls it is as high as its rows, so that there is one scroll bar; elsewhere it scrolls itself.
    """

    picked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setColumnCount(2)
        self.setHeaderHidden(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setUniformRowHeights(True)
        self.setIndentation(14)
        header = cast(QHeaderView, self.header())
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        self.itemClicked.connect(self._on_clicked)
        self.itemExpanded.connect(self._fit)
        self.itemCollapsed.connect(self._fit)
        self._fit()

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Be as high as the place wants it, which another place than the last one may be."""
        super().showEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 - Qt's name
        """Fit rows of another font."""
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self._fit()

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these; what is open stays open."""
        root = cast(QTreeWidgetItem, self.invisibleRootItem())
        is_new = root.childCount() == 0
        self.setUpdatesEnabled(False)
        _fill(root, rows)
        if is_new:
            self._open_first(root)
        self.setUpdatesEnabled(True)
        self._fit()

    def texts(self) -> dict[str, str]:
        """Value by name, `Grains/grain 0/orientation` say."""
        root = cast(QTreeWidgetItem, self.invisibleRootItem())
        return dict(_texts(root, ""))

    def _fit(self) -> None:
        """Take the height of the rows that are open, or at least some."""
        if not _scrolls_around(self):
            self.setMinimumHeight(_HEIGHT)
            self.setMaximumHeight(_NO_LIMIT)
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
            return
        root = cast(QTreeWidgetItem, self.invisibleRootItem())
        # All rows are of one height; before there are any, Qt knows none.
        row = self.sizeHintForRow(0)
        self.setFixedHeight(max(0, row) * _open_rows(root) + 2 * self.frameWidth())
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def _open_first(self, root: QTreeWidgetItem) -> None:
        for number in range(root.childCount()):
            item = cast(QTreeWidgetItem, root.child(number))
            item.setExpanded(item.text(0) in ("Vacancies", "Grains"))
            if item.text(0) == "Grains" and item.childCount() == 1:
                cast(QTreeWidgetItem, item.child(0)).setExpanded(True)

    def _on_clicked(self, item: QTreeWidgetItem, _: int) -> None:
        ids = item.data(0, _IDS)
        if ids:
            self.picked.emit(ids)


def _scrolls_around(widget: QWidget) -> bool:
    """Whether a widget lies in an area that scrolls."""
    around = widget.parentWidget()
    while around is not None and not isinstance(around, QScrollArea):
        around = around.parentWidget()
    return around is not None


def _open_rows(item: QTreeWidgetItem) -> int:
    """How many rows are seen below an item."""
    children = [cast(QTreeWidgetItem, item.child(number)) for number in range(item.childCount())]
    return len(children) + sum(_open_rows(child) for child in children if child.isExpanded())


def _fill(item: QTreeWidgetItem, rows: Sequence[Row]) -> None:
    """Make the children of an item these rows."""
    while item.childCount() > len(rows):
        item.takeChild(item.childCount() - 1)
    item.addChildren([QTreeWidgetItem() for _ in range(len(rows) - item.childCount())])
    for number, row in enumerate(rows):
        child = cast(QTreeWidgetItem, item.child(number))
        for column, text in enumerate((row.name, row.value)):
            if child.text(column) != text:
                child.setText(column, text)
            child.setToolTip(column, row.tip)
        child.setData(0, _IDS, row.ids)
        _fill(child, row.children)


def _texts(item: QTreeWidgetItem, path: str) -> Any:
    for number in range(item.childCount()):
        child = cast(QTreeWidgetItem, item.child(number))
        name = f"{path}{child.text(0)}"
        yield name, child.text(1)
        yield from _texts(child, f"{name}/")
