"""Keeps what a person did: session files, and an automatic saving that a crash leaves behind."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from hrtem_app.gui.links import Links
from hrtem_app.gui.recent import remember
from hrtem_app.gui.session import Session

if TYPE_CHECKING:
    from hrtem_app.columns import ColumnTable
    from hrtem_app.gui.over_time.over_time import OverTime
    from hrtem_app.sessions import Autosave, MissingSourceError, Pending, SessionContent
    from hrtem_app.timelapse.shelf import Shelf

    Loaded = tuple[Path, SessionContent | MissingSourceError, Pending | None, Shelf | None]

# More than there are time points in any stack that somebody corrects by hand.
_REMEMBERED = 1000
StartJob = Callable[..., object]


class Keeper(QObject):
    """Saves a session after every change, and into files when asked.

    `sources_missing` tells that a session cannot be opened before its sources are shown: its file, or the `Pending`
    that a crash left, and the `MissingSourceError`. `pending_changed` tells that there are others or none of the
    autosaves that a crash left.

    Parameters
    ----------
    session
        What is kept.
    over_time
        The stack over time, which is kept with it.
    start_job
        Runs a function in a thread: name, source of its messages, what to do with its value, function, arguments.
    opened
        Called once a session was brought back.
    """

    sources_missing = Signal(object, object)
    pending_changed = Signal()
    _problem = Signal(str)

    def __init__(self, session: Session, over_time: OverTime, start_job: StartJob, opened: Callable[[], None]) -> None:
        super().__init__()
        self._session, self._over_time, self._start_job, self._opened = session, over_time, start_job, opened
        self._autosave: Autosave | None = None
        self._pending: tuple[Pending, ...] | None = None
        self._last: SessionContent | None = None
        # What other series were left with, for undo to bring back, and for the next start if nothing does.
        self._set_aside: list[tuple[SessionContent, Autosave]] = []
        # Tables of corrections that are in a file.
        self._safe: deque[ColumnTable] = deque(maxlen=_REMEMBERED)
        # Problems are told from the autosave's thread.
        self._problem.connect(self._on_problem)
        signals = (
            session.series_changed,
            session.recipe_changed,
            session.analysis_changed,
            session.corrections_changed,
            session.view_changed,
            over_time.changed,
            over_time.relinked,
        )
        exported = (session.activity_changed, self._note_exported)
        self._links = Links(exported, *((signal, self.note) for signal in signals))
        self._links.open()

    @property
    def pending(self) -> tuple[Pending, ...]:
        """Autosaves that a crash left behind, the newest first."""
        if self._pending is None:
            from hrtem_app.sessions import pending

            try:
                self._pending = pending()
            except OSError:
                self._pending = ()
        return self._pending

    def note(self) -> None:
        """Keep the session as it is now; written in a thread."""
        content = self._content()
        if content is not None:
            self._turn_to(content)
            self._autosaving().note(content)
            self._last = content

    def save(self, path: str | Path) -> None:
        """Save the session into a file, in a thread."""
        from hrtem_app.sessions import SUFFIX

        content, target = self._content(), Path(path)
        if content is None:
            return
        target = target if target.suffix == SUFFIX else target.with_name(target.name + SUFFIX)
        self._start_job("save", "series", partial(self._on_saved, content), _save, target, content)

    def open(self, path: str | Path, found: Mapping[Path, Path] | None = None) -> None:
        """Open a session file, in a thread.

        Parameters
        ----------
        path
            The file.
        found
            Where sources are now that are not where the file says.
        """
        self._session.forget("series")
        self._start_job("open", "series", self._on_loaded, _load, Path(path), dict(found or {}))

    def restore(self, entry: Pending, found: Mapping[Path, Path] | None = None) -> None:
        """Bring back what a crash left behind, in a thread; `found` as for `open`."""
        self._session.forget("series")
        self._start_job("open", "series", self._on_loaded, _take, self._autosaving(), entry, dict(found or {}))

    def discard(self, entry: Pending) -> None:
        """Delete what a crash left behind."""
        from hrtem_app.sessions import discard

        discard(entry)
        self._forget(entry)

    def close(self) -> None:
        """Save no more; the next start offers corrections that are in no file, and nothing else, as nothing crashed."""
        self._links.close()
        for content, autosave in (*self._set_aside, (self._last, self._autosave)):
            if autosave is not None:
                self._end(content, autosave)
        self._set_aside, self._autosave = [], None

    def _turn_to(self, content: SessionContent) -> None:
        """Where another series was opened, set aside what was made of the last one, unless it is in a file."""
        from hrtem_app.sessions.autosave import goes_on

        last, autosave = self._last, self._autosave
        if last is None or autosave is None or goes_on(last, content):
            return
        if self._has_unsaved_work(last):
            self._set_aside.append((last, autosave))
            self._autosave = None
        for before in [item for item in self._set_aside if goes_on(item[0], content)]:
            self._set_aside.remove(before)
            if self._autosave is not None:
                self._autosave.close()
            self._autosave = before[1]

    def _end(self, content: SessionContent | None, autosave: Autosave) -> None:
        if content is not None and self._has_unsaved_work(content):
            autosave.leave()
        else:
            autosave.close()

    def _has_unsaved_work(self, content: SessionContent) -> bool:
        """Whether a person corrected columns that are neither saved nor exported."""
        return not all(map(self._is_safe, _corrected(content)))

    def _note_exported(self) -> None:
        exported = self._session.exported
        # The signal comes at every step of whatever runs.
        if exported is not None and not self._is_safe(exported):
            self._safe.append(exported)

    def _is_safe(self, table: ColumnTable) -> bool:
        return any(table is safe for safe in self._safe)

    def _content(self) -> SessionContent | None:
        from hrtem_app.sessions import SessionContent

        session = self._session
        if session.file_series is None:
            return None
        view = session.view.model_dump(mode="json")
        stack = self._over_time.saved
        return SessionContent(session.file_series, session.recipe, session.analysis, session.corrections, view, stack)

    def _autosaving(self) -> Autosave:
        if self._autosave is None:
            from hrtem_app.sessions import Autosave

            self._autosave = Autosave(on_problem=self._problem.emit)
        return self._autosave

    def _forget(self, entry: Pending) -> None:
        self._pending = tuple(other for other in self.pending if other != entry)
        self.pending_changed.emit()

    def _on_loaded(self, loaded: Any) -> None:
        path, content, entry, shelf = loaded
        if not hasattr(content, "series"):
            self.sources_missing.emit(path if entry is None else entry, content)
            return
        if shelf is None:
            self._session.restore(content)
        else:
            self._over_time.restore(content, shelf)
        if entry is not None:
            self._forget(entry)
        else:
            self._safe.extend(_corrected(content))
            remember([path])
        self._opened()

    def _on_saved(self, content: SessionContent, path: Path) -> None:
        self._safe.extend(_corrected(content))
        remember([path])
        self._session.tell("series", "info", f"The session was saved to {path}")

    def _on_problem(self, text: str) -> None:
        self._session.tell("series", "warning", text)


def _corrected(content: SessionContent) -> list[ColumnTable]:
    """The tables that a person corrected: of the series, and of the time points of its stack."""
    points = () if content.stack is None else content.stack.points
    corrections = [content.corrections, *(point.corrections for point in points)]
    return [each.table for each in corrections if each is not None and each.edits]


def _save(path: Path, content: SessionContent) -> Path:
    from hrtem_app.sessions import save_session

    save_session(path, content)
    return path


def _load(path: Path, found: dict[Path | str, Path | str]) -> Loaded:
    from hrtem_app.sessions import MissingSourceError, load_session

    try:
        content, shelf = _on_shelf(partial(load_session, path, found))
    except MissingSourceError as error:
        return path, error, None, None
    return path, content, None, shelf


def _take(autosave: Autosave, entry: Pending, found: dict[Path | str, Path | str]) -> Loaded:
    from hrtem_app.sessions import MissingSourceError

    try:
        content, shelf = _on_shelf(partial(autosave.take, entry, found))
    except MissingSourceError as error:
        return entry.folder, error, entry, None
    return entry.folder, content, entry, shelf


def _on_shelf(read: Callable[..., SessionContent]) -> tuple[SessionContent, Shelf | None]:
    """A session, and where the frames and maps of its stack lie; None where it has no stack."""
    from hrtem_app.timelapse.shelf import Shelf

    shelf = Shelf()
    try:
        content = read(shelf=shelf)
    except BaseException:
        shelf.close()
        raise
    if content.stack is None:
        shelf.close()
        return content, None
    return content, shelf
