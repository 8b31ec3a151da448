"""How far a command is, on stderr: one line that updates itself on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
from typing import TextIO

# Elsewhere than on a terminal: a line per step and per tenth of the work.
_PLAIN_LINES = 10


class ProgressLine:
    """Shows progress; a context manager, so that a line on a terminal is always ended, and gone where the work failed.

    Parameters
    ----------
    stream
        Where to; None: stderr.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._live = self._stream.isatty()
        self._said: tuple[str, int] | None = None

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._live and self._said is not None:
            self._write("\n" if kind is None else "\r\x1b[K")

    def wait(self, step: str) -> None:
        """Say what is being waited for before the work begins; nothing where a line could not be taken back."""
        if self._live:
            self.show(step, 0.0)

    def show(self, step: str, fraction: float, detail: str = "") -> None:
        """Say what is being done and how much of the whole (0…1) lies behind."""
        text = f"{min(max(fraction, 0.0), 1.0):4.0%}  {step}" + (f"  {detail}" if detail else "")
        news = (step, int(_PLAIN_LINES * fraction))
        if self._live:
            width = max(shutil.get_terminal_size().columns - 1, 20)
            self._write(f"\r{text[:width]}\x1b[K")
        elif news != self._said:
            self._write(f"{text}\n")
        self._said = news

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
