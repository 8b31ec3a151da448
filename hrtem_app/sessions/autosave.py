"""The autosave of a window: what is noted there outlives the process."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from hrtem_app.sessions.autosave_folder import AutosaveFolder, default_root
from hrtem_app.sessions.content import SessionContent
from hrtem_app.sessions.latest import Latest
from hrtem_app.sessions.pending import Pending, claim, release

if TYPE_CHECKING:
    from hrtem_app.timelapse.shelf import Shelf


class Autosave:
    """Keeps the newest state of a session on the disk, in a thread of its own, until it is closed.

    Results and frames, which are large, are written once for each object; everything else is one small file that is
    replaced. States that follow each other more quickly than the disk takes them are skipped, but for the last. Maps of
    time points that are not on screen, and that nobody corrected, wait for what a person does meanwhile.

    Parameters
    ----------
    root
        Where autosaves lie; None: see `default_root`. Each has its own folder in it, made with the first state.
    on_problem
        Called with a sentence when a state cannot be written, in the thread of the autosave; not again until one was
        written. Each later note tries once more.
    """

    def __init__(self, root: str | Path | None = None, on_problem: Callable[[str], None] | None = None) -> None:
        self.root = default_root() if root is None else Path(root)
        self._on_problem = on_problem
        self._problem = ""
        self._own: AutosaveFolder | None = None
        self._taken: list[tuple[AutosaveFolder, Pending, SessionContent]] = []
        # Of the folders: they are written to in one thread and taken over in others.
        self._lock = Lock()
        self._latest: Latest[SessionContent] = Latest(self._write)

    @property
    def problem(self) -> str:
        """Why the last state could not be written; empty where it was."""
        return self._problem

    def note(self, content: SessionContent) -> None:
        """Something changed: this is the session now. Returns at once and never fails."""
        self._latest.give(content)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until what was noted is written or has failed; returns whether it is, after so many seconds at most."""
        return self._latest.wait(timeout)

    def take(
        self, entry: Pending, found: Mapping[Path | str, Path | str] | None = None, *, shelf: Shelf | None = None
    ) -> SessionContent:
        """Open an autosave of a process that died.

        It stays on the disk as it is until a state of this very series, or of its stack over time, is noted, and goes
        on from there. What was noted before is let go then.

        Parameters
        ----------
        entry
            Of `pending`.
        found, shelf
            As for `load_session`.

        Raises
        ------
        SessionError
            Where another window has it or it cannot be opened, a MissingSourceError for missing sources; it is pending
            again then.
        """
        folder = claim(entry)
        try:
            content = folder.read(found, shelf)
        except BaseException:
            release(folder, entry)
            raise
        with self._lock:
            self._taken.append((folder, entry, content))
        return content

    def leave(self, timeout: float | None = 10.0) -> None:
        """End, and let the next start offer what was noted last, because it is nowhere else.

        Parameters
        ----------
        timeout
            Seconds that it may take to write that; what cannot be written by then is as it was written last.
        """
        self.flush(timeout)
        with self._lock:
            # It has this process' name, and is nobody's once the process has ended.
            self._own = None
        self.close()

    def close(self) -> None:
        """End cleanly: nothing is left of the autosave. One that was taken and never gone on with is pending again."""
        self._latest.close()
        with self._lock:
            for folder, entry, _ in self._taken:
                with contextlib.suppress(OSError):
                    release(folder, entry)
            self._taken.clear()
            if self._own is not None:
                self._own.remove()
                self._own = None

    def _write(self, content: SessionContent) -> None:
        try:
            with self._lock:
                self._folder_for(content).write(content, lambda: self._latest.waits)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next state may be written again
            self._tell(
                f"The session cannot be saved automatically in '{self.root}' ({error}): make room there or give "
                "rights to it, and save it by hand until then"
            )
        else:
            self._problem = ""

    def _folder_for(self, content: SessionContent) -> AutosaveFolder:
        """The folder that a session is kept in; with the first state of one that was taken, that one's."""
        for item in list(self._taken):
            if goes_on(item[2], content):
                self._taken.remove(item)
                if self._own is not None:
                    self._own.remove()
                self._own = item[0]
        if self._own is None or not self._own.path.is_dir():
            self._own = AutosaveFolder.create(self.root)
        return self._own

    def _tell(self, problem: str) -> None:
        if self._problem:
            return
        self._problem = problem
        if self._on_problem is not None:
            self._on_problem(problem)


def goes_on(before: SessionContent, content: SessionContent) -> bool:
    """Whether a state is a later one of the same session: of its series, or of its stack over time."""
    if content.series is before.series:
        return True
    if content.stack is None or before.stack is None:
        return False
    return content.stack.points[0].point is before.stack.points[0].point
