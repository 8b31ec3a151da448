"""Plots of a measurement, linked with the columns on the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QTimer, Signal
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSplitter, QVBoxLayout, QWidget

from hrtem_app.gui.links import Links
from hrtem_app.gui.measuring.layers import select_visibly
from hrtem_app.gui.measuring.values import (
    ALONG_X,
    ALONG_Y,
    BY_GRAIN,
    PAIRS,
    QUANTITIES,
    Sample,
    distances,
    known_values,
    single_sulphurs,
)
from hrtem_app.gui.widgets.linked_plots import LinkedHistogram, LinkedPlot, LinkedScatter

if TYPE_CHECKING:
    from hrtem_app.gui.measuring.measured import Measured
    from hrtem_app.gui.workbench import Workbench

_DISTANCE = " distance"
_VALUES = [name for name in QUANTITIES if name not in ("x", "y")]
_TITLE = "Plots of the measurement"
_SIZE = (900, 260)
_HOW = "The wheel zooms, a double click shows everything, a click beside the marks selects nothing."


class MeasurePlots(QWidget):
    """A histogram, a scatter plot and where the 1S columns are; what is chosen in one is selected everywhere.

    `visibility_changed` tells that it came on screen or went. Only there it follows the measurements.

    Parameters
    ----------
    workbench
        Whose measurements and selection it shows.
    """

    visibility_changed = Signal(bool)

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self._workbench = workbench
        self.setWindowTitle(_TITLE)
        self.resize(*_SIZE)
        self.quantity = _box(
            [*(pair + _DISTANCE for pair in PAIRS), *_VALUES], "Whose histogram: distances in Å, or values of columns"
        )
        self.x_box = _box(QUANTITIES, "Along the horizontal axis of the scatter plot")
        self.y_box = _box(QUANTITIES, "Along the vertical axis of the scatter plot")
        self.x_box.setCurrentText("x")
        self.y_box.setCurrentText("displacement")
        self.vacancy_box = _box([BY_GRAIN, ALONG_X, ALONG_Y], "Where the columns with one sulphur atom are")
        self.vacancy_box.setCurrentText(ALONG_X)
        self.histogram = LinkedHistogram("count")
        self.histogram.setToolTip(f"Drag a range to select its columns on the canvas. {_HOW}")
        self.scatter = LinkedScatter()
        self.scatter.setToolTip(f"A dot for each column. Drag a box to select what is in it on the canvas. {_HOW}")
        self.vacancies = LinkedHistogram("1S columns")
        self.vacancies.setToolTip(f"Drag a range to select its 1S columns on the canvas. {_HOW}")
        self.plots: tuple[LinkedPlot, ...] = (self.histogram, self.scatter, self.vacancies)
        parts = QSplitter()
        parts.addWidget(_under("Histogram", [self.quantity], self.histogram))
        parts.addWidget(_under("Scatter", [self.y_box, self.x_box], self.scatter))
        parts.addWidget(_under("1S", [self.vacancy_box], self.vacancies))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(parts)
        for box, show in (
            (self.quantity, self._show_histogram),
            (self.x_box, self._show_scatter),
            (self.y_box, self._show_scatter),
            (self.vacancy_box, self._show_vacancies),
        ):
            box.currentIndexChanged.connect(show)
        for plot in self.plots:
            plot.chosen.connect(self._on_chosen)
        self._shown: Measured | None = None
        self._marked: NDArray[np.int64] = np.empty(0, np.int64)
        # napari tells of a selection several times, empty in between.
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._show_selected)
        self._links = Links(
            (workbench.measuring.changed, self._show_measured), (workbench.tools.changed, self._on_selected)
        )

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Begin to follow the measurements."""
        super().showEvent(event)
        if self._links.are_open:
            return
        self._links.open()
        self._workbench.measuring.want(id(self))
        self._show_measured()
        self._show_selected()
        self.visibility_changed.emit(True)

    def hideEvent(self, event: QHideEvent | None) -> None:  # noqa: N802 - Qt's name
        """Follow them no longer; a window that is only minimised stays."""
        super().hideEvent(event)
        if event is not None and not event.spontaneous() and self._links.are_open:
            self._links.close()
            self._workbench.measuring.unwant(id(self))
            self.visibility_changed.emit(False)

    def _show_measured(self) -> None:
        measured = self._workbench.measuring.measured
        if measured is not self._shown or measured is None:
            self._shown = measured
            self._show_histogram()
            self._show_scatter()
            self._show_vacancies()

    def _show_histogram(self) -> None:
        self.histogram.forget_drag()
        self.histogram.show_sample(None if self._shown is None else self._chosen_sample(self._shown))
        self.histogram.show_selected(self._marked)

    def _chosen_sample(self, measured: Measured) -> Sample:
        name = self.quantity.currentText()
        if name.endswith(_DISTANCE):
            return distances(measured, name.removesuffix(_DISTANCE))
        return known_values(measured, QUANTITIES[name])

    def _show_scatter(self) -> None:
        x, y = QUANTITIES[self.x_box.currentText()], QUANTITIES[self.y_box.currentText()]
        titles = x.title, y.title
        if self._shown is None:
            self.scatter.show_values(np.empty(0), np.empty(0), np.empty(0, np.int64), titles)
        else:
            ids = self._shown.measurements.columns.ids
            self.scatter.show_values(x.values(self._shown), y.values(self._shown), ids, titles)
        self.scatter.show_selected(self._marked)

    def _show_vacancies(self) -> None:
        self.vacancies.forget_drag()
        by = self.vacancy_box.currentText()
        self.vacancies.show_sample(None if self._shown is None else single_sulphurs(self._shown, by))
        self.vacancies.show_selected(self._marked)

    def _on_selected(self) -> None:
        self._later.start(0)

    def _show_selected(self) -> None:
        ids = self._selected()
        if not np.array_equal(ids, self._marked):
            self._marked = ids
            for plot in self.plots:
                plot.show_selected(ids)

    def _selected(self) -> NDArray[np.int64]:
        return np.unique(np.array(self._workbench.tools.selected, np.int64))

    def _on_chosen(self, ids: NDArray[np.int64]) -> None:
        # A partial that knows the plot would hold this object for as long as the plot, its own part, lives.
        chosen_in = self.sender()
        select_visibly(self._workbench.tools, ids.tolist())
        if isinstance(chosen_in, LinkedPlot):
            # Columns that are not shown on the canvas are not selected.
            chosen_in.keep_drag(self._selected())


def _box(names: object, tip: str) -> QComboBox:
    box = QComboBox()
    box.addItems(list(names))  # type: ignore[call-overload]
    box.setToolTip(tip)
    return box


def _under(title: str, boxes: list[QComboBox], plot: QWidget) -> QWidget:
    """A plot under its choices."""
    part = QWidget()
    row = QHBoxLayout()
    row.addWidget(QLabel(title))
    for number, box in enumerate(boxes):
        if number:
            row.addWidget(QLabel("against"))
        row.addWidget(box, 1)
    layout = QVBoxLayout(part)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addLayout(row)
    layout.addWidget(plot, 1)
    return part
