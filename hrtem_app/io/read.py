"""From files to a focal series."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np

from hrtem_app.io.formats import FileFormat, format_of
from hrtem_app.io.pixels import frames_of
from hrtem_app.io.quiet import quiet
from hrtem_app.io.signals import AXIS_TOLERANCE, Contents, choose, sampling_of
from hrtem_app.io.sniff import NAMES, Kind, family_of, sniff
from hrtem_app.series import FocalSeries, SeriesError, Source

# Named rather than imported: each drags in a library of its own.
_READERS: dict[Kind, str] = {
    "dm": "rosetta.read_digital_micrograph",
    "ser": "tia.read_ser",
    "emi": "tia.read_emi",
    "hdf5": "hdf5.read_hdf5",
    "mrc": "mrc.read_mrc",
    "npy": "arrays.read_npy",
    "npz": "arrays.read_npz",
    "tiff": "tiff.read_tiff",
    "image": "picture.read_picture",
}

_KNOWN = "DM3, DM4, SER, EMI, EMD, MRC, HDF5, NPY, NPZ, TIFF, PNG or JPEG"


def load_series(path_or_paths: str | Path | Sequence[str | Path], sampling: float | None = None) -> FocalSeries:
    """Read a focal series: a stack in one file, or several files as frames in the given order.

    Parameters
    ----------
    path_or_paths
        DM3, DM4, SER, EMI, Velox or Berkeley EMD, MRC, HDF5, NPY, NPZ, TIFF, PNG or JPEG files; told apart by content.
    sampling
        Å per pixel in place of what the files say.

    Returns
    -------
    FocalSeries
        Its sampling is None where neither the files nor the caller state one; defocus (abTEM's sign) and energy are
        those of the metadata; its warnings say what had to be assumed.

    Raises
    ------
    SeriesError
        For anything wrong with a file: missing, cut off, damaged, not an image, not finite, without contrast,
        or not fitting the other files.
    """
    paths = [path_or_paths] if isinstance(path_or_paths, str | Path) else list(path_or_paths)
    if not paths:
        raise SeriesError("no file was named: give one stack, or the images of a series in the order of their focus")
    parts = [_load_file(Path(path)) for path in paths]
    series = parts[0] if len(parts) == 1 else _joined(parts, sampling)
    return series if sampling is None else series.with_sampling(sampling)


def _load_file(path: Path) -> FocalSeries:
    added = _format_of(path)
    if added is not None:
        return _read_added(path, added)
    kind = _kind_of(path)
    try:
        with quiet():
            contents = _reader(kind)(path)
            signal, left = choose(contents.signals, path)
            sampling, doubts = sampling_of(signal, path)
            frames, notes = frames_of(signal, path)
            sources = tuple(Source(file, _sha256(file)) for file in contents.files)
    except SeriesError:
        raise
    except Exception as error:
        # A damaged file can make a reader fail in any way whatever; to the user it is always the same.
        raise _damaged(path, NAMES[kind], error) from error
    return FocalSeries(
        frames,
        sampling=sampling,
        defocus=signal.defocus,
        energy=signal.energy,
        name=path.stem,
        sources=sources,
        warnings=(*_renamed(path, kind), *contents.warnings, *left, *doubts, *notes),
    )


def _read_added(path: Path, added: FileFormat) -> FocalSeries:
    """A series by a plug-in's reader, which need not know where it came from."""
    try:
        with quiet():
            series = added.read(path)
        if not isinstance(series, FocalSeries):
            raise TypeError(f"the plug-in's reader gives {type(series).__name__}")
    except SeriesError:
        raise
    except Exception as error:
        raise _damaged(path, added.name, error) from error
    return replace(series, name=path.stem, sources=(Source(path, _sha256(path)),))


def _damaged(path: Path, kind: str, error: Exception) -> SeriesError:
    return SeriesError(
        f"'{path}' cannot be read as {kind} ({_one_line(error)}): it is damaged or cut off, "
        "copy it again or save it anew"
    )


def _format_of(path: Path) -> FileFormat | None:
    """A plug-in's format; None for all others, of which `_kind_of` says what is wrong with them."""
    try:
        return format_of(path) if path.is_file() else None
    except (OSError, ValueError):
        return None


def _kind_of(path: Path) -> Kind:
    try:
        if path.is_dir():
            raise SeriesError(f"'{path}' is a folder: give the image files in it")
        if not path.exists():
            raise SeriesError(f"'{path}' does not exist: check the name and the folder")
        if not path.is_file():
            raise SeriesError(f"'{path}' is a device or a pipe: save what it gives to a file")
        if path.stat().st_size == 0:
            raise SeriesError(f"'{path}' is empty: copy it again from where it was recorded")
        kind = sniff(path)
    except (OSError, ValueError) as error:
        if isinstance(error, SeriesError):
            raise
        raise SeriesError(
            f"'{path}' cannot be opened ({_one_line(error)}): check its name and your rights to it"
        ) from error
    if kind in ("gzip", "zip"):
        raise SeriesError(f"'{path}' is a {NAMES[kind]}: unpack it and give the files in it")
    if kind is None:
        promised = family_of(path)
        if promised is None:
            raise SeriesError(f"'{path}' is no image file that can be read: give {_KNOWN}")
        raise SeriesError(
            f"'{path}' does not begin like a {NAMES[promised]} file, nor like any other that can be read: "
            f"it is damaged or was renamed; give {_KNOWN}"
        )
    return kind


def _reader(kind: Kind) -> Callable[[Path], Contents]:
    module, _, function = _READERS[kind].partition(".")
    reader: Callable[[Path], Contents] = getattr(import_module(f"hrtem_app.io.{module}"), function)
    return reader


def _renamed(path: Path, kind: Kind) -> tuple[str, ...]:
    promised = family_of(path)
    if promised == kind or promised is None:
        return ()
    return (f"'{path.name}' is a {NAMES[kind]} file in spite of its extension, and was read as one",)


def _joined(parts: Sequence[FocalSeries], given: float | None) -> FocalSeries:
    """Several files as the frames of one series."""
    _check_shapes(parts)
    sampling, doubts = (given, ()) if given is not None else _common_sampling(parts)
    defocus = [part.defocus for part in parts]
    energies = {part.energy for part in parts}
    first = parts[0]
    return FocalSeries(
        np.concatenate([part.frames for part in parts]),
        sampling=sampling,
        defocus=None if None in defocus else tuple(value for values in defocus if values for value in values),
        energy=first.energy if len(energies) == 1 else None,
        name=f"{first.name} + {len(parts) - 1} more",
        sources=tuple(source for part in parts for source in part.sources),
        warnings=(*dict.fromkeys(warning for part in parts for warning in part.warnings), *doubts, *_repeated(parts)),
    )


def _check_shapes(parts: Sequence[FocalSeries]) -> None:
    if len({part.shape for part in parts}) > 1:
        sizes = ", ".join(f"'{_file(part)}' {part.shape[0]} × {part.shape[1]}" for part in parts)
        raise SeriesError(
            f"the images of a series must have the same size, and these have not: {sizes} pixels; give equal ones"
        )


def _common_sampling(parts: Sequence[FocalSeries]) -> tuple[float | None, tuple[str, ...]]:
    known = [part.sampling for part in parts if part.sampling is not None]
    if not known:
        return None, ()
    if max(known) - min(known) > AXIS_TOLERANCE * min(known):
        values = ", ".join(f"'{_file(part)}' {part.sampling:.6g}" for part in parts if part.sampling is not None)
        raise SeriesError(
            f"the images of a series must have the same sampling, and these have not: {values} Å/px; "
            "give images of one magnification, or state the sampling of all of them"
        )
    silent = ", ".join(f"'{_file(part)}'" for part in parts if part.sampling is None)
    return known[0], (f"{silent} states no pixel size: {known[0]:.6g} Å/px of the others was taken",) if silent else ()


def _repeated(parts: Sequence[FocalSeries]) -> tuple[str, ...]:
    seen: dict[str, FocalSeries] = {}
    for part in parts:
        twin = seen.setdefault(part.sources[0].sha256, part)
        if twin is not part:
            return (f"'{_file(part)}' has the same content as '{_file(twin)}': was one image meant to be another?",)
    return ()


def _file(part: FocalSeries) -> Path:
    return part.sources[0].path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
