"""Saving a series as a TIFF file that ImageJ and load_series read back."""

from __future__ import annotations

import json
import os
from pathlib import Path

from hrtem_app.io.quiet import quiet
from hrtem_app.io.tiff_metadata import INFO_KEY
from hrtem_app.series import FocalSeries, SeriesError

_LARGEST = 2**32 - 2**20
"""Bytes: an ImageJ TIFF counts them in 32 bits; the rest is for its header."""

_UNIT = "nm"
_ANGSTROM_PER_UNIT = 10.0


def save_series(series: FocalSeries, path: str | Path) -> None:
    """Write a series as float32 TIFF (n, y, x).

    The sampling stands in ImageJ's own fields, in nm; defocus, energy and all digits of the sampling in its info text.
    The file appears only when it is complete, in place of one that was there.

    Raises
    ------
    SeriesError
        For a series that is too large for an ImageJ TIFF.
    OSError
        Where the file cannot be written.
    """
    import tifffile

    if series.frames.nbytes > _LARGEST:
        raise SeriesError(
            f"'{series.name}' has {series.frames.nbytes} bytes and a TIFF file holds {_LARGEST}: "
            "save it in parts of fewer frames"
        )
    facts = {"sampling": series.sampling, "defocus": series.defocus, "energy": series.energy}
    metadata: dict[str, object] = {"axes": "ZYX", "Info": json.dumps({INFO_KEY: facts})}
    resolution = None
    if series.sampling is not None:
        metadata["unit"] = _UNIT
        resolution = (_ANGSTROM_PER_UNIT / series.sampling, _ANGSTROM_PER_UNIT / series.sampling)
    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with quiet():
            tifffile.imwrite(
                partial, series.frames, imagej=True, photometric="minisblack", resolution=resolution, metadata=metadata
            )
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
