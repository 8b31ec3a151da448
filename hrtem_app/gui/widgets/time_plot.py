"""Numbers against time, with a line at the time that is on screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

_HEIGHT = 200
_LEGEND_HEIGHT = 24
_LINE = "#dddddd"


@dataclass(frozen=True, eq=False)
class Curve:
    """What is drawn in one colour.

    Parameters
    ----------
    values
        (n,) NaN where there is nothing.
    colour
        Of line and dots.
    low, high
        (n,) ends of the error bars; None for none.
    """

    values: NDArray[np.float64]
    colour: str
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None


class TimePlot(QWidget):
    """A plot whose vertical line can be dragged.

    `picked` tells the number of the time point that is nearest to where the line was dragged, or a click fell.
    """

    picked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.plot = pg.PlotWidget(background=None)
        self.plot.setFixedHeight(_HEIGHT)
        self.plot.setToolTip("Drag the line, or click, to go to another time point")
        self.item = self.plot.getPlotItem()
        self.item.setMenuEnabled(False)
        self.item.hideButtons()
        self.item.setMouseEnabled(x=False, y=False)
        for axis in ("bottom", "left"):
            self.item.getAxis(axis).enableAutoSIPrefix(False)
        # Above the curves rather than on them.
        self.item.layout.setContentsMargins(1, _LEGEND_HEIGHT, 1, 1)
        self.legend = self.item.addLegend(offset=(-1, 1), labelTextSize="8pt", colCount=3)
        self.legend.setParentItem(self.item)
        self.line = pg.InfiniteLine(movable=True, pen=pg.mkPen(_LINE, width=1.5), hoverPen=pg.mkPen(_LINE, width=3))
        self.line.sigDragged.connect(self._on_dragged)
        self.line.sigPositionChangeFinished.connect(self._on_let_go)
        self.plot.scene().sigMouseClicked.connect(self._on_clicked)
        self.curves: dict[str, pg.PlotDataItem] = {}
        self._times = np.empty(0)
        self._picked = -1
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)

    def show_curves(
        self,
        all_times: Sequence[float],
        times: Sequence[float],
        curves: Mapping[str, Curve],
        across: str,
        upwards: str,
    ) -> None:
        """Draw curves in place of those that are drawn.

        Parameters
        ----------
        all_times
            Of every time point, between which the line moves.
        times
            (n,) where the curves have values.
        curves
            By their name in the legend.
        across, upwards
            What the axes are called, with their units.
        """
        self.item.clear()
        self.legend.clear()
        self._times = np.asarray(all_times, float)
        self.curves = {}
        for name, curve in curves.items():
            if curve.low is not None and curve.high is not None:
                below, above = curve.values - curve.low, curve.high - curve.values
                bars = pg.ErrorBarItem(
                    x=np.asarray(times), y=curve.values, bottom=below, top=above, pen=pg.mkPen(curve.colour)
                )
                self.item.addItem(bars)
            drawn = pg.PlotDataItem(
                np.asarray(times),
                curve.values,
                pen=pg.mkPen(curve.colour),
                symbol="o",
                symbolSize=5,
                symbolPen=None,
                symbolBrush=curve.colour,
                name=name,
            )
            self.item.addItem(drawn)
            self.curves[name] = drawn
        self.item.addItem(self.line, ignoreBounds=True)
        self.item.setLabel("bottom", across)
        self.item.setLabel("left", upwards)
        if len(self._times):
            first, last = float(self._times.min()), float(self._times.max())
            margin = 0.03 * (last - first) or 0.5
            self.item.setXRange(first - margin, last + margin, padding=0)
            self.line.setBounds((first, last))

    def show_time(self, number: int | None) -> None:
        """Put the line where a time point is; None: hide it."""
        there = number is not None and number < len(self._times)
        self.line.setVisible(there)
        if there and number is not None:
            self._picked = number
            blocker = QSignalBlocker(self.line)
            self.line.setValue(self._times[number])
            del blocker

    def _on_dragged(self) -> None:
        self._pick(float(self.line.value()))

    def _on_let_go(self) -> None:
        """Leave the line at a time point, not between two."""
        self.show_time(self._picked)

    def _on_clicked(self, event: Any) -> None:
        view = self.item.vb
        if view.sceneBoundingRect().contains(event.scenePos()):
            self._pick(float(view.mapSceneToView(event.scenePos()).x()))

    def _pick(self, time: float) -> None:
        if len(self._times) == 0:
            return
        number = int(np.abs(self._times - time).argmin())
        if number != self._picked:
            self._picked = number
            self.picked.emit(number)
