"""What has to be said to open a stack over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

if TYPE_CHECKING:
    from hrtem_app.timelapse.points import Order

ORDERS: dict[str, Order] = {"Group by group": "time", "Defocus by defocus": "defocus"}


class StackForm(QWidget):
    """How many frames a time point has, how they are sorted, and when they were taken.

    `files_wanted` and `split_wanted` tell which button was pressed.
    """

    files_wanted = Signal()
    split_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.open_button = QPushButton("Open…")
        self.open_button.setToolTip("Read one long stack, or the files of all time points in their order")
        self.open_button.clicked.connect(self.files_wanted)
        self.split_button = QPushButton("From the open series")
        self.split_button.setToolTip("Cut the series that is open into time points")
        self.split_button.clicked.connect(self.split_wanted)
        self.frames = QSpinBox()
        self.frames.setRange(1, 999)
        self.frames.setValue(3)
        self.frames.setToolTip("Frames of a time point: 3 for triplets of different defocus, 1 for single images")
        self.sorting = QComboBox()
        self.sorting.addItems(list(ORDERS))
        self.sorting.setToolTip("How a stack is sorted: time point by time point, or all of one defocus, then the next")
        self.seconds = QDoubleSpinBox()
        self.seconds.setRange(0, 1e6)
        self.seconds.setDecimals(3)
        self.seconds.setSuffix(" s")
        self.seconds.setSpecialValueText("unknown")
        self.seconds.setToolTip("Seconds from one time point to the next")
        buttons = QHBoxLayout()
        buttons.addWidget(self.open_button)
        buttons.addWidget(self.split_button)
        form = QFormLayout()
        form.addRow("Frames of a time point", self.frames)
        form.addRow("Sorted", self.sorting)
        form.addRow("Interval", self.seconds)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addLayout(form)

    @property
    def group(self) -> int:
        """Frames of a time point."""
        return int(self.frames.value())

    @property
    def order(self) -> Order:
        """See `hrtem_app.timelapse.points.Order`."""
        return ORDERS[self.sorting.currentText()]

    @property
    def interval(self) -> float | None:
        """Seconds from one time point to the next; None: unknown."""
        return float(self.seconds.value()) or None
