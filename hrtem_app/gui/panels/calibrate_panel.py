"""Calibrate: the sampling from a lattice whose constant is known, against what the file states."""

from __future__ import annotations

import math

import numpy as np
from qtpy.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QLabel, QPushButton

from hrtem_app.gui.links import Link
from hrtem_app.gui.panels.base import Panel
from hrtem_app.imaging.calibration import Calibration
from hrtem_app.imaging.rulers import RULERS
from hrtem_app.imaging.scale_check import compare_sampling, describe_ambiguity, with_error


class CalibratePanel(Panel):
    """Measure the sampling, see how well the lattice fits, and choose whom to trust."""

    source = "calibrate"

    def build(self) -> None:
        """Make the widgets."""
        self.ruler = QComboBox()
        for name, ruler in RULERS.items():
            self.ruler.addItem(f"{ruler.title}, {ruler.constant:g} Å", name)
        self.ruler.setToolTip("The lattice that serves as a ruler, and its lattice constant")
        self.measure_button = QPushButton("Measure")
        self.measure_button.setToolTip("Fit the six first-order spots of this lattice in the power spectrum")
        self.measure_button.clicked.connect(self._on_measure)
        row = QHBoxLayout()
        row.addWidget(self.ruler, 1)
        row.addWidget(self.measure_button)
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.numbers = QFormLayout()
        self.numbers.setContentsMargins(0, 0, 0, 0)
        self.values = {title: QLabel() for title in _TIPS}
        for title, label in self.values.items():
            label.setToolTip(_TIPS[title])
            self.numbers.addRow(title, label)
        self.accept_button = QPushButton("Use the lattice's")
        self.accept_button.setToolTip("Work with the sampling that the lattice says")
        self.accept_button.clicked.connect(self._on_accept)
        self.keep_button = QPushButton("Use the file's")
        self.keep_button.setToolTip("Work with the sampling that the file states")
        self.keep_button.clicked.connect(self._on_keep)
        choice = QHBoxLayout()
        choice.addWidget(self.accept_button)
        choice.addWidget(self.keep_button)
        self.column.addLayout(row)
        self.column.addWidget(self.said)
        self.column.addLayout(self.numbers)
        self.column.addLayout(choice)

    def links(self) -> list[Link]:
        """Follow series, recipe and what was measured."""
        session = self.session
        signals = (session.series_changed, session.calibration_changed, session.activity_changed)
        return [(signal, self.update_view) for signal in signals]

    def refresh(self) -> None:
        """Show what the lattice says, and what is in use."""
        session, series = self.session, self.session.file_series
        calibration, working = session.calibration, "calibrate" in session.busy
        self.measure_button.setEnabled(series is not None and not working)
        measured = calibration is not None and math.isfinite(calibration.sampling)
        for title, label in self.values.items():
            self.numbers.setRowVisible(label, measured)
            label.setText(_number(title, calibration) if measured and calibration is not None else "")
        stated = None if series is None else series.sampling
        self.keep_button.setVisible(stated is not None)
        self.keep_button.setEnabled(session.recipe.sampling is not None)
        usable = calibration is not None and calibration.accepted
        self.accept_button.setEnabled(usable and session.recipe.sampling != _rounded(calibration))
        if calibration is not None and measured:
            self.accept_button.setText(f"Use {_rounded(calibration):g} Å/px")
        else:
            self.accept_button.setText("Use the lattice's")
        if stated is not None:
            self.keep_button.setText(f"Use the file's {stated:.5g}")
        self.said.setText(self._said(stated, working))

    def _said(self, stated: float | None, working: bool) -> str:
        if self.session.file_series is None:
            return "Open a series first."
        if working:
            return "Measuring…"
        calibration = self.session.calibration
        if calibration is None:
            return "Not measured yet."
        check = compare_sampling(stated, calibration)
        return f"{check.text} {describe_ambiguity(calibration)}" if calibration.accepted else check.text

    def _on_measure(self) -> None:
        self.workbench.measure_sampling(self.ruler.currentData())

    def _on_accept(self) -> None:
        calibration = self.session.calibration
        if calibration is not None and calibration.accepted:
            self.session.change(sampling=_rounded(calibration))
            self.session.forget("calibrate")

    def _on_keep(self) -> None:
        self.session.change(sampling=None)
        self.session.forget("calibrate")


_TIPS = {
    "Lattice": "Sampling that the lattice says, Å per pixel, with its standard error",
    "Residual": "Root mean square distance of the six spots from the regular hexagon that fits best, in 1/Å",
    "Anisotropy": "By how much the scale differs between two directions at right angles, as after a tilt",
    "Strength": "Amplitude of the spots over the rest of their ring: 1 is none, 2 and more a lattice",
}


def _rounded(calibration: Calibration | None) -> float | None:
    """The sampling with no more digits than its error leaves meaning, and one."""
    if calibration is None or not math.isfinite(calibration.sampling):
        return None
    digits = min(max(4, 1 - math.floor(math.log10(max(calibration.error, 1e-9)))), 8)
    return round(calibration.sampling, digits)


def _number(title: str, calibration: Calibration) -> str:
    if title == "Lattice":
        percent = 100 * calibration.error / calibration.sampling
        return f"{with_error(calibration.sampling, calibration.error)} Å/px ({percent:.2g} %)"
    if title == "Residual":
        return f"{float(np.sqrt((calibration.residuals**2).sum(axis=1).mean())):.1e} 1/Å"
    if title == "Anisotropy":
        along = math.degrees(calibration.direction)
        return f"{100 * calibration.anisotropy:.2f} ± {100 * calibration.anisotropy_error:.2f} %, along {along:.0f}°"
    return f"{calibration.strength:.1f} times the ring"
