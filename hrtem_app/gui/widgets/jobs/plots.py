"""Loss and F1 of a training along its steps."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from hrtem_app.gui import theme
from hrtem_app.gui.widgets.jobs.history import Curves

_HEIGHT = 125
_AXIS_WIDTH = 46


class JobPlots(QWidget):
    """Two plots with one axis of steps."""

    def __init__(self) -> None:
        super().__init__()
        self.loss = _plot("loss", "Cross-entropy of every step (thin) and its running mean (thick)")
        self.score = _plot("F1", "F1 on the held-out structures, of all columns and of each class")
        self.score.getPlotItem().setYRange(0, 1)
        self.score.getPlotItem().setLabel("bottom", "step")
        self.score.setXLink(self.loss)
        self.names = QLabel()
        self.names.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.every = self.loss.plot()
        self.mean = self.loss.plot()
        self.scores: dict[str, pg.PlotDataItem] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.loss)
        layout.addWidget(self.names)
        layout.addWidget(self.score)
        self.has_curves = False

    def show_curves(self, curves: Curves) -> None:
        """Draw a training."""
        self.has_curves = len(curves.steps) > 0
        quiet = theme.ink(theme.QUIET, self)
        self.every.setData(curves.steps, curves.losses, pen=pg.mkPen(quiet, width=0.5))
        self.mean.setData(curves.steps, curves.smoothed(), pen=pg.mkPen(theme.ink(theme.GRAPHENE, self), width=2))
        if list(curves.scores) != list(self.scores):
            self._make_lines(list(curves.scores))
        # Classes of other materials have the colours of those of MoS2 in their order.
        colours = [theme.QUIET, *theme.CLASS_COLOURS.values()]
        said = []
        for place, (name, values) in enumerate(curves.scores.items()):
            colour = theme.ink(colours[min(place, len(colours) - 1)], self)
            pen = pg.mkPen(colour, width=1.5 if place else 3)
            self.scores[name].setData(curves.validated, values, pen=pen, symbolBrush=colour, symbolPen=None)
            said.append(f"<span style='color:{colour}'>● {name} {values[-1]:.3f}</span>" if len(values) else "")
        self.names.setText("&nbsp; ".join(said))

    def _make_lines(self, names: list[str]) -> None:
        for line in self.scores.values():
            self.score.removeItem(line)
        self.scores = {name: self.score.plot(symbol="o", symbolSize=5) for name in names}


def _plot(label: str, tip: str) -> Any:
    plot = pg.PlotWidget(background=None)
    plot.setFixedHeight(_HEIGHT)
    plot.setToolTip(tip)
    item = plot.getPlotItem()
    item.setLabel("left", label)
    item.setMenuEnabled(False)
    item.hideButtons()
    item.getAxis("left").setWidth(_AXIS_WIDTH)
    for axis in ("bottom", "left"):
        item.getAxis(axis).enableAutoSIPrefix(False)
    return plot
