"""Readers that rosettasciio does the work of: Digital Micrograph, Berkeley EMD and HyperSpy files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrtem_app.io.signals import Axis, Contents, Signal
from hrtem_app.series import SeriesError


def read_digital_micrograph(path: Path) -> Contents:
    """All images of a DM3 or DM4 file but its thumbnail."""
    from rsciio.digitalmicrograph import file_reader

    _check_order(path)
    return Contents(tuple(_dm_signal(found) for found in file_reader(str(path))), (path,))


def read_berkeley(path: Path) -> Contents:
    """All data sets of an EMD file of the National Center for Electron Microscopy."""
    from rsciio.emd import file_reader

    return Contents(tuple(_berkeley_signal(found) for found in file_reader(str(path))), (path,))


def read_hyperspy(path: Path) -> Contents:
    """All signals of a HyperSpy file."""
    from rsciio.hspy import file_reader

    return Contents(tuple(signal_of(found) for found in file_reader(str(path))), (path,))


def signal_of(found: Mapping[str, Any], **metadata: Any) -> Signal:
    """One of rosettasciio's dictionaries as a signal."""
    data: NDArray[Any] = np.asarray(found["data"])
    title = str(found.get("metadata", {}).get("General", {}).get("title") or "")
    axes = [Axis(str(a.get("name") or ""), _number(a.get("scale")), _text(a.get("units"))) for a in found["axes"]]
    # Some files describe fewer axes than the data have.
    axes = [Axis()] * (data.ndim - len(axes)) + axes[: data.ndim]
    shape = data.shape
    colour = data.dtype.names is not None and set(data.dtype.names) >= {"R", "G", "B"}
    if colour:
        data = np.stack([data[name] for name in ("R", "G", "B")], axis=-1)
    return Signal(shape, data.dtype, tuple(axes), lambda: data, title=title, colour=colour, **metadata)


def _dm_signal(found: Mapping[str, Any]) -> Signal:
    info = _branch(found.get("original_metadata"), "ImageList", "TagGroup0", "ImageTags", "Microscope Info")
    return signal_of(found, energy=_positive(info.get("Voltage")))


def _berkeley_signal(found: Mapping[str, Any]) -> Signal:
    # The defocus that some of these files state has no agreed sign, so that the user is asked for it.
    microscope = _branch(found.get("original_metadata"), "microscope")
    return signal_of(found, energy=_positive(microscope.get("high tension")))


def _check_order(path: Path) -> None:
    """Rosettasciio reads the pixels of every file as little-endian."""
    with path.open("rb") as file:
        head = file.read(16)
    place = 8 if head[3] == 3 else 12
    if not any(head[place : place + 4]):
        raise SeriesError(
            f"'{path}' stores its numbers big-endian, as Digital Micrograph did on the Macintosh: "
            "open it in Digital Micrograph or ImageJ and save it as TIFF"
        )


def _branch(tree: Any, *names: str) -> Mapping[str, Any]:
    """The part of nested mappings under the given names; empty where one is missing."""
    for name in names:
        tree = tree.get(name) if isinstance(tree, Mapping) else None
    return tree if isinstance(tree, Mapping) else {}


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _positive(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and number > 0 else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
