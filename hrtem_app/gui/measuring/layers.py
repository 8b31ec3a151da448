"""Measurements on the canvas: colours of the columns, edges, missing columns, and the region, which a person draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Layer, Points, Shapes, Vectors
from napari.layers.base import ActionType
from napari.utils.colormaps.standardize_color import transform_color
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QObject, QTimer

from hrtem_app.gui.canvas.layers import geometry, geometry_changes
from hrtem_app.gui.links import Links
from hrtem_app.gui.measuring.values import DEFECT_COLOURS, EDGE_COLOURS, Colouring

if TYPE_CHECKING:
    from hrtem_app.gui.canvas.column_tools import ColumnTools
    from hrtem_app.gui.measuring.measured import Measured
    from hrtem_app.gui.workbench import Workbench

BY_CLASS = "class"
_DRAWING, _IDLE = "add_polygon", "pan_zoom"
_MISSING = ("V_Mo", "V_S2")
# In Å: the widths of lines, and the diameter of the ring around a missing column.
_EDGE_WIDTH, _REGION_WIDTH, _RING = 0.5, 0.6, 1.8
_REGION_COLOUR, _NO_COLOUR = "#ffffff", "transparent"


class MeasureLayers(QObject):
    """What a measurement shows on the canvas, from `open` to `close`.

    `changed` tells of other colours, and that a region is drawn or no longer.

    Parameters
    ----------
    workbench
        Of the viewer.
    """

    changed = Signal()

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self._workbench, self._session, self._measuring = workbench, workbench.session, workbench.measuring
        self._colour_by, self._outlines = BY_CLASS, False
        self._coloured: Colouring | None = None
        self._edges: Vectors | None = None
        self._missing: Points | None = None
        self._region: Shapes | None = None
        self._drawn: Measured | None = None
        self._region_is_being_shown = False
        self._links = Links(
            (self._measuring.changed, self._show_measured), (self._session.recipe_changed, self._show_region)
        )

    @property
    def colouring(self) -> Colouring | None:
        """How the columns are coloured; None: by class."""
        return self._coloured

    @property
    def drawing(self) -> bool:
        """Whether clicks on the canvas are corners of a region."""
        return self._region is not None and self._is_there(self._region) and self._region.mode == _DRAWING

    def open(self) -> None:
        """Begin to draw."""
        self._links.open()
        self._show_measured()
        self._show_region()

    def close(self) -> None:
        """Leave the canvas as if nothing had been drawn."""
        self._links.close()
        if self._region is not None:
            self._region.events.data.disconnect(self._on_region_data)
            self._region.events.mode.disconnect(self._on_region_mode)
        for layer in (self._edges, self._missing, self._region):
            if layer is not None and self._is_there(layer):
                self._workbench.viewer.layers.remove(layer)
        self._edges = self._missing = self._region = self._drawn = None
        self._colour(None)

    def colour_by(self, name: str) -> None:
        """Colour the columns by their class or by one of `COLOURED`."""
        self._colour_by = name
        self._show_colours()

    def show_outlines(self, visible: bool) -> None:
        """Show or hide edges and missing columns."""
        self._outlines = visible
        self._show_outlines()

    def draw_region(self) -> None:
        """Take napari's polygon tool in hand: the next polygon is the region."""
        layer = self._region_layer()
        if layer is not None:
            self._workbench.viewer.layers.selection.active = layer
            layer.mode = _DRAWING

    def stop_drawing(self) -> None:
        """Put the polygon tool away; what was drawn so far is the region, if it has three corners."""
        if self._region is not None and self.drawing:
            self._region.mode = _IDLE

    def _show_measured(self) -> None:
        self._show_colours()
        self._show_outlines()

    def _show_colours(self) -> None:
        measured = self._measuring.measured
        self._colour(None if measured is None or self._colour_by == BY_CLASS else Colouring(measured, self._colour_by))

    def _colour(self, colouring: Colouring | None) -> None:
        """Colour the columns, if that is not how they are; napari takes its time with it."""
        before, self._coloured = self._coloured, colouring
        if colouring is None and before is None:
            return
        if before is None or colouring is None or (before.measured, before.name) != (
            colouring.measured, colouring.name,
        ):  # fmt: skip
            self._workbench.layers.colour_columns(None if colouring is None else colouring.colours)
            self.changed.emit()

    def _show_outlines(self) -> None:
        measured = self._measuring.measured
        if self._outlines and measured is not None and measured is not self._drawn:
            self._draw_edges(measured)
            self._draw_missing(measured)
            self._drawn = measured
        for layer in (self._edges, self._missing):
            if layer is not None:
                layer.visible = self._outlines and measured is not None

    def _draw_edges(self, measured: Measured) -> None:
        sampling = measured.table.sampling
        paths = [edge.path[:, ::-1] / sampling for edge in measured.measurements.edges]
        lines = [np.stack([path[:-1], np.diff(path, axis=0)], axis=1) for path in paths]
        data = np.concatenate(lines or [np.empty((0, 2, 2))])
        if self._edges is None or not self._is_there(self._edges):
            style = {"vector_style": "line", "length": 1, "name": "edges", "ndim": 2}
            self._edges = self._add(Vectors(data, edge_width=_EDGE_WIDTH / sampling, **style), sampling)
        else:
            self._edges.data = data
            _place(self._edges, sampling)
        kinds = [edge.kind for edge, line in zip(measured.measurements.edges, lines, strict=True) for _ in line]
        if kinds:
            self._edges.edge_color = _colours(kinds, EDGE_COLOURS)

    def _draw_missing(self, measured: Measured) -> None:
        sampling = measured.table.sampling
        defects = [defect for defect in measured.measurements.defects if defect.kind in _MISSING]
        data = np.array([(defect.y, defect.x) for defect in defects]).reshape(-1, 2) / sampling
        if self._missing is None or not self._is_there(self._missing):
            style = {"face_color": _NO_COLOUR, "border_width": 0.2, "border_width_is_relative": True}
            points = Points(data, size=_RING / sampling, name="missing columns", ndim=2, **style)
            self._missing = self._add(points, sampling)
        else:
            self._missing.data = data
            _place(self._missing, sampling)
        if defects:
            self._missing.size = np.full(len(data), _RING / sampling)
            self._missing.face_color = _NO_COLOUR
            self._missing.border_color = _colours([defect.kind for defect in defects], DEFECT_COLOURS)

    def _show_region(self) -> None:
        """Show the region of the recipe, unless it is what the layer shows."""
        region = self._session.recipe.measure.region
        if region is None and self._region is None:
            return
        layer = self._region_layer()
        if layer is None:
            return
        data = [] if region is None else [np.array(region)]
        if len(layer.data) == len(data) and all(map(np.array_equal, layer.data, data)):
            return
        self._region_is_being_shown = True
        try:
            layer.data = []
            if data:
                width = _REGION_WIDTH / self._sampling()
                layer.add_polygons(data, edge_width=width, edge_color=_REGION_COLOUR, face_color=_NO_COLOUR)
        finally:
            self._region_is_being_shown = False

    def _region_layer(self) -> Shapes | None:
        """The layer of the region, made if it is not there; None without a series."""
        if self._session.series is None:
            return None
        if self._region is None or not self._is_there(self._region):
            style = {"edge_width": _REGION_WIDTH / self._sampling(), "edge_color": _REGION_COLOUR}
            self._region = self._add(
                Shapes(name="region", ndim=2, face_color=_NO_COLOUR, **style), self._session.series.sampling
            )
            self._region.events.data.connect(self._on_region_data)
            self._region.events.mode.connect(self._on_region_mode)
        _place(self._region, self._session.series.sampling)
        return self._region

    def _on_region_data(self, event: Any) -> None:
        """A person finished a polygon, changed it or deleted it; napari is still busy with it."""
        done = (ActionType.ADDED, ActionType.CHANGED, ActionType.REMOVED)
        if not self._region_is_being_shown and event.action in done:
            QTimer.singleShot(0, self._take_region)

    def _take_region(self) -> None:
        layer = self._region
        if layer is None or not self._is_there(layer):
            return
        corners = [data for data in layer.data if len(data) > 2]
        region = tuple((float(y), float(x)) for y, x in corners[-1]) if corners else None
        self._session.change_measure(region=region)
        self._show_region()
        if layer.mode == _DRAWING and corners:
            layer.mode = _IDLE
            self._workbench.tools.activate()

    def _on_region_mode(self) -> None:
        self.changed.emit()

    def _sampling(self) -> float:
        """In Å per pixel; 1 where it is unknown, for widths only."""
        series = self._session.series
        return 1.0 if series is None or series.sampling is None else series.sampling

    def _add(self, layer: Any, sampling: float | None) -> Any:
        """Put a layer on top, and leave the active one active."""
        layers = self._workbench.viewer.layers
        active = layers.selection.active
        _place(layer, sampling)
        layers.append(layer)
        layers.selection.active = active
        return layer

    def _is_there(self, layer: Layer) -> bool:
        return layer in self._workbench.viewer.layers


def select_visibly(tools: ColumnTools, ids: Sequence[int]) -> None:
    """Select columns on the canvas, with a tool with which napari marks what is selected."""
    if ids and tools.tool == "look":
        tools.take("select")
    tools.select(ids)


def _place(layer: Layer, sampling: float | None) -> None:
    for name, value in geometry_changes(layer, geometry(sampling, 2)).items():
        setattr(layer, name, value)


def _colours(kinds: list[str], palette: dict[str, str]) -> NDArray[np.float32]:
    """(n, 4) colours by kind."""
    table = transform_color(list(palette.values()))
    return np.asarray(table[[list(palette).index(kind) for kind in kinds]], np.float32)
