"""File formats that other packages add."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from hrtem_app.extensions import READERS, added_by_plug_ins
from hrtem_app.io.sniff import SUFFIXES, is_built_in
from hrtem_app.series import FocalSeries


@dataclass(frozen=True)
class FileFormat:
    """A format of focal series that a plug-in reads.

    Parameters
    ----------
    name
        For people.
    suffixes
        Extensions of its files, lower case with their dot. Those that are read without a plug-in stay as they are.
    begins_like
        Whether the first kilobyte of a file is that of this format.
    read
        From a file to its series. It raises SeriesError for a file that is damaged, naming it and the remedy; anything
        else that it raises is told as damage.
    """

    name: str
    suffixes: tuple[str, ...]
    begins_like: Callable[[bytes], bool]
    read: Callable[[Path], FocalSeries]


@lru_cache(maxsize=1)
def formats() -> dict[str, FileFormat]:
    """Formats by name, those of the entry points `hrtem_app.readers`.

    A plug-in that cannot be loaded or is no `FileFormat` is left out with a warning.
    """
    return added_by_plug_ins(READERS, "reader", _checked)


def format_of(path: Path) -> FileFormat | None:
    """The format of a file by its extension and its first bytes; None for those that need no plug-in.

    Raises
    ------
    OSError
        For a file that cannot be opened.
    """
    suffix = path.suffix.lower()
    candidates = [each for each in formats().values() if suffix in each.suffixes]
    if not candidates:
        return None
    with path.open("rb") as file:
        head = file.read(1024)
    return next((each for each in candidates if each.begins_like(head)), None)


def looks_like_series(path: str | Path) -> bool:
    """Whether a file has the extension and the first bytes of a series that can be read; never raises."""
    try:
        candidate = Path(path)
        return is_built_in(candidate) or format_of(candidate) is not None
    except (OSError, ValueError, TypeError):
        return False


def suffixes() -> tuple[str, ...]:
    """Extensions of all files that can be read, lower case."""
    return (*SUFFIXES, *dict.fromkeys(suffix for each in formats().values() for suffix in each.suffixes))


def _checked(_: str, value: object) -> tuple[str, FileFormat] | None:
    if not isinstance(value, FileFormat):
        return None
    taken = [suffix for suffix in value.suffixes if suffix in SUFFIXES]
    if taken or not value.suffixes or any(s != s.lower() or not s.startswith(".") for s in value.suffixes):
        raise ValueError(f"the extensions {', '.join(value.suffixes) or '(none)'} are not new ones in lower case")
    return value.name, value
