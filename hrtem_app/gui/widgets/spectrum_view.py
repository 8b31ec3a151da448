"""The power spectrum with the support's rings, the spots that are removed and the material's own rings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QRectF, Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

from hrtem_app.gui import theme

_HEIGHT = 250
_CIRCLE = np.exp(2j * np.pi * np.linspace(0, 1, 181))


class SpectrumView(QWidget):
    """A square plot with axes in 1/Å, kx to the right and ky downwards as in the image."""

    def __init__(self) -> None:
        super().__init__()
        self.plot = pg.PlotWidget(background=None)
        self.plot.setFixedHeight(_HEIGHT)
        item = self.plot.getPlotItem()
        item.setAspectLocked(True)
        item.invertY(True)
        item.setMenuEnabled(False)
        item.hideButtons()
        # Square where it is drawn: the axes and the margins take the rest.
        item.getAxis("left").setWidth(34)
        item.getAxis("bottom").setHeight(20)
        item.getAxis("bottom").setLabel("")
        self.plot.setFixedWidth(_HEIGHT + 16)
        self.image = pg.ImageItem(axisOrder="row-major")
        self.image.setColorMap(pg.colormap.get("inferno"))
        self.image.setZValue(-10)
        self.rings = pg.PlotDataItem(pen=pg.mkPen(theme.GRAPHENE, style=Qt.PenStyle.DotLine), connect="finite")
        self.material = pg.PlotDataItem(pen=pg.mkPen(theme.MOS2, style=Qt.PenStyle.DotLine), connect="finite")
        self.spots = pg.ScatterPlotItem(pxMode=False, pen=pg.mkPen(theme.GRAPHENE, width=1.5), brush=None)
        for part in (self.image, self.material, self.rings, self.spots):
            item.addItem(part)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot, 0, Qt.AlignmentFlag.AlignHCenter)
        self._picture: NDArray[np.float32] | None = None

    def show_picture(self, picture: NDArray[np.float32], extent: tuple[float, float, float, float]) -> None:
        """Draw a spectrum.

        Parameters
        ----------
        picture
            (y, x), brightness.
        extent
            (kx, ky, width, height) of the picture in 1/Å.
        """
        if picture is self._picture:
            return
        self._picture = picture
        low, high = np.percentile(picture, [30, 99.9])
        self.image.setImage(picture, levels=(float(low), float(max(high, low + 1e-6))))
        self.image.setRect(QRectF(*extent))
        x, y, width, height = extent
        self.plot.getPlotItem().vb.setRange(xRange=(x, x + width), yRange=(y, y + height), padding=0)

    def show_rings(self, support: Sequence[float], material: Sequence[float]) -> None:
        """Draw circles of these radii in 1/Å."""
        for curve, radii in ((self.rings, support), (self.material, material)):
            circles = [np.append(_CIRCLE * radius, complex("nan")) for radius in radii]
            points = np.concatenate(circles or [np.empty(0, complex)])
            curve.setData(points.real, points.imag)

    def show_spots(self, spots: NDArray[np.float64], radius: float) -> None:
        """Draw the disks that are removed.

        Parameters
        ----------
        spots
            (m, 3) rows (ky, kx, ring), 1/Å.
        radius
            Of every disk, 1/Å.
        """
        self.spots.setData(x=spots[:, 1], y=spots[:, 0], size=2 * radius)

    def clear(self) -> None:
        """Draw nothing."""
        self._picture = None
        self.image.clear()
        self.show_spots(np.empty((0, 3)), 0.01)
