"""Scores of several tables: a column for each, a row for each number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QBrush, QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QScrollBar, QSizePolicy, QTableWidget, QTableWidgetItem

from hrtem_app.gui import theme

if TYPE_CHECKING:
    from hrtem_app.evaluation.hand_labelled import TableScore

_UNKNOWN = "-"


class ScoreTable(QTableWidget):
    """F1 of all classes and of each, hits, false and missed columns, and the position error.

    Parameters
    ----------
    classes
        Names of the classes, in the order of the scores.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = tuple(classes)
        tips = {
            "F1": "Atomic F1 of all classes, 0 to 1: 2·hits / (2·hits + false + missed)",
            **{f"F1 {name}": f"Atomic F1 of the columns of class {name}" for name in classes},
            "hits": "Columns found within 3 px of a true one of their class, each true one once",
            "false": "Columns found where there is none of their class",
            "missed": "True columns that were not found, or with another class",
            "error (pm)": "Root mean square distance of the hits from the true columns, in pm",
        }
        super().__init__(len(tips), 0)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self._across, self._down = cast(QHeaderView, self.horizontalHeader()), cast(QHeaderView, self.verticalHeader())
        # As wide as the numbers need: in a narrow panel one scrolls, and no digit is cut off.
        self._across.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._down.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._rows = list(tips)
        for row, (name, tip) in enumerate(tips.items()):
            item = QTableWidgetItem(name)
            item.setToolTip(tip)
            self.setVerticalHeaderItem(row, item)

    def show_scores(self, scores: Mapping[str, tuple[str | None, TableScore]], current: bool) -> None:
        """Show numbers; pale where they are not current.

        Parameters
        ----------
        scores
            By title: colour of the heading (None: that of text), and the score.
        current
            Whether they belong to what is there now.
        """
        self.setColumnCount(len(scores))
        self.setEnabled(current)
        for column, (title, (colour, each)) in enumerate(scores.items()):
            heading = QTableWidgetItem(title)
            if colour is not None:
                heading.setForeground(QBrush(QColor(theme.ink(colour, self))))
            self.setHorizontalHeaderItem(column, heading)
            for row, (text, tip) in enumerate(self._cells(each)):
                item = QTableWidgetItem(text)
                item.setToolTip(tip)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.setItem(row, column, item)
        self.updateGeometry()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As high as all rows."""
        bar = cast(QScrollBar, self.horizontalScrollBar()).sizeHint().height()
        height = self._across.sizeHint().height() + self._down.length() + bar + 2 * self.frameWidth()
        return QSize(super().sizeHint().width(), height)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """No less."""
        return QSize(super().minimumSizeHint().width(), self.sizeHint().height())

    def texts(self) -> dict[str, dict[str, str]]:
        """What is shown: by heading of the column and name of the row."""
        return {
            self._text(self.horizontalHeaderItem(column)): {
                name: self._text(self.item(row, column)) for row, name in enumerate(self._rows)
            }
            for column in range(self.columnCount())
        }

    def _cells(self, each: TableScore) -> list[tuple[str, str]]:
        """Text and tooltip of each row."""
        score = each.score
        confusion = [
            self._found_as(name, row) for name, row in zip(self._classes, score.confusion.tolist(), strict=True)
        ]
        totals = (score.hits, score.false, score.missed)
        return [
            (_number(score.f1(), 4), "\n".join(confusion)),
            *((_number(value, 4), said) for value, said in zip(score.class_f1().values(), confusion, strict=True)),
            *((f"{int(counts.sum())}", self._by_class(counts.tolist())) for counts in totals),
            (_number(score.position_error(each.sampling), 2), ""),
        ]

    def _found_as(self, true: str, row: Sequence[int]) -> str:
        said = ", ".join(f"{number} as {name}" for name, number in zip(self._classes, row, strict=False))
        return f"Of {sum(row)} true {true}: {said}, {row[-1]} not found"

    def _by_class(self, counts: Sequence[int]) -> str:
        return ", ".join(f"{number} {name}" for name, number in zip(self._classes, counts, strict=True))

    @staticmethod
    def _text(item: QTableWidgetItem | None) -> str:
        return "" if item is None else item.text()


def _number(value: float, digits: int) -> str:
    return _UNKNOWN if math.isnan(value) else f"{value:.{digits}f}"
