"""The session file: one zip file with all that a person did."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from pydantic_core import from_json

from hrtem_app.sessions.archive import POINTS, Members, Parts, damage_told, write_archive
from hrtem_app.sessions.content import SessionContent, SessionError
from hrtem_app.sessions.document import document_text, parsed_document, read_content
from hrtem_app.sessions.frames import FileFrames, series_piece
from hrtem_app.sessions.records import Piece, record_text
from hrtem_app.sessions.results import results_piece
from hrtem_app.sessions.stack import StackContent, StackPoint, series_of
from hrtem_app.sessions.stack_records import WORK, PointRecord, cut_record, place_of, series_record, stack_text
from hrtem_app.sessions.tables import table_piece
from hrtem_app.sessions.work import BASE, EditTexts, checked_length, joined, own_base, work_texts

if TYPE_CHECKING:
    from hrtem_app.timelapse.shelf import Shelf

SUFFIX = ".hrtem"
"""Of session files."""

_DOCUMENT = "session.json"


def save_session(path: str | Path, content: SessionContent) -> None:
    """Write a session into one file, which replaces an earlier one when it is whole and on the disk.

    Frames are stored only where the series' files do not give them, which is tried by reading them. Files of time
    points that nobody has looked at are read as well, to be known again.

    Raises
    ------
    SessionError
        Where it cannot be written.
    """
    target, files = Path(path), FileFrames()
    saved, frames = series_piece(content.series, target, files)
    work, parts = _work(content)
    members = {**frames, **parts}
    stack = None
    if content.stack is not None:
        records, points = _points(content.stack, content.current, target, files)
        stack = stack_text(content.stack, records)
        members |= points
    text = document_text(content, record_text(saved), work, stack)
    try:
        write_archive(target, {_DOCUMENT: text, **members})
    except OSError as error:
        raise SessionError(f"the session cannot be written to '{target}' ({error}): choose another place") from error


def load_session(
    path: str | Path,
    found: Mapping[Path | str, Path | str] | None = None,
    *,
    shelf: Shelf | None = None,
    stack: bool = True,
) -> SessionContent:
    """Read a session as it was saved.

    A series that is not in the file is read from its own files. These are looked for where they were, in the same place
    relative to the session, and beside it, and are known by their content.

    Parameters
    ----------
    path
        What `save_session` wrote. Anybody may have made it: nothing in it is run, and what it unpacks to is bounded.
    found
        By where a source was (`MissingSourceError.missing`), where it is now, under whatever name.
    shelf
        Of `hrtem_app.timelapse.shelf`: frames and maps of a stack over time are laid there, one time point after the
        other. None: all of them are in memory.
    stack
        Whether to read a stack over time; without it only what is on screen is read, and only its files must be there.

    Raises
    ------
    MissingSourceError
        For sources that are missing or have changed, also those of a stack; it lists them all.
    SessionError
        For anything else that is wrong with the file; names it and the remedy.
    """
    session = Path(path)
    with damage_told(session), Parts([session]) as parts:
        if _DOCUMENT not in parts:
            raise SessionError(f"'{session}' is a zip file and no session: give a file that the program saved")
        document = parsed_document(from_json(parts.text(_DOCUMENT)), session)
        if stack and shelf is None:
            # All at once must have room.
            parts.below(POINTS)
        return read_content(document, parts.below, session, found or {}, shelf, stack)


def looks_like_session(path: str | Path) -> bool:
    """Whether a file is a zip file that holds a session, whatever its name."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _DOCUMENT in archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def _work(content: SessionContent | StackPoint) -> tuple[dict[str, str], Members]:
    """What was made of a series: the members of its record, and its arrays."""
    base = own_base(content)
    results = Piece("") if content.analysis is None else results_piece(content.analysis)
    corrected = Piece("") if base is None else table_piece(base, BASE)
    texts = work_texts(content.corrections, results.record, corrected.record, EditTexts())
    return texts, {**results.members, **corrected.members}


def _points(
    stack: StackContent, current: int | None, target: Path, files: FileFrames
) -> tuple[dict[int, PointRecord], Members]:
    """The records and the parts of all time points but the one on screen."""
    records: dict[int, PointRecord] = {}
    members: dict[str, NDArray[Any] | bytes] = {}
    for number, held in enumerate(stack.points):
        if number == current:
            continue
        if held.series is None and held.point.cut is not None:
            records[number] = cut_record(held.point.cut, target, known=True)
            continue
        saved, parts = series_piece(series_of(held), target, files)
        done = held.analysis is not None or held.corrections is not None
        if done:
            work, arrays = _work(held)
            parts = {WORK: checked_length(joined(work), held.point.name), **parts, **arrays}
        records[number] = series_record(saved, done)
        members |= {f"{place_of(number)}{name}": value for name, value in parts.items()}
    return records, members
