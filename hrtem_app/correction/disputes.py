"""Reading and retelling a row's disputes: what networks found in its place other than its class."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

# The majority that a person overruled is known by number only; see `retold`. More votes than this are no votes.
_VOTES = re.compile(r"(\d{1,6}) votes?")


def disputed_classes(text: str) -> frozenset[str]:
    """The classes that others found: `{"1S", "2S"}` of `1S:unet_pp;2S:unet`."""
    return frozenset(entry.partition(":")[0] for entry in text.split(";") if entry)


# Of thousands of columns most say the same.
@lru_cache(maxsize=1024)
def retold(text: str, votes: int, former: str, new: str) -> tuple[str, int]:
    """Disputes and votes of a row to which a person gave another class.

    Networks that found the new class agree now, so they leave the disputes and count as votes. Those that found the
    former one enter the disputes; which ones they were a table does not tell, so they come as `2S:3 votes`.

    Parameters
    ----------
    text, votes
        As they were.
    former, new
        Names of the classes, not the same.
    """
    entries = [entry for entry in text.split(";") if entry]
    agreeing = [entry for entry in entries if entry.partition(":")[0] == new]
    others = [entry for entry in entries if entry not in agreeing]
    if votes:
        others.insert(0, f"{former}:{votes} vote{'' if votes == 1 else 's'}")
    return ";".join(others), sum(_votes(entry) for entry in agreeing)


def in_words(text: str, titles: Mapping[str, str] | None = None) -> str:
    """The disputes of a row as a person reads them: `U-net++ says 1S, 2 networks say 2S`; empty without any.

    Parameters
    ----------
    text
        As in a table.
    titles
        What networks are called, by their names; one that is not there goes by its name.
    """
    said: dict[str, list[str]] = {}
    for entry in filter(None, text.split(";")):
        name, _, network = entry.partition(":")
        said.setdefault(name, []).append(_title(network, titles or {}))
    return ", ".join(f"{_joined(who)} {name}" for name, who in said.items())


def _title(network: str, titles: Mapping[str, str]) -> str:
    number = _VOTES.fullmatch(network)
    if number is None:
        return titles.get(network, network)
    return "1 network" if int(number[1]) == 1 else f"{number[1]} networks"


def _joined(who: list[str]) -> str:
    """`U-net says`, `U-net and MSD-net say`, `2 networks say`."""
    verb = "says" if len(who) == 1 and not who[0].endswith(" networks") else "say"
    return f"{' and '.join(filter(None, (', '.join(who[:-1]), who[-1])))} {verb}"


def _votes(entry: str) -> int:
    number = _VOTES.fullmatch(entry.partition(":")[2])
    return int(number[1]) if number else 1
