"""The folder of an autosave: a small file that is replaced with every change, and large ones that are written once."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import uuid4
from weakref import WeakKeyDictionary

from platformdirs import user_state_path
from pydantic import AwareDatetime, BaseModel, Field
from pydantic_core import from_json

from hrtem_app.recipe import Part
from hrtem_app.sessions.archive import Parts, damage_told, write_archive
from hrtem_app.sessions.content import SessionContent
from hrtem_app.sessions.document import (
    BASE,
    Document,
    EditTexts,
    document_text,
    joined,
    own_base,
    parsed_document,
    read_content,
)
from hrtem_app.sessions.frames import series_piece
from hrtem_app.sessions.owners import own_name
from hrtem_app.sessions.records import Piece, plain_text, record_text
from hrtem_app.sessions.replacing import replacing
from hrtem_app.sessions.results import results_piece
from hrtem_app.sessions.tables import table_piece

STATE = "state.json"
_File = Annotated[str, Field(pattern=r"^[0-9a-f]{32}\.zip$")]


class Summary(Part):
    """What a list of autosaves says of one."""

    when: AwareDatetime
    series: str
    edits: int


class StateHead(BaseModel):
    """The state without the document, which a list needs not read."""

    summary: Summary
    files: dict[str, _File]


@dataclass(frozen=True)
class _Written:
    """What is on the disk of a series, results or a table: its record, and the zip file of its arrays if there are."""

    record: str
    file: str


def default_root() -> Path:
    """Where autosaves lie: the user's folder for states of programs (`HRTEM_APP_AUTOSAVE` moves it)."""
    own = os.environ.get("HRTEM_APP_AUTOSAVE")
    return Path(own) if own else user_state_path("hrtem-app", appauthor=False) / "autosave"


class AutosaveFolder:
    """A session on the disk, one state after the other.

    A state is one small file that names the large ones. Those are written before it and removed after none names them
    and nobody holds what is in them, so whenever the process dies, the folder holds a whole state.

    Parameters
    ----------
    path
        A folder of this process alone, see `create`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # By identity; what nobody holds any more leaves by itself.
        self._written: WeakKeyDictionary[object, _Written] = WeakKeyDictionary()
        self._edits = EditTexts()

    @classmethod
    def create(cls, root: Path) -> AutosaveFolder:
        """A new folder of this process.

        Raises
        ------
        OSError
            Where it cannot be made.
        """
        path = root / own_name()
        path.mkdir(mode=0o700, parents=True)
        return cls(path)

    def write(self, content: SessionContent) -> None:
        """Make this the state of the folder.

        Raises
        ------
        OSError
            Where it cannot be written; the folder keeps the state that it had.
        SessionError
            Where it would be too long.
        """
        analysis, base = content.analysis, own_base(content)
        written = {"series": self._put(content.series, partial(series_piece, content.series))}
        if analysis is not None:
            written["results"] = self._put(analysis, partial(results_piece, analysis))
        if base is not None:
            written["base"] = self._put(base, partial(table_piece, base, BASE))
        records = {name: part.record for name, part in written.items()}
        document = document_text(
            content, records["series"], records.get("results"), records.get("base"), self._edits
        ).decode()
        files = {name: part.file for name, part in written.items() if part.file}
        head = {"summary": record_text(_summary(content)), "files": json.dumps(files)}
        with replacing(self.path / STATE) as file:
            file.write(joined(head | {"document": document}).encode())
        self._tidy()

    def read(self, found: Mapping[Path | str, Path | str] | None = None) -> SessionContent:
        """The state of the folder.

        Raises
        ------
        MissingSourceError
            For sources of the series that are missing or have changed.
        SessionError
            For anything that is damaged.
        """
        state = self.path / STATE
        with damage_told(state):
            values = from_json(state.read_bytes())
            head = StateHead.model_validate(values)
            document = parsed_document(values.get("document"), state)
            with Parts([self.path / name for name in head.files.values()]) as parts:
                content = read_content(document, parts, state, found or {})
        self._written = WeakKeyDictionary(_on_disk(content, document, head.files))
        return content

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _put(self, value: object, make: Callable[[], Piece]) -> _Written:
        """What is on the disk of a value; written if it is not there."""
        if value not in self._written:
            piece = make()
            file = f"{uuid4().hex}.zip" if piece.members else ""
            if file:
                write_archive(self.path / file, piece.members)
            self._written[value] = _Written(piece.record, file)
        return self._written[value]

    def _tidy(self) -> None:
        """Remove what no state will name again, also what a killed process left half-written."""
        kept = {STATE, *(written.file for written in self._written.values())}
        for path in self.path.iterdir():
            if path.name not in kept:
                with contextlib.suppress(OSError):
                    path.unlink()


def _on_disk(content: SessionContent, document: Document, files: Mapping[str, str]) -> dict[object, _Written]:
    """What was read and need not be written again."""
    base = own_base(content)
    parts: list[tuple[str, object | None, Part | None]] = [
        # A series that was read from its files may have been found in another place.
        ("series", content.series, document.series if document.series.stored else None),
        ("results", content.analysis, document.results),
        ("base", base, document.base),
    ]
    return {
        value: _Written(record_text(record), files.get(name, ""))
        for name, value, record in parts
        if value is not None and record is not None
    }


def _summary(content: SessionContent) -> Summary:
    return Summary(
        when=datetime.now(UTC),
        series=plain_text(content.series.name),
        edits=0 if content.corrections is None else content.corrections.position,
    )
