"""Keeps a viewer's layers in step with its session; layers are updated, never removed and added again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer, Points
from napari.utils.colormaps.standardize_color import transform_color
from numpy.typing import NDArray
from psygnal import Signal

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.gui import theme
from hrtem_app.gui.canvas.agreement_picture import agreement_picture, enlargement
from hrtem_app.gui.canvas.columns_layer import Look, dot_size, show_look, show_selected, show_table, smooth
from hrtem_app.gui.links import Links
from hrtem_app.gui.session import Session
from hrtem_app.gui.shown import shown_rows
from hrtem_app.series import FocalSeries

if TYPE_CHECKING:
    from hrtem_app.analysis import Analysis

# napari's scale bar has no prefixes for ångström that anybody uses, so the canvas is in nm.
NM_PER_ANGSTROM = 0.1
# From the bottom of the layer list upwards.
_ORDER = ("series", "filtered", "removed", "wipe", "map", "agreement", "columns")
# These change while a slider is dragged.
_LIVE = ("filtered", "removed", "wipe")
_UNIT_NAMES = {"nm": "nanometer"}


def geometry(sampling: float | None, ndim: int) -> dict[str, Any]:
    """Scale, units and axis labels of a layer on a series' pixels: nm, or pixels while the sampling is unknown."""
    scale, unit = (1.0, "pixel") if sampling is None else (sampling * NM_PER_ANGSTROM, "nm")
    return {
        "scale": (1.0, scale, scale)[-ndim:],
        "units": ("pixel", unit, unit)[-ndim:],
        "axis_labels": ("frame", "y", "x")[-ndim:],
    }


def geometry_changes(layer: Layer, where: dict[str, Any]) -> dict[str, Any]:
    """Those of a layer's scale, units and axis labels that are not as they should be."""
    is_now = {
        "scale": tuple(layer.scale),
        "units": tuple(str(unit) for unit in layer.units),
        "axis_labels": tuple(layer.axis_labels),
    }
    should_be = where | {"units": tuple(_UNIT_NAMES.get(unit, unit) for unit in where["units"])}
    return {name: where[name] for name, value in should_be.items() if value != is_now[name]}


def contrast_limits(frames: NDArray[np.float32]) -> tuple[float, float]:
    """Limits that leave out the darkest and brightest half per cent of (at most a million) pixels."""
    values = frames.ravel()[:: max(1, frames.size // 1_000_000)]
    low, high = np.percentile(values, [0.5, 99.5])
    return float(low), float(high if high > low else low + 1)


class Layers:
    """The layers of one session in one viewer.

    Parameters
    ----------
    viewer
        Where they are shown.
    session
        What they show.
    """

    visibility_changed = Signal()
    columns_made = Signal()

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self._viewer, self._session = viewer, session
        self._layers: dict[str, Layer] = {}
        self._drawn: FocalSeries | None = None
        self._shown_table: ColumnTable | None = None
        # What happens to the columns' layer meanwhile is our own doing, not a person's.
        self.columns_are_being_shown = False
        self._fresh_preview = True
        # Where the wipe's line is, as a fraction of the width.
        self.wiped = 0.5
        # Whether a person's change of the layer waits for ours to be drawn with it.
        self.columns_wait = False
        self._kept_visible: int | None = None
        self._colours: Callable[[ColumnTable], NDArray[np.float32]] = class_colours
        self._links = Links(
            (session.series_changed, self._show_series),
            (session.preview_changed, self._show_preview),
            (session.analysis_changed, self._show_analysis),
            (session.corrections_changed, self._show_columns),
            (session.view_changed, self._show_view),
        )
        self._links.open()
        viewer.scene.camera.events.zoom.connect(self._on_zoom)

    def close(self) -> None:
        """Stop following the session; the layers stay with the viewer."""
        self._links.close()
        self._viewer.scene.camera.events.zoom.disconnect(self._on_zoom)
        for layer in self._layers.values():
            layer.events.visible.disconnect(self._on_visible)
        self._layers.clear()

    def get(self, key: str) -> Layer | None:
        """A layer by what it shows (series, filtered, removed, wipe, map:unet, agreement, columns); None if absent."""
        layer = self._layers.get(key)
        return layer if layer is not None and layer in self._viewer.layers else None

    def set_visible(self, key: str, visible: bool) -> None:
        """Show or hide a layer, if it is there."""
        layer = self.get(key)
        if layer is not None:
            layer.visible = visible

    def _show_series(self) -> None:
        series = self._session.series
        if series is None:
            return
        before, self._drawn = self._drawn, series
        is_new = before is None or before.frames is not series.frames
        if is_new:
            self._drop_results(self._session.analysis)
            self._fresh_preview = True
        limits = contrast_limits(series.frames)
        layer = self._put("series", Image, series.frames, series.sampling, contrast_limits=limits)
        layer.metadata["hrtem_app"] = {"series": series}
        if self.get("filtered") is not None:
            # Of the old shape or scale until its own result arrives a moment later.
            self._put("filtered", Image, series.frames if is_new else self._layers["filtered"].data, series.sampling)
        if is_new:
            layer.contrast_limits = limits
            layer.name = series.name
            self._viewer.canvas.overlays.scale_bar.visible = True
            self._viewer.dims.set_current_step(0, 0)
        if is_new or before is None or before.sampling != series.sampling:
            # The camera measures in nm: at another scale it would look elsewhere.
            self._viewer.reset_view()

    def _show_preview(self) -> None:
        preview = self._session.preview
        if preview is None:
            return
        layer = self._put("filtered", Image, preview.result.frames, preview.source.sampling)
        if self._fresh_preview:
            self._fresh_preview = False
            layer.contrast_limits = contrast_limits(preview.result.frames)
        if self.get("removed") is not None:
            self._put("removed", Image, preview.result.removed, preview.source.sampling)
        wipe = self.get("wipe")
        if wipe is not None and wipe.visible:
            self.show_wipe(self.wiped)

    def show_wipe(self, fraction: float | None) -> None:
        """Show the series left of a place, a fraction of the width, and the filtered series right of it; None: neither.

        napari cannot cut off a layer in two dimensions, so this is a layer of its own, made from both.
        """
        preview = self._session.preview
        if fraction is None or preview is None:
            self.set_visible("wipe", False)
            return
        self.wiped = fraction
        series, filtered = preview.source.frames, preview.result.frames
        cut = round(fraction * filtered.shape[-1])
        halves = np.concatenate([series[..., :cut], filtered[..., cut:]], axis=-1)
        first: dict[str, Any] = {}
        if self.get("wipe") is None:
            first = {"name": "before | after", "contrast_limits": contrast_limits(filtered)}
        self._put("wipe", Image, halves, preview.source.sampling, **first)
        self.set_visible("wipe", True)

    def show_removed(self, visible: bool) -> None:
        """Show or hide what the filter takes out; its layer exists from the first time on."""
        preview = self._session.preview
        if visible and preview is not None:
            limits = contrast_limits(preview.result.removed)
            self._put("removed", Image, preview.result.removed, preview.source.sampling, contrast_limits=limits)
        self.set_visible("removed", visible)

    def _show_analysis(self) -> None:
        if self._session.analysis is None:
            self._drop_results()
            return
        self._show_columns()
        self._show_view()
        self._viewer.layers.selection.active = self.get("columns")

    @property
    def shown_table(self) -> ColumnTable | None:
        """The table whose rows the points of the columns' layer are."""
        return self._shown_table

    def colour_columns(self, colours: Callable[[ColumnTable], NDArray[np.float32]] | None) -> None:
        """Colour the columns by (n, 4) that a function gives for a table, now and after edits; None: by class."""
        self._colours = colours or class_colours
        points, table = self.get("columns"), self._shown_table
        if isinstance(points, Points) and table is not None:
            show_look(points, self._look(table), table.sampling)

    def keep_visible(self, column: int | None) -> None:
        """Show a column, by its id, also where it has too few votes to be shown; None: no such column."""
        self._kept_visible = column
        points, table = self.get("columns"), self._shown_table
        if isinstance(points, Points) and table is not None:
            show_look(points, self._look(table), table.sampling)

    def mark_selected(self, followed: bool = True) -> None:
        """Mark the columns that are selected now; those that nobody follows any more lose their mark."""
        points, table = self.get("columns"), self._shown_table
        # While a person adds or removes points, there are more or fewer than rows; they are drawn with the edit.
        if isinstance(points, Points) and table is not None and len(points.data) == len(table):
            show_selected(points, table.edited, points.selected_data if followed else ())

    def _look(self, table: ColumnTable) -> Look:
        shown = shown_rows(table, self._session.view)
        if self._kept_visible is not None:
            shown |= table.ids == self._kept_visible
        return Look(shown, self._colours(table), table.edited)

    def _on_zoom(self) -> None:
        points = self.get("columns")
        if isinstance(points, Points):
            smooth(points, self._viewer.scene.camera.zoom)

    def show_columns_again(self) -> None:
        """Make the columns' layer what the session says, whatever was done to it."""
        self._shown_table = None
        self._show_columns()

    def _show_columns(self) -> None:
        """Show the table as it is now."""
        table, before, points = self._session.table, self._shown_table, self.get("columns")
        if table is None or (points is not None and table is before):
            return
        is_new = points is None
        if is_new:
            self._kept_visible = None
        self.columns_are_being_shown = True
        try:
            if points is None:
                style = points_style(table.sampling)
                points = self._put("columns", Points, table.positions.copy(), table.sampling, **style)
            show_table(points, table, before, self._look(table), is_drawn=not self.columns_wait)
            self.columns_wait = False
            smooth(points, self._viewer.scene.camera.zoom)
        finally:
            self.columns_are_being_shown = False
        self._shown_table = table
        if before is not None and before.sampling != table.sampling:
            self._put("columns", Points, points.data, table.sampling)
        if is_new:
            self.columns_made.emit()

    def _show_view(self) -> None:
        analysis, table, view = self._session.analysis, self._session.table, self._session.view
        points = self.get("columns")
        if analysis is None or table is None or points is None:
            return
        show_look(points, self._look(table), table.sampling)
        sampling, finer = analysis.table.sampling, enlargement(analysis.series.shape)
        picture = agreement_picture(analysis, view)
        layer = self._put("agreement", Image, picture, sampling / finer, rgb=True, visible=False)
        layer.translate = _first_centre(sampling / finer, sampling)
        for name, result in analysis.networks.items():
            layer = self._put(
                f"map:{name}",
                Image,
                result.probabilities[view.class_index],
                result.sampling,
                name=f"probability {result.card.title}",
                colormap=theme.network_colormap(name, view.palette),
                blending="additive",
                contrast_limits=(0, 1),
                visible=False,
            )
            layer.translate = _first_centre(result.sampling, sampling)
            colours = theme.network_colormap(name, view.palette)
            if layer.colormap.name != (colours if isinstance(colours, str) else colours.name):
                layer.colormap = colours
            if name in view.hidden:
                layer.visible = False

    def _put(self, key: str, kind: type[Layer], data: NDArray[Any], sampling: float | None, **first: Any) -> Any:
        """Update a layer, or make it with the given properties and put it at its place in the list."""
        ndim = data.shape[1] if kind is Points else data.ndim - bool(first.get("rgb"))
        where = geometry(sampling, ndim)
        layer = self.get(key)
        if key in _LIVE:
            data = _into_buffer(layer, data)
        if layer is None:
            layer = kind(data, **({"name": key} | where | first))
            self._layers[key] = layer
            layer.events.visible.connect(self._on_visible)
            self._viewer.layers.insert(self._index(key), layer)
            return layer
        if layer.data is not data:
            layer.data = data
        # napari works out all its axes anew at every assignment, which a dragged slider would feel.
        for name, value in geometry_changes(layer, where).items():
            setattr(layer, name, value)
        return layer

    def _on_visible(self) -> None:
        self.visibility_changed.emit()

    def _index(self, key: str) -> int:
        """Above our own layers that belong below it, or on top."""
        rank = _ORDER.index(key.partition(":")[0])
        below = [self._viewer.layers.index(layer) for k, layer in self._layers.items()
                 if layer in self._viewer.layers and _ORDER.index(k.partition(":")[0]) < rank]  # fmt: skip
        return max(below) + 1 if below else len(self._viewer.layers)

    def _drop_results(self, kept: Analysis | None = None) -> None:
        """Take away results that are no longer those of the session.

        An analysis that came with a series takes over the layers of the one before: napari takes long to remove them.
        """
        names = () if kept is None else ("columns", "agreement", *(f"map:{name}" for name in kept.networks))
        if kept is None:
            self._shown_table = None
        for key in [k for k in self._layers if k not in ("series", "filtered", *names)]:
            layer = self.get(key)
            if layer is not None:
                self._viewer.layers.remove(layer)
            self._layers.pop(key).events.visible.disconnect(self._on_visible)


def class_colours(table: ColumnTable) -> NDArray[np.float32]:
    """(n, 4) colours of the rows by class."""
    palette = transform_color([theme.CLASS_COLOURS[name] for name in CLASSES])
    return np.asarray(palette[table.classes], np.float32).reshape(-1, 4)


def points_style(sampling: float) -> dict[str, Any]:
    """How columns are drawn: dots a little smaller than a column."""
    # As a float: napari would keep an integer array, where no fraction of a size has room.
    return {"size": dot_size(sampling), "border_width": 0.0, "border_color": "white", "opacity": 0.85}


def _into_buffer(layer: Layer | None, data: NDArray[Any]) -> NDArray[Any]:
    """Put pixels into a layer's own array and redraw it, much quicker than giving it another; else copy them."""
    if layer is None or layer.data.shape != data.shape or not layer.data.flags.writeable:
        return data.copy()
    np.copyto(layer.data, data)
    layer.refresh(extent=False, highlight=False)
    return np.asarray(layer.data)


def _first_centre(sampling: float, image_sampling: float) -> tuple[float, float]:
    """Where in nm the centre of a layer's first pixel lies: the corners of its pixels and of the image's coincide."""
    return ((sampling - image_sampling) / 2 * NM_PER_ANGSTROM,) * 2
