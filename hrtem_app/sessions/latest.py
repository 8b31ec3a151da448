"""A thread that always does the newest thing."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Thread
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Latest(Generic[Value]):
    """Hands values to a function in a thread of its own: the newest one that waits, and none of the older ones.

    Parameters
    ----------
    function
        What is done with them; it must not raise.
    """

    def __init__(self, function: Callable[[Value], None]) -> None:
        self._function = function
        self._changed = Condition()
        self._waiting: list[Value] = []
        self._busy = False
        self._closed = False
        self._thread: Thread | None = None

    def give(self, value: Value) -> None:
        """One value more; returns at once. After `close` nothing is done with it."""
        with self._changed:
            self._waiting = [value]
            if self._thread is None and not self._closed:
                # A daemon, since a program that ends without closing must not wait for a disk.
                self._thread = Thread(target=self._run, name="autosave", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    @property
    def waits(self) -> bool:
        """Whether there is a newer value than the one that something is being done with."""
        return bool(self._waiting)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all that was given is done; returns whether it is, after so many seconds at most."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed or not (self._waiting or self._busy), timeout)

    def close(self) -> None:
        """End after what is being done; what waits is let go."""
        with self._changed:
            self._closed = True
            self._waiting = []
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._closed or self._waiting)
                if self._closed:
                    return
                value = self._waiting.pop()
                self._busy = True
            self._function(value)
