"""The series of a session: by reference to its files where these give it, else with its frames."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Annotated

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveInt

from hrtem_app.recipe import Part
from hrtem_app.series import FocalSeries, SeriesError, Source
from hrtem_app.sessions.archive import Members, Parts
from hrtem_app.sessions.content import SessionError
from hrtem_app.sessions.records import plain_text
from hrtem_app.sessions.sources import Located, SavedSource, roles, saved_sources

_FRAMES = "frames.npy"


class SavedFacts(Part):
    """What is known of frames."""

    name: str
    sampling: Annotated[float | None, Field(description="Å per pixel.")]
    defocus: Annotated[tuple[float, ...] | None, Field(description="Å per frame, abTEM's sign.")]
    energy: Annotated[float | None, Field(description="eV.")]
    warnings: tuple[str, ...]


class SavedSeries(Part):
    """A series without its pixels."""

    facts: SavedFacts
    shape: tuple[PositiveInt, PositiveInt, PositiveInt]
    sources: tuple[SavedSource, ...]
    stored: Annotated[bool, Field(description="Whether the session holds the frames itself.")]
    frames_sha256: Annotated[str, Field(description="Of the pixels that the files gave, float32; empty if stored.")]
    selection: Annotated[
        tuple[NonNegativeInt, ...] | None, Field(description="0-based, which frames of the files these are; None: all.")
    ] = None


def facts_of(series: FocalSeries) -> SavedFacts:
    """What is known of a series besides its pixels and files."""
    return SavedFacts(
        name=plain_text(series.name),
        sampling=series.sampling,
        defocus=series.defocus,
        energy=series.energy,
        warnings=tuple(map(plain_text, series.warnings)),
    )


def stated(series: FocalSeries, facts: SavedFacts) -> FocalSeries:
    """The same pixels with what is known of others."""
    return replace(series, **facts.model_dump())


class FileFrames:
    """Tells which frames of its files a series is, by reading these; what was read is known until a file changes.

    A long film is read once for all the time points that it holds.
    """

    def __init__(self) -> None:
        self._known: dict[object, _FramesRead] = {}

    def where(self, series: FocalSeries) -> tuple[int, ...] | None:
        """0-based numbers of the frames of a series among those of its files; None where these do not give it."""
        if not all(source.sha256 for source in series.sources):
            return None
        read = self._read(series)
        if read is None or read.sources != series.sources or read.shape != series.shape:
            return None
        frames = _digests(series)
        if frames == read.frames:
            return tuple(range(len(frames)))
        numbers = {digest: number for number, digest in enumerate(read.frames)}
        return tuple(numbers[digest] for digest in frames) if numbers.keys() >= set(frames) else None

    def _read(self, series: FocalSeries) -> _FramesRead | None:
        from hrtem_app.io import load_series

        paths = [source.path for source in series.sources]
        asked = tuple(paths), series.sampling
        marks = _marks(paths)
        if asked in self._known and marks is not None and self._known[asked].marks == marks:
            return self._known[asked]
        given = [path for path, role in zip(paths, roles(paths), strict=True) if role == "given"]
        try:
            read = load_series(given, series.sampling)
        except SeriesError:
            return None
        self._known[asked] = _FramesRead(marks, read.sources, read.shape, _digests(read))
        return self._known[asked]


class Films:
    """Reads series, and keeps the last one: of time points that lie in one film it is read once.

    Those that are read in several threads wait for each other.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._last: tuple[object, FocalSeries] | None = None

    def load(self, paths: Sequence[Path], sampling: float | None) -> FocalSeries:
        """What `load_series` gives."""
        from hrtem_app.io import load_series

        asked = tuple(paths), sampling
        with self._lock:
            if self._last is None or self._last[0] != asked:
                self._last = None
                self._last = asked, load_series(list(paths), sampling)
            return self._last[1]


def series_piece(
    series: FocalSeries, session: Path | None = None, files: FileFrames | None = None
) -> tuple[SavedSeries, Members]:
    """A series, ready to be written: its record, and its frames where its files do not give them.

    Its files are read once more: where they are gone, were changed since or give other frames, the frames are stored.

    Parameters
    ----------
    series
        As its files state it, or made in memory.
    session
        The session file, beside which the files may be moved; None: it stays here.
    files
        Which knows some files already; None: a new one.
    """
    selection = (files or FileFrames()).where(series)
    stored = selection is None
    saved = SavedSeries(
        facts=facts_of(series),
        shape=series.frames.shape,
        sources=tuple(SavedSource(places=(plain_text(str(s.path)),), sha256=s.sha256) for s in series.sources)
        if stored
        else saved_sources(series.sources, session),
        stored=stored,
        frames_sha256="" if stored else _pixels_digest(series),
        selection=selection,
    )
    return saved, {_FRAMES: series.frames} if stored else {}


def read_series(saved: SavedSeries, parts: Parts, session: Path, located: Located, films: Films) -> FocalSeries:
    """The series again.

    Parameters
    ----------
    saved, parts
        As they were written.
    session
        What a person calls the session.
    located
        Where the files are now.
    films
        What reads them.

    Raises
    ------
    SessionError
        For files that are others now.
    ValueError
        For stored frames that are damaged.
    """
    if saved.stored:
        sources = tuple(Source(Path(source.places[0]), source.sha256) for source in saved.sources)
        return stated(FocalSeries(parts.array(_FRAMES, np.float32, saved.shape), sources=sources), saved.facts)
    paths = tuple(located[source] for source in saved.sources)
    series = _read(saved, paths, session, films)
    sources = tuple(Source(path, source.sha256) for path, source in zip(paths, saved.sources, strict=True))
    whole = replace(stated(series, saved.facts), sources=sources)
    if _pixels_digest(series) == saved.frames_sha256:
        return whole
    doubt = "The files give other pixels than when the session was saved, so results may not fit: run the networks anew"
    return replace(whole, warnings=(*whole.warnings, doubt))


@dataclass(frozen=True)
class _FramesRead:
    """What files gave when they had these marks."""

    marks: object
    sources: tuple[Source, ...]
    shape: tuple[int, int]
    frames: tuple[str, ...]


def _marks(paths: Sequence[Path]) -> object:
    """What changes with the content of files; None where there is one that cannot be looked at."""
    try:
        stats = [path.stat() for path in paths]
    except OSError:
        return None
    return [(stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in stats]


def _digests(series: FocalSeries) -> tuple[str, ...]:
    return tuple(hashlib.sha256(np.ascontiguousarray(frame, "<f4").tobytes()).hexdigest() for frame in series.frames)


def _read(saved: SavedSeries, paths: tuple[Path, ...], session: Path, films: Films) -> FocalSeries:
    """The series of the files, which must be those that the session needs."""
    given = [path for path, source in zip(paths, saved.sources, strict=True) if source.role == "given"]
    try:
        series = films.load(given, saved.facts.sampling)
    except SeriesError as error:
        raise SessionError(f"'{session}' needs a series that cannot be read: {error}") from error
    read = zip(series.sources, roles([source.path for source in series.sources]), strict=True)
    if [source.sha256 for source, role in read if role != "notes"] != [
        source.sha256 for source in saved.sources if source.role != "notes"
    ]:
        raise SessionError(
            f"'{session}' needs files that are read as one, and others are read than then: "
            "lay those that belong together into one folder, under the names that they had, and no others"
        )
    if saved.selection is not None and saved.selection != tuple(range(len(series))):
        series = series.select(saved.selection)
    if series.frames.shape != saved.shape:
        raise SessionError(
            f"'{session}' needs frames of {saved.shape}, and its files give {series.frames.shape}: "
            "open it with the version of the program that saved it"
        )
    return series


def _pixels_digest(series: FocalSeries) -> str:
    return hashlib.sha256(np.ascontiguousarray(series.frames, "<f4").tobytes()).hexdigest()
