"""Work in a thread: one job with its outcome, and a runner in which the latest request wins."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject, Signal, Slot

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What a job came to: a value, or the exception that ended it."""

    value: Any = None
    error: Exception | None = None


def describe(error: Exception) -> str:
    """An exception as one line; errors that we did not write ourselves are named by their type as well."""
    line = " ".join(str(error).split())
    if isinstance(error, ValueError | OSError) and line:
        return line
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def _outcome(function: Callable[..., Any], args: tuple[Any, ...]) -> Generator[Any, None, Outcome]:
    """Run a function, or a generator function step by step, to its outcome.

    Exceptions are caught here because the worker takes any RuntimeError, which torch raises too, for its own deletion.
    """
    try:
        value = function(*args)
        if inspect.isgenerator(value):
            value = yield from value
        return Outcome(value)
    except Exception as error:
        logger.info("a job failed", exc_info=True)
        return Outcome(error=error)


def _wants_to_know(function: Callable[..., Any]) -> bool:
    parameter = inspect.signature(function).parameters.get("stop")
    return parameter is not None and parameter.kind is parameter.KEYWORD_ONLY


class Job(QObject):
    """A function or generator function under way in napari's `thread_worker`.

    One with a keyword-only parameter `stop` is given a function by that name that says, in its thread, whether it was
    cancelled.

    Signals arrive in the thread of the window: `progressed` with what the generator yields, then either `done` with an
    `Outcome` or, after `cancel`, nothing; `ended` always.
    """

    progressed = Signal(object)
    done = Signal(object)
    ended = Signal()

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        super().__init__()
        self._stopped = Event()
        if _wants_to_know(function):
            function = partial(function, stop=self._stopped.is_set)
        self._worker = create_worker(_outcome, function, args, _start_thread=False)
        self._worker.yielded.connect(self._on_yielded)
        self._worker.returned.connect(self._on_returned)
        self._worker.finished.connect(self._on_finished)

    def start(self) -> None:
        """Begin; the job lives until it has ended, whoever lets go of it."""
        _under_way.add(self)
        self._worker.start()

    def cancel(self) -> None:
        """Stop at the next yield, or where the function asks; nothing is reported any more but `ended`."""
        self._stopped.set()
        self._worker.quit()

    @Slot(object)
    def _on_yielded(self, value: object) -> None:
        if not self._stopped.is_set():
            self.progressed.emit(value)

    @Slot(object)
    def _on_returned(self, outcome: Outcome) -> None:
        if not self._stopped.is_set():
            self.done.emit(outcome)

    @Slot()
    def _on_finished(self) -> None:
        _under_way.discard(self)
        self.ended.emit()


_under_way: set[Job] = set()


class LatestWins(QObject):
    """Runs one request at a time in a thread; of those that come meanwhile only the latest is run."""

    done = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._job: Job | None = None
        self._next: tuple[Callable[..., Any], tuple[Any, ...]] | None = None
        self._closed = False

    def request(self, function: Callable[..., Any], *args: Any) -> None:
        """Run this as soon as what is under way is done; `done` brings its `Outcome`."""
        if self._closed:
            return
        if self._job is not None:
            self._next = (function, args)
            return
        self._job = Job(function, *args)
        self._job.done.connect(self.done)
        self._job.ended.connect(self._on_ended)
        self._job.start()

    def close(self) -> None:
        """Let go of what waits and of what is under way."""
        self._closed, self._next = True, None
        if self._job is not None:
            self._job.cancel()

    def _on_ended(self) -> None:
        self._job, waiting, self._next = None, self._next, None
        if waiting is not None:
            self.request(waiting[0], *waiting[1])
