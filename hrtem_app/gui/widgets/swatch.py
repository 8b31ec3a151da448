"""A dot of a colour, as an icon beside its meaning."""

from __future__ import annotations

from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPen, QPixmap

# Icons are drawn at up to this many pixels, also on screens with finer ones.
_SIZE = 64


def swatch(colour: str) -> QIcon:
    """A round dot of a colour, like those of the columns on the canvas.

    Parameters
    ----------
    colour
        `#rrggbb`.
    """
    picture = QPixmap(_SIZE, _SIZE)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(QColor(colour))
    # A darker rim keeps yellow apart from a light window.
    painter.setPen(QPen(QColor(colour).darker(160), _SIZE / 16))
    painter.drawEllipse(QRectF(_SIZE / 8, _SIZE / 8, 0.75 * _SIZE, 0.75 * _SIZE))
    painter.end()
    icon = QIcon(picture)
    # A button that is off still says what its class looks like.
    icon.addPixmap(picture, QIcon.Mode.Disabled)
    return icon
