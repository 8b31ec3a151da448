"""Align: the drift between the frames, measured or given by hand."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QGridLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from hrtem_app.gui import theme
from hrtem_app.gui.links import Link
from hrtem_app.gui.panels.base import Panel
from hrtem_app.gui.session import Session
from hrtem_app.gui.shown import used_frames

_PLOT_HEIGHT = 170
_LARGEST_NUDGE = 200.0


class AlignPanel(Panel):
    """Take out the drift between the frames of a series before anything else happens to them."""

    source = "align"

    def build(self) -> None:
        """Make the widgets."""
        self.enabled = QCheckBox("Take out the drift between frames")
        self.enabled.setToolTip(
            "Shift the frames onto the first one in use; columns outside of what all show are dropped"
        )
        self.enabled.toggled.connect(self._on_enabled)
        self.largest = QDoubleSpinBox()
        self.largest.setRange(0.5, 200)
        self.largest.setDecimals(1)
        self.largest.setSuffix(" Å")
        self.largest.setKeyboardTracking(False)
        self.largest.setToolTip("Drift within which a frame is sought, in Å; more takes longer and can go wrong")
        self.largest.valueChanged.connect(self._on_largest)
        self.measure_button = QPushButton("Measure")
        self.measure_button.setToolTip("Measure the drift of each frame in use against the first one")
        self.measure_button.clicked.connect(self.workbench.measure_drift)
        self.reset_button = QPushButton("Forget my shifts")
        self.reset_button.setToolTip("Use what is measured in place of the shifts that were given by hand")
        self.reset_button.clicked.connect(self._on_reset)
        row = QHBoxLayout()
        row.addWidget(QLabel("Largest"))
        row.addWidget(self.largest)
        row.addWidget(self.measure_button)
        self.table = QWidget()
        self._grid = QGridLayout(self.table)
        self._grid.setContentsMargins(0, 0, 0, 0)
        for column, title in enumerate(("dy (px)", "dx (px)"), start=1):
            self._grid.addWidget(QLabel(title), 0, column)
        self.shifts: list[tuple[QDoubleSpinBox, QDoubleSpinBox]] = []
        self._names: list[QLabel] = []
        self._qualities: list[QLabel] = []
        self.plot = pg.PlotWidget(background=None)
        self.plot.setFixedHeight(_PLOT_HEIGHT)
        self.plot.setToolTip("Where each frame's content lies, in pixels, against the first one in use; y downwards")
        item = self.plot.getPlotItem()
        item.invertY(True)
        item.setAspectLocked(True)
        item.setLabel("bottom", "dx (px)")
        item.setLabel("left", "dy (px)")
        for axis in ("bottom", "left"):
            item.getAxis(axis).enableAutoSIPrefix(False)
        item.setMenuEnabled(False)
        item.hideButtons()
        self.path = pg.PlotDataItem(pen=pg.mkPen(theme.GRAPHENE), symbol="o", symbolBrush=theme.GRAPHENE, symbolSize=8)
        item.addItem(self.path)
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.column.addWidget(self.enabled)
        self.column.addLayout(row)
        self.column.addWidget(self.said)
        self.column.addWidget(self.table)
        self.column.addWidget(self.reset_button)
        self.column.addWidget(self.plot)

    def links(self) -> list[Link]:
        """Follow series, recipe and what was measured."""
        session = self.session
        signals = (session.series_changed, session.recipe_changed, session.drift_changed, session.activity_changed)
        return [(signal, self.update_view) for signal in signals]

    def refresh(self) -> None:
        """Show the shifts in use."""
        session, settings = self.session, self.session.recipe.alignment
        blockers = [QSignalBlocker(self.enabled), QSignalBlocker(self.largest)]
        self.enabled.setChecked(settings.enabled)
        self.largest.setValue(settings.largest)
        del blockers
        frames = () if session.series is None else used_frames(session.series, session.recipe)
        several = session.ready and len(frames) > 1
        for widget in (self.enabled, self.largest):
            widget.setEnabled(several)
        self.measure_button.setEnabled(several and "drift" not in session.busy)
        self.reset_button.setVisible(settings.shifts is not None)
        shifts = current_shifts(settings.shifts, frames, session)
        self._show_rows(frames if several else (), shifts)
        self.plot.setVisible(several and shifts is not None)
        if shifts is not None:
            self.path.setData(shifts[:, 1], shifts[:, 0])
            # Less than a pixel each way would be a picture of nothing but noise.
            middle, reach = (
                (shifts.min(axis=0) + shifts.max(axis=0)) / 2,
                max(1.0, float(np.ptp(shifts, axis=0).max()) * 0.6),
            )
            (y0, x0), (y1, x1) = middle - reach, middle + reach
            self.plot.getPlotItem().vb.setRange(xRange=(x0, x1), yRange=(y0, y1), padding=0)
        self.said.setText(self._said(several, shifts))

    def _said(self, several: bool, shifts: NDArray[np.float64] | None) -> str:
        if self.session.series is None:
            return "Open a series first."
        if not several:
            return "One frame has nothing to be aligned with."
        if "drift" in self.session.busy:
            return "Measuring…"
        if shifts is None:
            return "Not measured yet; a run measures it by itself if it is to be taken out."
        by_hand = self.session.recipe.alignment.shifts is not None
        far = float(np.hypot(*(shifts - shifts[0]).T).max())
        how = "given by hand" if by_hand else "measured"
        used = "" if self.session.recipe.alignment.enabled else ", not taken out"
        return f"Up to {far:.2f} px, {how}{used}."

    def _show_rows(self, frames: tuple[int, ...], shifts: NDArray[np.float64] | None) -> None:
        self._make_rows(len(frames))
        self.table.setVisible(bool(frames))
        drift = self.session.drift
        fits = drift is not None and drift.frames == frames
        for row, (dy, dx) in enumerate(self.shifts):
            there = row < len(frames)
            for widget in (self._names[row], dy, dx, self._qualities[row]):
                widget.setVisible(there)
            if not there:
                continue
            self._names[row].setText(f"frame {frames[row]}")
            for box, value in zip((dy, dx), (0.0, 0.0) if shifts is None else shifts[row], strict=True):
                blocker = QSignalBlocker(box)
                box.setValue(float(value))
                box.setEnabled(row > 0)
                del blocker
            quality = f"clear {drift.drift.quality[row]:.0%}" if fits and drift is not None and row else ""
            self._qualities[row].setText(quality)

    def _make_rows(self, count: int) -> None:
        while len(self.shifts) < count:
            row = len(self.shifts)
            name, quality = QLabel(), QLabel()
            quality.setToolTip("How much worse the best other shift fits: 0 % as well, 100 % not at all")
            boxes = _nudge("downwards"), _nudge("to the right")
            for box in boxes:
                box.valueChanged.connect(self._on_nudge)
            for column, widget in enumerate((name, *boxes, quality)):
                self._grid.addWidget(widget, row + 1, column)
            self._names.append(name)
            self._qualities.append(quality)
            self.shifts.append(boxes)

    def _on_enabled(self, enabled: bool) -> None:
        self.session.change_alignment(enabled=enabled)
        if enabled and self.session.drift is None and self.session.recipe.alignment.shifts is None:
            self.workbench.measure_drift()

    def _on_largest(self, value: float) -> None:
        self.session.change_alignment(largest=value)

    def _on_reset(self) -> None:
        self.session.change_alignment(shifts=None)

    def _on_nudge(self, _: float) -> None:
        series = self.session.series
        if series is None:
            return
        count = len(used_frames(series, self.session.recipe))
        shifts = tuple((dy.value(), dx.value()) for dy, dx in self.shifts[:count])
        self.session.change_alignment(shifts=shifts, enabled=True)


def current_shifts(
    given: tuple[tuple[float, float], ...] | None, frames: tuple[int, ...], session: Session
) -> NDArray[np.float64] | None:
    """(n, 2) as (dy, dx) in px: those given by hand, else those measured of these very frames; None for neither."""
    if given is not None and len(given) >= len(frames) > 0:
        return np.array(given[: len(frames)])
    drift = session.drift
    return drift.drift.shifts if drift is not None and drift.frames == frames else None


def _nudge(where: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(-_LARGEST_NUDGE, _LARGEST_NUDGE)
    box.setDecimals(2)
    box.setSingleStep(0.1)
    box.setKeyboardTracking(False)
    box.setToolTip(f"How far this frame's content lies {where} from where it is in the first one, in pixels")
    return box
