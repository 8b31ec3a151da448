"""HDF5 files: which of the microscopists' layouts it is, and data sets of no known layout."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrtem_app.io.rosetta import read_berkeley, read_hyperspy
from hrtem_app.io.signals import MAX_PIXELS, Axis, Contents, Signal
from hrtem_app.io.velox import read_velox
from hrtem_app.series import SeriesError


def read_hdf5(path: Path) -> Contents:
    """The data sets of a Velox, Berkeley, HyperSpy or plain HDF5 file.

    A plain data set is taken as (y, x) or (frames, y, x); its attribute ``sampling`` (Å/px) or ``element_size_um``
    (z, y, x as ImageJ's plug-ins write it) gives the pixel size, ``defocus`` (Å per frame) and ``energy`` (eV) the
    rest.
    """
    import h5py

    with h5py.File(path, "r") as file:
        if "Version" in file and "Data" in file:
            reader = read_velox
        elif file.attrs.get("file_format") == "HyperSpy" or "Experiments" in file:
            reader = read_hyperspy
        elif _is_berkeley(file):
            reader = read_berkeley
        else:
            return Contents(tuple(_plain_signals(path, file)), (path,))
        if reader is not read_velox:
            _check_size(path, file)
    return reader(path)


def _is_berkeley(file: Any) -> bool:
    import h5py

    groups = [file, *(item for item in file.values() if isinstance(item, h5py.Group))]
    return any({"version_major", "emd_group_type"} & set(group.attrs) for group in groups)


def _check_size(path: Path, file: Any) -> None:
    """These readers fetch every data set at once, so that all of them have to fit."""
    total = sum(data.size for data in _datasets(file).values())
    if total > MAX_PIXELS:
        raise SeriesError(
            f"'{path}' holds {total:.3g} numbers, more than the {MAX_PIXELS:.3g} that are read at once: "
            "save the images that matter to a file of their own"
        )


def _datasets(file: Any) -> dict[str, Any]:
    import h5py

    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.shape is not None:
            found[name] = item

    file.visititems(visit)
    return found


def _plain_signals(path: Path, file: Any) -> list[Signal]:
    return [_plain_signal(path, name, data) for name, data in _datasets(file).items() if data.ndim >= 2]


def _plain_signal(path: Path, name: str, data: Any) -> Signal:
    shape = tuple(int(n) for n in data.shape)
    y, x = _pixel_sizes(data.attrs)
    defocus = _numbers(data.attrs.get("defocus"))
    energy = _numbers(data.attrs.get("energy"))
    return Signal(
        shape,
        data.dtype,
        (*(Axis() for _ in shape[:-2]), Axis("y", y, "Å" if y else None), Axis("x", x, "Å" if x else None)),
        lambda: _pixels(path, name),
        title=name,
        defocus=defocus if defocus and len(defocus) == prod(shape[:-2]) else None,
        energy=energy[0] if energy else None,
    )


def _pixel_sizes(attributes: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Å along y and x."""
    sampling = _numbers(attributes.get("sampling"))
    if sampling:
        return sampling[-min(2, len(sampling))], sampling[-1]
    micrometres = _numbers(attributes.get("element_size_um"))
    if micrometres and len(micrometres) >= 2:
        return micrometres[-2] * 1e4, micrometres[-1] * 1e4
    return None, None


def _numbers(value: Any) -> tuple[float, ...] | None:
    try:
        return None if value is None else tuple(float(v) for v in np.atleast_1d(value))
    except (TypeError, ValueError):
        return None


def _pixels(path: Path, name: str) -> NDArray[Any]:
    import h5py

    with h5py.File(path, "r") as file:
        pixels: NDArray[Any] = file[name][...]
        return pixels
