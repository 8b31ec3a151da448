"""Images of Velox EMD files.

Read straight with h5py: rosettasciio wants a further library for any file that also holds a spectrum image, and knows
the metadata of a stack's first frame only, while every frame's defocus is the very thing that a focal series needs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrtem_app.io.signals import Axis, Contents, Signal

_IMAGES = "Data/Image"
_IMAGING = "2"
"""Projector mode in which the camera sees an image; 1 is diffraction, in which scanned images are taken too."""


def read_velox(path: Path) -> Contents:
    """All images and image stacks of a Velox file; its spectra are left alone."""
    import h5py

    with h5py.File(path, "r") as file:
        group = file.get(_IMAGES)
        names = [] if group is None else [name for name in group if "Data" in group[name]]
        return Contents(tuple(_signal(path, name, group[name]) for name in names), (path,))


def _signal(path: Path, name: str, group: Any) -> Signal:
    rows, columns, count = group["Data"].shape
    fields = group["Data"].dtype.names
    frames = _metadata(group)
    first = frames[0] if frames else {}
    result = _part(first, "BinaryResult")
    size, unit = _part(result, "PixelSize"), result.get("PixelUnitX")
    axes = (Axis("time"), Axis("y", _number(size.get("height")), unit), Axis("x", _number(size.get("width")), unit))
    energy = _number(_part(first, "Optics").get("AccelerationVoltage"))
    return Signal(
        (count, rows, columns),
        # Fourier transforms and DPC images store pairs of a real and an imaginary part.
        np.dtype(np.complex64) if fields else group["Data"].dtype,
        axes,
        lambda: _pixels(path, name),
        title=(_title(first) or name[:8]) + (", complex" if fields else ""),
        defocus=_defocus(frames, count),
        energy=energy or None,
    )


def _pixels(path: Path, name: str) -> NDArray[Any]:
    """(n, y, x); frame by frame, since each is a chunk of its own and reading across chunks is slow."""
    import h5py

    with h5py.File(path, "r") as file:
        data = file[_IMAGES][name]["Data"]
        frames = np.empty((data.shape[2], *data.shape[:2]), data.dtype)
        for index in range(len(frames)):
            frames[index] = data[:, :, index]
    return frames


def _metadata(group: Any) -> list[Mapping[str, Any]]:
    """One JSON tree per frame: each is a column of bytes filled up with zeros."""
    columns = group["Metadata"][...].T if "Metadata" in group else ()
    trees: list[Mapping[str, Any]] = []
    for column in columns:
        try:
            tree = json.loads(column.tobytes().split(b"\0", 1)[0].decode("utf-8", "replace"))
        except ValueError:
            tree = {}
        trees.append(tree if isinstance(tree, dict) else {})
    return trees


def _defocus(frames: list[Mapping[str, Any]], count: int) -> tuple[float, ...] | None:
    """Å per frame, abTEM's sign: the microscope counts in m and calls underfocus negative."""
    optics = [_part(frame, "Optics") for frame in frames]
    values = [_number(part.get("Defocus")) for part in optics if str(part.get("ProjectorMode")) == _IMAGING]
    known = [value for value in values if value is not None]
    # All zero is what the counter shows after a reset, not a measurement.
    if len(known) != count or not any(known):
        return None
    return tuple(-value * 1e10 for value in known)


def _title(frame: Mapping[str, Any]) -> str:
    index = _part(frame, "BinaryResult").get("DetectorIndex", 0)
    return str(_part(_part(frame, "Detectors"), f"Detector-{index}").get("DetectorName") or "")


def _part(tree: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    branch = tree.get(name)
    return branch if isinstance(branch, Mapping) else {}


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
