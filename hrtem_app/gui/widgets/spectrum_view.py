"""The power spectrum with the support's rings, the spots that are removed and the material's own rings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QRectF, Qt, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from hrtem_app.gui import theme

_HEIGHT = 250
# In radii of a spot: so near one takes it.
_REACH = 1.4
_FREE, _COVERING = (pg.mkPen(colour, width=1.5) for colour in (theme.GRAPHENE, theme.WARNING))
_CIRCLE = np.exp(2j * np.pi * np.linspace(0, 1, 181))


@dataclass(frozen=True)
class _Drag:
    """A spot that was taken: its lattice, ring and radius in 1/Å, and whether the drag turns; None: not known yet."""

    lattice: int
    ring: float
    radius: float
    turns: bool | None = None


class SpotHandles(pg.ScatterPlotItem):  # type: ignore[misc] # pyqtgraph has no types
    """Spots that can be dragged: `taken` tells which one, `dragged` from where in 1/Å it was dragged to where."""

    taken = Signal(int)
    dragged = Signal(object, object)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.radius = 0.01
        self._start: complex | None = None

    def mouseDragEvent(self, event: Any) -> None:  # noqa: N802 - pyqtgraph's name
        """Follow a drag that began on a spot; others move the view."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        if event.isStart():
            self._take(_complex(event.buttonDownPos()))
        if self._start is None:
            event.ignore()
            return
        event.accept()
        self.dragged.emit(self._start, _complex(event.pos()))
        if event.isFinish():
            self._start = None

    def _take(self, place: complex) -> None:
        x, y = self.getData()
        away = np.abs(np.asarray(x) + 1j * np.asarray(y) - place) if x is not None else np.empty(0)
        if away.min(initial=np.inf) < _REACH * self.radius:
            self._start = place
            self.taken.emit(int(away.argmin()))


class SpectrumView(QWidget):
    """A square plot with axes in 1/Å, kx to the right and ky downwards as in the image.

    `turned` tells that a spot was dragged around the centre (number of its lattice, angle of the lattice in rad),
    `resized` that one was dragged away from it or towards it (radius, 1/Å), `added` that a place beside the spots was
    double-clicked (angle in rad of the lattice with a spot there), and `taken` that a spot was double-clicked (number
    of its lattice).
    """

    turned = Signal(int, float)
    resized = Signal(float)
    added = Signal(float)
    taken = Signal(int)

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
        self.spots = SpotHandles(pxMode=False, brush=None)
        self.found = pg.ScatterPlotItem(symbol="+", size=9, pen=pg.mkPen(theme.GRAPHENE), brush=None)
        self.spots.taken.connect(self._on_taken)
        self.spots.dragged.connect(self._on_dragged)
        self._drag = _Drag(0, 1.0, 0.0)
        self.plot.scene().sigMouseClicked.connect(self._on_clicked)
        for part in (self.image, self.material, self.rings, self.found, self.spots):
            item.addItem(part)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot, 0, Qt.AlignmentFlag.AlignHCenter)
        self._picture: NDArray[np.float32] | None = None
        self._spots = np.empty((0, 3))

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

    def show_found(self, places: NDArray[np.float64]) -> None:
        """Mark where spots were measured: (m, 2) rows (ky, kx), 1/Å."""
        self.found.setData(x=places[:, 1], y=places[:, 0])

    def show_spots(self, spots: NDArray[np.float64], radius: float, covered: Sequence[int] = ()) -> None:
        """Draw the disks that are removed.

        Parameters
        ----------
        spots
            (m, 3) rows (ky, kx, ring), 1/Å.
        radius
            Of every disk, 1/Å.
        covered
            Rows of those that cover a reflection of the material.
        """
        self._spots = spots
        self.spots.radius = radius
        pens = [_COVERING if row in covered else _FREE for row in range(len(spots))]
        self.spots.setData(x=spots[:, 1], y=spots[:, 0], size=2 * radius, pen=pens)

    def _on_taken(self, spot: int) -> None:
        self._drag = _Drag(self._lattice_of(spot), float(self._spots[spot, 2]), self.spots.radius)

    def _on_dragged(self, start: complex, now: complex) -> None:
        """The first move of a drag decides: around the centre it turns the lattice, towards or from it resizes."""
        drag = self._drag
        moved = (now - start) * np.exp(-1j * np.angle(start))
        if drag.turns is None:
            self._drag = drag = replace(drag, turns=abs(moved.imag) >= abs(moved.real))
        if drag.turns:
            self.turned.emit(drag.lattice, _angle_of(now, drag.ring))
        else:
            self.resized.emit(drag.radius + moved.real / 2)

    def _on_clicked(self, event: Any) -> None:
        if not event.double() or self._picture is None:
            return
        place = self.plot.getPlotItem().vb.mapSceneToView(event.scenePos())
        here = complex(place.x(), place.y())
        away = np.abs(self._spots[:, 1] + 1j * self._spots[:, 0] - here)
        if len(away) and away.min() < _REACH * self.spots.radius:
            self.taken.emit(self._lattice_of(int(away.argmin())))
        elif abs(here) > 0:
            # On the ring that is nearest: the second one is turned against the others.
            rings = {int(ring): float(np.hypot(y, x)) for y, x, ring in self._spots} or {1: abs(here)}
            self.added.emit(_angle_of(here, min(rings, key=lambda ring: abs(rings[ring] - abs(here)))))

    def _lattice_of(self, spot: int) -> int:
        return spot // (6 * len(np.unique(self._spots[:, 2])))

    def clear(self) -> None:
        """Draw nothing."""
        self._picture = None
        self.image.clear()
        self.show_spots(np.empty((0, 3)), 0.01)
        self.show_found(np.empty((0, 2)))


def _complex(point: Any) -> complex:
    return complex(point.x(), point.y())


def _angle_of(place: complex, ring: float) -> float:
    """Angle in [0, π/3) of the first spot of the lattice that has a spot of a ring in this direction."""
    turned = np.pi / 6 if ring == 2 else 0.0
    return float((np.angle(place) - turned) % (np.pi / 3))
