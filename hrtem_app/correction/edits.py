"""Corrections by a person as values: what was done to which columns. What they do to a table is in `effects`."""

from __future__ import annotations

import reprlib
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, model_validator

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.correction.rows import rows_of
from hrtem_app.recipe import Part

# Beyond these no image and no table reaches; JSON readers that know only doubles keep such ids exactly.
LARGEST_ID = 2**53 - 1
_FARTHEST = 1e6
_MOST_TOLD = 3


def _known_class(name: str) -> str:
    if name not in CLASSES:
        raise ValueError(f"class '{name}' is none of {', '.join(CLASSES)}")
    return name


def _distinct(ids: tuple[int, ...]) -> tuple[int, ...]:
    twice = [number for number, count in Counter(ids).items() if count > 1]
    if twice:
        raise ValueError(f"column {twice[0]} is named twice: name each column once")
    return ids


Id = Annotated[int, Field(ge=0, le=LARGEST_ID)]
Ids = Annotated[tuple[Id, ...], AfterValidator(_distinct)]
SomeIds = Annotated[Ids, Field(min_length=1)]
_Pixels = Annotated[float, Field(ge=-_FARTHEST, le=_FARTHEST, allow_inf_nan=False)]
Position = tuple[_Pixels, _Pixels]
ClassName = Annotated[str, AfterValidator(_known_class)]


class Add(Part):
    """A column that was not found."""

    kind: Literal["add"] = "add"
    position: Annotated[Position, Field(description="(y, x) in pixels of the original image.")]
    class_name: Annotated[ClassName, Field(description="Mo, 2S or 1S.")]
    id: Annotated[Id | None, Field(description="Its id for life; None: one that was never used.")] = None

    @property
    def description(self) -> str:
        """What it does, for the undo menu."""
        return f"add {self.class_name}"


class Move(Part):
    """Columns put where a person sees them."""

    kind: Literal["move"] = "move"
    ids: SomeIds
    positions: Annotated[
        tuple[Position, ...],
        Field(description="Their new positions (y, x) in pixels of the original image, in the order of the ids."),
    ]

    @classmethod
    def by(cls, table: ColumnTable, ids: Sequence[int] | NDArray[np.int64], offset: tuple[float, float]) -> Move:
        """Columns of a table, all moved by (y, x) in pixels."""
        positions = table.positions[rows_of(table, ids)] + offset
        return cls(ids=tuple(ids), positions=tuple(positions.tolist()))

    @model_validator(mode="after")
    def _one_position_each(self) -> Move:
        if len(self.positions) != len(self.ids):
            raise ValueError(f"{len(self.positions)} positions for {len(self.ids)} columns: give one for each")
        return self

    @property
    def description(self) -> str:
        """What it does, for the undo menu."""
        return f"move {counted(len(self.ids))}"


class Delete(Part):
    """Columns that are none."""

    kind: Literal["delete"] = "delete"
    ids: SomeIds

    @property
    def description(self) -> str:
        """What it does, for the undo menu."""
        return f"delete {counted(len(self.ids))}"


class Reclassify(Part):
    """What columns are, as a person sees it; also said of columns that have this class already."""

    kind: Literal["reclassify"] = "reclassify"
    ids: SomeIds
    class_name: Annotated[ClassName, Field(description="Mo, 2S or 1S.")]

    @property
    def description(self) -> str:
        """What it does, for the undo menu."""
        return f"make {counted(len(self.ids))} {self.class_name}"


class SwapSublattices(Part):
    """The other sublattice of a grain is molybdenum: Mo becomes sulphur, and 2S and 1S become Mo."""

    kind: Literal["swap"] = "swap"
    grain: Annotated[int, Field(ge=0, le=LARGEST_ID)]
    single: Annotated[
        Ids | None,
        Field(
            description="Which of its Mo columns become 1S; the others become 2S. None: those that were 1S before the "
            "last swap of this grain in the same history; without one, none."
        ),
    ] = None

    @property
    def description(self) -> str:
        """What it does, for the undo menu."""
        return f"swap Mo and S of grain {self.grain}"


class ConfirmSublattices(Part):
    """The sublattices of a grain are right as they are."""

    kind: Literal["confirm"] = "confirm"
    grain: Annotated[int, Field(ge=0, le=LARGEST_ID)]

    @property
    def description(self) -> str:
        """What it does, for the undo menu."""
        return f"confirm Mo and S of grain {self.grain}"


class Review(Part):
    """Columns that a person looked at, or takes back to have."""

    kind: Literal["review"] = "review"
    ids: SomeIds
    reviewed: bool = True

    @property
    def description(self) -> str:
        """What it does, for the undo menu."""
        return f"mark {counted(len(self.ids))} as {'reviewed' if self.reviewed else 'not reviewed'}"


Edit = Add | Move | Delete | Reclassify | SwapSublattices | ConfirmSublattices | Review
AnyEdit = Annotated[Edit, Field(discriminator="kind")]
"""An edit of any kind, as a field of a pydantic model that is read from JSON."""

_ANY_EDIT: TypeAdapter[Edit] = TypeAdapter(AnyEdit)


def edit_to_json(edit: Edit) -> str:
    """An edit as JSON; numbers come back exactly."""
    return edit.model_dump_json()


def edit_from_json(text: str | bytes) -> Edit:
    """Read what `edit_to_json` wrote.

    Raises
    ------
    ValueError
        For anything else; names the field, its value and what is allowed.
    """
    try:
        return _ANY_EDIT.validate_json(text)
    except ValidationError as error:
        raise ValueError(f"this is no edit of columns: {explain_briefly(error)}") from error


def counted(number: int) -> str:
    """`1 column`, `3 columns`."""
    return f"{number} column{'' if number == 1 else 's'}"


def explain_briefly(error: ValidationError) -> str:
    """A validation error as one line that stays short whatever the file holds: the first fields and their values."""
    found = error.errors(include_url=False)
    told = [_told(item["loc"], item["input"], item["msg"]) for item in found[:_MOST_TOLD]]
    return "; ".join([*told, f"and {len(found) - _MOST_TOLD} more"] if len(found) > _MOST_TOLD else told)


def _told(place: tuple[int | str, ...], value: object, message: str) -> str:
    where = ".".join(reprlib.repr(part).strip("'") for part in place)
    said = message.removeprefix("Value error, ")
    return f"{where} = {reprlib.repr(value)}: {said}".removeprefix(" = ")
