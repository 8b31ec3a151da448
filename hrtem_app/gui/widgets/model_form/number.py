"""A box for a number that keeps whatever is typed, and shows fewer digits than it holds."""

from __future__ import annotations

from typing import Any, cast

from qtpy.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from qtpy.QtGui import QValidator, QWheelEvent
from qtpy.QtWidgets import QAbstractSpinBox, QComboBox, QLineEdit

from hrtem_app.gui.widgets.model_form.shape import Limits, format_number, parse_number


class NumberBox(QAbstractSpinBox):
    """A number with steps. Nothing that is typed is changed or refused: the model says what is wrong with it.

    Parameters
    ----------
    limits
        Steps stay inside of them.
    """

    edited = Signal()

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self.limits = limits
        self._value: Any = limits.first()
        self._shown = ""
        self.setMinimumWidth(62)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.set_value(self._value)
        self.line.textChanged.connect(self._on_text)

    @property
    def line(self) -> QLineEdit:
        """Where it is typed."""
        return cast(QLineEdit, self.lineEdit())

    def value(self) -> Any:
        """The number, exactly as it was set where nothing was typed since; the text where it is no number."""
        text = self.line.text()
        return self._value if text == self._shown else parse_number(text)

    def set_value(self, value: Any) -> None:
        """Show a value without announcing it."""
        self._value, self._shown = value, format_number(value)
        blocker = QSignalBlocker(self.line)
        self.line.setText(self._shown)
        self.line.setCursorPosition(0)
        del blocker

    def validate(self, text: str | None, position: int) -> tuple[QValidator.State, str, int]:
        """Everything may be typed."""
        return QValidator.State.Acceptable, text or "", position

    def stepBy(self, steps: int) -> None:  # noqa: N802 - Qt's name
        """Go some steps up or down; from what is no number, to where the allowed ones begin."""
        value = self.value()
        is_number = isinstance(value, int | float)
        self.set_value(self.limits.stepped(value, steps) if is_number else self.limits.first())
        self.selectAll()
        self.edited.emit()

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:  # noqa: N802 - Qt's name
        """Both arrows, always."""
        return QAbstractSpinBox.StepEnabledFlag.StepUpEnabled | QAbstractSpinBox.StepEnabledFlag.StepDownEnabled

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802 - Qt's name
        """Leave the wheel to the form that is scrolled, unless the box was clicked."""
        if event is not None and not self.hasFocus():
            event.ignore()
            return
        super().wheelEvent(event)

    def _on_text(self) -> None:
        self.edited.emit()


class LeaveTheWheel(QObject):
    """Lets a form scroll where the mouse is over a list of choices."""

    def __init__(self, box: QComboBox) -> None:
        super().__init__(box)
        box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        box.installEventFilter(self)
        self._box = box

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Take the wheel from a box that was not clicked."""
        if event is not None and event.type() == QEvent.Type.Wheel and not self._box.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)
