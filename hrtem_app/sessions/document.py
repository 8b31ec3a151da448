"""The document of a session: one JSON object, of which large arrays are parts beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field, JsonValue, ValidationError

import hrtem_app
from hrtem_app.recipe import Recipe
from hrtem_app.sessions.content import SessionContent, SessionError
from hrtem_app.sessions.frames import Films, SavedSeries, read_series
from hrtem_app.sessions.records import record_text
from hrtem_app.sessions.sources import SavedSource, locate
from hrtem_app.sessions.stack_records import OpenParts, Reading, SavedStack, read_stack
from hrtem_app.sessions.work import SavedWork, checked_length, joined, laid, read_work

if TYPE_CHECKING:
    from hrtem_app.timelapse.shelf import Shelf

FORMAT = "hrtem-app session"
VERSION = 2


class Document(SavedWork):
    """A session without its arrays."""

    format: Literal["hrtem-app session"]
    # The first version knew no stack, and series that are all of the frames of their files only.
    version: Literal[1, 2]
    program: Annotated[str, Field(description="Version of the program that wrote it.")]
    saved: AwareDatetime
    series: SavedSeries
    recipe: Recipe
    view: dict[str, JsonValue]
    stack: SavedStack | None = None

    def sources(self, with_stack: bool) -> Iterator[SavedSource]:
        """All files that it needs."""
        yield from () if self.series.stored else self.series.sources
        if self.stack is not None and with_stack:
            yield from self.stack.sources()


class _Stamp(BaseModel):
    """What a document of any version says of itself."""

    format: str = ""
    version: int = 0
    program: str = "?"


def document_text(content: SessionContent, series: str, work: Mapping[str, str], stack: str | None) -> bytes:
    """The document as JSON, put together from records that may have been made before.

    Parameters
    ----------
    content
        The session.
    series
        JSON of its series.
    work
        Of its results and corrections, see `work_texts`.
    stack
        Of its stack; None where there is none.

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
        **work,
        "view": json.dumps(content.view),
        "stack": stack or "null",
    }
    return checked_length(joined(members), content.series.name)


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
    document: Document,
    open_parts: OpenParts,
    session: Path,
    found: Mapping[Path | str, Path | str],
    shelf: Shelf | None = None,
    with_stack: bool = True,
) -> SessionContent:
    """The content of a session.

    Parameters
    ----------
    document
        As it was written.
    open_parts
        Opens the parts that lie in a place; see `OpenParts`.
    session
        The session file: in its folder sources are looked for.
    found
        By where a source was, where it is now.
    shelf
        Where frames and maps of a stack are laid; None: they are in memory.
    with_stack
        Whether to read more than what is on screen.

    Raises
    ------
    SessionError
        For sources that are not found or are others now.
    ValueError
        For what is damaged or does not fit together, or a disk without room.
    """
    reading = Reading(open_parts, session, locate(document.sources(with_stack), session, found), Films(), shelf)
    stack = document.stack if with_stack else None
    # A single series is in memory, as one that was just analysed is.
    shelf = None if stack is None else shelf
    with open_parts("") as parts:
        series = read_series(document.series, parts, session, reading.located, reading.films)
        if shelf is not None:
            series = laid(shelf.series, series)
        analysis, corrections = read_work(document, parts, series, shelf)
    content = SessionContent(series, document.recipe, analysis, corrections, document.view)
    return content if stack is None else replace(content, stack=read_stack(stack, content, reading))
