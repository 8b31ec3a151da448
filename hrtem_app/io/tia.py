"""SER and EMI files of the microscope makers' program TIA.

The pixels are in SER files; an EMI file beside them, ``name.emi`` for ``name_1.ser``, tells how they were taken.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

from hrtem_app.io.rosetta import signal_of
from hrtem_app.io.signals import Axis, Contents, Signal
from hrtem_app.series import SeriesError

# A SER file writes "1/m" and "m" alike as a bare number. No image has pixels of a
# millimetre, no pattern such small ones.
_LARGEST_PIXEL = 1e6
"""nm"""

_FIELD = re.compile(rb"<Label>([^<]*)</Label>\s*<Value>([^<]*)</Value>\s*<Unit>([^<]*)</Unit>")
_ITEM_BYTES = {1: 1, 2: 2, 3: 4, 4: 1, 5: 2, 6: 4, 7: 4, 8: 8, 9: 8, 10: 16}
_IMAGES = 0x4122


def read_ser(path: Path) -> Contents:
    """The series of one SER file, with the metadata of the EMI file beside it where there is one."""
    match = re.fullmatch(r"(.+)_(\d+)", path.stem)
    emi = path.with_name(f"{match[1]}.emi") if match else None
    if match is None or emi is None or not emi.is_file():
        return Contents((_read_one(path, {}),), (path,))
    objects = _objects(emi)
    number = int(match[2])
    fields = objects[number - 1] if 0 < number <= len(objects) else {}
    return Contents((_read_one(path, fields),), (path, emi))


def read_emi(path: Path) -> Contents:
    """The series of all SER files that belong to an EMI file.

    Raises
    ------
    SeriesError
        Where no SER file lies beside it.
    """
    numbered = {}
    for candidate in path.parent.iterdir():
        match = re.fullmatch(re.escape(path.stem) + r"_(\d+)\.ser", candidate.name, re.IGNORECASE)
        if match:
            numbered[int(match[1])] = candidate
    if not numbered:
        raise SeriesError(
            f"'{path}' holds no pixels itself and its data file '{path.stem}_1.ser' is missing: "
            "copy that into the same folder"
        )
    objects = _objects(path)
    signals = [
        _read_one(file, objects[number - 1] if 0 < number <= len(objects) else {})
        for number, file in sorted(numbered.items())
    ]
    return Contents(tuple(signals), (path, *(numbered[number] for number in sorted(numbered))))


def _read_one(path: Path, fields: dict[str, tuple[str, str]]) -> Signal:
    from rsciio.tia import file_reader

    _check_size(path)
    signal = signal_of(file_reader(str(path))[0])
    scanned = "STEM" in fields.get("Mode", ("", ""))[0]
    tension = _quantity(fields, "High tension", {"kV": 1e3, "V": 1.0})
    # Of a scanned image this is the probe's defocus. Microscopes call underfocus negative, abTEM positive.
    defocus = None if scanned or signal.frames > 1 else _quantity(fields, "Defocus", {"um": -1e4, "nm": -10.0})
    return Signal(
        signal.shape,
        signal.dtype,
        tuple(_named_reciprocal(axis) for axis in signal.axes),
        signal.read,
        title=path.name,
        defocus=(defocus,) if defocus else None,
        energy=tension or None,
    )


def _named_reciprocal(axis: Axis) -> Axis:
    if axis.unit == "nm" and axis.scale is not None and abs(axis.scale) > _LARGEST_PIXEL and axis.name in ("x", "y"):
        return Axis(axis.name, axis.scale, "1/m")
    return axis


def _objects(emi: Path) -> list[dict[str, tuple[str, str]]]:
    """(value, unit) by label for each data set that an EMI file describes."""
    pieces = re.findall(rb"<ObjectInfo>.*?</ObjectInfo>", emi.read_bytes(), re.DOTALL)
    return [
        {
            label.decode("utf-8", "replace").strip(): (
                value.decode("utf-8", "replace").strip(),
                unit.decode("utf-8", "replace").strip(),
            )
            for label, value, unit in _FIELD.findall(piece)
        }
        for piece in pieces
    ]


def _quantity(fields: dict[str, tuple[str, str]], label: str, factors: dict[str, float]) -> float | None:
    value, unit = fields.get(label, ("", ""))
    try:
        return float(value) * factors[unit.replace("µ", "u").replace("μ", "u")]
    except (ValueError, KeyError):
        return None


def _check_size(path: Path) -> None:
    """Compare what the header promises with the size of the file, before anything is allocated for it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(34)
        version, data_type, _, _, valid = struct.unpack_from("<HIIII", head, 4)
        offset, width = (
            (struct.unpack_from("<I", head, 22)[0], 4)
            if version <= 0x210
            else (struct.unpack_from("<Q", head, 22)[0], 8)
        )
        needed = offset + valid * width
        if needed <= size and valid and data_type == _IMAGES:
            file.seek(offset)
            first = int.from_bytes(file.read(width), "little")
            file.seek(first + 40)
            item, columns, rows = struct.unpack("<HII", file.read(10))
            needed = valid * columns * rows * _ITEM_BYTES.get(item, 1)
    if needed > size:
        raise SeriesError(
            f"'{path}' has {size} bytes where its header asks for {needed} at least: it is cut off, copy it again"
        )
