"""All steps in one dock: each is one line with its state and opens in place."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from hrtem_app.gui.links import Link
from hrtem_app.gui.panels.base import Panel
from hrtem_app.gui.panels.export_panel import ExportPanel
from hrtem_app.gui.shown import status_line
from hrtem_app.gui.steps import STEPS, Step
from hrtem_app.gui.widgets.section import Section

if TYPE_CHECKING:
    from hrtem_app.gui.panels.background_panel import BackgroundPanel

# Wide enough for every step beside a scroll bar, narrow enough for a screen of 1280 pixels.
_WIDTH = 412
_RUN = "Filter, run the networks and match their columns (F5)"
_CANCEL = "Stop the run; earlier results stay (Shift+F5)"


class WorkbenchPanel(Panel):
    """The rail of steps, with what to do next and the two buttons that are wanted most."""

    def build(self) -> None:
        """Make the widgets."""
        self.setMinimumWidth(_WIDTH)
        self.panels = [step.panel(self.workbench.viewer) for step in STEPS]
        self.sections = [
            Section(f"{i}  {step.name}", panel)
            for i, (step, panel) in enumerate(zip(STEPS, self.panels, strict=True), 1)
        ]
        inside = QWidget()
        rail = QVBoxLayout(inside)
        rail.setContentsMargins(0, 0, 0, 0)
        rail.setSpacing(4)
        for section in self.sections:
            rail.addWidget(section)
            section.toggled.connect(self._on_toggled)
            section.taken_out.connect(self._on_taken_out)
        rail.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        self.next = QLabel()
        self.next.setWordWrap(True)
        self.run_button = QPushButton("Run")
        self.export_button = QPushButton("Export…")
        self.run_button.setToolTip(_RUN)
        self.export_button.setToolTip("Write all results into a folder")
        self.run_button.clicked.connect(self._on_run)
        self.export_button.clicked.connect(self.export)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run_button)
        buttons.addWidget(self.export_button)
        self.column.addWidget(area, 1)
        self.column.addWidget(self.next)
        self.column.addLayout(buttons)
        self._background: tuple[BackgroundPanel, QWidget] | None = None
        self._taken_out: dict[str, tuple[QWidget, Panel]] = {}
        self.sections[0].set_open(True)

    def links(self) -> list[Link]:
        """Follow everything: the lines of the rail say where each step is."""
        session = self.session
        return [
            (signal, self.update_view)
            for signal in (
                session.series_changed,
                session.recipe_changed,
                session.preview_changed,
                session.analysis_changed,
                session.corrections_changed,
                session.view_changed,
                session.messages_changed,
                session.activity_changed,
            )
        ]

    def refresh(self) -> None:
        """Show where each step is."""
        session = self.session
        for step, panel, section in zip(STEPS, self.panels, self.sections, strict=True):
            unread = sum(m.source == panel.source and m.level != "info" for m in session.messages)
            section.show_state(step.state(session), step.summary(session), 0 if section.is_open() else unread)
        self.next.setText(status_line(session))
        is_running = "analyse" in session.busy
        self.run_button.setText("Cancel" if is_running else "Run again" if session.stale else "Run")
        self.run_button.setToolTip(_CANCEL if is_running else _RUN)
        self.run_button.setEnabled(session.ready)
        self.export_button.setEnabled(session.analysis is not None and "export" not in session.busy)

    def show_step(self, name: str) -> None:
        """Open a step by its name."""
        for step, section in zip(STEPS, self.sections, strict=True):
            if step.name == name:
                section.set_open(True)

    def take_out(self, step: Step) -> QWidget:
        """Show a step in a window of its own, which can be docked anywhere; it is the same step, seen twice."""
        if step.name in self._taken_out:
            dock, panel = self._taken_out[step.name]
            with suppress(RuntimeError):
                # Where it was closed, Qt or napari may have deleted it.
                if panel.isVisible():
                    dock.raise_()
                    return panel
        panel = step.panel(self.workbench.viewer)
        window = getattr(self.workbench.viewer, "window", None)
        dock = panel if window is None else window.add_dock_widget(panel, name=step.name, area="right")
        self._taken_out[step.name] = dock, panel
        if isinstance(dock, QDockWidget):
            dock.setFloating(True)
        dock.show()
        return panel

    def show_background(self) -> BackgroundPanel:
        """Show the dock that simulates, trains and follows jobs; made on its first use."""
        from hrtem_app.gui.panels.background_panel import BackgroundPanel

        if self._background is not None:
            panel, dock = self._background
            with suppress(RuntimeError):
                # Where it was closed, Qt or napari may have deleted it.
                if panel.parent() is not None:
                    dock.show()
                    dock.raise_()
                    return panel
        panel = BackgroundPanel(self.workbench.viewer)
        window = getattr(self.workbench.viewer, "window", None)
        dock = panel
        if window is not None:
            dock = window.add_dock_widget(panel, name="Background", area="right", tabify=True)
        self._background = panel, dock
        dock.show()
        dock.raise_()
        return panel

    def export_panel(self) -> ExportPanel:
        """The panel that exports."""
        return next(panel for panel in self.panels if isinstance(panel, ExportPanel))

    def export(self) -> None:
        """Ask for a folder and export, with the step open that says how far it is and leads to the folder then."""
        if self.export_panel().ask_and_export():
            self.show_step("Export")

    def _show_messages(self) -> None:
        """Every panel shows its own."""

    def _on_run(self) -> None:
        if "analyse" in self.session.busy:
            self.workbench.cancel()
        else:
            self.workbench.run()

    def _on_taken_out(self) -> None:
        # A partial would hold this panel for as long as its own sections live.
        for step, section in zip(STEPS, self.sections, strict=True):
            if section is self.sender():
                self.take_out(step)

    def _on_toggled(self, is_open: bool) -> None:
        if is_open:
            for section in self.sections:
                if section is not self.sender():
                    section.set_open(False)
        self.refresh()
