"""NumPy files; nothing in them is ever unpickled."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from hrtem_app.io.signals import MAX_PIXELS, Axis, Contents, Signal
from hrtem_app.series import SeriesError

_COLOURS = (3, 4)
_MOST_FRAMES_LAST = 16
"""A last axis shorter than this, behind two longer ones, counts frames."""


def read_npy(path: Path) -> Contents:
    """The array of an NPY file: (y, x), (frames, y, x), or 8-bit (y, x, colour)."""
    with path.open("rb") as file:
        shape, dtype = _array_header(file, path)
        missing = file.tell() + prod(shape) * dtype.itemsize - path.stat().st_size
    if missing > 0 and not dtype.hasobject:
        raise SeriesError(
            f"'{path}' lacks {missing} bytes of the {prod(shape)} numbers that its header states: copy it again"
        )
    signal, warnings = _signal(shape, dtype, lambda: np.load(path, allow_pickle=False), path)
    return Contents((signal,), (path,), warnings)


def read_npz(path: Path) -> Contents:
    """The arrays of an NPZ file of two or more dimensions.

    A JSON text ``meta`` in it may give ``sampling`` (Å/px), ``defocus`` (Å per frame, abTEM's sign) and ``energy``
    (eV); so may arrays of these names.
    """
    with ZipFile(path) as archive:
        headers = {}
        for name in archive.namelist():
            if name.endswith(".npy"):
                with archive.open(name) as file:
                    headers[name.removesuffix(".npy")] = _array_header(file, path)
        if all(dtype.hasobject for _, dtype in headers.values()):
            raise SeriesError(
                f"'{path}' holds no plain arrays but pickled objects, which are not opened: save plain arrays"
            )
    facts = _facts(path, headers)
    signals: list[Signal] = []
    warnings: list[str] = []
    for name, (shape, dtype) in headers.items():
        if len(shape) >= 2 and not dtype.hasobject and prod(shape) > max(shape):
            signal, notes = _signal(shape, dtype, partial(_load, path, name), path, name, facts)
            signals.append(signal)
            warnings += notes
    # Tables of positions and the like lie beside the images in a simulation's files.
    images = [s for s in signals if s.title in ("image", "images", "frames")]
    return Contents(tuple(images or signals), (path,), tuple(warnings))


def _signal(
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    read: Callable[[], NDArray[Any]],
    path: Path,
    title: str = "",
    facts: Mapping[str, tuple[float, ...]] | None = None,
) -> tuple[Signal, tuple[str, ...]]:
    facts = facts or {}
    colour, moved = False, False
    if len(shape) == 3 and dtype == np.uint8 and shape[-1] in _COLOURS:
        shape, colour = shape[:-1], True
    elif len(shape) == 3 and shape[-1] < _MOST_FRAMES_LAST <= min(shape[:-1]):
        shape, moved = (shape[-1], *shape[:-1]), True
    sampling = facts.get("sampling", (None,))
    axis = (Axis("y", sampling[0], "Å"), Axis("x", sampling[-1], "Å"))
    defocus, energy = facts.get("defocus"), facts.get("energy")
    signal = Signal(
        shape,
        dtype,
        (*(Axis() for _ in shape[:-2]), *axis[-len(shape) :]) if shape else (),
        (lambda: np.moveaxis(read(), -1, 0)) if moved else read,
        title=title,
        colour=colour,
        defocus=defocus if defocus and len(defocus) == prod(shape[:-2]) else None,
        energy=energy[0] if energy else None,
    )
    warning = (
        f"the axes of '{path.name}' were read as (y, x, frame), {shape[0]} frames: save the frames first to be clear"
    )
    return signal, (warning,) if moved else ()


def _array_header(file: IO[bytes], path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    if prod(shape) > MAX_PIXELS:
        raise SeriesError(
            f"'{path}' states {prod(shape):.3g} numbers, more than the {MAX_PIXELS:.3g} that are read at once: "
            "its header is damaged, or save the frames that matter to a file of their own"
        )
    return tuple(int(n) for n in shape), dtype


def _load(path: Path, name: str) -> NDArray[Any]:
    with np.load(path, allow_pickle=False) as arrays:
        array: NDArray[Any] = arrays[name]
        return array


def _facts(path: Path, headers: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]) -> dict[str, tuple[float, ...]]:
    """Sampling, defocus and energy as far as an NPZ file states them."""
    stated: dict[str, Any] = {}
    if "meta" in headers and headers["meta"][1].kind == "U":
        meta = json.loads(str(_load(path, "meta")))
        stated.update(meta if isinstance(meta, dict) else {})
    for name in ("sampling", "defocus", "energy"):
        if name in headers and headers[name][1].kind in "iuf" and prod(headers[name][0]) < 10_000:
            stated[name] = _load(path, name)
    facts = {}
    for name in ("sampling", "defocus", "energy"):
        if stated.get(name) is not None:
            facts[name] = tuple(float(value) for value in np.atleast_1d(stated[name]))
    return {name: values for name, values in facts.items() if values}
