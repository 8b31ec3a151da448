"""Connections to signals that are opened and closed together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psygnal import SignalInstance

Link = tuple[SignalInstance, Callable[[], Any]]


class Links:
    """Signals and the bound methods that listen to them.

    psygnal holds bound methods weakly; these links hold them, so whoever owns the links decides when they end.
    """

    def __init__(self, *links: Link) -> None:
        self._links = links
        self.are_open = False

    def open(self) -> None:
        """Connect all, once."""
        if not self.are_open:
            self.are_open = True
            for signal, slot in self._links:
                signal.connect(slot)

    def close(self) -> None:
        """Disconnect all."""
        if self.are_open:
            self.are_open = False
            for signal, slot in self._links:
                signal.disconnect(slot, missing_ok=True)
