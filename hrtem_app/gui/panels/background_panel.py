"""Simulate, Train and Jobs in one dock: what works in the background."""

from __future__ import annotations

from napari.components import ViewerModel
from qtpy.QtWidgets import QTabWidget, QVBoxLayout

from hrtem_app.gui.panels.base import Docked
from hrtem_app.gui.panels.jobs_panel import JobsPanel
from hrtem_app.gui.panels.simulate_panel import SimulatePanel
from hrtem_app.gui.panels.train_panel import TrainPanel

_WIDTH = 400


class BackgroundPanel(Docked):
    """Three tabs that are of no series.

    Parameters
    ----------
    napari_viewer
        Where previews of a simulation are shown.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self.setMinimumWidth(_WIDTH)
        self.simulate = SimulatePanel(napari_viewer)
        self.train = TrainPanel(napari_viewer)
        self.jobs = JobsPanel(napari_viewer)
        self.train.simulate = self.simulate
        self.tabs = QTabWidget()
        for title, panel in (("Simulate", self.simulate), ("Train", self.train), ("Jobs", self.jobs)):
            self.tabs.addTab(panel, title)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.tabs)

    def show_tab(self, title: str) -> None:
        """Show Simulate, Train or Jobs."""
        for place in range(self.tabs.count()):
            if self.tabs.tabText(place) == title:
                self.tabs.setCurrentIndex(place)
