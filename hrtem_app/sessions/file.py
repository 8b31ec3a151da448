"""The session file: one zip file with all that a person did."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

from pydantic_core import from_json

from hrtem_app.sessions.archive import Parts, damage_told, write_archive
from hrtem_app.sessions.content import SessionContent, SessionError
from hrtem_app.sessions.document import BASE, EditTexts, document_text, own_base, parsed_document, read_content
from hrtem_app.sessions.frames import series_piece
from hrtem_app.sessions.records import Piece
from hrtem_app.sessions.results import results_piece
from hrtem_app.sessions.tables import table_piece

SUFFIX = ".hrtem"
"""Of session files."""

_DOCUMENT = "session.json"


def save_session(path: str | Path, content: SessionContent) -> None:
    """Write a session into one file, which replaces an earlier one when it is whole and on the disk.

    Frames are stored only where the series' files do not give them, which is tried by reading them.

    Raises
    ------
    SessionError
        Where it cannot be written.
    """
    target = Path(path)
    base = own_base(content)
    series = series_piece(content.series, target)
    results = Piece("") if content.analysis is None else results_piece(content.analysis)
    corrected = Piece("") if base is None else table_piece(base, BASE)
    text = document_text(content, series.record, results.record, corrected.record, EditTexts())
    try:
        write_archive(target, {_DOCUMENT: text, **series.members, **results.members, **corrected.members})
    except OSError as error:
        raise SessionError(f"the session cannot be written to '{target}' ({error}): choose another place") from error


def load_session(path: str | Path, found: Mapping[Path | str, Path | str] | None = None) -> SessionContent:
    """Read a session as it was saved.

    A series that is not in the file is read from its own files. These are looked for where they were, in the same place
    relative to the session, and beside it, and are known by their content.

    Parameters
    ----------
    path
        What `save_session` wrote. Anybody may have made it: nothing in it is run, and what it unpacks to is bounded.
    found
        By where a source was (`MissingSourceError.missing`), where it is now, under whatever name.

    Raises
    ------
    MissingSourceError
        For sources that are missing or have changed; it lists them.
    SessionError
        For anything else that is wrong with the file; names it and the remedy.
    """
    session = Path(path)
    with damage_told(session), Parts([session]) as parts:
        if _DOCUMENT not in parts:
            raise SessionError(f"'{session}' is a zip file and no session: give a file that the program saved")
        document = parsed_document(from_json(parts.text(_DOCUMENT)), session)
        return read_content(document, parts, session, found or {})


def looks_like_session(path: str | Path) -> bool:
    """Whether a file is a zip file that holds a session, whatever its name."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _DOCUMENT in archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
