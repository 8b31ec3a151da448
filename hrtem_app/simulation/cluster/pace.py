"""How fast tasks get done, and how long the rest will take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

# Rates are those of the last WINDOW seconds, and of the last FEW tasks where those took longer.
WINDOW = 60.0
FEW = 20


class Pace:
    """Counts tasks and estimates when the last one will be done.

    Parameters
    ----------
    total
        All tasks.
    already_done
        Those that an earlier run did; they count, but say nothing about how fast this one is.
    clock
        Gives seconds.
    """

    def __init__(self, total: int, already_done: int = 0, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self.count = already_done
        self._clock = clock
        # When so many were done; the first entry is where the window begins.
        self._marks: deque[tuple[float, int]] = deque([(clock(), already_done)])

    def done(self, n: int = 1) -> None:
        """So many more are done."""
        self.count += n
        now = self._clock()
        self._marks.append((now, self.count))
        # The window begins with the last mark that is old enough.
        while now - self._marks[1][0] >= WINDOW and self.count - self._marks[1][1] >= FEW:
            self._marks.popleft()

    @property
    def rate(self) -> float:
        """Tasks per second; 0 before the first one is done."""
        since, before = self._marks[0]
        return (self.count - before) / max(self._clock() - since, 1e-3)

    @property
    def left(self) -> float | None:
        """Seconds until all are done; None before the first one is."""
        rest = self.total - self.count
        if rest <= 0:
            return 0.0
        return rest / self.rate if self.rate > 0 else None

    def text(self) -> str:
        """In words, as in "12 of 240, 0.9/s, 4 min left"."""
        parts = [f"{self.count} of {self.total}"]
        left = self.left
        if self.rate > 0 and left:
            parts += [_rate(self.rate), f"{_duration(left)} left"]
        return ", ".join(parts)


def _rate(rate: float) -> str:
    units = {"s": rate, "min": rate * 60, "h": rate * 3600}
    unit = next((unit for unit, number in units.items() if number >= 0.1), "h")
    return f"{units[unit]:.{1 if units[unit] < 10 else 0}f}/{unit}"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 59.5:
        return f"{max(round(seconds), 1)} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes / 60 / 24:.0f} days"
