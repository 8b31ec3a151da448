"""Counts per class: what is shown, and what each network found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from qtpy.QtCore import Qt
from qtpy.QtGui import QBrush, QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from hrtem_app.gui import theme


class CountTable(QTableWidget):
    """One row per class and one for the sum; one column for what is shown and one per network.

    Parameters
    ----------
    classes
        Names of the rows.
    colours
        Colour of each row's name.
    """

    def __init__(self, classes: Sequence[str], colours: Mapping[str, str]) -> None:
        super().__init__(len(classes) + 1, 1)
        self._classes, self._colours = tuple(classes), dict(colours)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        cast(QHeaderView, self.horizontalHeader()).setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        for row, name in enumerate([*classes, "all"]):
            item = QTableWidgetItem(name)
            self.setVerticalHeaderItem(row, item)
        header, sides = cast(QHeaderView, self.horizontalHeader()), cast(QHeaderView, self.verticalHeader())
        self.setFixedHeight(header.sizeHint().height() + sides.defaultSectionSize() * (len(classes) + 1) + 6)
        self.clear_counts()

    def show_counts(self, shown: Mapping[str, int], networks: Mapping[str, tuple[str, Mapping[str, int]]]) -> None:
        """Show numbers.

        Parameters
        ----------
        shown
            Number by class of what is shown.
        networks
            By title: colour of the heading, and number by class.
        """
        self._colour_rows()
        self.setColumnCount(1 + len(networks))
        self._fill(0, "Shown", None, shown)
        for column, (title, (colour, numbers)) in enumerate(networks.items(), start=1):
            self._fill(column, title, colour, numbers)

    def clear_counts(self) -> None:
        """Show no numbers."""
        self.show_counts({}, {})

    def number(self, row: int, column: int) -> str:
        """What a cell says."""
        item = self.item(row, column)
        return "" if item is None else item.text()

    def _colour_rows(self) -> None:
        for row, name in enumerate(self._classes):
            item = self.verticalHeaderItem(row)
            if item is not None and name in self._colours:
                item.setForeground(QBrush(QColor(theme.ink(self._colours[name], self))))

    def _fill(self, column: int, title: str, colour: str | None, numbers: Mapping[str, int]) -> None:
        heading = QTableWidgetItem(title)
        if colour is not None:
            heading.setForeground(QBrush(QColor(theme.ink(colour, self))))
        self.setHorizontalHeaderItem(column, heading)
        values = [numbers.get(name) for name in self._classes]
        total = sum(v for v in values if v is not None) if numbers else None
        for row, value in enumerate([*values, total]):
            item = QTableWidgetItem("-" if value is None else f"{value}")
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.setItem(row, column, item)
