"""The settings of a measurement as a form."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QGridLayout, QLabel, QSpinBox, QWidget

from hrtem_app.recipe import MeasureSettings

# Offered as a reference, in Å: that of a free MoS2 sheet.
_MOS2 = 3.16


class MeasureChoices(QWidget):
    """Which columns count, what strain is relative to and how wide intervals are; `edited` brings what was changed."""

    edited = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.votes = QSpinBox()
        self.votes.setRange(1, 100)
        self.votes.setToolTip(
            "Columns on whose class fewer networks agree are in no count of classes; those that a person edited or "
            "reviewed always are"
        )
        self.decided = QCheckBox("Decided grains only")
        self.decided.setToolTip("Leave grains out of the counts of classes whose sublattices are undecided")
        self.absolute = QCheckBox("Strain against")
        self.absolute.setToolTip("Strain relative to this lattice constant; off: to each grain's own")
        self.reference = _number(1.001, 19.999, 4, 0.001, " Å")
        self.reference.setToolTip("Lattice constant in Å that strain is relative to")
        self.reference.setValue(_MOS2)
        self.confidence = _number(50.1, 99.9, 1, 1.0, " %")
        self.confidence.setToolTip("Confidence of the intervals of fractions, in %")
        self.votes.valueChanged.connect(lambda value: self.edited.emit({"votes": value}))
        self.decided.toggled.connect(lambda only: self.edited.emit({"decided_only": only}))
        self.absolute.toggled.connect(self._on_absolute)
        self.reference.valueChanged.connect(lambda value: self.edited.emit({"reference": value}))
        self.confidence.valueChanged.connect(lambda value: self.edited.emit({"confidence": value / 100}))
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        grid.addWidget(QLabel("Least votes"), 0, 0)
        grid.addWidget(self.votes, 0, 1)
        grid.addWidget(self.decided, 1, 0, 1, 2)
        grid.addWidget(self.absolute, 2, 0)
        grid.addWidget(self.reference, 2, 1)
        grid.addWidget(QLabel("Confidence"), 3, 0)
        grid.addWidget(self.confidence, 3, 1)

    def show_settings(self, settings: MeasureSettings) -> None:
        """Show these."""
        boxes = (self.votes, self.decided, self.absolute, self.reference, self.confidence)
        blockers = [QSignalBlocker(box) for box in boxes]
        self.votes.setValue(settings.votes)
        self.decided.setChecked(settings.decided_only)
        self.absolute.setChecked(settings.reference is not None)
        self.reference.setEnabled(settings.reference is not None)
        if settings.reference is not None:
            self.reference.setValue(settings.reference)
        self.confidence.setValue(100 * settings.confidence)
        del blockers

    def _on_absolute(self, absolute: bool) -> None:
        self.edited.emit({"reference": self.reference.value() if absolute else None})


def _number(low: float, high: float, decimals: int, step: float, unit: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setDecimals(decimals)
    box.setRange(low, high)
    box.setSingleStep(step)
    box.setSuffix(unit)
    box.setKeyboardTracking(False)
    return box
