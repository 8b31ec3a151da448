"""What the colours of the columns mean: a scale with its ends, or names."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget

_HEIGHT = 12


class ColourLegend(QWidget):
    """A line of text and colours."""

    def __init__(self) -> None:
        super().__init__()
        self.low, self.bar, self.high, self.names = QLabel(), QLabel(), QLabel(), QLabel()
        self.bar.setFixedHeight(_HEIGHT)
        self.bar.setMinimumWidth(60)
        self.bar.setScaledContents(True)
        self.names.setTextFormat(Qt.TextFormat.RichText)
        self.names.setWordWrap(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for part, stretch in ((self.low, 0), (self.bar, 1), (self.high, 0), (self.names, 1)):
            row.addWidget(part, stretch)

    def show_scale(self, colours: NDArray[np.uint8], low: str, high: str) -> None:
        """Show a scale: (k, 4) colours from its lower to its upper end."""
        # Qt does not copy them before the pixmap is made.
        pixels = np.ascontiguousarray(colours).tobytes()
        image = QImage(pixels, len(colours), 1, QImage.Format.Format_RGBA8888)
        self.bar.setPixmap(QPixmap.fromImage(image))
        self.low.setText(low)
        self.high.setText(high)
        self._show(scale=True)

    def show_names(self, colours: Mapping[str, str]) -> None:
        """Show names, each with a dot of its colour."""
        self.names.setText("  ".join(f"<span style='color:{c}'>●</span> {name}" for name, c in colours.items()))
        self._show(scale=False)

    def _show(self, scale: bool) -> None:
        for part in (self.low, self.bar, self.high):
            part.setVisible(scale)
        self.names.setVisible(not scale)
