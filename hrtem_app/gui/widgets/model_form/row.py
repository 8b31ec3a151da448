"""One line of a form: name, editor, the way back to the default, and what is wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QLabel, QSizePolicy, QToolButton

from hrtem_app.gui import theme
from hrtem_app.gui.widgets.model_form.choice import make_editor
from hrtem_app.gui.widgets.model_form.shape import Limits, Shape, format_number

Problem = tuple[tuple[int | str, ...], str]
"""Where in a part something is wrong, and what."""

_NAME_WIDTH, _BACK_WIDTH = 106, 18


class FieldRow:
    """A field that holds no other fields, in the grid of its group.

    Parameters
    ----------
    shape
        Of the field.
    grid
        Where its widgets go: name, editor and way back, and below them what is wrong.
    known
        Names to choose from where it takes a text.
    """

    def __init__(self, shape: Shape, grid: QGridLayout, known: Sequence[str] = ()) -> None:
        self.shape = shape
        self.default: Any = None
        self.label = QLabel(shape.title)
        self.label.setWordWrap(True)
        self.label.setMinimumWidth(_NAME_WIDTH)
        self.label.setMaximumWidth(_NAME_WIDTH)
        self.editor = make_editor(shape, known)
        self.back = QToolButton()
        self.back.setText("↺")
        self.back.setAutoRaise(True)
        self.back.setFixedWidth(_BACK_WIDTH)
        self.back.setAccessibleName(f"{shape.title} as by default")
        self.back.clicked.connect(self._on_back)
        policy = self.back.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.back.setSizePolicy(policy)
        self.wrong = QLabel()
        self.wrong.setWordWrap(True)
        self.wrong.setTextFormat(Qt.TextFormat.PlainText)
        self.wrong.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        tip = _tip(shape)
        for widget in (self.label, self.editor):
            widget.setToolTip(tip)
        at = grid.rowCount()
        grid.addWidget(self.label, at, 0)
        grid.addWidget(self.editor, at, 1)
        grid.addWidget(self.back, at, 2)
        grid.addWidget(self.wrong, at + 1, 0, 1, 3)
        self._is_marked: tuple[bool, str, str] | None = None
        self.show_state("")

    @property
    def differs(self) -> bool:
        """Whether the value is not the default."""
        return bool(self.editor.value() != self.default)

    def show_state(self, wrong: str) -> None:
        """Show what is wrong, empty for nothing, and whether the value is the default."""
        red = theme.ink(theme.ERROR, self.label)
        state = (self.differs, wrong, red)
        if state == self._is_marked:
            # Qt works out styles anew at every assignment.
            return
        self._is_marked = state
        self.back.setVisible(self.differs)
        self.back.setToolTip(f"Back to the default: {_said(self.default)}")
        self.label.setStyleSheet("font-weight: bold" if self.differs else "")
        self.wrong.setText(wrong)
        self.wrong.setVisible(bool(wrong))
        self.wrong.setStyleSheet(f"color: {red}")
        boxes = "QAbstractSpinBox, QLineEdit, QComboBox"
        self.editor.setStyleSheet(f"{boxes} {{ border: 1px solid {red} }}" if wrong else "")

    def _on_back(self) -> None:
        self.editor.set_value(self.default)
        self.editor.changed.emit()


def _tip(shape: Shape) -> str:
    """What a field means, with its unit and bounds; as rich text, which Qt breaks into lines."""
    bounds = _bounds(shape.limits)
    said = [shape.tip or shape.title, f"{bounds} {shape.unit}".strip() if bounds else shape.unit]
    return f"<qt>{'<br>'.join(escape(line) for line in said if line)}</qt>"


def _bounds(limits: Limits) -> str:
    least, greatest = limits.least, limits.greatest
    low = f"more than {format_number(least)}" if limits.open_least else f"{format_number(least)} or more"
    high = f"less than {format_number(greatest)}" if limits.open_greatest else f"{format_number(greatest)} or less"
    if math.isfinite(least) and math.isfinite(greatest) and not limits.open_least and not limits.open_greatest:
        return f"{format_number(least)} to {format_number(greatest)}"
    said = [text for text, bound in ((low, least), (high, greatest)) if math.isfinite(bound)]
    return ", ".join(said)


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_said(one) for one in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value in (None, {}, "") else format_number(value)
