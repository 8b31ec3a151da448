"""Series and sessions that were opened before, so that they can be opened again."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

_FILE = "recent.json"
_MOST = 10
_ENTRIES: TypeAdapter[tuple[tuple[Path, ...], ...]] = TypeAdapter(tuple[tuple[Path, ...], ...])


def recent_files() -> tuple[tuple[Path, ...], ...]:
    """What was opened, the newest first: the files of a series each, or a session file; those that are still there."""
    return tuple(paths for paths in _read() if all(path.exists() for path in paths))


def is_anything_recent() -> bool:
    """Whether something was opened, be it there or not: whether it is still there takes long to ask of some disks."""
    return bool(_read())


def remember(paths: Sequence[str | Path]) -> None:
    """Put files at the head of the list. A list that cannot be written is no reason to trouble anybody."""
    from hrtem_app.files import replacing

    opened = tuple(Path(path).absolute() for path in paths)
    entries = (opened, *(entry for entry in _read() if entry != opened))[:_MOST]
    with contextlib.suppress(OSError):
        file = _file()
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as stream:
            stream.write(_ENTRIES.dump_json(entries))


def forget_recent() -> None:
    """Empty the list."""
    with contextlib.suppress(OSError):
        _file().unlink(missing_ok=True)


def title(paths: Sequence[Path]) -> str:
    """One entry in a few words."""
    first = paths[0]
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{first.name}{more}, in {first.parent.name or first.parent}"


def _read() -> tuple[tuple[Path, ...], ...]:
    try:
        entries = _ENTRIES.validate_json(_file().read_bytes())
    except (OSError, ValidationError):
        return ()
    return tuple(entry for entry in entries if entry)


def _file() -> Path:
    from hrtem_app.sessions.autosave_folder import default_root

    return default_root() / _FILE
