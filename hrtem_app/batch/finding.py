"""Which series a batch is of, and the names of the folders for their results."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hrtem_app.batch.table import TABLE
from hrtem_app.export.sidecar import SIDECAR
from hrtem_app.io import looks_like_series

_SER = re.compile(r"(.+)_\d+\.ser", re.IGNORECASE)


@dataclass(frozen=True)
class SeriesFiles:
    """The files of one series of a batch.

    Parameters
    ----------
    name
        Of the folder for its results; no other series of the batch has it.
    source
        Its file, or the folder whose files are its frames.
    paths
        One stack, or the frames in order; absolute.
    """

    name: str
    source: Path
    paths: tuple[Path, ...]


def find_series(
    paths: Iterable[str | Path], *, recursive: bool = False, by_folder: bool = False
) -> tuple[SeriesFiles, ...]:
    """The series that files and folders hold.

    A folder stands for the files in it that can be read by their extension and first bytes, in the order of their
    names, with numbers in them as numbers. Hidden files, results (what lies beside an `analysis.json`) and EMI files,
    whose SER files hold the pixels, are passed over.

    Parameters
    ----------
    paths
        Files and folders; what is named twice counts once.
    recursive
        Look into the folders of a folder as well.
    by_folder
        Files of one folder are the frames of one series, in their order; else each file is a series of its own.

    Raises
    ------
    ValueError
        For a folder without any such file, or for no path at all.
    """
    files: dict[Path, None] = {}
    for path in map(Path, paths):
        files |= dict.fromkeys(_files_in(path.absolute(), recursive) if path.is_dir() else [path.absolute()])
    if not files:
        raise ValueError("no file was named: give the files of the series, or the folders that hold them")
    groups: dict[Path, list[Path]] = {}
    for file in files:
        groups.setdefault(file.parent if by_folder else file, []).append(file)
    return tuple(map(SeriesFiles, _unique_names([*groups]), groups, map(tuple, groups.values())))


def _files_in(folder: Path, recursive: bool) -> list[Path]:
    from tifffile import natural_sorted

    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        if SIDECAR in names:
            folders.clear()
            continue
        data = {match[1].lower() for match in map(_SER.fullmatch, names) if match}
        files = [Path(place, name) for name in names if not name.startswith(".")]
        found += [
            file
            for file in files
            if looks_like_series(file) and not (file.suffix.lower() == ".emi" and file.stem.lower() in data)
        ]
    if not found:
        deeper = "" if recursive else ", or --recursive to look into its folders too"
        raise ValueError(
            f"the folder '{folder}' holds no series that can be read: give the folder of the files{deeper}"
        )
    return [Path(name) for name in natural_sorted(map(str, found))]


def _unique_names(sources: Sequence[Path]) -> list[str]:
    """A name for each source, as short as they can be told apart, whatever their order.

    Rung by rung those that are alike get more: `focus`, `focus-tif`, `monday-focus`, `monday-focus-tif` and so on.
    """
    rungs = [0] * len(sources)
    names = [_name(source, 0) for source in sources]
    for _ in range(2 * max(len(source.parts) for source in sources)):
        alike = _alike(names)
        if not alike:
            return names
        rungs = [rung + (index in alike) for index, rung in enumerate(rungs)]
        names = [_name(source, rung) for source, rung in zip(sources, rungs, strict=True)]
    alike = _alike(names)
    return [
        f"{name}-{hashlib.sha256(str(source).encode()).hexdigest()[:8]}" if index in alike else name
        for index, (name, source) in enumerate(zip(names, sources, strict=True))
    ]


def _alike(names: Sequence[str]) -> set[int]:
    """Indices of names that others have too, to a file system that takes capitals for small letters."""
    counts = Counter([TABLE.casefold(), *(name.casefold() for name in names)])
    return {index for index, name in enumerate(names) if counts[name.casefold()] > 1}


def _name(source: Path, rung: int) -> str:
    """The name without its extension, or with it on odd rungs, behind half as many folders as the rung says."""
    depth, extended = divmod(rung, 2)
    folders = [part for part in source.parent.parts if part != source.anchor]
    own = source.name if source.is_dir() else source.stem
    # A name of dots alone would lead out of the folder, and Windows drops dots and blanks at the end.
    words = [*folders[max(len(folders) - depth, 0) :], own.strip(". ") or "series"]
    return "-".join([*words, source.suffix.strip(". ")] if extended and source.suffix else words)
