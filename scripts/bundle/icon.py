"""Draw an SVG into a square PNG: `python scripts/bundle/icon.py IN.svg OUT.png`."""

import sys

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QImage, QPainter
from PyQt6.QtSvg import QSvgRenderer

# The largest that an icon of Windows holds; macOS takes it too.
SIDE = 256


def draw(source: str, target: str) -> None:
    """Write the picture; SystemExit where that does not work."""
    renderer = QSvgRenderer(source)
    image = QImage(SIDE, SIDE, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    if not renderer.isValid() or not image.save(target):
        sys.exit(f"{source} cannot be drawn into {target}: is it an SVG, and may the folder be written to?")


if __name__ == "__main__":
    draw(*sys.argv[1:])
