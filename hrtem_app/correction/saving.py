"""Corrections as JSON, for session files and automatic saving; read as files that anybody may have written."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, ValidationError

from hrtem_app.columns import ColumnTable
from hrtem_app.correction.edits import LARGEST_ID, AnyEdit, explain_briefly
from hrtem_app.correction.history import Corrections
from hrtem_app.recipe import Part


class SavedCorrections(Part):
    """A history without its table; a part of a session file, say."""

    version: Literal[1] = 1
    base: Annotated[str, Field(description="Digest of the ids and classes of the table that the edits were made to.")]
    edits: Annotated[tuple[AnyEdit, ...], Field(description="Oldest first; those that were taken back at the end.")]
    position: Annotated[int, Field(ge=0, description="How many of them are done.")]
    next_id: Annotated[int, Field(ge=0, le=LARGEST_ID, description="Of the next column that is added.")]


def saved(corrections: Corrections) -> SavedCorrections:
    """The history without its table."""
    return SavedCorrections(
        base=table_digest(corrections.base),
        edits=corrections.edits,
        position=corrections.position,
        next_id=corrections.next_id,
    )


def restored(base: ColumnTable, form: SavedCorrections) -> Corrections:
    """The history again, from the table that it was made to.

    Raises
    ------
    ValueError
        For another table than that, or an edit that does not fit it.
    """
    if form.base != table_digest(base):
        raise ValueError("these corrections were made to another table: open the results that they belong to")
    return Corrections.replay(base, form.edits, form.position, form.next_id)


def to_json(corrections: Corrections) -> str:
    """The history without its table as JSON; numbers come back exactly."""
    return saved(corrections).model_dump_json()


def from_json(base: ColumnTable, text: str | bytes) -> Corrections:
    """Read what `to_json` wrote.

    Raises
    ------
    ValueError
        For anything else, naming the field and its value; for another table, or an edit that does not fit it.
    """
    try:
        form = SavedCorrections.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(f"these are no corrections of columns: {explain_briefly(error)}") from error
    return restored(base, form)


def table_digest(table: ColumnTable) -> str:
    """SHA-256 of ids and classes, which a CSV gives back exactly, unlike positions."""
    values = np.stack([table.ids, table.classes]).astype("<i8")
    return hashlib.sha256(values.tobytes()).hexdigest()
