"""napari's reader: our file formats become layers with scale, units and metadata."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hrtem_app.columns import CSV_COLUMNS, ColumnTable

LayerData = tuple[Any, dict[str, Any], str]
Reader = Callable[[str | list[str]], list[LayerData]]


def get_reader(path: str | list[str]) -> Reader | None:
    """A reader for a series or for a table of columns; None for anything that only looks like one by its name."""
    from hrtem_app.io import looks_like_series

    paths = [path] if isinstance(path, str) else list(path)
    if not paths:
        return None
    if all(_is_column_table(p) for p in paths):
        return read_columns
    return read_series if all(looks_like_series(p) for p in paths) else None


def read_series(path: str | list[str]) -> list[LayerData]:
    """A series as one image layer; raises SeriesError where it cannot be read."""
    from hrtem_app.gui.layers import contrast_limits, geometry
    from hrtem_app.io import load_series

    series = load_series(path)
    kwargs = {
        "name": series.name,
        "contrast_limits": contrast_limits(series.frames),
        "metadata": {"hrtem_app": {"series": series}},
    }
    return [(series.frames, kwargs | geometry(series.sampling, 3), "image")]


def read_columns(path: str | list[str]) -> list[LayerData]:
    """Tables of columns as points layers; raises ValueError where one is damaged."""
    return [_columns_layer(Path(p)) for p in ([path] if isinstance(path, str) else path)]


def _columns_layer(path: Path) -> LayerData:
    from hrtem_app.gui.layers import class_colours, geometry, points_style
    from hrtem_app.gui.shown import features

    table = ColumnTable.from_csv(path)
    kwargs = {"name": path.stem, "features": features(table), "face_color": class_colours(table)}
    return table.positions, kwargs | geometry(table.sampling, 2) | points_style(table.sampling), "points"


def _is_column_table(path: str) -> bool:
    """Whether a CSV begins with our header; everybody's CSV files have that suffix."""
    if Path(path).suffix.lower() != ".csv":
        return False
    try:
        with Path(path).open(encoding="utf-8") as file:
            header = file.readline(4096).strip().split(",")
    except (OSError, UnicodeDecodeError):
        return False
    return tuple(header[: len(CSV_COLUMNS)]) == CSV_COLUMNS
