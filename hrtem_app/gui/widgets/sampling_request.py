"""Asking for a sampling that no file states."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from hrtem_app.gui import theme


class SamplingRequest(QFrame):
    """A question with a number and a button; nothing is analysed before it is answered."""

    given = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("request")
        self.setStyleSheet(f"#request {{ border: 1px solid {theme.WARNING}; border-radius: 4px; }}")
        text = QLabel("The file states no pixel size. How many Å is a pixel? Nothing can be analysed without it.")
        text.setWordWrap(True)
        self.number = QDoubleSpinBox()
        self.number.setDecimals(5)
        self.number.setRange(0, 100)
        self.number.setSingleStep(0.001)
        self.number.setSpecialValueText("Å per pixel")
        self.number.setSuffix(" Å/px")
        self.number.setToolTip("Å per pixel, for example 0.22")
        self.button = QPushButton("Use")
        self.button.setEnabled(False)
        self.number.valueChanged.connect(self._on_value)
        self.button.clicked.connect(self._on_use)
        row = QHBoxLayout()
        row.addWidget(self.number, 1)
        row.addWidget(self.button)
        layout = QVBoxLayout(self)
        layout.addWidget(text)
        layout.addLayout(row)

    def _on_value(self, value: float) -> None:
        self.button.setEnabled(value > 0)

    def _on_use(self) -> None:
        if self.number.value() > 0:
            self.given.emit(self.number.value())
