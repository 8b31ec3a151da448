"""The same series turned and mirrored: networks err differently on each view, so their mean errs less."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
from numpy.typing import NDArray

from hrtem_app.inference.interruption import Stop, never
from hrtem_app.inference.predict import predict_steps

# Quarter turns, and whether the x axis is mirrored before. The first two, four and eight are groups.
_VIEWS: tuple[tuple[int, bool], ...] = (
    (0, False),
    (2, False),
    (0, True),
    (2, True),
    (1, False),
    (3, False),
    (1, True),
    (3, True),
)


def turned(frames: NDArray[np.float32], view: int) -> NDArray[np.float32]:
    """(n, y, x) as view 0 to 7 of the square's symmetries shows it, 0 as it is; odd quarter turns swap y and x."""
    turns, mirrored = _VIEWS[view]
    return np.rot90(frames[:, :, ::-1] if mirrored else frames, turns, axes=(1, 2))


def turned_back(maps: NDArray[np.float32], view: int) -> NDArray[np.float32]:
    """(n, y, x) as it was before `turned`."""
    turns, mirrored = _VIEWS[view]
    back = np.rot90(maps, -turns, axes=(1, 2))
    return back[:, :, ::-1] if mirrored else back


def averaged_steps(
    module: torch.nn.Module,
    frames: NDArray[np.float32],
    device: torch.device | str = "cpu",
    temperature: float = 1.0,
    precision: str = "float32",
    views: int = 1,
    stop: Stop = never,
) -> Generator[float, None, NDArray[np.float32]]:
    """`predict_steps` over several views, with the geometric mean of their probabilities.

    Parameters
    ----------
    module, frames, device, temperature, precision, stop
        As for `predict_steps`.
    views
        1, 2, 4 or 8; one view is `predict_steps` itself, bit for bit.

    Returns
    -------
    (classes + 1, y, x) float32 probabilities, which sum to 1 at every pixel.

    Raises
    ------
    ValueError
        For another number of views.
    """
    if views not in (1, 2, 4, 8):
        raise ValueError(f"{views} views cannot be averaged: give 1, 2, 4 or 8")
    if views == 1:
        return (yield from predict_steps(module, frames, device, temperature, precision, stop))
    total: NDArray[np.float32] | None = None
    for view in range(views):
        seen = np.ascontiguousarray(turned(frames, view))
        steps = predict_steps(module, seen, device, temperature, precision, stop)
        while True:
            try:
                yield (view + next(steps)) / views
            except StopIteration as end:
                maps = turned_back(end.value, view)
                break
        logarithms = np.log(np.maximum(maps, np.finfo(np.float32).tiny))
        total = logarithms if total is None else total + logarithms
    if total is None:
        raise ValueError(f"frames of shape {frames.shape} give no maps")
    mean = np.exp(total / views)
    probabilities: NDArray[np.float32] = mean / mean.sum(axis=0)
    return probabilities
