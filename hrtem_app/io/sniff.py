"""What a file is, told by its first bytes; the extension only decides where the bytes cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Kind = Literal["dm", "ser", "emi", "hdf5", "mrc", "npy", "npz", "tiff", "image", "gzip", "zip"]

_FAMILIES: dict[Kind, tuple[str, ...]] = {
    "dm": (".dm3", ".dm4"),
    "ser": (".ser",),
    "emi": (".emi",),
    "hdf5": (".emd", ".h5", ".hdf5", ".hspy"),
    "mrc": (".mrc", ".mrcs"),
    "npy": (".npy",),
    "npz": (".npz",),
    "tiff": (".tif", ".tiff"),
    "image": (".png", ".jpg", ".jpeg"),
}

SUFFIXES: tuple[str, ...] = tuple(suffix for family in _FAMILIES.values() for suffix in family)
"""Extensions of the files that can be read, lower case."""

# What to call each kind in front of the user.
NAMES: dict[Kind, str] = {
    "dm": "Digital Micrograph",
    "ser": "TIA series (SER)",
    "emi": "TIA (EMI)",
    "hdf5": "HDF5",
    "mrc": "MRC",
    "npy": "NumPy (NPY)",
    "npz": "NumPy (NPZ)",
    "tiff": "TIFF",
    "image": "PNG or JPEG",
    "gzip": "gzip archive",
    "zip": "zip archive",
}

_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"II\x97\x01", "ser"),
    (b"JK\0", "emi"),
    (b"\x93NUMPY", "npy"),
    (b"\x89PNG\r\n\x1a\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"\x1f\x8b", "gzip"),
)

_HEAD = 1024


def sniff(path: Path) -> Kind | None:
    """The kind of a file, or None where nothing is known that begins like it.

    Raises
    ------
    OSError
        For a file that cannot be opened.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if _is_digital_micrograph(head):
        return "dm"
    if head.startswith(b"PK\x03\x04"):
        return "npz" if _holds_arrays(path) else "zip"
    # Old MRC files carry no stamp, so that their extension has to vouch for them.
    if head[208:212] == b"MAP " or (family_of(path) == "mrc" and len(head) == _HEAD):
        return "mrc"
    return None


def family_of(path: Path) -> Kind | None:
    """The kind that a file's extension promises."""
    suffix = path.suffix.lower()
    return next((kind for kind, family in _FAMILIES.items() if suffix in family), None)


def is_built_in(path: Path) -> bool:
    """Whether a file has the extension and the first bytes of a series that needs no plug-in.

    Raises
    ------
    OSError
        For a file that cannot be opened.
    """
    return path.suffix.lower() in SUFFIXES and sniff(path) in _FAMILIES


def _is_digital_micrograph(head: bytes) -> bool:
    """Version 3 or 4, then the file's size (4 or 8 bytes), then whether the data are little-endian (0 or 1)."""
    version = int.from_bytes(head[:4], "big")
    place = {3: 8, 4: 12}.get(version)
    return place is not None and len(head) >= place + 4 and int.from_bytes(head[place : place + 4], "big") in (0, 1)


def _holds_arrays(path: Path) -> bool:
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(path) as archive:
            return any(name.endswith(".npy") for name in archive.namelist())
    except (BadZipFile, OSError):
        return path.suffix.lower() == ".npz"
