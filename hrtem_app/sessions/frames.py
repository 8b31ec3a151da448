"""The series of a session: by reference to its files where these give it, else with its frames."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, PositiveInt

from hrtem_app.recipe import Part
from hrtem_app.series import FocalSeries, SeriesError, Source
from hrtem_app.sessions.archive import Parts
from hrtem_app.sessions.content import SessionError
from hrtem_app.sessions.records import Piece, plain_text, record_text
from hrtem_app.sessions.sources import SavedSource, locate, roles, saved_sources

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


def series_piece(series: FocalSeries, session: Path | None = None) -> Piece:
    """A series, ready to be written.

    Its files are read once more: where they are gone, were changed since or give other frames, the frames are stored.

    Parameters
    ----------
    series
        As its files state it, or made in memory.
    session
        The session file, beside which the files may be moved; None: it stays here.
    """
    stored = not _is_read_from_files(series)
    saved = SavedSeries(
        facts=facts_of(series),
        shape=series.frames.shape,
        sources=tuple(SavedSource(places=(plain_text(str(s.path)),), sha256=s.sha256) for s in series.sources)
        if stored
        else saved_sources(series.sources, session),
        stored=stored,
        frames_sha256="" if stored else _pixels_digest(series),
    )
    return Piece(record_text(saved), {_FRAMES: series.frames} if stored else {})


def read_series(saved: SavedSeries, parts: Parts, session: Path, found: Mapping[Path | str, Path | str]) -> FocalSeries:
    """The series again.

    Raises
    ------
    MissingSourceError
        For files that are not found.
    SessionError
        For files that are others now.
    ValueError
        For stored frames that are damaged.
    """
    if saved.stored:
        sources = tuple(Source(Path(source.places[0]), source.sha256) for source in saved.sources)
        return stated(FocalSeries(parts.array(_FRAMES, np.float32, saved.shape), sources=sources), saved.facts)
    paths = locate(saved.sources, session, found)
    series = _read(saved, paths, session)
    sources = tuple(Source(path, source.sha256) for path, source in zip(paths, saved.sources, strict=True))
    whole = replace(stated(series, saved.facts), sources=sources)
    if _pixels_digest(series) == saved.frames_sha256:
        return whole
    doubt = "The files give other pixels than when the session was saved, so results may not fit: run the networks anew"
    return replace(whole, warnings=(*whole.warnings, doubt))


def _read(saved: SavedSeries, paths: tuple[Path, ...], session: Path) -> FocalSeries:
    """The series of the files, which must be those that the session needs."""
    from hrtem_app.io import load_series

    given = [path for path, source in zip(paths, saved.sources, strict=True) if source.role == "given"]
    try:
        series = load_series(given, saved.facts.sampling)
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
    if series.frames.shape != saved.shape:
        raise SessionError(
            f"'{session}' needs frames of {saved.shape}, and its files give {series.frames.shape}: "
            "open it with the version of the program that saved it"
        )
    return series


def _is_read_from_files(series: FocalSeries) -> bool:
    """Whether the files of a series give its frames."""
    from hrtem_app.io import load_series

    if not all(source.sha256 for source in series.sources):
        return False
    paths = [source.path for source in series.sources]
    given = [path for path, role in zip(paths, roles(paths), strict=True) if role == "given"]
    try:
        read = load_series(given, series.sampling)
    except SeriesError:
        return False
    return read.sources == series.sources and np.array_equal(read.frames, series.frames)


def _pixels_digest(series: FocalSeries) -> str:
    return hashlib.sha256(np.ascontiguousarray(series.frames, "<f4").tobytes()).hexdigest()
