"""A stack over time in the document of a session: where each time point is from, and how all are shown and linked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, FiniteFloat, NonNegativeInt, PositiveFloat, PositiveInt
from pydantic_core import from_json

from hrtem_app.recipe import Part, Recipe
from hrtem_app.series import FocalSeries
from hrtem_app.sessions.archive import POINTS, Parts
from hrtem_app.sessions.content import SessionContent
from hrtem_app.sessions.frames import Films, SavedSeries, read_series
from hrtem_app.sessions.records import plain_text, record_text
from hrtem_app.sessions.sources import Located, SavedSource, given_sources
from hrtem_app.sessions.stack import StackContent, StackPoint
from hrtem_app.sessions.work import SavedWork, joined, laid, read_work

if TYPE_CHECKING:
    from hrtem_app.timelapse.image_drift import ImageDrift
    from hrtem_app.timelapse.points import Cut, TimePoint
    from hrtem_app.timelapse.shelf import Shelf

WORK = "work.json"
"""Of a time point: its `SavedWork`, in the place of its parts."""

OpenParts = Callable[[str], AbstractContextManager[Parts]]
"""Opens the parts that lie in a place; the empty one is that of what is on screen."""


class SavedDrift(Part):
    """The drift from the time point before, as the images tell."""

    shift: Annotated[tuple[FiniteFloat, FiniteFloat], Field(description="(dy, dx) px.")]
    clear: bool


class SavedCut(Part):
    """Files that nobody has read, and which of their frames a time point is; see `hrtem_app.timelapse.points.Cut`."""

    files: Annotated[tuple[SavedSource, ...], Field(min_length=1)]
    sampling: Annotated[FiniteFloat | None, Field(gt=0, description="Å per pixel.")]
    total: PositiveInt | None
    frames: Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)] | None
    defocus: Annotated[tuple[FiniteFloat, ...] | None, Field(description="Å per frame.")]


class SavedPoint(Part):
    """A time point without results and corrections; the one on screen has neither series nor cut of its own."""

    number: NonNegativeInt
    time: Annotated[FiniteFloat | None, Field(description="s.")]
    name: str
    drift: SavedDrift | None
    series: Annotated[
        SavedSeries | None, Field(description="Without its sources, where these are a film of the stack.")
    ]
    film: Annotated[NonNegativeInt | None, Field(description="Which film the series is from.")]
    cut: SavedCut | None
    done: Annotated[bool, Field(description="Whether there is work of it.")]


class SavedStack(Part):
    """A stack over time without its arrays."""

    points: Annotated[tuple[SavedPoint, ...], Field(min_length=1)]
    films: Annotated[
        tuple[tuple[SavedSource, ...], ...],
        Field(description="Sources of the series, once each: many time points may be from the same files."),
    ]
    recipe: Recipe | None
    reach: PositiveFloat | None
    memory: NonNegativeInt
    window: PositiveInt

    def sources(self) -> Iterator[SavedSource]:
        """All files that its time points need, whatever was made of them."""
        used = {point.film for point in self.points if point.series is not None and not point.series.stored}
        films = (self.films[number] for number in sorted(n for n in used if n is not None and n < len(self.films)))
        cuts = (point.cut.files for point in self.points if point.cut is not None)
        return chain.from_iterable(chain(films, cuts))


@dataclass(frozen=True)
class PointRecord:
    """What the document says of where a time point is from, as JSON.

    Parameters
    ----------
    series
        Without its sources.
    sources
        Of the series.
    cut
        In place of the series.
    done
        Whether there is work of it.
    """

    series: str = "null"
    sources: str | None = None
    cut: str = "null"
    done: bool = False


def series_record(saved: SavedSeries, done: bool) -> PointRecord:
    """Of a time point that was read."""
    sources = f"[{','.join(record_text(source) for source in saved.sources)}]"
    return PointRecord(record_text(saved.model_copy(update={"sources": ()})), sources, done=done)


def cut_record(cut: Cut, session: Path | None, *, known: bool) -> PointRecord:
    """Of a time point that nobody has read; see `given_sources`."""
    saved = SavedCut(
        files=given_sources(cut.files, session, known=known),
        sampling=cut.sampling,
        total=cut.total,
        frames=cut.frames,
        defocus=cut.defocus,
    )
    return PointRecord(cut=record_text(saved))


def stack_text(stack: StackContent, records: Mapping[int, PointRecord]) -> str:
    """The stack of a document.

    Parameters
    ----------
    stack
        The stack.
    records
        Of its time points by their numbers, but for the one on screen.
    """
    films: dict[str, int] = {}
    points: list[str] = []
    for number, held in enumerate(stack.points):
        record = records.get(number, PointRecord())
        film = None if record.sources is None else films.setdefault(record.sources, len(films))
        drift = None if held.drift is None else SavedDrift(shift=held.drift.shift, clear=held.drift.clear)
        members = {
            "number": str(number),
            "time": json.dumps(held.point.time),
            "name": json.dumps(plain_text(held.point.name)),
            "drift": "null" if drift is None else record_text(drift),
            "series": record.series,
            "film": json.dumps(film),
            "cut": record.cut,
            "done": json.dumps(record.done),
        }
        points.append(joined(members))
    return joined(
        {
            "points": f"[{','.join(points)}]",
            "films": f"[{','.join(films)}]",
            "recipe": "null" if stack.recipe is None else record_text(stack.recipe),
            "reach": json.dumps(stack.reach),
            "memory": json.dumps(stack.memory),
            "window": json.dumps(stack.window),
        }
    )


def place_of(number: int) -> str:
    """Where the parts of a time point lie."""
    return f"{POINTS}{number}/"


@dataclass(frozen=True)
class Reading:
    """What is needed to read time points.

    Parameters
    ----------
    open_parts
        Opens the parts of each, one after the other.
    session
        What a person calls the session.
    located
        Where all files are now.
    films
        What reads them.
    shelf
        Where frames and maps are laid; None: they are in memory.
    """

    open_parts: OpenParts
    session: Path
    located: Located
    films: Films
    shelf: Shelf | None = None


def read_stack(saved: SavedStack, shown: SessionContent, reading: Reading) -> StackContent:
    """The stack again.

    Parameters
    ----------
    saved
        As it was written.
    shown
        What the session shows, one of the time points or none of them.
    reading
        How the others are read.

    Raises
    ------
    SessionError
        For files that are others now.
    ValueError
        For what is damaged or does not fit together, or a disk without room.
    """
    points: list[StackPoint] = []
    for number, each in enumerate(saved.points):
        if each.number != number:
            raise ValueError(f"time point {number} of its stack has the number {each.number}")
        if each.series is not None or each.cut is not None:
            points.append(_read_point(each, saved, reading))
        elif any(other.series is shown.series for other in points):
            raise ValueError(f"of its stack more than one time point is on screen, number {number} among them")
        else:
            point = _time_point(each, partial(_same, shown.series))
            points.append(StackPoint(point, shown.series, shown.analysis, shown.corrections, _drift(each)))
    return StackContent(tuple(points), saved.recipe, saved.reach, saved.memory, saved.window)


def _read_point(each: SavedPoint, saved: SavedStack, reading: Reading) -> StackPoint:
    from hrtem_app.timelapse.points import Cut

    if each.cut is not None:
        files = tuple(reading.located[file] for file in each.cut.files)
        cut = Cut(files, each.cut.sampling, each.cut.total, each.cut.frames, each.cut.defocus)
        return StackPoint(_time_point(each, partial(cut.load, each.name), cut))
    whole = _whole(each, saved)
    if not whole.stored and not each.done:
        # Nobody needs its pixels yet.
        load = partial(read_series, whole, Parts([]), reading.session, reading.located, reading.films)
        return StackPoint(_time_point(each, load))
    shelf = reading.shelf
    with reading.open_parts(place_of(each.number)) as parts:
        series = read_series(whole, parts, reading.session, reading.located, reading.films)
        if shelf is not None:
            series = laid(shelf.series, series)
        analysis, corrections = None, None
        if each.done:
            work = SavedWork.model_validate(from_json(parts.text(WORK)))
            analysis, corrections = read_work(work, parts, series, shelf)
    return StackPoint(_time_point(each, partial(_same, series)), series, analysis, corrections, _drift(each))


def _whole(each: SavedPoint, saved: SavedStack) -> SavedSeries:
    """The record of a series with its sources."""
    if each.series is None or each.film is None or each.film >= len(saved.films):
        raise ValueError(f"time point {each.number} of its stack is from film {each.film}, of {len(saved.films)}")
    return each.series.model_copy(update={"sources": saved.films[each.film]})


def _time_point(each: SavedPoint, load: Callable[[], FocalSeries], cut: Cut | None = None) -> TimePoint:
    from hrtem_app.timelapse.points import TimePoint

    return TimePoint(each.number, each.time, each.name, load, cut)


def _same(series: FocalSeries) -> FocalSeries:
    return series


def _drift(each: SavedPoint) -> ImageDrift | None:
    from hrtem_app.timelapse.image_drift import ImageDrift

    return None if each.drift is None else ImageDrift(each.drift.shift, each.drift.clear)
