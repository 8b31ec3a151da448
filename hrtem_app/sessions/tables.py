"""Tables of columns in a session: every field as it is, bit for bit."""

from __future__ import annotations

import json
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat

from hrtem_app.columns import ROW_ARRAYS, ColumnTable, empty_table
from hrtem_app.recipe import Part
from hrtem_app.sessions.archive import Parts
from hrtem_app.sessions.records import Piece, record_text

# Of a table whose record lacks one of the others, that is as `ColumnTable` has it where it is not given.
_NEEDED = frozenset({"positions", "classes", "votes", "probability"})


class SavedTable(Part):
    """A table without its rows."""

    rows: Annotated[int, Field(ge=0)]
    sampling: Annotated[FiniteFloat, Field(gt=0, description="Å per pixel.")]
    fields: Annotated[tuple[str, ...], Field(description="Which arrays there are.")]
    networks: Annotated[tuple[str, ...], Field(description="Whose probabilities there are, in this order.")]


def saved_table(table: ColumnTable) -> SavedTable:
    """The record of a table."""
    return SavedTable(
        rows=len(table), sampling=float(table.sampling), fields=ROW_ARRAYS, networks=tuple(table.network_probability)
    )


def table_members(table: ColumnTable, place: str) -> dict[str, NDArray[Any] | bytes]:
    """The arrays of a table by their names in a zip file, which begin with the place."""
    members: dict[str, NDArray[Any] | bytes] = {f"{place}/{name}.npy": getattr(table, name) for name in ROW_ARRAYS}
    # Names of networks may hold what names of files may not.
    for number, values in enumerate(table.network_probability.values()):
        members[f"{place}/network_{number}.npy"] = values
    members[f"{place}/disputed.json"] = json.dumps(table.disputed).encode()
    return members


def table_piece(table: ColumnTable, place: str) -> Piece:
    """A table, ready to be written."""
    return Piece(record_text(saved_table(table)), table_members(table, place))


def read_table(saved: SavedTable, parts: Parts, place: str) -> ColumnTable:
    """The table again.

    Raises
    ------
    ValueError
        For arrays that are missing, unknown, damaged or of another length.
    """
    unknown, missing = set(saved.fields) - set(ROW_ARRAYS), _NEEDED - set(saved.fields)
    if unknown or missing:
        raise ValueError(f"the table '{place}' lacks {sorted(missing)} and has {sorted(unknown)}, which nobody knows")
    kinds = empty_table(1.0)
    arrays = {
        name: parts.array(
            f"{place}/{name}.npy", getattr(kinds, name).dtype, (saved.rows, *getattr(kinds, name).shape[1:])
        )
        for name in saved.fields
    }
    return ColumnTable(
        sampling=saved.sampling,
        network_probability={
            name: parts.array(f"{place}/network_{number}.npy", np.float64, (saved.rows,))
            for number, name in enumerate(saved.networks)
        },
        disputed=_disputed(parts.text(f"{place}/disputed.json"), place),
        **arrays,
    )


def _disputed(text: bytes, place: str) -> tuple[str, ...]:
    values = json.loads(text)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"the disputes of the table '{place}' are no list of texts")
    return tuple(values)
