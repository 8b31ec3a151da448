"""The layer that a glimpse of the lattice filter is shown in, above the layer that it stands for."""

from __future__ import annotations

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image
from numpy.typing import NDArray
from qtpy.QtGui import QGuiApplication

from hrtem_app.gui.canvas.layers import NM_PER_ANGSTROM, Layers, geometry, geometry_changes
from hrtem_app.gui.filtering.glimpse import Glimpse, ScreenArea, screen_area

# From the top of the layer list downwards.
_STANDS_FOR = ("wipe", "removed", "filtered")
_STYLE = ("contrast_limits", "gamma", "interpolation2d", "opacity", "blending")


class GlimpseLayer:
    """A small layer that covers what is on screen and no more, so that drawing it anew is quick at any image size.

    Its pixels are those of the image that the screen shows, at their places, so the layer beneath will look the same.

    Parameters
    ----------
    viewer
        Where it is shown.
    layers
        The layers that it stands for.
    """

    def __init__(self, viewer: ViewerModel, layers: Layers) -> None:
        self._viewer, self._layers = viewer, layers
        self._layer: Image | None = None

    @property
    def layer(self) -> Image | None:
        """The layer; None where there has been no glimpse of this series."""
        return self._layer if self._layer is not None and self._layer in self._viewer.layers else None

    def area(self) -> ScreenArea | None:
        """The pixels on screen; None where nothing of the filter is shown, or other axes than y and x."""
        series, dims, viewer = self._layers.get("series"), self._viewer.dims, self._viewer
        is_plain = tuple(dims.displayed) == (1, 2) and not viewer.canvas.grid.enabled
        if series is None or self._stands_for() is None or not is_plain:
            return None
        screen = QGuiApplication.instance()
        ratio = screen.devicePixelRatio() if isinstance(screen, QGuiApplication) else 1.0
        pixel = float(series.scale[-1])
        y, x = (float(place) / pixel for place in viewer.scene.camera.center[-2:])
        height, width = (round(size * ratio) for size in viewer.canvas.size)
        pixels_per_dot = 1 / (viewer.scene.camera.zoom * ratio * pixel)
        frame = min(int(dims.current_step[0]), len(series.data) - 1)
        return screen_area(frame, series.data.shape[1:], (y, x), (height, width), pixels_per_dot)

    def show(self, glimpse: Glimpse) -> None:
        """Show a glimpse in the version that is on screen: filtered, removed, or before and after a wipe."""
        key = self._stands_for()
        below = None if key is None else self._layers.get(key)
        if key is None or below is None:
            self.hide()
            return
        layer = self._placed(self._pixels(glimpse, key)[np.newaxis], glimpse, below)
        for name in _STYLE:
            if getattr(layer, name) != getattr(below, name):
                setattr(layer, name, getattr(below, name))
        if layer.colormap.name != below.colormap.name:
            layer.colormap = below.colormap
        if not layer.visible:
            layer.visible = True

    def hide(self) -> None:
        """Show the layer beneath."""
        layer = self.layer
        if layer is not None and layer.visible:
            layer.visible = False

    def discard(self) -> None:
        """Take the layer away, because it is of another series."""
        if self.layer is not None:
            self._viewer.layers.remove(self.layer)
        self._layer = None

    def _stands_for(self) -> str | None:
        for key in _STANDS_FOR:
            layer = self._layers.get(key)
            if layer is not None and layer.visible:
                return key
        return None

    def _pixels(self, glimpse: Glimpse, key: str) -> NDArray[np.float32]:
        if key == "removed":
            return glimpse.removed
        filtered = glimpse.series - glimpse.removed
        if key == "wipe":
            cut = round(self._layers.wiped * glimpse.source.frames.shape[-1])
            before = glimpse.area.columns < cut
            filtered[:, before] = glimpse.series[:, before]
        return filtered

    def _placed(self, data: NDArray[np.float32], glimpse: Glimpse, below: Image) -> Image:
        """The layer with these pixels (1, y, x) at their places; where they stay, it is redrawn and nothing else."""
        sampling, area = glimpse.source.sampling, glimpse.area
        where = geometry(sampling * area.step, 3)
        translate = np.array([area.frame, *(place * sampling * NM_PER_ANGSTROM for place in area.first)])
        layer = self.layer
        if layer is None:
            layer = Image(data.copy(), name="live preview", translate=translate, **where)
            active = self._viewer.layers.selection.active
            self._viewer.layers.insert(self._viewer.layers.index(below) + 1, layer)
            self._viewer.layers.selection.active = active
            self._layer = layer
            return layer
        if layer.data.shape == data.shape:
            np.copyto(layer.data, data)
            layer.refresh(thumbnail=False, extent=False, highlight=False)
        else:
            layer.data = data.copy()
        for name, value in geometry_changes(layer, where).items():
            setattr(layer, name, value)
        if not np.allclose(layer.translate, translate, rtol=0, atol=1e-9):
            layer.translate = translate
        return layer
