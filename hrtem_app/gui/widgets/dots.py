"""Many dots in a plot, drawn quickly."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QPainter, QPolygonF


class Dots(pg.GraphicsObject):  # type: ignore[misc] # pyqtgraph has no types
    """Dots of one size and colour, drawn in one call, as pyqtgraph's own scatter plots are not.

    Parameters
    ----------
    size
        In pixels of the screen.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size, self._pen = size, pg.mkPen(None)
        self._places = QPolygonF()

    def __len__(self) -> int:
        return int(self._places.size())

    def set_places(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        """Show a dot at each place."""
        self.prepareGeometryChange()
        # pyqtgraph cannot fill a polygon without corners on every binding.
        self._places = pg.functions.arrayToQPolygonF(x, y) if len(x) else QPolygonF()
        self.informViewBoundsChanged()
        self.update()

    def set_colour(self, colour: str) -> None:
        """Show them in this colour."""
        self._pen = pg.mkPen(colour, width=self._size)
        # Qt draws square dots twenty times as fast as round ones.
        self._pen.setCapStyle(Qt.PenCapStyle.SquareCap)
        self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """All that they span."""
        return self._places.boundingRect()

    def paint(self, painter: QPainter, *_: object) -> None:
        """Draw them."""
        painter.setPen(self._pen)
        painter.drawPoints(self._places)
