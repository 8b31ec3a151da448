"""Records: the small part of what a session holds, as JSON; and pieces, a record with its arrays."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from hrtem_app.recipe import Part
from hrtem_app.sessions.archive import Members


@dataclass(frozen=True, eq=False)
class Piece:
    """Something that a session holds, ready to be written.

    Parameters
    ----------
    record
        JSON of what is small.
    members
        The parts of the zip file that the record refers to.
    """

    record: str
    members: Members = field(default_factory=dict)


def record_text(part: Part) -> str:
    """A record as JSON; numbers come back exactly, those that are not finite too."""
    return json.dumps(part.model_dump(mode="json"))


def plain_text(text: str) -> str:
    """A text without what UTF-8 cannot hold: undecodable bytes of a file's name become question marks."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
