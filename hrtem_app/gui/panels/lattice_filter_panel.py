"""Lattice filter: the power spectrum with what is removed from it, and the filter's settings, live."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QSpinBox,
    QWidget,
)

from hrtem_app.gui import theme
from hrtem_app.gui.filtering.words import covered_text, found_spots, lattices_text, residual_text
from hrtem_app.gui.links import Link
from hrtem_app.gui.panels.base import Panel
from hrtem_app.gui.widgets.number_slider import NumberSlider
from hrtem_app.gui.widgets.spectrum_view import SpectrumView
from hrtem_app.imaging.covered_reflections import covered_reflections
from hrtem_app.imaging.lattice_mask import ring_radii, spot_positions
from hrtem_app.materials import MOS2_ON_GRAPHITE
from hrtem_app.recipe import LatticeFilter

Shown = Literal["before", "after", "removed", "wipe"]
_TIPS: dict[Shown, str] = {
    "before": "Show the series before filtering",
    "after": "Show the series after filtering",
    "removed": "Show what the filter takes out",
    "wipe": "Show the series left of a line and the filtered one right of it; the slider moves the line",
}
_MOST_ANGLES = 6


def material_rings() -> tuple[float, ...]:
    """Radii in 1/Å of the material's own reflections."""
    first = 2 / (math.sqrt(3) * MOS2_ON_GRAPHITE.lattice_constant)
    return tuple(first * factor for factor in (1, math.sqrt(3), 2, math.sqrt(7)))


class LatticeFilterPanel(Panel):
    """Take the support's lattice out of the series, and see what that does."""

    source = "filter"

    def build(self) -> None:
        """Make the widgets."""
        self.enabled = QCheckBox("Remove the support's lattice")
        self.enabled.setToolTip("Off: the networks see the series as it is")
        self.enabled.toggled.connect(self._on_enabled)
        self.spectrum = SpectrumView()
        self.spectrum.setToolTip(
            "Power spectrum of the frames in use, 1/Å.\n"
            "Blue: rings and spots of the support's lattice, crosses where spots were found; orange: rings of MoS2,\n"
            "and spots that cover one of its reflections.\n"
            "Drag a spot around the centre to turn its lattice, outwards or inwards for larger or smaller spots.\n"
            "Double-click a place to remove a lattice with a spot there as well, or a spot to leave its lattice in."
        )
        self.spectrum.turned.connect(self._on_turned)
        self.spectrum.resized.connect(self._on_resized)
        self.spectrum.added.connect(self._on_added)
        self.spectrum.taken.connect(self._on_taken)
        self.radius = NumberSlider(
            0.002, 0.1, 0.001, decimals=3, unit="1/Å", tip="Radius of the disk removed around each spot, in 1/Å"
        )
        self.edge = NumberSlider(
            0.0005, 0.02, 0.0005, decimals=4, unit="1/Å", tip="Width of the soft (Fermi) edge of each disk, in 1/Å"
        )
        self.radius.changed.connect(self._on_radius)
        self.edge.changed.connect(self._on_edge)
        self.lattices = _spin(
            1, _MOST_ANGLES, "How many turned lattices are looked for (turbostratic graphite has several)"
        )
        self.rings = _spin(1, 3, "How many rings of spots are removed")
        self.lattices.valueChanged.connect(self._on_lattices)
        self.rings.valueChanged.connect(self._on_rings)
        self.find_button = QPushButton("Find")
        self.find_button.setToolTip("Find the angles in the power spectrum again")
        self.find_button.clicked.connect(self._on_find)
        self.hint = QLabel()
        self.hint.setToolTip(
            "A spot covers a reflection that is nearer than its radius and edge together, in 1/Å.\n"
            "Smaller spots, fewer rings or another angle leave it in."
        )
        self.hint.setWordWrap(True)
        self.hint.setStyleSheet(f"color: {theme.WARNING}")
        self.found = QLabel()
        self.found.setWordWrap(True)
        self._build_angles()
        self._lay_out()

    def links(self) -> list[Link]:
        """Follow series, recipe and preview."""
        session = self.session
        return [
            (session.series_changed, self.update_view),
            (session.recipe_changed, self.update_view),
            (session.preview_changed, self.update_view),
            (session.calibration_changed, self.update_view),
        ]

    def refresh(self) -> None:
        """Show the filter's settings and what came of them."""
        settings = self.session.recipe.filter
        blockers = [QSignalBlocker(w) for w in (self.enabled, self.lattices, self.rings)]
        self.enabled.setChecked(settings.enabled)
        self.lattices.setValue(settings.lattices)
        self.rings.setValue(settings.rings)
        del blockers
        self.radius.set_value(settings.radius)
        self.edge.set_value(settings.edge)
        for widget in (self.radius, self.edge, self.lattices, self.rings, self.find_button, *self.angles):
            widget.setEnabled(settings.enabled and self.session.ready)
        self._show_spectrum(settings)

    def show_version(self, shown: Shown) -> None:
        """Show the series before the filter, after it, or what it takes out."""
        layers = self.workbench.layers
        self.workbench.live.glimpse.hide()
        layers.set_visible("filtered", shown == "after")
        layers.show_removed(shown == "removed")
        layers.show_wipe(self.wipe.value() / self.wipe.maximum() if shown == "wipe" else None)
        self.wipe.setVisible(shown == "wipe")
        self.versions[shown].setChecked(True)

    def _on_wiped(self, value: int) -> None:
        self.workbench.live.wipe(value / self.wipe.maximum())

    def _show_spectrum(self, settings: LatticeFilter) -> None:
        preview = self.session.preview
        if preview is None:
            self.spectrum.clear()
            self.hint.setVisible(False)
            self.found.setText("" if self.session.ready else "Open a series and give its sampling to see its spectrum.")
            return
        self.spectrum.show_picture(*preview.source.picture)
        self.spectrum.show_rings(ring_radii(settings), material_rings())
        angles = self._angles()
        # Spots follow the sliders at once; the filtered image comes a few milliseconds later.
        spots = spot_positions(angles, settings) if settings.enabled else np.empty((0, 3))
        flakes = preview.source.flakes
        covered = covered_reflections(angles, settings, MOS2_ON_GRAPHITE.lattice_constants, flakes or None)
        self.spectrum.show_spots(spots, settings.radius, [spot.spot for spot in covered])
        self.hint.setText(covered_text(covered, flakes))
        self.hint.setVisible(bool(covered))
        self._show_angles(angles)
        self.found.setText(lattices_text(settings, angles, preview.result.strengths) + self._show_found(settings))

    def _show_found(self, settings: LatticeFilter) -> str:
        """Draw the spots that were measured, and say how well a hexagon fits them."""
        calibration, preview = self.session.calibration, self.session.preview
        sampling = preview.source.sampling if preview else 1.0
        places = found_spots(calibration, settings, sampling)
        self.spectrum.show_found(places)
        return f" {residual_text(calibration, sampling)}" if calibration is not None and len(places) else ""

    def _show_angles(self, angles: tuple[float, ...]) -> None:
        for index, box in enumerate(self.angles):
            box.setVisible(index < len(angles))
            if index < len(angles):
                blocker = QSignalBlocker(box)
                box.setValue(math.degrees(angles[index]))
                del blocker

    def _on_enabled(self, enabled: bool) -> None:
        self.session.change_filter(enabled=enabled)

    def _on_radius(self, value: float) -> None:
        self.session.change_filter(radius=value)

    def _on_edge(self, value: float) -> None:
        self.session.change_filter(edge=value)

    def _on_lattices(self, value: int) -> None:
        self.session.change_filter(lattices=value, angles=None)

    def _on_rings(self, value: int) -> None:
        self.session.change_filter(rings=value)

    def _on_find(self) -> None:
        self.session.change_filter(angles=None)

    def _on_angle(self, _: float) -> None:
        shown = [box.value() for box in self.angles if not box.isHidden()]
        self.session.change_filter(angles=tuple(math.radians(angle) for angle in shown))

    def _angles(self) -> tuple[float, ...]:
        """Of the lattices that are removed, in rad."""
        settings, preview = self.session.recipe.filter, self.session.preview
        return settings.angles if settings.angles is not None else preview.result.angles if preview else ()

    def _on_turned(self, lattice: int, angle: float) -> None:
        angles = list(self._angles())
        if lattice < len(angles):
            angles[lattice] = angle
            self.session.change_filter(angles=tuple(angles))

    def _on_resized(self, radius: float) -> None:
        low, high = self.radius.number.minimum(), self.radius.number.maximum()
        self.session.change_filter(radius=round(min(max(radius, low), high), 4))

    def _on_added(self, angle: float) -> None:
        angles = self._angles()
        if self.session.recipe.filter.enabled and len(angles) < _MOST_ANGLES:
            self.session.change_filter(angles=(*angles, angle))

    def _on_taken(self, lattice: int) -> None:
        angles = self._angles()
        self.session.change_filter(angles=(*angles[:lattice], *angles[lattice + 1 :]))

    def _on_version(self, button: QPushButton) -> None:
        self.show_version(next(name for name, other in self.versions.items() if other is button))

    def _build_angles(self) -> None:
        self.angles = [QDoubleSpinBox() for _ in range(_MOST_ANGLES)]
        for number, box in enumerate(self.angles, start=1):
            box.setDecimals(2)
            box.setRange(0, 60)
            box.setWrapping(True)
            box.setSingleStep(0.1)
            box.setSuffix("°")
            box.setKeyboardTracking(False)
            box.setToolTip(f"Angle of the first spot of lattice {number}, from kx towards ky; turning it fixes it")
            box.setVisible(False)
            box.valueChanged.connect(self._on_angle)
        self.versions: dict[Shown, QPushButton] = {name: QPushButton() for name in _TIPS}
        self.wipe = QSlider(Qt.Orientation.Horizontal)
        self.wipe.setRange(0, 200)
        self.wipe.setValue(100)
        self.wipe.setToolTip("Where the line is between the series and the filtered one")
        self.wipe.setVisible(False)
        self.wipe.valueChanged.connect(self._on_wiped)
        self._version_group = QButtonGroup(self)
        for name, button in self.versions.items():
            button.setText(name.capitalize())
            button.setCheckable(True)
            button.setToolTip(_TIPS[name])
            self._version_group.addButton(button)
        self.versions["after"].setChecked(True)
        self._version_group.buttonClicked.connect(self._on_version)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Radius", self.radius)
        form.addRow("Edge", self.edge)
        form.addRow("Lattices", _row(self.lattices, QLabel("Rings"), self.rings))
        angles = QGridLayout()
        for index, box in enumerate(self.angles):
            angles.addWidget(box, index // 2, index % 2)
        angles.addWidget(self.find_button, 0, 2, Qt.AlignmentFlag.AlignTop)
        form.addRow("Angles", angles)
        self.column.addWidget(self.enabled)
        self.column.addLayout(_row(*self.versions.values()))
        self.column.addWidget(self.wipe)
        self.column.addWidget(self.spectrum)
        self.column.addLayout(form)
        self.column.addWidget(self.found)
        self.column.addWidget(self.hint)


def _spin(low: int, high: int, tip: str) -> QSpinBox:
    box = QSpinBox()
    box.setRange(low, high)
    box.setToolTip(tip)
    return box


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget)
    return row
