"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4


@contextmanager
def replacing(path: Path) -> Generator[BinaryIO]:
    """A new file that takes the place of an old one when it is whole and on the disk.

    It is written beside it under another name. Whatever fails, and wherever the process or the machine dies, the path
    leads to the old file or to the new one.

    Raises
    ------
    OSError
        Where it cannot be written; the old one stays.
    """
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        _sync_folder(path.parent)
    finally:
        # What cannot be cleared away must not hide why it was not written.
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Bring a new name to the disk, where the system can do that."""
    if os.name == "nt":
        return
    number = os.open(folder, os.O_RDONLY)
    # Some network file systems refuse it; the content of the file is on the disk all the same.
    with contextlib.suppress(OSError):
        os.fsync(number)
    os.close(number)
