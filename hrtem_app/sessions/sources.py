"""The files that frames are read from: where they may be, and whether they are still the same."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from hrtem_app.recipe import Part
from hrtem_app.series import Source
from hrtem_app.sessions.content import MissingSource, MissingSourceError, SessionError
from hrtem_app.sessions.records import plain_text

Role = Literal["given", "pixels", "notes"]


class SavedSource(Part):
    """A file that frames came from."""

    places: Annotated[
        tuple[str, ...],
        Field(min_length=1, description="Where it may be; what is relative starts at the folder of the session."),
    ]
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$", description="Of its bytes; empty for unknown.")] = ""
    role: Annotated[
        Role,
        Field(description="Given to `load_series`, or found beside that one: with pixels of its own, or with notes."),
    ] = "given"


def roles(paths: Sequence[Path]) -> tuple[Role, ...]:
    """Which of the sources of a series were given to `load_series`, in the order in which it lists them.

    Of TIA's pairs the reader finds one by the other: for ``name_1.ser`` the notes in ``name.emi``, for ``name.emi`` the
    pixels in all ``name_<n>.ser``. Each follows the file that it was found by.
    """
    found: list[Role] = []
    given = Path()
    for path in paths:
        if _is_pair(given, path):
            found.append("notes")
        elif _is_pair(path, given):
            found.append("pixels")
        else:
            found.append("given")
            given = path
    return tuple(found)


def given_sources(paths: Sequence[Path], session: Path | None, *, known: bool) -> tuple[SavedSource, ...]:
    """Files that nobody has read yet.

    Parameters
    ----------
    paths
        As they would be given to `load_series`.
    session
        As for `saved_sources`.
    known
        Whether to read them now, so that they are known by their content; else they are by their place.
    """
    return tuple(
        SavedSource(places=_places(path.absolute(), session), sha256=(digest(path) or "") if known else "")
        for path in paths
    )


def saved_sources(sources: Sequence[Source], session: Path | None) -> tuple[SavedSource, ...]:
    """The sources of a series with all places where they may be later.

    Parameters
    ----------
    sources
        As `load_series` lists them.
    session
        The session file, beside which they may be moved; None: it stays here.
    """
    parts = zip(sources, roles([source.path for source in sources]), strict=True)
    return tuple(
        SavedSource(places=_places(source.path.absolute(), session), sha256=source.sha256, role=role)
        for source, role in parts
    )


Located = Mapping[SavedSource, Path]
"""Where sources are now."""


def locate(sources: Iterable[SavedSource], session: Path, found: Mapping[Path | str, Path | str]) -> Located:
    """Where the sources are now; each is known by its content, or by its place where nobody had read it.

    Parameters
    ----------
    sources
        As a session has them, of all its series.
    session
        The session file.
    found
        By where a file was, where it is now.

    Returns
    -------
    One path per source; that of a file with notes only may lead nowhere.

    Raises
    ------
    SessionError
        For a file of `found` that is none of the sources.
    MissingSourceError
        For sources that are nowhere.
    """
    wanted = tuple(dict.fromkeys(sources))
    digests: dict[Path, str | None] = {}

    def content(path: Path) -> str | None:
        # Many time points may lie in one large file.
        if path not in digests:
            digests[path] = digest(path)
        return digests[path]

    offered = _offered(wanted, found, content)
    paths: dict[SavedSource, Path] = {}
    missing: dict[Path, MissingSource] = {}
    for source in wanted:
        places = [session.parent / place for place in source.places]
        known = offered.get(source.sha256 or source.places[0])
        if known is None and source.sha256:
            known = next((p for p in places if content(p) == source.sha256), None)
        elif known is None:
            known = next((p for p in places if is_file(p)), None)
        if known is None and source.role != "notes":
            changed = any(content(place) is not None for place in places)
            missing[Path(source.places[0])] = MissingSource(Path(source.places[0]), changed)
        paths[source] = known or places[0]
    if missing:
        raise MissingSourceError(session, tuple(missing.values()))
    return paths


def is_file(path: Path) -> bool:
    """Whether there is a file; what can be no name of one is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def digest(path: Path) -> str | None:
    """SHA-256 of a file; None where there is none that can be read."""
    try:
        # A pipe or a device would never end.
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _offered(
    sources: Sequence[SavedSource], found: Mapping[Path | str, Path | str], digest_of: Callable[[Path], str | None]
) -> dict[str, Path]:
    """The files that a person names, by their content; by their old place where the content is unknown."""
    wanted = {source.sha256 for source in sources}
    unknown = {Path(source.places[0]): source.places[0] for source in sources if not source.sha256}
    offered: dict[str, Path] = {}
    for old, new in found.items():
        content = digest_of(Path(new))
        if content is not None and Path(old) in unknown:
            offered[unknown[Path(old)]] = Path(new)
            continue
        if content is None:
            raise SessionError(f"'{new}' is no file that can be read: give the file that was '{old}'")
        if content not in wanted:
            raise SessionError(
                f"'{new}' is not what '{old}' was, its content is another: give that file or an exact copy of it"
            )
        offered[content] = Path(new)
    return offered


def _places(path: Path, session: Path | None) -> tuple[str, ...]:
    places = [str(path)]
    if session is not None:
        # On another drive of Windows there is no such way.
        with contextlib.suppress(ValueError):
            places.append(Path(os.path.relpath(path, session.absolute().parent)).as_posix())
    places.append(path.name)
    return tuple(dict.fromkeys(map(plain_text, places)))


def _is_pair(ser: Path, emi: Path) -> bool:
    """Whether the reader takes them for one: `name_1.ser` and `name.emi` in the same folder."""
    return (
        ser.parent == emi.parent
        and emi.suffix.lower() == ".emi"
        and re.fullmatch(re.escape(emi.stem) + r"_\d+\.ser", ser.name, re.IGNORECASE) is not None
    )
