"""Stopping a network in the middle of an image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch.overrides import TorchFunctionMode

# Asked often and from the thread that computes: whether whoever waits for the result no longer wants it.
Stop = Callable[[], bool]


class StoppedError(Exception):
    """What was being computed is no longer wanted."""


def never() -> bool:
    """Whoever waits goes on waiting."""
    return False


class Interruptible(TorchFunctionMode):
    """While active in a thread, every call of torch asks before it begins: a network stops within one of its layers.

    Parameters
    ----------
    stop
        Whether the result is no longer wanted; then the call raises `StoppedError`.
    """

    def __init__(self, stop: Stop) -> None:
        super().__init__()
        self._stop = stop

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call a function of torch, if that is still wanted."""
        if self._stop():
            raise StoppedError("the result is no longer wanted")
        return func(*args, **(kwargs or {}))
