"""MRC files, read with numpy.

rosettasciio maps an MRC file into memory as little-endian whatever its stamp says, and trusts its size; both matter
here.
The format: Cheng et al., J. Struct. Biol. 192 (2015) 146, https://www.ccpem.ac.uk/mrc_format/mrc2014.php.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrtem_app.io.signals import Axis, Contents, Signal
from hrtem_app.series import SeriesError

_HEADER = 1024
_MODES: dict[int, str] = {0: "i1", 1: "i2", 2: "f4", 4: "c8", 6: "u2", 12: "f2"}
_IMOD = 1146047817
_SCANNING = 2


@dataclass(frozen=True)
class _Header:
    order: str
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    intervals: tuple[int, int]
    cell: tuple[float, float]
    extended: int
    extended_type: bytes

    @property
    def offset(self) -> int:
        return _HEADER + self.extended

    @property
    def bytes(self) -> int:
        n, y, x = self.shape
        return n * y * x * self.dtype.itemsize


def read_mrc(path: Path) -> Contents:
    """The image or stack of an MRC file; pixel size, defocus and beam energy also from a Thermo Fisher extended header.

    Raises
    ------
    SeriesError
        For a header that contradicts itself or the size of the file.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        raw = file.read(_HEADER)
        header = _header(raw, path)
        if header.offset + header.bytes > size:
            raise SeriesError(
                f"'{path}' has {size} bytes where its header asks for {header.offset + header.bytes} "
                f"({' × '.join(map(str, header.shape))} {header.dtype}): it is cut off or damaged, copy it again"
            )
        extended = file.read(header.extended)
    y, x = (
        cell / intervals if intervals > 0 and isfinite(cell) and cell > 0 else None
        for cell, intervals in zip(header.cell, header.intervals, strict=True)
    )
    microscope = _microscope(header, extended)
    if microscope.pixel is not None:
        y = x = microscope.pixel
    axes = (Axis("z"), Axis("y", y, "Å" if y else None), Axis("x", x, "Å" if x else None))
    signal = Signal(
        header.shape,
        header.dtype,
        axes,
        lambda: _pixels(path, header),
        defocus=microscope.defocus,
        energy=microscope.energy,
    )
    return Contents((signal,), (path,))


def _header(raw: bytes, path: Path) -> _Header:
    order = next((o for o in "<>" if _plausible(raw, o)), None)
    if order is None:
        columns, rows, sections, mode = struct.unpack_from("<4i", raw)
        raise SeriesError(
            f"'{path}' is no MRC file or has a damaged header: it states {columns} × {rows} × {sections} pixels of "
            f"mode {mode} (known are the modes {', '.join(map(str, _MODES))}); save it anew"
        )
    columns, rows, sections, mode = struct.unpack_from(f"{order}4i", raw)
    mx, my = struct.unpack_from(f"{order}2i", raw, 28)
    cell_x, cell_y = struct.unpack_from(f"{order}2f", raw, 40)
    (extended,) = struct.unpack_from(f"{order}i", raw, 92)
    kind = "u1" if mode == 0 and _unsigned_bytes(raw, order) else _MODES[mode]
    return _Header(
        order,
        (sections, rows, columns),
        np.dtype(order + kind),
        (my, mx),
        (cell_y, cell_x),
        max(extended, 0),
        raw[104:108],
    )


def _plausible(raw: bytes, order: str) -> bool:
    columns, rows, sections, mode = struct.unpack_from(f"{order}4i", raw)
    return mode in _MODES and min(columns, rows, sections) > 0


def _unsigned_bytes(raw: bytes, order: str) -> bool:
    """Bytes are signed in the standard; older programs meant unsigned ones, and IMOD says which."""
    stamp, flags = struct.unpack_from(f"{order}2i", raw, 152)
    if stamp == _IMOD:
        return not flags & 1
    _, largest = struct.unpack_from(f"{order}2f", raw, 76)
    return bool(largest > 127)


def _pixels(path: Path, header: _Header) -> NDArray[Any]:
    count = int(np.prod(header.shape, dtype=np.int64))
    return np.fromfile(path, dtype=header.dtype, count=count, offset=header.offset).reshape(header.shape)


@dataclass(frozen=True)
class _Microscope:
    pixel: float | None = None
    defocus: tuple[float, ...] | None = None
    energy: float | None = None


def _microscope(header: _Header, extended: bytes) -> _Microscope:
    """What a Thermo Fisher extended header tells, one record per frame, lengths in m; underfocus is negative in it."""
    count = header.shape[0]
    if header.extended_type in (b"FEI1", b"FEI2") and len(extended) >= 4:
        (record,) = struct.unpack_from(f"{header.order}i", extended)
        layout, places = "d", {"pixel": 156, "defocus": 220, "energy": 84}
        # What a scanned image states as its defocus is not that of an image of the whole beam.
        if len(extended) >= 248 and struct.unpack_from(f"{header.order}i", extended, 244)[0] == _SCANNING:
            del places["defocus"]
    elif header.extended == 1024 * 128 and not header.extended_type.strip(b"\0 "):
        record, layout, places = 128, "f", {"pixel": 44, "defocus": 24}
    else:
        return _Microscope()
    if record < 32 or record * count > len(extended):
        return _Microscope()
    values = {
        name: [float(struct.unpack_from(header.order + layout, extended, record * i + place)[0]) for i in range(count)]
        for name, place in places.items()
    }
    pixel, energy = values["pixel"][0] * 1e10, values.get("energy", [0.0])[0]
    defocus = tuple(-value * 1e10 for value in values.get("defocus", ()))
    return _Microscope(
        pixel if isfinite(pixel) and pixel > 0 else None,
        defocus if all(map(isfinite, defocus)) and any(defocus) else None,
        energy if isfinite(energy) and energy > 0 else None,
    )
