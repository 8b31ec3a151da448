"""Units of pixel sizes, in the many ways that files spell them."""

from __future__ import annotations

import re
from typing import Literal

UnitKind = Literal["length", "reciprocal", "angle", "energy", "time", "none", "unknown"]

_ANGSTROM: dict[str, float] = {
    "m": 1e10,
    "cm": 1e8,
    "mm": 1e7,
    "um": 1e4,
    "nm": 10.0,
    "a": 1.0,
    "pm": 1e-2,
    "inch": 2.54e8,
}

_WORDS: dict[str, str] = {
    "meter": "m",
    "metre": "m",
    "meters": "m",
    "metres": "m",
    "centimeter": "cm",
    "centimetre": "cm",
    "millimeter": "mm",
    "millimetre": "mm",
    "micron": "um",
    "microns": "um",
    "micrometer": "um",
    "micrometre": "um",
    "micrometers": "um",
    "micrometres": "um",
    "nanometer": "nm",
    "nanometre": "nm",
    "nanometers": "nm",
    "nanometres": "nm",
    "picometer": "pm",
    "picometre": "pm",
    "picometers": "pm",
    "picometres": "pm",
    "angstrom": "a",
    "angstroms": "a",
    "ang": "a",
    "å": "a",
    "ångström": "a",
    "ångstrom": "a",
    "ångströms": "a",
    "in": "inch",
    "inches": "inch",
}

_NONE = frozenset(
    {"", "pixel", "pixels", "px", "none", "undefined", "channel", "channels", "frame", "frames", "n/a", "null"}
)
_ENERGY = frozenset({"ev", "kev", "mev"})
_ANGLE = frozenset({"rad", "mrad", "urad", "deg", "degree", "degrees", "°"})
_TIME = frozenset({"s", "sec", "second", "seconds", "ms", "us", "ns", "min", "h"})
_RECIPROCAL = re.compile(r"^1\s*/|\^\s*-\s*1$|⁻¹$|-1$|^per\b")

# How bytes of a unit were read, and how they were meant: µ in Shift-JIS read as Windows-1252, for example.
_MISREADINGS = (("cp1252", "shift_jis"), ("latin-1", "shift_jis"), ("latin-1", "utf-8"), ("cp1252", "utf-8"))


def unit_kind(unit: str | None) -> UnitKind:
    """What a unit measures; "none" for a missing unit and "unknown" for one that nobody can read."""
    return _classify(unit)[0]


def in_angstrom(unit: str | None) -> float | None:
    """How many Å one of this unit is, or None where it is no length.

    >>> in_angstrom("nm"), in_angstrom("µm"), in_angstrom("[n_m]"), in_angstrom("ƒÊm"), in_angstrom("1/nm")
    (10.0, 10000.0, 10.0, 10000.0, None)
    """
    kind, plain = _classify(unit)
    return _ANGSTROM[plain] if kind == "length" else None


def _classify(unit: str | None) -> tuple[UnitKind, str]:
    for spelling in _spellings(unit or ""):
        plain = _plain(spelling)
        if plain in _ANGSTROM:
            return "length", plain
        if plain in _NONE:
            return "none", plain
        if plain in _ENERGY:
            return "energy", plain
        if plain in _ANGLE:
            return "angle", plain
        if plain in _TIME:
            return "time", plain
        if _RECIPROCAL.search(plain):
            return "reciprocal", plain
    return "unknown", unit or ""


def _spellings(unit: str) -> list[str]:
    """The unit as it was read and as it may have been meant."""
    readings = [unit]
    if not unit.isascii():
        for read_as, meant_as in _MISREADINGS:
            try:
                readings.append(unit.encode(read_as).decode(meant_as))
            except UnicodeError:
                continue
    return readings


def _plain(unit: str) -> str:
    text = unit.strip().strip("\0").strip()
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)  # as ImageJ writes it
    text = text.strip("[]() ").replace("_", "").replace("µ", "u").replace("μ", "u").lower()
    return _WORDS.get(text, text)
