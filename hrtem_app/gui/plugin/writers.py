"""napari's writers: a points layer of columns as our CSV, an image layer as a TIFF that keeps what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image, Points
from numpy.typing import NDArray

from hrtem_app.gui.shown import table_from_features
from hrtem_app.gui.workbench import sampling_of, series_from_layer
from hrtem_app.series import SeriesError

COLUMNS_SUFFIX, SERIES_SUFFIX = ".columns.csv", ".series.tif"


def write_columns(path: str, data: NDArray[Any], attributes: Mapping[str, Any]) -> list[str]:
    """Write a points layer as a table of columns; one that we made keeps all that its table held.

    Parameters
    ----------
    path
        The CSV file; a name without `.csv` gets `.columns.csv`.
    data
        (n, 2) places as (y, x) in pixels.
    attributes
        The layer's, as napari hands them to writers: scale, unit and features.

    Returns
    -------
    The file that was written.

    Raises
    ------
    ValueError
        For points without a class or a scale, and for points in more than two dimensions.
    """
    layer = Points(data, **attributes)
    if layer.ndim != 2:
        raise ValueError(f"the points of '{layer.name}' have {layer.ndim} axes: columns have two, y and x")
    sampling = sampling_of(layer)
    if sampling is None:
        raise ValueError(
            f"the scale of '{layer.name}' is in {layer.units[-1]}: a table of columns needs a length, "
            "nanometer say; set the layer's scale and units"
        )
    target = _with_suffix(path, (".csv",), COLUMNS_SUFFIX)
    table_from_features(np.asarray(layer.data, float), layer.features, sampling).to_csv(target)
    return [str(target)]


def write_series(path: str, data: NDArray[Any], attributes: Mapping[str, Any]) -> list[str]:
    """Write an image layer as a focal series; sampling, defocus and energy go with it where they are known.

    Parameters
    ----------
    path
        The TIFF file; a name without `.tif` or `.tiff` gets `.series.tif`.
    data
        (n, y, x) frames, or one frame (y, x).
    attributes
        The layer's, as napari hands them to writers.

    Returns
    -------
    The file that was written.

    Raises
    ------
    SeriesError
        For colour pictures, more than three axes, or what a TIFF file cannot hold.
    """
    from hrtem_app.io import save_series

    layer = Image(data, **attributes)
    series = series_from_layer(layer)
    if not np.array_equal(series.frames, np.asarray(layer.data, np.float32).reshape(series.frames.shape)):
        raise SeriesError(
            f"the pixels of '{layer.name}' are no longer those of the series that it was made for: "
            "duplicate the layer and write the copy"
        )
    target = _with_suffix(path, (".tif", ".tiff"), SERIES_SUFFIX)
    save_series(series, target)
    return [str(target)]


def _with_suffix(path: str, known: tuple[str, ...], otherwise: str) -> Path:
    return Path(path if path.lower().endswith(known) else path + otherwise)
