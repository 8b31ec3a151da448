"""How much memory and room on the disk something takes."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

_INTERVAL = 0.01


class PeakMemory:
    """Looks again and again at the memory of this process; a context manager.

    Parameters
    ----------
    children
        Whether the processes below it count as well.
    """

    def __init__(self, children: bool = False) -> None:
        self.bytes = 0
        self._children = children
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        own = psutil.Process()
        while True:
            below = own.children(recursive=True) if self._children else []
            held = 0
            for process in (own, *below):
                with contextlib.suppress(psutil.Error):
                    held += process.memory_info().rss
            self.bytes = max(self.bytes, held)
            if self._end.wait(_INTERVAL * (5 if self._children else 1)):
                return


def folder_size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
