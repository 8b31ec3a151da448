"""A slider and a number with its unit that show one value."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSlider, QWidget


class NumberSlider(QWidget):
    """A bounded number to drag or to type.

    Parameters
    ----------
    low, high
        The bounds.
    step
        What one arrow key changes.
    decimals
        Digits after the point.
    unit
        Shown behind the number.
    tip
        Tooltip: what the value means, with its unit.
    """

    changed = Signal(float)

    def __init__(self, low: float, high: float, step: float, *, decimals: int, unit: str = "", tip: str = "") -> None:
        super().__init__()
        self._low, self._step = low, step
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, round((high - low) / step))
        self.slider.setPageStep(max(1, self.slider.maximum() // 10))
        self.number = QDoubleSpinBox()
        self.number.setDecimals(decimals)
        self.number.setRange(low, high)
        self.number.setSingleStep(step)
        self.number.setKeyboardTracking(False)
        self.number.setSuffix(f" {unit}" if unit else "")
        self.number.setMinimumWidth(130)
        self.slider.setMinimumWidth(60)
        self.setToolTip(tip)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.number)
        self.slider.valueChanged.connect(self._on_slider)
        self.number.valueChanged.connect(self._on_number)

    def value(self) -> float:
        """The number."""
        return float(self.number.value())

    def set_value(self, value: float) -> None:
        """Show a value without announcing it."""
        blockers = [QSignalBlocker(self.slider), QSignalBlocker(self.number)]
        self.slider.setValue(round((value - self._low) / self._step))
        self.number.setValue(value)
        del blockers

    def _on_slider(self, position: int) -> None:
        self.number.setValue(self._low + position * self._step)

    def _on_number(self, value: float) -> None:
        blocker = QSignalBlocker(self.slider)
        self.slider.setValue(round((value - self._low) / self._step))
        del blocker
        self.changed.emit(value)
