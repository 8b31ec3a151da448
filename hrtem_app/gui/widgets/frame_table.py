"""The frames of a series: which are used, where they come from and their defoci."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

_USED, _FILE, _DEFOCUS = range(3)


@dataclass(frozen=True)
class FrameRow:
    """One frame as text."""

    file: str
    defocus: float | None
    used: bool


class FrameTable(QTableWidget):
    """One row per frame; the check mark and the defocus can be edited."""

    defocus_changed = Signal(object)
    used_changed = Signal(object)
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__(0, 3)
        self.setHorizontalHeaderLabels(["Used", "File", "Defocus (Å)"])
        header = cast(QHeaderView, self.horizontalHeader())
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(_FILE, QHeaderView.ResizeMode.Stretch)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setToolTip(
            "Frames are counted from 0. Checked frames are what the networks see, in the order of their defocus.\n"
            "Double-click a defocus to change it, in Å; overfocus is negative C10, as abTEM has it."
        )
        self._rows: tuple[FrameRow, ...] = ()
        self.itemChanged.connect(self._on_item_changed)

    def show_rows(self, rows: Sequence[FrameRow]) -> None:
        """Show these frames."""
        if tuple(rows) == self._rows:
            return
        self._rows = tuple(rows)
        blocker = QSignalBlocker(self)
        self.setRowCount(len(rows))
        self.setVerticalHeaderLabels([str(i) for i in range(len(rows))])
        for index, row in enumerate(rows):
            self._fill(index, row)
        del blocker
        header, sides = cast(QHeaderView, self.horizontalHeader()), cast(QHeaderView, self.verticalHeader())
        self.setFixedHeight(header.sizeHint().height() + min(len(rows), 5) * sides.defaultSectionSize() + 6)

    def _fill(self, index: int, row: FrameRow) -> None:
        used = QTableWidgetItem()
        used.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
        used.setCheckState(Qt.CheckState.Checked if row.used else Qt.CheckState.Unchecked)
        file = QTableWidgetItem(row.file)
        file.setFlags(Qt.ItemFlag.ItemIsEnabled)
        file.setToolTip(row.file)
        defocus = QTableWidgetItem("unknown" if row.defocus is None else f"{row.defocus:g}")
        defocus.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for column, item in ((_USED, used), (_FILE, file), (_DEFOCUS, defocus)):
            self.setItem(index, column, item)

    def _on_item_changed(self, item: QTableWidgetItem) -> None:
        if item.column() == _USED:
            states = [self._checked(i) for i in range(self.rowCount())]
            self.used_changed.emit(tuple(i for i, checked in enumerate(states) if checked))
        elif item.column() == _DEFOCUS:
            self._take_defocus(item)

    def _checked(self, row: int) -> bool:
        item = self.item(row, _USED)
        return item is not None and item.checkState() == Qt.CheckState.Checked

    def _take_defocus(self, item: QTableWidgetItem) -> None:
        row, text = item.row(), item.text()
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            old, self._rows = self._rows, ()
            self.show_rows(old)
            self.refused.emit(f"A defocus of '{text}' is no number: give it in Å, -50 for example.")
            return
        self.defocus_changed.emit((row, value))
