"""Editors of single fields. Each keeps what it is given, valid or not: the model says what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QFileDialog, QHBoxLayout, QLabel, QLineEdit, QToolButton, QWidget

from hrtem_app.gui.widgets.model_form.number import LeaveTheWheel, NumberBox
from hrtem_app.gui.widgets.model_form.shape import Shape

_ROOM, _UNIT_WIDTH = 60, 38
# Two of them fit side by side; arrow keys and the wheel step them.
_SLIM = "QAbstractSpinBox { min-width: 42px; padding: 1px 4px; }"


class Editor(QWidget):
    """Shows and edits one value; `changed` tells of what a person did."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(4)

    def value(self) -> Any:
        """What stands there, as JSON has it."""
        raise NotImplementedError

    def set_value(self, value: Any) -> None:
        """Show a value without announcing it."""
        raise NotImplementedError

    def add_unit(self, unit: str) -> None:
        """Leave room for a unit at the end, so that numbers stand below each other."""
        label = QLabel(unit)
        label.setFixedWidth(_UNIT_WIDTH)
        self.row.addWidget(label)

    def _on_edited(self) -> None:
        self.changed.emit()


class FlagEditor(Editor):
    """Yes or no."""

    def __init__(self) -> None:
        super().__init__()
        self.box = QCheckBox()
        self.box.toggled.connect(self._on_edited)
        self.row.addWidget(self.box, 1)

    def value(self) -> Any:
        """Whether it is ticked."""
        return self.box.isChecked()

    def set_value(self, value: Any) -> None:
        """Tick it or not."""
        blocker = QSignalBlocker(self.box)
        self.box.setChecked(bool(value))
        del blocker


class ChoiceEditor(Editor):
    """One of several values; one that is none of them is added, so that it can be seen and refused."""

    def __init__(self, choices: Sequence[Any]) -> None:
        super().__init__()
        self.box = QComboBox()
        self.box.setMinimumContentsLength(6)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        LeaveTheWheel(self.box)
        self._choices = list(choices)
        self.box.addItems([str(choice) for choice in choices])
        self.box.currentIndexChanged.connect(self._on_edited)
        self.row.addWidget(self.box, 1)
        self.add_unit("")

    def value(self) -> Any:
        """What is chosen."""
        return self._choices[self.box.currentIndex()]

    def set_value(self, value: Any) -> None:
        """Choose a value."""
        blocker = QSignalBlocker(self.box)
        if value not in self._choices:
            self._choices.append(value)
            self.box.addItem(str(value))
        self.box.setCurrentIndex(self._choices.index(value))
        del blocker


class NumberEditor(Editor):
    """A number with its unit."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.box = NumberBox(shape.limits)
        self.box.edited.connect(self._on_edited)
        self.row.addWidget(self.box, 1)
        self.add_unit(shape.unit)

    def value(self) -> Any:
        """The number."""
        return self.box.value()

    def set_value(self, value: Any) -> None:
        """Show a number."""
        self.box.set_value(value)


class RangeEditor(Editor):
    """The least and the greatest value of a draw."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.boxes = (NumberBox(shape.limits), NumberBox(shape.limits))
        for place, box in enumerate(self.boxes):
            if place:
                self.row.addWidget(QLabel("to"))
            box.setButtonSymbols(NumberBox.ButtonSymbols.NoButtons)
            box.setStyleSheet(_SLIM)
            box.edited.connect(self._on_edited)
            self.row.addWidget(box, 1)
        self.add_unit(shape.unit)
        self.set_value([shape.limits.first(), shape.limits.greatest])

    def value(self) -> Any:
        """Both numbers."""
        return [box.value() for box in self.boxes]

    def set_value(self, value: Any) -> None:
        """Show both numbers."""
        for box, number in zip(self.boxes, value, strict=True):
            box.set_value(number)


class WordsEditor(Editor):
    """Anything that is written in one line: text, lists, and what no other editor knows."""

    def __init__(self, write: Callable[[Any], str], read: Callable[[str], Any], hint: str = "", unit: str = "") -> None:
        super().__init__()
        self._write, self._read = write, read
        self.line = QLineEdit()
        self.line.setMinimumWidth(_ROOM)
        self.line.setPlaceholderText(hint)
        self.line.textChanged.connect(self._on_edited)
        self._value, self._shown = read(""), ""
        self.row.addWidget(self.line, 1)
        self.add_unit(unit)

    def value(self) -> Any:
        """What is written; exactly what was set where nothing was typed since."""
        text = self.line.text()
        return self._value if text == self._shown else self._read(text)

    def set_value(self, value: Any) -> None:
        """Write a value."""
        self._value, self._shown = value, self._write(value)
        blocker = QSignalBlocker(self.line)
        self.line.setText(self._shown)
        self.line.setCursorPosition(0)
        del blocker


class NameEditor(Editor):
    """A name that may be one of those that are known."""

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__()
        self.box = QComboBox()
        self.box.setEditable(True)
        self.box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.box.setMinimumContentsLength(6)
        LeaveTheWheel(self.box)
        self.box.addItems(list(known))
        self.box.currentTextChanged.connect(self._on_edited)
        self.row.addWidget(self.box, 1)
        self._close_row()

    def value(self) -> Any:
        """The name."""
        return self.box.currentText()

    def _close_row(self) -> None:
        self.add_unit("")

    def set_value(self, value: Any) -> None:
        """Show a name."""
        blocker = QSignalBlocker(self.box)
        self.box.setCurrentText(str(value))
        del blocker


class PathEditor(NameEditor):
    """A file, one of those that are known or another one; None where none is named."""

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__(known)
        self.box.setCurrentText("")

    def _close_row(self) -> None:
        self.button = QToolButton()
        self.button.setText("…")
        self.button.setToolTip("Choose a file")
        self.button.setFixedWidth(_UNIT_WIDTH)
        self.button.clicked.connect(self._on_browse)
        self.row.addWidget(self.button)

    def value(self) -> Any:
        """The path."""
        return self.box.currentText().strip() or None

    def _on_browse(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Choose a file", self.box.currentText())
        if name:
            self.box.setCurrentText(name)
