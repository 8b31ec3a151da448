"""A histogram and a scatter plot of columns, in which a part can be chosen and what is selected elsewhere is marked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, QRectF, QSignalBlocker, Qt, Signal
from qtpy.QtGui import QColor, QPalette

from hrtem_app.gui import theme
from hrtem_app.gui.measuring.values import Sample
from hrtem_app.gui.widgets.dots import Dots

_HEIGHT = 120
_FEWEST_BARS, _MOST_BARS = 10, 60
_DOT, _MARKED_DOT = 3, 4
_NONE = np.empty(0, np.int64)


class DragBox(pg.ViewBox):  # type: ignore[misc] # pyqtgraph has no types
    """A view in which a drag with the left button marks a part; the wheel zooms, the middle button moves.

    `dragged` tells the marked rectangle and whether the drag has ended, `clicked` that there was none. A double click
    shows everything again.
    """

    dragged = Signal(QRectF, bool)
    clicked = Signal()

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:  # noqa: N802 - pyqtgraph's name
        """Mark a part; on an axis, and with other buttons, do as any view does."""
        if event.button() != Qt.MouseButton.LeftButton or axis is not None:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        corners = [self.mapToView(place) for place in (event.buttonDownPos(), event.pos())]
        self.dragged.emit(QRectF(*corners).normalized(), event.isFinish())

    def mouseClickEvent(self, event: Any) -> None:  # noqa: N802 - pyqtgraph's name
        """Tell of a click, or show everything."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        event.accept()
        if event.double():
            self.enableAutoRange()
        else:
            self.clicked.emit()


class LinkedPlot(pg.PlotWidget):  # type: ignore[misc] # pyqtgraph has no types
    """A plot with axes that say their units; `chosen` brings the ids of the columns that were chosen in it."""

    chosen = Signal(object)

    def __init__(self) -> None:
        self.box = DragBox(enableMenu=False)
        super().__init__(background=None, viewBox=self.box)
        self.setMinimumHeight(_HEIGHT)
        item = self.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        for axis in ("bottom", "left"):
            item.getAxis(axis).enableAutoSIPrefix(False)
        self.box.dragged.connect(self._on_dragged)
        self.box.clicked.connect(self._on_clicked)
        self._kept: NDArray[np.int64] = _NONE

    def show_title(self, axis: str, title: str) -> None:
        """Say what is along an axis; pyqtgraph lays the whole plot out anew for each."""
        if self.getPlotItem().getAxis(axis).labelText != title:
            self.getPlotItem().setLabel(axis, title)

    def show_theme(self) -> None:
        """Take on the colours of the window."""
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        for axis in ("bottom", "left"):
            self.getPlotItem().getAxis(axis).setPen(ink)
            self.getPlotItem().getAxis(axis).setTextPen(ink)

    def show_selected(self, ids: NDArray[np.int64]) -> None:
        """Mark these columns, ids ascending, and no others."""
        if not np.array_equal(ids, self._kept):
            self._kept = _NONE
            self.forget_drag()

    def keep_drag(self, ids: NDArray[np.int64]) -> None:
        """Let what was dragged stay for as long as these columns, ids ascending, are the selected ones."""
        self._kept = ids

    def forget_drag(self) -> None:
        """Take away what a drag left behind."""

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take on another theme."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange and hasattr(self, "marked"):
            self.show_theme()

    def _on_dragged(self, part: QRectF, ended: bool) -> None:
        raise NotImplementedError

    def _on_clicked(self) -> None:
        self.forget_drag()
        self.chosen.emit(_NONE)


class LinkedHistogram(LinkedPlot):
    """A histogram; dragging marks a range, which can be moved and resized."""

    def __init__(self, counted: str) -> None:
        super().__init__()
        self.show_title("left", counted)
        self._sample: Sample | None = None
        self._edges = np.array([0.0, 1.0])
        self.bars = pg.PlotDataItem(stepMode="center", fillLevel=0)
        self.marked = pg.PlotDataItem(stepMode="center", fillLevel=0)
        self.span = pg.LinearRegionItem((0.0, 0.0))
        self.span.setVisible(False)
        self.span.sigRegionChangeFinished.connect(self._on_range)
        for part in (self.bars, self.marked):
            self.addItem(part)
        self.addItem(self.span, ignoreBounds=True)
        self.show_theme()

    def show_theme(self) -> None:
        """Take on the colours of the window."""
        super().show_theme()
        for part, colour in ((self.bars, theme.GRAPHENE), (self.marked, theme.MOS2)):
            _colour(part, theme.ink(colour, self))

    def show_sample(self, sample: Sample | None) -> None:
        """Show values, or nothing."""
        self._sample = sample
        values = np.empty(0) if sample is None else sample.values
        self._edges = _edges(values, sample is not None and sample.whole)
        self.show_title("bottom", "" if sample is None else sample.title)
        self.bars.setData(self._edges, np.histogram(values, self._edges)[0])

    def show_selected(self, ids: NDArray[np.int64]) -> None:
        """Mark the values whose columns are all among these."""
        super().show_selected(ids)
        values = np.empty(0)
        if self._sample is not None and len(ids):
            values = self._sample.values[np.isin(self._sample.ids, ids).all(axis=1)]
        self.marked.setData(self._edges, np.histogram(values, self._edges)[0])

    def forget_drag(self) -> None:
        """Mark no range."""
        self.span.setVisible(False)

    def _on_dragged(self, part: QRectF, ended: bool) -> None:
        blocker = QSignalBlocker(self.span)
        self.span.setRegion((part.left(), part.right()))
        del blocker
        self.span.setVisible(True)
        if ended:
            self._on_range()

    def _on_range(self) -> None:
        if self._sample is None:
            return
        low, high = self.span.getRegion()
        inside = (self._sample.values >= low) & (self._sample.values <= high)
        self.chosen.emit(np.unique(self._sample.ids[inside]))


class LinkedScatter(LinkedPlot):
    """A scatter plot; dragging a box chooses what is in it."""

    def __init__(self) -> None:
        super().__init__()
        self._x = self._y = np.empty(0)
        self._ids = _NONE
        self.dots, self.marked = Dots(_DOT), Dots(_MARKED_DOT)
        for part in (self.dots, self.marked):
            self.addItem(part)
        self.show_theme()

    def show_theme(self) -> None:
        """Take on the colours of the window."""
        super().show_theme()
        for part, colour in ((self.dots, theme.GRAPHENE), (self.marked, theme.MOS2)):
            part.set_colour(theme.ink(colour, self))

    def show_values(
        self, x: NDArray[np.float64], y: NDArray[np.float64], ids: NDArray[np.int64], titles: tuple[str, str]
    ) -> None:
        """Show a dot for each column.

        Parameters
        ----------
        x, y, ids
            (m,); a column with a NaN is left out.
        titles
            Of the axes, with their units.
        """
        known = np.isfinite(x) & np.isfinite(y)
        self._x, self._y, self._ids = x[known], y[known], ids[known]
        for axis, title in zip(("bottom", "left"), titles, strict=True):
            self.show_title(axis, title)
        self.dots.set_places(self._x, self._y)

    def show_selected(self, ids: NDArray[np.int64]) -> None:
        """Mark these columns."""
        super().show_selected(ids)
        chosen = np.isin(self._ids, ids)
        self.marked.set_places(self._x[chosen], self._y[chosen])

    def _on_dragged(self, part: QRectF, ended: bool) -> None:
        if not ended:
            self.box.updateScaleBox(*(self.box.mapFromView(p) for p in (part.topLeft(), part.bottomRight())))
            return
        self.box.rbScaleBox.hide()
        inside = (self._x >= part.left()) & (self._x <= part.right())
        inside &= (self._y >= part.top()) & (self._y <= part.bottom())
        self.chosen.emit(np.unique(self._ids[inside]))


def _edges(values: NDArray[np.float64], whole: bool) -> NDArray[np.float64]:
    """Borders of the bars."""
    if len(values) == 0:
        return np.array([0.0, 1.0])
    if whole:
        return np.arange(values.min(), values.max() + 2) - 0.5
    number = int(np.clip(np.sqrt(len(values)), _FEWEST_BARS, _MOST_BARS))
    edges: NDArray[np.float64] = np.histogram_bin_edges(values, number)
    return edges


def _colour(bars: pg.PlotDataItem, colour: str) -> None:
    faint = QColor(colour)
    faint.setAlphaF(0.5)
    bars.setPen(pg.mkPen(colour))
    bars.setFillBrush(faint)
