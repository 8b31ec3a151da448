"""napari's sample data: the simulated series that comes with the application."""

from __future__ import annotations

from hrtem_app.gui.plugin.reader import LayerData, read_series


def sample_series() -> list[LayerData]:
    """The bundled focal series as an image layer."""
    from hrtem_app.resources import sample_path

    return read_series(str(sample_path()))
