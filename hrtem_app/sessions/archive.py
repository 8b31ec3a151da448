"""Zip files of texts and arrays: written at once, read as files that anybody may have made."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from math import prod
from pathlib import Path
from tokenize import TokenError
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import DTypeLike, NDArray

from hrtem_app.files import replacing
from hrtem_app.sessions.content import SessionError

Members = Mapping[str, NDArray[Any] | bytes]
"""Texts and arrays by their names in a zip file."""

# The quickest: higher ones take several times as long, and float32 maps get hardly smaller.
_LEVEL = 1
POINTS = "points/"
"""What names of the parts of time points begin with; their numbers follow."""

# Bytes that precede the values of an array at most.
_LONGEST_HEADER = 4096
# More than this no text of a session has, and reading it would take several times as much memory.
LARGEST_TEXT = 2**28
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    TokenError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    MemoryError,
    ValueError,
)


def write_archive(path: Path, members: Members) -> None:
    """Write a zip file, which is there whole or not at all; arrays become NPY files.

    Raises
    ------
    OSError
        Where it cannot be written.
    """
    with (
        replacing(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive,
    ):
        for name, content in members.items():
            with archive.open(name, "w", force_zip64=True) as part:
                if isinstance(content, bytes):
                    part.write(content)
                else:
                    npy.write_array(part, _portable(content), version=(1, 0), allow_pickle=False)


class Parts:
    """The parts of a session in one or several zip files. Use it in a `with` statement.

    Parameters
    ----------
    paths
        The zip files.

    Raises
    ------
    SessionError
        For files that would unpack to more than the memory that is free.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._where: dict[str, tuple[zipfile.ZipFile, zipfile.ZipInfo]] = {}
        with ExitStack() as stack:
            for path in paths:
                archive = stack.enter_context(zipfile.ZipFile(path))
                self._where |= {info.filename: (archive, info) for info in archive.infolist()}
                _check_room(path, sum(i.file_size for i in archive.infolist() if not i.filename.startswith(POINTS)))
            self._open = stack.pop_all()

    def below(self, place: str) -> Parts:
        """Those whose names begin with a place, under the rest of their names; closing these closes nothing.

        Parameters
        ----------
        place
            Empty: all but those of time points.

        Raises
        ------
        SessionError
            Where they would unpack to more than the memory that is free.
        """
        below = Parts([])
        for name, (archive, info) in self._where.items():
            if name.startswith(place or POINTS) == bool(place):
                below._where[name[len(place) :]] = archive, info
        if below._where:
            (archive, _), *_ = below._where.values()
            _check_room(Path(archive.filename or ""), sum(info.file_size for _, info in below._where.values()))
        return below

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def __contains__(self, name: str) -> bool:
        return name in self._where

    def text(self, name: str) -> bytes:
        """A text as it was written.

        Raises
        ------
        ValueError
            Where it is not there or too long.
        """
        archive, info = self._found(name)
        if info.file_size > LARGEST_TEXT:
            raise ValueError(f"'{name}' has {info.file_size} bytes, where {LARGEST_TEXT} are the most")
        return archive.read(info)

    def array(self, name: str, dtype: DTypeLike, shape: tuple[int, ...]) -> NDArray[Any]:
        """An array as it was written, read-only.

        Parameters
        ----------
        name
            Its name in the zip file.
        dtype, shape
            What it must be. Nothing is read of any other.

        Raises
        ------
        ValueError
            Where it is not there, is another one or damaged.
        """
        archive, info = self._found(name)
        expected = np.dtype(dtype).newbyteorder("<")
        size = prod(shape) * expected.itemsize
        if not size <= info.file_size <= size + _LONGEST_HEADER:
            raise ValueError(f"'{name}' has {info.file_size} bytes, where an array of {shape} takes {size}")
        with archive.open(info) as file:
            if npy.read_magic(file) != (1, 0):
                raise ValueError(f"'{name}' is an array of another version")
            found = npy.read_array_header_1_0(file, max_header_size=_LONGEST_HEADER)
            if found != (shape, False, expected):
                raise ValueError(f"'{name}' is an array of {found[0]}, {found[2]}, and not of {shape}, {expected}")
            values = file.read(size)
            # At its end the check sum is compared.
            if len(values) < size or file.read(1):
                raise ValueError(f"'{name}' is shorter or longer than it says")
        return np.frombuffer(values, expected).reshape(shape)

    def _found(self, name: str) -> tuple[zipfile.ZipFile, zipfile.ZipInfo]:
        if name not in self._where:
            raise ValueError(f"it has no part '{name}'")
        return self._where[name]


@contextmanager
def damage_told(path: Path) -> Generator[None]:
    """Whatever is wrong with a session becomes a SessionError that names it.

    Parameters
    ----------
    path
        What a person calls the session.
    """
    try:
        yield
    except SessionError:
        raise
    except OSError as error:
        raise SessionError(f"'{path}' cannot be opened ({error}): check its name and your rights to it") from error
    except _DAMAGE as error:
        told = " ".join(str(error).split())[:500] or type(error).__name__
        raise SessionError(
            f"'{path}' is no session that can be opened: {told}. "
            "It is damaged, cut off or something else: take a copy of it, or save the session again"
        ) from error


def _portable(values: NDArray[Any]) -> NDArray[Any]:
    """The array with its last axis contiguous and the least byte first."""
    return np.ascontiguousarray(values, values.dtype.newbyteorder("<"))


def _check_room(path: Path, size: int) -> None:
    """Refuse what would take all memory, before anything is unpacked."""
    import psutil

    free = psutil.virtual_memory().available
    if size > free:
        raise SessionError(
            f"'{path}' would unpack to {size / 1e9:.3g} GB, and {free / 1e9:.3g} GB of memory are free: close other "
            "programs, or open it where there is more; if it should be small, it is damaged or meant to harm"
        )
