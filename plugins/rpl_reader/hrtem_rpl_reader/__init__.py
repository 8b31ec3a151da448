"""LISPIX raw files: a header of tab-separated lines (`.rpl`) and beside it the pixels (`.raw`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hrtem_app.io import FileFormat
from hrtem_app.series import FocalSeries, SeriesError

_KINDS = {"unsigned": "u", "signed": "i", "float": "f"}
_ORDERS = {"big-endian": ">", "little-endian": "<", "dont-care": "|"}
_NANOMETRE = 10.0


def begins_like(head: bytes) -> bool:
    """Whether the first line is that of a header: `key<tab>value`."""
    return head.split(b"\n", 1)[0].strip().lower().split(b"\t")[0] == b"key"


def read(path: Path) -> FocalSeries:
    """Read a header and its pixels; frames are its `depth`.

    Parameters
    ----------
    path
        The header.

    Raises
    ------
    SeriesError
        Where a line is missing or the pixels are.
    """
    lines = (line.split("\t", 1) for line in path.read_text(encoding="latin-1").splitlines() if "\t" in line)
    header = {key.strip().lower(): value.strip() for key, value in lines}
    missing = [key for key in ("width", "height", "depth", "data-type", "data-length") if key not in header]
    if missing:
        raise SeriesError(f"'{path}' lacks {', '.join(missing)}: save it anew with its whole header")
    pixels = path.with_suffix(".raw")
    if not pixels.exists():
        raise SeriesError(f"'{path}' needs its pixels, '{pixels.name}': put that file beside it")
    shape = tuple(int(header[key]) for key in ("depth", "height", "width"))
    order = _ORDERS[header.get("byte-order", "little-endian").lower()]
    kind = np.dtype(f"{order}{_KINDS[header['data-type'].lower()]}{int(header['data-length'])}")
    values = np.fromfile(pixels, kind, offset=int(header.get("offset", 0)))
    frames = values[: int(np.prod(shape))].reshape(shape).astype(np.float32)
    return FocalSeries(frames, sampling=_sampling(header))


def _sampling(header: dict[str, str]) -> float | None:
    """Å per pixel; None where the header states none, or another unit than nm."""
    if header.get("width-units", "").lower() != "nm" or "width-scale" not in header:
        return None
    return float(header["width-scale"]) * _NANOMETRE


RPL = FileFormat(name="LISPIX (RPL)", suffixes=(".rpl",), begins_like=begins_like, read=read)
