"""Small files that are there whole or not at all, and a little room kept for the last word on a full disk."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

from hrtem_app.files import replacing

_RESERVE = ".reserve"
_RESERVED_BYTES = 2**16


def write_json(path: Path, content: Any) -> None:
    """Replace a file by JSON, on the disk before it gets its name; where that fails, OSError, and the old one stays."""
    with replacing(path) as file:
        file.write((json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """The content of a file; OSError where it cannot be read, ValueError where it holds no JSON."""
    return json.loads(path.read_text(encoding="utf-8"))


def reserve_room(folder: Path) -> None:
    """Take a little room in a folder, so that its state can still be written when the disk is full."""
    path = folder / _RESERVE
    if not path.exists():
        # Not zeros, which some file systems would keep as a hole.
        path.write_bytes(os.urandom(_RESERVED_BYTES))


def write_last_word(path: Path, content: Any) -> None:
    """As `write_json`; on a full disk it gives the reserved room away and tries again."""
    try:
        write_json(path, content)
    except OSError as error:
        if not is_full(error):
            raise
        (path.parent / _RESERVE).unlink(missing_ok=True)
        write_json(path, content)


def is_full(error: BaseException) -> bool:
    """Whether an error says that a disk, or the user's share of it, is full."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
    # Libraries that are not written in Python put the system's words into errors of their own.
    return "No space left on device" in str(error) or f"os error {errno.ENOSPC}" in str(error)
