"""Commands that napari's menus offer on the layers of any viewer."""

from __future__ import annotations

from napari import Viewer

from hrtem_app.gui.preferences import PLUGIN

WORKBENCH = "Workbench"


def find_columns(viewer: Viewer) -> None:
    """Show all steps of an analysis, and open the selected image layer as the series to analyse."""
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, WORKBENCH)
    panel.workbench.open_selected_layer()
