"""The document of a session: one JSON object, of which large arrays are parts beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, JsonValue, ValidationError

import hrtem_app
from hrtem_app.recipe import Part, Recipe
from hrtem_app.sessions.archive import LARGEST_TEXT, Parts
from hrtem_app.sessions.content import SessionContent, SessionError
from hrtem_app.sessions.frames import SavedSeries, read_series
from hrtem_app.sessions.records import record_text
from hrtem_app.sessions.results import SavedResults, read_results
from hrtem_app.sessions.tables import SavedTable, read_table

if TYPE_CHECKING:
    from hrtem_app.columns import ColumnTable
    from hrtem_app.correction import Corrections, Edit

FORMAT = "hrtem-app session"
VERSION = 1
BASE = "base"


class Document(Part):
    """A session without its arrays."""

    format: Literal["hrtem-app session"]
    version: Literal[1]
    program: Annotated[str, Field(description="Version of the program that wrote it.")]
    saved: AwareDatetime
    series: SavedSeries
    recipe: Recipe
    results: SavedResults | None
    base: Annotated[
        SavedTable | None, Field(description="The table that was corrected, where it is not that of the results.")
    ]
    corrections: Annotated[
        dict[str, JsonValue] | None, Field(description="As `hrtem_app.correction.to_json` writes them.")
    ]
    view: dict[str, JsonValue]


class _Stamp(BaseModel):
    """What a document of any version says of itself."""

    format: str = ""
    version: int = 0
    program: str = "?"


class EditTexts:
    """Edits as JSON. What was written once is kept, so that a long history takes no longer than its newest edit."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Edit, str]] = {}

    def of(self, edits: Sequence[Edit]) -> list[str]:
        """The text of each edit."""
        from hrtem_app.correction import edit_to_json

        self._known = {id(edit): self._known.get(id(edit)) or (edit, edit_to_json(edit)) for edit in edits}
        return [self._known[id(edit)][1] for edit in edits]


def own_base(content: SessionContent) -> ColumnTable | None:
    """The table that was corrected, where it is not that of the results."""
    if content.corrections is None:
        return None
    base = content.corrections.base
    return None if content.analysis is not None and base is content.analysis.table else base


def document_text(
    content: SessionContent, series: str, results: str | None, base: str | None, edits: EditTexts
) -> bytes:
    """The document as JSON, put together from records that may have been made before.

    Parameters
    ----------
    content
        The session.
    series, results, base
        JSON of these; None where there are none.
    edits
        Of earlier documents of this session.

    Raises
    ------
    SessionError
        Where it would be longer than what is opened again.
    """
    members = {
        "format": json.dumps(FORMAT),
        "version": str(VERSION),
        "program": json.dumps(hrtem_app.__version__),
        "saved": json.dumps(datetime.now(UTC).isoformat()),
        "series": series,
        "recipe": record_text(content.recipe),
        "results": results or "null",
        "base": base or "null",
        "corrections": "null" if content.corrections is None else _history_text(content.corrections, edits),
        "view": json.dumps(content.view),
    }
    text = joined(members).encode()
    if len(text) > LARGEST_TEXT:
        raise SessionError(
            f"the corrections of '{content.series.name}' take {len(text) / 1e6:.0f} MB, and "
            f"{LARGEST_TEXT / 1e6:.0f} MB are the most that a session holds: export the table and go on from there"
        )
    return text


def joined(members: Mapping[str, str]) -> str:
    """A JSON object of members that are JSON already."""
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in members.items()) + "}"


def parsed_document(values: object, session: Path) -> Document:
    """A document that was read as JSON, checked field by field.

    Raises
    ------
    SessionError
        For anything else, or one of a newer version.
    """
    from hrtem_app.correction.edits import explain_briefly

    try:
        stamp = _Stamp.model_validate(values)
        if stamp.format == FORMAT and stamp.version > VERSION:
            raise SessionError(
                f"'{session}' was saved by a newer version of the program ({stamp.program:.20}): its format is "
                f"{stamp.version}, and this version ({hrtem_app.__version__}) reads {VERSION}. Update the program"
            )
        return Document.model_validate(values)
    except ValidationError as error:
        raise SessionError(
            f"'{session}' is no session that can be opened: {explain_briefly(error)}. It was changed by hand, is "
            "damaged or something else: take a copy of it, or save the session again"
        ) from error


def read_content(
    document: Document, parts: Parts, session: Path, found: Mapping[Path | str, Path | str]
) -> SessionContent:
    """The content of a session.

    Parameters
    ----------
    document, parts
        As they were written.
    session
        The session file: in its folder sources are looked for.
    found
        By where a source was, where it is now.

    Raises
    ------
    SessionError
        For sources that are not found or are others now.
    ValueError
        For what is damaged or does not fit together.
    """
    series = read_series(document.series, parts, session, found)
    analysis = None if document.results is None else read_results(document.results, parts, series)
    base = analysis.table if analysis is not None else None
    if document.base is not None:
        base = read_table(document.base, parts, BASE)
    return SessionContent(
        series, document.recipe, analysis, _read_corrections(document.corrections, base), document.view
    )


def _history_text(corrections: Corrections, edits: EditTexts) -> str:
    from hrtem_app.correction import SavedCorrections
    from hrtem_app.correction.saving import table_digest

    head = SavedCorrections(
        base=table_digest(corrections.base), edits=(), position=corrections.position, next_id=corrections.next_id
    )
    texts = {name: json.dumps(value) for name, value in head.model_dump(mode="json").items()}
    return joined(texts | {"edits": f"[{','.join(edits.of(corrections.edits))}]"})


def _read_corrections(form: dict[str, Any] | None, base: ColumnTable | None) -> Corrections | None:
    from hrtem_app.correction import from_json

    if form is None:
        return None
    if base is None:
        raise ValueError("it has corrections, and no table that they were made to")
    return from_json(base, json.dumps(form))
