"""What a form shows of a model, read off its JSON schema: kinds, bounds, units, words; no Qt."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hrtem_app.recipe import Part

Kind = Literal[
    "group", "groups", "flag", "choice", "number", "range", "text", "path", "list", "words", "mapping", "either", "json"
]

# Where no unit stands beside a field, its description names it: "… in Å.", "…, 1/Å.".
_UNIT = re.compile(r"(?:\bin|,)\s+(1/Å³|1/Å|Å/px|e/Å²|Å|rad|degrees|eV|K|pixels)(?!\w)")
_WORDS = {"mtf": "MTF"}


@dataclass(frozen=True)
class Limits:
    """Which numbers are allowed, and how far one step goes.

    Parameters
    ----------
    least, greatest
        The bounds.
    open_least, open_greatest
        Whether a bound itself is refused.
    multiple
        Steps of this size; 0: steps that suit the number.
    whole
        Whether only whole numbers are allowed.
    """

    least: float = -math.inf
    greatest: float = math.inf
    open_least: bool = False
    open_greatest: bool = False
    multiple: float = 0.0
    whole: bool = False

    def stepped(self, number: float, steps: int) -> float:
        """A number so many steps further, inside of the bounds."""
        size = self._step(number, steps)
        digits = max(0, -math.floor(math.log10(size)))
        wanted = min(max(round(number + steps * size, digits), self.least), self.greatest)
        refused = (self.open_least and wanted <= self.least) or (self.open_greatest and wanted >= self.greatest)
        if refused:
            return number
        return int(wanted) if self.whole else wanted

    def first(self) -> float:
        """A number to begin with where there is none yet."""
        if math.isfinite(self.least):
            return self.stepped(self.least, 1) if self.open_least else self.least
        return 0

    def _step(self, number: float, steps: int) -> float:
        """A tenth of the number's decade, as seen from the side that it is left to."""
        if self.multiple:
            return self.multiple
        if self.whole:
            return 1
        leaving = abs(number + math.copysign(1e-9 * abs(number), steps))
        span = self.greatest - self.least
        size = leaving or (span if math.isfinite(span) and span > 0 else 1.0)
        return float(10.0 ** (math.floor(math.log10(size)) - 1))


@dataclass(frozen=True)
class Shape:
    """One field of a model, or the model itself.

    Parameters
    ----------
    name, title
        In the model, and for people.
    kind
        Which editor it needs.
    tip
        What it means.
    unit
        Of its numbers, empty for none.
    limits
        Of its numbers.
    choices
        Values of a choice.
    optional
        Whether None is allowed.
    parts
        Fields of a group, what a list of groups holds, or the alternatives of `either`.
    fewest, most
        How many groups a list of them holds.
    """

    name: str
    title: str
    kind: Kind
    tip: str = ""
    unit: str = ""
    limits: Limits = Limits()
    choices: tuple[Any, ...] = ()
    optional: bool = False
    parts: tuple[Shape, ...] = ()
    fewest: int = 0
    most: int | None = None


def shape_of(model: type[Part]) -> Shape:
    """The shape of a model."""
    schema = model.model_json_schema()
    return _shape("", schema, schema.get("$defs", {}))


def format_number(value: Any) -> str:
    """A number for people; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def parse_number(text: str) -> Any:
    """The number that was typed, with a point or a comma; what is no number stays text, for the model to refuse."""
    typed = text.strip()
    if typed.count(",") == 1 and "." not in typed:
        typed = typed.replace(",", ".")
    for kind in (int, float):
        try:
            return kind(typed)
        except ValueError:
            continue
    return typed


def _shape(name: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Shape:
    schema = _resolved(schema, definitions)
    alternatives = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    optional = len(alternatives) < len(schema.get("anyOf", ()))
    if len(alternatives) == 1:
        # Bounds and unit may stand outside of the alternatives.
        outside = {key: value for key, value in schema.items() if key != "anyOf"}
        schema = {**_resolved(alternatives[0], definitions), **outside}
    tip = _first_paragraph(schema.get("description", ""))
    kind = "either" if len(alternatives) > 1 else _kind(schema, definitions)
    if optional and kind in ("group", "groups"):
        kind = "json"
    return Shape(
        name=name,
        title=_title(name),
        kind=kind,
        tip=tip,
        unit=_unit(name, kind, schema, tip),
        limits=_limits(schema),
        choices=tuple(schema.get("enum", ())) or ((schema["const"],) if "const" in schema else ()),
        optional=optional,
        parts=_parts(kind, schema, alternatives, definitions),
        fewest=schema.get("minItems", 0),
        most=schema.get("maxItems"),
    )


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema in place of a reference to it, with what stands beside the reference."""
    if "$ref" not in schema:
        return schema
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**definitions[schema["$ref"].rpartition("/")[2]], **beside}


def _kind(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Kind:
    kind = schema.get("type")
    if "enum" in schema or "const" in schema:
        return "choice"
    if kind == "array":
        return _kind_of_array(schema, definitions)
    if "properties" in schema:
        return "group"
    if kind == "object" and schema.get("additionalProperties", {}).get("type") in ("number", "integer"):
        return "mapping"
    if kind == "string" and schema.get("format") == "path":
        return "path"
    plain: dict[Any, Kind] = {"boolean": "flag", "number": "number", "integer": "number", "string": "text"}
    return plain.get(kind, "json")


def _kind_of_array(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Kind:
    fixed = [one.get("type") for one in schema.get("prefixItems", ())]
    if len(fixed) == 2 and set(fixed) <= {"number", "integer"}:
        return "range"
    items = _resolved(schema.get("items", {}), definitions)
    if "properties" in items:
        return "groups"
    if items.get("type") == "string":
        return "words"
    return "list" if items.get("type") in ("number", "integer") else "json"


def _parts(
    kind: Kind, schema: Mapping[str, Any], alternatives: list[Mapping[str, Any]], definitions: Mapping[str, Any]
) -> tuple[Shape, ...]:
    if kind == "group":
        return tuple(_shape(name, field, definitions) for name, field in schema["properties"].items())
    if kind == "groups":
        return (_shape("", schema["items"], definitions),)
    return tuple(_shape("", one, definitions) for one in alternatives) if kind == "either" else ()


def _limits(schema: Mapping[str, Any]) -> Limits:
    inner = schema.get("items") or schema.get("additionalProperties") or {}
    told = {**(inner if isinstance(inner, dict) else {}), **schema}
    numbers = [told, *told.get("prefixItems", ())]
    return Limits(
        least=told.get("minimum", told.get("exclusiveMinimum", -math.inf)),
        greatest=told.get("maximum", told.get("exclusiveMaximum", math.inf)),
        open_least="exclusiveMinimum" in told,
        open_greatest="exclusiveMaximum" in told,
        multiple=told.get("multipleOf", 0.0),
        whole=any(one.get("type") == "integer" for one in numbers),
    )


def _title(name: str) -> str:
    words = " ".join(_WORDS.get(word, word) for word in name.split("_"))
    return words[:1].upper() + words[1:]


def _unit(name: str, kind: Kind, schema: Mapping[str, Any], tip: str) -> str:
    """The unit that a field states, or its description; empty where it only says the name again."""
    if "unit" in schema:
        return "" if schema["unit"] == name else str(schema["unit"])
    found = _UNIT.search(tip) if kind in ("number", "range", "list", "mapping") else None
    return "" if found is None else found.group(1).replace("pixels", "px")


def _first_paragraph(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split())
