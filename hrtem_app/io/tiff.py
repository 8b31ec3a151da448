"""TIFF files, through tifffile."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrtem_app.io.signals import Axis, Contents, Signal
from hrtem_app.io.tiff_metadata import Metadata, metadata_of
from hrtem_app.series import SeriesError


def read_tiff(path: Path) -> Contents:
    """The images of a TIFF file; its thumbnails are left alone.

    Raises
    ------
    SeriesError
        For a file that is cut off, or whose pages are images of different sizes.
    """
    import tifffile

    with tifffile.TiffFile(path) as file:
        if "streak" in file.flags:
            raise SeriesError(f"'{path}' is the record of a streak camera, no image of a specimen: give a TEM image")
        _check_chain(file, path)
        found = [
            (index, series) for index, series in enumerate(file.series) if series.pages and not _is_thumbnail(series)
        ]
        if not found:
            raise SeriesError(
                f"'{path}' is a TIFF file without any image in it: it is cut off or damaged, copy it again"
            )
        for _, series in found:
            _check_complete(series, path, path.stat().st_size)
        signals = [_signal(path, index, series, metadata_of(file, index)) for index, series in found]
        if not file.is_ome:
            _check_sizes(signals, path)
    warnings = tuple(
        f"the {series.shape[series.axes.index('S')]} colour planes of '{path.name}' were read as frames"
        for _, series in found
        if _has_planes(series)
    )
    return Contents(tuple(signals), (path,), warnings)


def _signal(path: Path, index: int, series: Any, metadata: Metadata) -> Signal:
    names, shape = str(series.axes), tuple(int(n) for n in series.shape)
    colour = names.endswith("S")
    if colour:
        names, shape = names[:-1], shape[:-1]
    order = _image_last(names)
    axes = tuple(metadata.axes.get(names[i], Axis(names[i])) for i in order)
    shape = tuple(shape[i] for i in order)
    count = int(np.prod(shape[:-2]))
    defocus = metadata.defocus
    return Signal(
        shape,
        np.dtype(series.dtype),
        axes,
        lambda: _pixels(path, index, order, colour),
        title=str(series.name or "") if index else "",
        colour=colour,
        defocus=defocus if defocus is not None and len(defocus) == count else None,
        energy=metadata.energy,
    )


def _image_last(names: str) -> tuple[int, ...]:
    """The order of axes that brings y and x to the end."""
    image = [names.index(name) for name in "YX" if name in names]
    return (*(i for i in range(len(names)) if i not in image), *image)


def _pixels(path: Path, index: int, order: tuple[int, ...], colour: bool) -> NDArray[Any]:
    import tifffile

    with tifffile.TiffFile(path) as file:
        series = file.series[index]
        data = series.asarray()
        inverted = series.keyframe.photometric == tifffile.PHOTOMETRIC.MINISWHITE and data.dtype.kind == "u"
    if inverted:
        data = np.iinfo(data.dtype).max - data
    return np.transpose(data, (*order, len(order)) if colour else order)


def _is_thumbnail(series: Any) -> bool:
    return bool(series.pages[0].is_reduced)


def _has_planes(series: Any) -> bool:
    """Planes of three samples: how some programs save three frames, hardly ever a colour image."""
    return "S" in series.axes and not series.axes.endswith("S")


def _check_chain(file: Any, path: Path) -> None:
    """Where a file is cut off between its pages, tifffile is content with those that it finds."""
    if not len(file.pages):
        return
    layout, handle, last = file.tiff, file.filehandle, file.pages[-1]
    handle.seek(last.offset)
    (tags,) = struct.unpack(layout.tagnoformat, handle.read(layout.tagnosize))
    handle.seek(last.offset + layout.tagnosize + tags * layout.tagsize)
    following = handle.read(layout.offsetsize)
    if any(following):
        raise SeriesError(
            f"'{path}' is cut off: only {len(file.pages)} of its pages can be found; copy it again, "
            "or save it anew with ImageJ"
        )


def _check_complete(series: Any, path: Path, size: int) -> None:
    """Compare the places of the pixels with the size of the file."""
    stored = 0
    for page in series.pages:
        if page is None:
            continue
        end = max((o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)), default=0)
        if end > size:
            raise SeriesError(f"'{path}' has {size} bytes where its pages reach to {end}: it is cut off, copy it again")
        stored += sum(page.databytecounts)
    contiguous = series.dataoffset is not None and series.dataoffset + series.nbytes <= size
    if series.keyframe.compression == 1 and stored < series.nbytes and not contiguous:
        raise SeriesError(
            f"'{path}' stores {stored} of the {series.nbytes} bytes of its images: it is cut off, copy it again"
        )


def _check_sizes(signals: Sequence[Signal], path: Path) -> None:
    grey = [signal for signal in signals if not signal.colour]
    sizes = list(dict.fromkeys(signal.shape[-2:] for signal in grey))
    if len(sizes) > 1:
        listed = ", ".join(f"{rows} × {columns}" for rows, columns in sizes)
        raise SeriesError(
            f"'{path}' holds images of different sizes ({listed} pixels): "
            "save those of one series to a file of their own"
        )
