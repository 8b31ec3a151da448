"""Measure: vacancies, areas, distances, lattices, strain, edges and defects of the columns as they are now."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QSignalBlocker
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDockWidget,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QPushButton,
)

from hrtem_app.gui import theme
from hrtem_app.gui.canvas.column_tools import Tool
from hrtem_app.gui.links import Link
from hrtem_app.gui.measuring.layers import BY_CLASS, MeasureLayers, select_visibly
from hrtem_app.gui.measuring.values import COLOURED, QUANTITIES, class_legend, scale_of
from hrtem_app.gui.panels.base import Panel
from hrtem_app.gui.widgets.colour_legend import ColourLegend
from hrtem_app.gui.widgets.measure_choices import MeasureChoices
from hrtem_app.gui.widgets.measure_plots import MeasurePlots
from hrtem_app.gui.widgets.region_choice import RegionChoice
from hrtem_app.gui.widgets.value_tree import ValueTree

if TYPE_CHECKING:
    from hrtem_app.gui.measuring.measured import Measured
    from hrtem_app.gui.measuring.region import Corners
    from hrtem_app.series import FocalSeries

_PLOTS = "Plots of the measurement"
_TOOLS: dict[Tool, tuple[str, str]] = {
    "look": ("Look", "Move and zoom the image (V)"),
    "select": ("Select", "Click a column or drag a box (S)"),
    "lasso": ("Lasso", "Draw around columns to select them; with Shift in addition to others (L)"),
}


class MeasurePanel(Panel):
    """What the columns tell, in the whole image or a region; in numbers, as colours on the canvas and in plots."""

    source = "measure"

    def build(self) -> None:
        """Make the widgets."""
        self.canvas = MeasureLayers(self.workbench)
        self._plots: MeasurePlots | None = None
        self._is_drawing = False
        self._shown: Measured | None = None
        self.column.addLayout(self._build_tools())
        self.region = RegionChoice()
        self.region.from_selection.connect(self._on_selection)
        self.region.drawing.connect(self._on_draw)
        self.region.whole.connect(self._on_whole)
        self.column.addWidget(self.region)
        self.choices = MeasureChoices()
        self.choices.edited.connect(self._on_edited)
        self.column.addWidget(self.choices)
        self.column.addLayout(self._build_display())
        self.legend = ColourLegend()
        self.about, self.warnings = QLabel(), QLabel()
        for label in (self.about, self.warnings):
            label.setWordWrap(True)
        self.tree = ValueTree()
        self.tree.picked.connect(self._on_picked)
        for part in (self.legend, self.about, self.tree, self.warnings):
            self.column.addWidget(part)

    @property
    def plots(self) -> MeasurePlots:
        """The plots, made when they are first wanted."""
        if self._plots is None:
            self._plots = MeasurePlots(self.workbench)
            self._plots.visibility_changed.connect(self._on_plots_visible)
        return self._plots

    def links(self) -> list[Link]:
        """Follow the columns, the settings, what was measured and what is selected."""
        session, workbench = self.session, self.workbench
        signals = (
            session.series_changed,
            session.recipe_changed,
            session.analysis_changed,
            session.corrections_changed,
            workbench.measuring.changed,
        )
        return [
            *((signal, self.update_view) for signal in signals),
            (workbench.tools.changed, self._show_tools),
            (self.canvas.changed, self._show_canvas),
        ]

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Begin to measure and to draw."""
        super().showEvent(event)
        if self._is_drawing:
            return
        self._is_drawing = True
        self.workbench.measuring.want(id(self))
        self.canvas.open()
        if self.plots_button.isChecked():
            self._show_plots()
        self.refresh()

    def hideEvent(self, event: QHideEvent | None) -> None:  # noqa: N802 - Qt's name
        """Leave canvas and window as they were; a window that is only minimised stays as it is."""
        super().hideEvent(event)
        if event is None or event.spontaneous() or not self._is_drawing:
            return
        self._is_drawing = False
        self.workbench.measuring.unwant(id(self))
        self.canvas.close()
        if self.plots_button.isChecked():
            # They come back with the panel.
            blocker = QSignalBlocker(self.plots)
            self._put_plots_away()
            del blocker

    def refresh(self) -> None:
        """Show the measurements."""
        measuring = self.workbench.measuring
        measured = measuring.measured
        if measured is not self._shown:
            self._shown = measured
            self.tree.show_rows(() if measured is None else measured.rows)
            told = () if measured is None else measured.measurements.warnings
            self.warnings.setText("\n".join(f"⚠ {text}" for text in told))
            self.warnings.setVisible(bool(told))
        theme.colour_text(self.warnings, theme.WARNING, self)
        self.tree.setEnabled(measuring.current())
        self.about.setText("No columns yet: run the networks first." if self.session.table is None else "Measuring…")
        self.about.setVisible(not measuring.current() and not measuring.failed)
        self.choices.show_settings(self.session.recipe.measure)
        self._show_tools()
        self._show_canvas()

    def _show_canvas(self) -> None:
        self._show_legend()
        corners = self.session.recipe.measure.region or ()
        self.region.show_region(len(corners), self.canvas.drawing, self.session.series is not None)

    def _show_tools(self) -> None:
        tools, there = self.workbench.tools, self.session.table is not None
        for tool, button in self.tool_buttons.items():
            button.setEnabled(there)
            button.setChecked(tool == tools.tool)
        self.region.selection_button.setEnabled(bool(tools.selected))

    def _show_legend(self) -> None:
        colouring = self.canvas.colouring
        if colouring is None:
            self.legend.show_names(class_legend())
        elif colouring.legend:
            self.legend.show_names(colouring.legend)
        else:
            low, high = colouring.limits
            unit = QUANTITIES[colouring.name].unit
            colours = scale_of(colouring.name).getLookupTable(nPts=128, alpha=True)
            self.legend.show_scale(colours, f"{low:.2g} {unit}", f"{high:.2g} {unit}")

    def _show_plots(self) -> None:
        window, dock = getattr(self.workbench.viewer, "window", None), self.plots.parent()
        if isinstance(dock, QDockWidget):
            dock.show()
        elif window is None:
            self.plots.show()
        else:
            window.add_dock_widget(self.plots, name=_PLOTS, area="bottom")

    def _put_plots_away(self) -> None:
        dock = self.plots.parent()
        # The window may be gone already, and its docks with it in a moment.
        if isinstance(dock, QDockWidget) and isinstance(dock.parent(), QMainWindow):
            self.workbench.viewer.window.remove_dock_widget(dock)
        self.plots.hide()

    def _on_plots(self, wanted: bool) -> None:
        if wanted:
            self._show_plots()
        else:
            self._put_plots_away()

    def _on_plots_visible(self, visible: bool) -> None:
        blocker = QSignalBlocker(self.plots_button)
        self.plots_button.setChecked(visible)
        del blocker

    def _on_selection(self) -> None:
        table = self.session.table
        if table is not None:
            chosen = np.isin(table.ids, self.workbench.tools.selected)
            done = partial(self._on_region, self.session.file_series)
            self.workbench.start("region", "measure", done, _around, table.positions, chosen, table.sampling)

    def _on_region(self, series: FocalSeries | None, region: Corners) -> None:
        if series is self.session.file_series:
            self.session.change_measure(region=region)

    def _on_whole(self) -> None:
        self.session.change_measure(region=None)

    def _on_picked(self, ids: Sequence[int]) -> None:
        select_visibly(self.workbench.tools, ids)

    def _on_edited(self, fields: dict[str, object]) -> None:
        self.session.change_measure(**fields)

    def _on_draw(self, wanted: bool) -> None:
        if wanted:
            self.canvas.draw_region()
        else:
            self.canvas.stop_drawing()
        self._show_canvas()

    def _build_tools(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.tool_buttons: dict[Tool, QPushButton] = {}
        tools = self.workbench.tools
        for tool, (title, tip) in _TOOLS.items():
            button = _button(title, tip)
            button.setCheckable(True)
            button.clicked.connect(lambda _, tool=tool: tools.take(tool))
            row.addWidget(button)
            self.tool_buttons[tool] = button
        return row

    def _build_display(self) -> QGridLayout:
        self.colours = QComboBox()
        self.colours.addItems([BY_CLASS, *COLOURED])
        self.colours.setToolTip("What the colours of the columns on the canvas show")
        self.colours.currentTextChanged.connect(self.canvas.colour_by)
        self.outlines = QCheckBox("Edges and missing columns")
        self.outlines.setToolTip("Draw the flake's edges by kind, and a ring where a column is missing")
        self.outlines.toggled.connect(self.canvas.show_outlines)
        self.plots_button = _button("Plots", "Show or hide histograms and a scatter plot of what was measured")
        self.plots_button.setCheckable(True)
        self.plots_button.toggled.connect(self._on_plots)
        grid = QGridLayout()
        grid.addWidget(QLabel("Colours"), 0, 0)
        grid.addWidget(self.colours, 0, 1)
        grid.addWidget(self.plots_button, 0, 2)
        grid.addWidget(self.outlines, 1, 0, 1, 3)
        return grid


def _around(positions: NDArray[np.float64], chosen: NDArray[np.bool_], sampling: float) -> Corners:
    from hrtem_app.gui.measuring.region import region_around

    return region_around(positions, chosen, sampling)


def _button(title: str, tip: str) -> QPushButton:
    button = QPushButton(title)
    button.setToolTip(tip)
    return button
