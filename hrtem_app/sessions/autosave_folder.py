"""The folder of an autosave: a small file that is replaced with every change, and large ones that are written once."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4
from weakref import WeakKeyDictionary, ref

from platformdirs import user_state_path
from pydantic import AwareDatetime, BaseModel, Field
from pydantic_core import from_json

from hrtem_app.files import replacing
from hrtem_app.recipe import Part
from hrtem_app.series import FocalSeries
from hrtem_app.sessions.archive import POINTS, Members, Parts, damage_told, write_archive
from hrtem_app.sessions.content import SessionContent, SessionError
from hrtem_app.sessions.document import Document, document_text, parsed_document, read_content
from hrtem_app.sessions.frames import FileFrames, SavedSeries, facts_of, series_piece
from hrtem_app.sessions.owners import own_name
from hrtem_app.sessions.records import Piece, plain_text, record_text
from hrtem_app.sessions.results import results_piece
from hrtem_app.sessions.sources import is_file
from hrtem_app.sessions.stack import StackPoint, series_of
from hrtem_app.sessions.stack_records import WORK, PointRecord, cut_record, place_of, series_record, stack_text
from hrtem_app.sessions.tables import table_piece
from hrtem_app.sessions.work import BASE, EditTexts, SavedWork, checked_length, joined, own_base, work_texts

if TYPE_CHECKING:
    from hrtem_app.timelapse.shelf import Shelf

STATE = "state.json"
_File = Annotated[str, Field(pattern=r"^[0-9a-f]{32}\.zip$")]


class Summary(Part):
    """What a list of autosaves says of one."""

    when: AwareDatetime
    series: str
    edits: int


class StateHead(BaseModel):
    """The state without the document, which a list needs not read."""

    summary: Summary
    files: dict[str, _File]


@dataclass(frozen=True)
class _Written:
    """What is on the disk of results or a table: its record, and the zip file of its arrays."""

    record: str
    file: str


@dataclass(frozen=True)
class _WrittenSeries:
    """What is on the disk of a series: its record, and the zip file of its frames where its files do not give them."""

    saved: SavedSeries
    file: str


@dataclass(frozen=True)
class _WrittenPoint:
    """What is on the disk of a time point that is not on screen.

    `work` are results and corrections that the record is of: what is held no longer counts as others.
    """

    record: PointRecord
    files: Mapping[str, str]
    work: tuple[ref[object] | None, ref[object] | None]


def default_root() -> Path:
    """Where autosaves lie: the user's folder for states of programs (`HRTEM_APP_AUTOSAVE` moves it)."""
    own = os.environ.get("HRTEM_APP_AUTOSAVE")
    return Path(own) if own else user_state_path("hrtem-app", appauthor=False) / "autosave"


class AutosaveFolder:
    """A session on the disk, one state after the other.

    A state is one small file that names the large ones. Those are written before it and removed after none names them
    and nobody holds what is in them, so whenever the process dies, the folder holds a whole state. What was made of a
    time point of a stack that is not on screen is a file too, which is written when that changes.

    Parameters
    ----------
    path
        A folder of this process alone, see `create`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # By identity; what nobody holds any more leaves by itself. A series that is one of a stack is known by its time
        # point, whether it is in memory or not.
        self._written: WeakKeyDictionary[object, _Written] = WeakKeyDictionary()
        self._series: WeakKeyDictionary[object, _WrittenSeries] = WeakKeyDictionary()
        self._points: WeakKeyDictionary[object, _WrittenPoint] = WeakKeyDictionary()
        self._edits = EditTexts()
        self._frames = FileFrames()

    @classmethod
    def create(cls, root: Path) -> AutosaveFolder:
        """A new folder of this process.

        Raises
        ------
        OSError
            Where it cannot be made.
        """
        path = root / own_name()
        path.mkdir(mode=0o700, parents=True)
        return cls(path)

    def write(self, content: SessionContent, interrupted: Callable[[], bool] = lambda: False) -> None:
        """Make this the state of the folder.

        What is large of time points that are not on screen, and that nobody corrected, comes after a first state in
        which they are as they were. So what a person does meanwhile does not wait for all of it.

        Parameters
        ----------
        content
            The session.
        interrupted
            Asked after each of them whether there is a newer state, which will go on with the rest.

        Raises
        ------
        OSError
            Where it cannot be written; the folder keeps the state that it had.
        SessionError
            Where it would be too long.
        """
        later: list[StackPoint] = []
        for held in _others(content):
            if self._is_written(held) or (held.corrections is not None and held.corrections.edits):
                self._put_point(held)
            else:
                later.append(held)
        self._write_state(content)
        for number, held in enumerate(later):
            # One that cannot be read stays as it was; who looks at it is told.
            with contextlib.suppress(SessionError):
                self._put_point(held)
            ends = number == len(later) - 1 or interrupted()
            if ends or held.analysis is not None:
                self._write_state(content)
            if ends:
                break
        self._tidy()

    def read(self, found: Mapping[Path | str, Path | str] | None = None, shelf: Shelf | None = None) -> SessionContent:
        """The state of the folder.

        Parameters
        ----------
        found, shelf
            As for `hrtem_app.sessions.load_session`.

        Raises
        ------
        MissingSourceError
            For sources that are missing or have changed, of all time points.
        SessionError
            For anything that is damaged.
        """
        state = self.path / STATE
        with damage_told(state):
            values = from_json(state.read_bytes())
            head = StateHead.model_validate(values)
            document = parsed_document(values.get("document"), state)

            def open_parts(place: str) -> Parts:
                return Parts([self.path / file for file in _files_in(place, head.files).values()])

            content = read_content(document, open_parts, state, found or {}, shelf)
        self._remember(content, document, head.files)
        return content

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _write_state(self, content: SessionContent) -> None:
        """Write the small file, with what is on screen as it is and with what is known of the other time points."""
        key = _key(content)
        files = self._put_work(content, key)
        # It is saved as what is on screen; what was known of it before will be no longer true.
        self._points.pop(key, None)
        stack = None
        records = self._point_records(content)
        if content.stack is not None and records is not None:
            stack = stack_text(content.stack, records)
            for number, held in enumerate(content.stack.points):
                if number in records and held.point in self._points:
                    kept = self._points[held.point].files
                    files |= {f"{place_of(number)}{name}": file for name, file in kept.items()}
                elif number in records and self._series_file(held.point):
                    files[f"{place_of(number)}series"] = self._series_file(held.point)
        work = self._work_texts(content, self._edits)
        document = document_text(content, record_text(self._series[key].saved), work, stack).decode()
        head = {"summary": record_text(_summary(content)), "files": json.dumps(files)}
        with replacing(self.path / STATE) as file:
            file.write(joined(head | {"document": document}).encode())

    def _point_records(self, content: SessionContent) -> dict[int, PointRecord] | None:
        """What is known of the time points that are not on screen; None where one of them could not be read again."""
        records: dict[int, PointRecord] = {}
        for held in _others(content):
            point = held.point
            if point in self._points:
                records[point.number] = self._points[point].record
            elif point in self._series:
                records[point.number] = series_record(self._series[point].saved, done=False)
            elif point.cut is not None:
                records[point.number] = cut_record(point.cut, None, known=False)
            else:
                return None
        return records

    def _is_written(self, held: StackPoint) -> bool:
        """Whether all that is large of a time point is on the disk."""
        if held.series is None and held.point.cut is not None:
            return True
        base = own_base(held)
        large = [value for value in (held.analysis, base) if value is not None]
        return held.point in self._series and all(value in self._written for value in large)

    def _put_point(self, held: StackPoint) -> None:
        """Bring a time point to the disk; what of it is there already is not written again."""
        if held.series is None and held.point.cut is not None:
            return
        known = self._points.get(held.point)
        if known is not None and _is_of(held, known) and held.point in self._series:
            return
        files = self._put_work(held, held.point)
        done = held.analysis is not None or held.corrections is not None
        if done:
            text = joined(self._work_texts(held, EditTexts()))
            files["work"] = self._put_file({WORK: checked_length(text, held.point.name)})
        record = series_record(self._series[held.point].saved, done)
        self._points[held.point] = _WrittenPoint(record, files, _refs(held))

    def _put_work(self, held: SessionContent | StackPoint, key: object) -> dict[str, str]:
        """Bring what is large to the disk where it is not there; the files of it."""
        if key not in self._series:
            saved, frames = series_piece(
                held.series if held.series is not None else series_of(held), files=self._frames
            )
            self._series[key] = _WrittenSeries(saved, self._put_file(frames))
        written = {"series": self._series[key].file}
        if held.analysis is not None:
            written["results"] = self._put(held.analysis, partial(results_piece, held.analysis)).file
        base = own_base(held)
        if base is not None:
            written["base"] = self._put(base, partial(table_piece, base, BASE)).file
        return {name: file for name, file in written.items() if file}

    def _work_texts(self, held: SessionContent | StackPoint, edits: EditTexts) -> dict[str, str]:
        base = own_base(held)
        results = None if held.analysis is None else self._written[held.analysis].record
        return work_texts(held.corrections, results, None if base is None else self._written[base].record, edits)

    def _put(self, value: object, make: Callable[[], Piece]) -> _Written:
        """What is on the disk of a value; written if it is not there."""
        if value not in self._written:
            piece = make()
            self._written[value] = _Written(piece.record, self._put_file(piece.members))
        return self._written[value]

    def _put_file(self, members: Members) -> str:
        """The name of a new file with these parts; empty for none."""
        file = f"{uuid4().hex}.zip" if members else ""
        if file:
            write_archive(self.path / file, members)
        return file

    def _series_file(self, key: object) -> str:
        return self._series[key].file if key in self._series else ""

    def _remember(self, content: SessionContent, document: Document, files: Mapping[str, str]) -> None:
        """What was read need not be written again."""
        self._written, self._series = WeakKeyDictionary(), WeakKeyDictionary()
        self._points = WeakKeyDictionary()
        self._remember_work(content, document, _files_in("", files))
        self._remember_series(_key(content), content.series, document.series, files.get("series", ""))
        if content.stack is None or document.stack is None:
            return
        for held, saved in zip(content.stack.points, document.stack.points, strict=True):
            if saved.series is None or saved.film is None:
                continue
            whole = saved.series.model_copy(update={"sources": document.stack.films[saved.film]})
            own = _files_in(place_of(saved.number), files)
            self._remember_series(held.point, held.series, whole, own.get("series", ""))
            if saved.done:
                with Parts([self.path / own["work"]]) as parts:
                    self._remember_work(held, SavedWork.model_validate(from_json(parts.text(WORK))), own)
            record = series_record(whole, saved.done)
            self._points[held.point] = _WrittenPoint(record, own, _refs(held))

    def _remember_series(self, key: object, series: FocalSeries | None, saved: SavedSeries, file: str) -> None:
        """A series that was read from its files may have been found in another place, or with other pixels."""
        places = [Path(source.places[0]) for source in saved.sources]
        if series is not None and not saved.stored:
            if facts_of(series) != saved.facts or places != [source.path for source in series.sources]:
                return
        elif series is None and not all(map(is_file, places)):
            return
        self._series[key] = _WrittenSeries(saved, file)

    def _remember_work(self, held: SessionContent | StackPoint, saved: SavedWork, files: Mapping[str, str]) -> None:
        if held.analysis is not None and saved.results is not None:
            self._written[held.analysis] = _Written(record_text(saved.results), files.get("results", ""))
        base = own_base(held)
        if base is not None and saved.base is not None:
            self._written[base] = _Written(record_text(saved.base), files.get("base", ""))

    def _tidy(self) -> None:
        """Remove what no state will name again, also what a killed process left half-written."""
        kept = {STATE}
        kept |= {written.file for written in self._written.values()}
        kept |= {written.file for written in self._series.values()}
        kept |= {file for written in self._points.values() for file in written.files.values()}
        for path in self.path.iterdir():
            if path.name not in kept:
                with contextlib.suppress(OSError):
                    path.unlink()


def _others(content: SessionContent) -> list[StackPoint]:
    """The time points that are not on screen."""
    current = content.current
    return [] if content.stack is None else [p for n, p in enumerate(content.stack.points) if n != current]


def _key(content: SessionContent) -> object:
    """By what a series on screen is known."""
    current = content.current
    return content.series if content.stack is None or current is None else content.stack.points[current].point


def _refs(held: StackPoint) -> tuple[ref[object] | None, ref[object] | None]:
    analysis, corrections = held.analysis, held.corrections
    return None if analysis is None else ref(analysis), None if corrections is None else ref(corrections)


def _is_of(held: StackPoint, known: _WrittenPoint) -> bool:
    """Whether results and corrections of a time point are those that are on the disk."""
    values = zip((held.analysis, held.corrections), known.work, strict=True)
    return all(value is None if of is None else value is not None and of() is value for value, of in values)


def _files_in(place: str, files: Mapping[str, str]) -> dict[str, str]:
    """The files that lie in a place, by what they are; the empty place is what is on screen."""
    return {name[len(place) :]: file for name, file in files.items() if name.startswith(place or POINTS) == bool(place)}


def _summary(content: SessionContent) -> Summary:
    others = [held.corrections for held in _others(content)]
    return Summary(
        when=datetime.now(UTC),
        series=plain_text(content.series.name),
        edits=sum(c.position for c in (content.corrections, *others) if c is not None),
    )
