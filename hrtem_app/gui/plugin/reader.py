"""napari's reader: our file formats become layers with scale, units and metadata."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrtem_app.columns import ColumnTable
from hrtem_app.evaluation.truth_files import is_column_table

if TYPE_CHECKING:
    from hrtem_app.series import FocalSeries

LayerData = tuple[Any, dict[str, Any], str]
Reader = Callable[[str | list[str]], list[LayerData]]


def get_reader(path: str | list[str]) -> Reader | None:
    """A reader for series, tables of columns or sessions; None for anything that only looks like one by its name."""
    from hrtem_app.io import looks_like_series
    from hrtem_app.sessions import looks_like_session

    paths = [path] if isinstance(path, str) else list(path)
    if not paths:
        return None
    if all(is_column_table(p) for p in paths):
        return read_columns
    if all(looks_like_session(p) for p in paths):
        return read_sessions
    return read_series if all(looks_like_series(p) for p in paths) else None


def read_series(path: str | list[str]) -> list[LayerData]:
    """A series as one image layer; raises SeriesError where it cannot be read."""
    from hrtem_app.io import load_series

    return [series_layer(load_series(path))]


def read_columns(path: str | list[str]) -> list[LayerData]:
    """Tables of columns as points layers; raises ValueError where one is damaged."""
    paths = [Path(p) for p in ([path] if isinstance(path, str) else path)]
    return [columns_layer(ColumnTable.from_csv(p), p.stem) for p in paths]


def read_sessions(path: str | list[str]) -> list[LayerData]:
    """Sessions: each its series as an image layer, and its columns, as corrected, as points on it.

    Raises
    ------
    SessionError
        For a session that is damaged, or whose series is not where it was.
    """
    return [layer for p in ([path] if isinstance(path, str) else path) for layer in _session_layers(Path(p))]


def series_layer(series: FocalSeries) -> LayerData:
    """A series as napari takes an image layer."""
    from hrtem_app.gui.canvas.layers import contrast_limits, geometry

    kwargs = {
        "name": series.name,
        "contrast_limits": contrast_limits(series.frames),
        "metadata": {"hrtem_app": {"series": series}},
    }
    return series.frames, kwargs | geometry(series.sampling, 3), "image"


def columns_layer(table: ColumnTable, name: str) -> LayerData:
    """Columns as napari takes a points layer, in the colours of their classes."""
    from hrtem_app.gui.canvas.layers import class_colours, geometry, points_style
    from hrtem_app.gui.shown import features

    kwargs = {"name": name, "features": features(table), "face_color": class_colours(table)}
    return table.positions.copy(), kwargs | geometry(table.sampling, 2) | points_style(table.sampling), "points"


def _session_layers(path: Path) -> list[LayerData]:
    from dataclasses import replace

    from hrtem_app.sessions import load_session

    # Of a stack over time what is on screen.
    content = load_session(path, stack=False)
    series, recipe = content.series, content.recipe
    if recipe.sampling is not None:
        series = series.with_sampling(recipe.sampling)
    if recipe.defocus is not None:
        series = series.with_defocus(recipe.defocus)
    if content.analysis is None:
        return [series_layer(series)]
    table = content.analysis.table if content.corrections is None else content.corrections.table
    # The sampling may have been corrected after the run; columns are in pixels of the image, wherever they lie in nm.
    return [series_layer(series), columns_layer(replace(table, sampling=series.sampling or table.sampling), "columns")]
