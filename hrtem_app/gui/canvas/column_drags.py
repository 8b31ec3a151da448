"""Drags of the mouse on the columns' layer that napari has not: a lasso, and a box that adds to what is selected."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Points, Shapes
from numpy.typing import NDArray

_NAME = "lasso"
# A drag of fewer pixels of the screen is a click.
_CLICK = 5


class Lasso:
    """A line around columns, drawn by hand.

    Parameters
    ----------
    viewer
        Where it is drawn, in a layer that is made when it is wanted first.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layer: Shapes | None = None

    def drawn(self, points: Points, event: Any) -> Generator[None, None, NDArray[np.float64]]:
        """Show the line while it is drawn; returns its (m, 2) corners in pixels of the image.

        Parameters
        ----------
        points
            The layer that the mouse is on.
        event
            Of the mouse; napari changes it between two steps.
        """
        outline = [points.world_to_data(event.position)[-2:]]
        yield
        while event.type == "mouse_move":
            outline.append(points.world_to_data(event.position)[-2:])
            self._show(points, outline)
            yield
        if len(outline) > 1:
            self._show(points, [])
        return np.array(outline)

    def remove(self) -> None:
        """Take its layer away."""
        if self._layer is not None and self._layer in self._viewer.layers:
            self._viewer.layers.remove(self._layer)

    def _show(self, points: Points, outline: Sequence[Any]) -> None:
        if self._layer is None or self._layer not in self._viewer.layers:
            where = {"scale": points.scale, "units": points.units, "axis_labels": points.axis_labels}
            self._layer = Shapes(name=_NAME, ndim=2, **where)
            active = self._viewer.layers.selection.active
            self._viewer.layers.append(self._layer)
            self._viewer.layers.selection.active = active
        width = 2 / max(self._viewer.scene.camera.zoom * float(points.scale[-1]), 1e-6)
        self._layer.data = []
        if len(outline) > 1:
            self._layer.add_paths([np.array(outline)], edge_width=width, edge_color="#ffffff")
        self._layer.visible = len(outline) > 1


def add_box(points: Points, event: Any) -> Generator[None]:
    """Let a box add to what is selected: napari's own takes out what was selected already.

    Parameters
    ----------
    points
        The layer that the mouse is on.
    event
        Of the mouse; napari changes it between two steps, and its own handler comes first.
    """
    start = np.array(event.pos)
    yield
    # With the first move napari takes back what it did to the column under the cursor.
    earlier = set(points.selected_data)
    while event.type == "mouse_move":
        yield
    if np.linalg.norm(np.array(event.pos) - start) >= _CLICK:
        points.selected_data = earlier | set(points.selected_data)
