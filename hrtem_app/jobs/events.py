"""The events of a job: JSON lines that are numbered, so that their order needs no clock."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# Bytes at the end of a file in which its last events are looked for.
_END = 2**16


class EventLog:
    """Appends to the events of a job; only one process does at a time.

    Parameters
    ----------
    path
        Of the file. A last line that a killed process left half-written is ended, and read by nobody.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._number = 0
        self._began = time.monotonic()

    def write(self, kind: str, **values: Any) -> None:
        """Append one event: its number, the seconds since this log was opened, the time by the clock, and values."""
        self._number = max(self._number, last_number(self.path)) + 1
        head = {
            "number": self._number,
            "kind": kind,
            "elapsed": round(time.monotonic() - self._began, 3),
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        line = json.dumps(head | values, ensure_ascii=False) + "\n"
        with self.path.open("ab") as file:
            file.write((b"" if _ends_whole(self.path) else b"\n") + line.encode())


class Tail:
    """Reads what is appended to a file of JSON lines.

    Parameters
    ----------
    path
        Of the file, which need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset, self._last = 0, b""

    def read(self) -> list[dict[str, Any]]:
        """The events since the last call; from the beginning where what was read last is not there any more.

        A training that goes on drops the steps that it takes again: by the next look its file may have become as long
        as it was.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset - len(self._last))
                content = file.read()
                if not content.startswith(self._last):
                    self.rewind()
                    file.seek(0)
                    content = file.read()
        except OSError:
            return []
        content = content[len(self._last) :]
        whole = content[: content.rfind(b"\n") + 1]
        if whole:
            self._offset, self._last = self._offset + len(whole), whole.splitlines(keepends=True)[-1]
        return _parsed(whole)

    def rewind(self) -> None:
        """Begin again with the first event."""
        self._offset, self._last = 0, b""


def last_events(path: Path) -> list[dict[str, Any]]:
    """The events at the end of a file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _END))
            content = file.read()
    except OSError:
        return []
    if size > _END:
        content = content[content.find(b"\n") + 1 :]
    return _parsed(content[: content.rfind(b"\n") + 1])


def last_number(path: Path) -> int:
    """The number of the last event; 0 where there is none."""
    numbers = (event.get("number") for event in last_events(path))
    return max((number for number in numbers if isinstance(number, int)), default=0)


def _parsed(content: bytes) -> list[dict[str, Any]]:
    events = []
    for line in content.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            events.append(event)
    return events


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, 2) == 0:
            return True
        file.seek(-1, 2)
        return file.read() == b"\n"
