"""One simulated series in the viewer, with its true columns."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer, Points
from napari.utils.colormaps.standardize_color import transform_color

from hrtem_app.gui import theme
from hrtem_app.gui.canvas.layers import contrast_limits, geometry, geometry_changes, points_style
from hrtem_app.series import FocalSeries

if TYPE_CHECKING:
    from hrtem_app.simulation.preview import Preview

NAMES = {
    "clean": "simulated, without noise",
    "filtered": "simulated, as networks see it",
    "series": "simulated",
    "columns": "true columns",
}


def simulate_one(
    seed: int, dataset: dict[str, Any], microscope: dict[str, Any]
) -> Generator[float, None, tuple[Preview, FocalSeries]]:
    """Simulate one series with what two forms say, and make it one that can be analysed; yields how far it is, 0 to 1.

    Parameters
    ----------
    seed
        Of structure and microscope.
    dataset, microscope
        Settings, as JSON has them; pydantic's ValueError where they are not valid.
    """
    from hrtem_app.microscope.draw import MicroscopeSettings
    from hrtem_app.simulation.dataset import DatasetSettings
    from hrtem_app.simulation.multislice import draw_energy
    from hrtem_app.simulation.preview import preview_steps

    settings = DatasetSettings.model_validate(dataset)
    shown = yield from preview_steps(seed, settings, MicroscopeSettings.model_validate(microscope))
    drawn = shown.series.microscope
    energy = draw_energy(seed, settings.multislice)
    return shown, FocalSeries(shown.series.frames, drawn.sampling, drawn.defocus, energy, f"simulated {seed}")


class SimulatedLayers:
    """The layers of the newest simulated series; they are updated, and made anew where somebody deleted them.

    Parameters
    ----------
    viewer
        Where they are shown.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layers: dict[str, Layer] = {}

    def show(self, shown: Preview, series: FocalSeries) -> None:
        """Show a simulated series on top of what is there."""
        images = {"clean": shown.clean, "filtered": shown.filtered, "series": shown.series.frames}
        is_first = not any(layer in self._viewer.layers for layer in self._layers.values())
        for key, frames in images.items():
            layer = self._put(key, Image, frames, shown.series.sampling, visible=key == "series")
            layer.contrast_limits = contrast_limits(frames)
            layer.metadata["hrtem_app"] = {"series": series if key == "series" else series.with_frames(frames)}
        points = self._put(
            "columns", Points, shown.series.positions, shown.series.sampling, **points_style(shown.series.sampling)
        )
        points.size = points_style(shown.series.sampling)["size"]
        points.features = {"class": [shown.class_names[one] for one in shown.series.classes]}
        if len(points.data):
            palette = transform_color(list(theme.CLASS_COLOURS.values()))
            points.face_color = np.asarray(palette)[shown.series.classes % len(palette)]
        # The image beside the columns, so that "From layer" opens it.
        self._viewer.layers.selection.active = self._layers["series"]
        self._viewer.canvas.overlays.scale_bar.visible = True
        if is_first:
            self._viewer.reset_view()

    def _put(self, key: str, kind: type[Layer], data: Any, sampling: float, **first: Any) -> Any:
        where = geometry(sampling, data.shape[1] if kind is Points else data.ndim)
        layer = self._layers.get(key)
        if layer is None or layer not in self._viewer.layers:
            layer = self._layers[key] = kind(data, name=NAMES[key], **where, **first)
            self._viewer.layers.append(layer)
            return layer
        layer.data = data
        for name, value in geometry_changes(layer, where).items():
            setattr(layer, name, value)
        return layer
