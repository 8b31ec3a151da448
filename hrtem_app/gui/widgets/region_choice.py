"""The region that is measured: what it is, and buttons to choose another one."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget


class RegionChoice(QWidget):
    """A line of text and three buttons; `drawing` tells whether a polygon is to be drawn."""

    from_selection = Signal()
    drawing = Signal(bool)
    whole = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.selection_button = QPushButton("From selection")
        self.selection_button.setToolTip(
            "Measure in the convex hull of the selected columns, or their outline if the hull holds others"
        )
        self.draw_button = QPushButton("Draw region")
        self.draw_button.setToolTip(
            "Click the corners of a polygon on the image, to measure what is in it; double-click the last one"
        )
        self.draw_button.setCheckable(True)
        self.whole_button = QPushButton("Whole image")
        self.whole_button.setToolTip("Measure everything")
        self.selection_button.clicked.connect(lambda: self.from_selection.emit())
        self.draw_button.clicked.connect(self.drawing)
        self.whole_button.clicked.connect(lambda: self.whole.emit())
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.text, 0, 0, 1, 3)
        for column, button in enumerate((self.selection_button, self.draw_button, self.whole_button)):
            grid.addWidget(button, 1, column)

    def show_region(self, corners: int, drawing: bool, there: bool) -> None:
        """Show what is measured.

        Parameters
        ----------
        corners
            Of the polygon; 0 for the whole image.
        drawing
            Whether clicks on the image are corners now.
        there
            Whether there is an image.
        """
        self.draw_button.setEnabled(there)
        self.draw_button.setChecked(drawing)
        self.whole_button.setEnabled(corners > 0)
        if drawing:
            self.text.setText("Click corners on the image; a double click or Enter ends.")
        elif corners:
            self.text.setText(f"Region: a polygon of {corners} corners")
        else:
            self.text.setText("Region: the whole image")
