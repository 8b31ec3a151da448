"""What was made of one series, results and corrections, as a session holds it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import Field, JsonValue

from hrtem_app.recipe import Part
from hrtem_app.series import FocalSeries
from hrtem_app.sessions.archive import LARGEST_TEXT, Parts
from hrtem_app.sessions.content import SessionContent, SessionError
from hrtem_app.sessions.results import SavedResults, read_results
from hrtem_app.sessions.stack import StackPoint
from hrtem_app.sessions.tables import SavedTable, read_table

if TYPE_CHECKING:
    from hrtem_app.analysis import Analysis
    from hrtem_app.columns import ColumnTable
    from hrtem_app.correction import Corrections, Edit
    from hrtem_app.timelapse.shelf import Shelf

BASE = "base"

Value = TypeVar("Value")


class SavedWork(Part):
    """Results and corrections without their arrays."""

    results: SavedResults | None
    base: Annotated[
        SavedTable | None, Field(description="The table that was corrected, where it is not that of the results.")
    ]
    corrections: Annotated[
        dict[str, JsonValue] | None, Field(description="As `hrtem_app.correction.to_json` writes them.")
    ]


class EditTexts:
    """Edits as JSON. What was written once is kept, so that a long history takes no longer than its newest edit."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Edit, str]] = {}

    def of(self, edits: Sequence[Edit]) -> list[str]:
        """The text of each edit."""
        from hrtem_app.correction import edit_to_json

        self._known = {id(edit): self._known.get(id(edit)) or (edit, edit_to_json(edit)) for edit in edits}
        return [self._known[id(edit)][1] for edit in edits]


def own_base(content: SessionContent | StackPoint) -> ColumnTable | None:
    """The table that was corrected, where it is not that of the results."""
    if content.corrections is None:
        return None
    base = content.corrections.base
    return None if content.analysis is not None and base is content.analysis.table else base


def work_texts(
    corrections: Corrections | None, results: str | None, base: str | None, edits: EditTexts
) -> dict[str, str]:
    """The members of `SavedWork` as JSON, from records that may have been made before.

    Parameters
    ----------
    corrections
        What a person did.
    results, base
        JSON of these; None where there are none.
    edits
        Of earlier texts.
    """
    return {
        "results": results or "null",
        "base": base or "null",
        "corrections": "null" if corrections is None else _history_text(corrections, edits),
    }


def checked_length(text: str, name: str) -> bytes:
    """A text of a session; raises SessionError where it would be longer than what is opened again."""
    encoded = text.encode()
    if len(encoded) > LARGEST_TEXT:
        raise SessionError(
            f"the corrections of '{name}' take {len(encoded) / 1e6:.0f} MB, and "
            f"{LARGEST_TEXT / 1e6:.0f} MB are the most that a session holds: export the table and go on from there"
        )
    return encoded


def joined(members: Mapping[str, str]) -> str:
    """A JSON object of members that are JSON already."""
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in members.items()) + "}"


def read_work(
    saved: SavedWork, parts: Parts, series: FocalSeries, shelf: Shelf | None
) -> tuple[Analysis | None, Corrections | None]:
    """Results and corrections again.

    Parameters
    ----------
    saved, parts
        As they were written.
    series
        What they are of.
    shelf
        Where maps and filtered frames are laid; None: they are in memory.

    Raises
    ------
    ValueError
        For what is damaged or does not fit together, or a disk without room.
    """
    analysis = None if saved.results is None else read_results(saved.results, parts, series)
    if analysis is not None and shelf is not None:
        analysis = laid(shelf.analysis, analysis, series)
    base = analysis.table if analysis is not None else None
    if saved.base is not None:
        base = read_table(saved.base, parts, BASE)
    return analysis, _read_corrections(saved.corrections, base)


def laid(lay: Callable[..., Value], *values: object) -> Value:
    """What a shelf gives for values; raises SessionError where it has no room."""
    try:
        return lay(*values)
    except ValueError as error:
        raise SessionError(str(error)) from error


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
