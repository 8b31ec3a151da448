"""Probability maps from a standardised series, of any size."""

from __future__ import annotations

from collections.abc import Callable, Generator

import numpy as np
import torch
from numpy.typing import NDArray

from hrtem_app.inference.interruption import Interruptible, Stop, never

# The U-nets halve the image three times: sizes and the borders of tiles must be multiples of this.
STRIDE = 8
# Longest side in pixels that runs in one piece.
LONGEST = 1024
# What a tile sees beyond the part that is used of it, in pixels.
MARGIN = 128


def predict(
    module: torch.nn.Module,
    frames: NDArray[np.float32],
    device: torch.device | str = "cpu",
    *,
    temperature: float = 1.0,
    precision: str = "float32",
    progress: Callable[[float], None] | None = None,
) -> NDArray[np.float32]:
    """Run a network over a whole series.

    Parameters
    ----------
    module
        Maps (1, n, y, x) to logits (1, classes + 1, y, x), in evaluation mode.
    frames
        (n, y, x), standardised, at a sampling that the network knows.
    device
        Where to run it; the module is moved there.
    temperature
        Divides the logits (Guo et al., ICML 2017): above 1 the probabilities become less sure.
    precision
        float32, or bfloat16: faster where the device has it, and less exact.
    progress
        Called with the fraction done after each tile.

    Returns
    -------
    (classes + 1, y, x) float32 probabilities, which sum to 1 at every pixel.
    """
    steps = predict_steps(module, frames, device, temperature, precision)
    while True:
        try:
            fraction = next(steps)
        except StopIteration as end:
            probabilities: NDArray[np.float32] = end.value
            return probabilities
        if progress is not None:
            progress(fraction)


def predict_steps(
    module: torch.nn.Module,
    frames: NDArray[np.float32],
    device: torch.device | str = "cpu",
    temperature: float = 1.0,
    precision: str = "float32",
    stop: Stop = never,
) -> Generator[float, None, NDArray[np.float32]]:
    """`predict` as a generator that yields the fraction done after each tile and returns the maps.

    Closing it between two tiles cancels the prediction; within a tile it ends where `stop` says so.

    Raises
    ------
    StoppedError
        Where `stop` returned true.
    """
    if frames.ndim != 3:
        raise ValueError(f"a network takes frames of shape (n, y, x), not {frames.shape}")
    height, width = frames.shape[1:]
    padded = np.pad(frames, ((0, 0), (0, -height % STRIDE), (0, -width % STRIDE)), mode="reflect")
    # Channels last: a fifth faster for the U-nets on a CPU, about twice for MSD-net, and what GPUs like best.
    module = module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload] # missing in torch's stubs
    tiles = [(y, x) for y in _tiles(padded.shape[1]) for x in _tiles(padded.shape[2])]
    maps: NDArray[np.float32] | None = None
    for done, ((seen_y, used_y), (seen_x, used_x)) in enumerate(tiles, start=1):
        part = _run(module, padded[:, seen_y, seen_x], device, temperature, precision, stop)
        if maps is None:
            maps = np.empty((len(part), *padded.shape[1:]), np.float32)
        maps[:, used_y, used_x] = part[:, _within(used_y, seen_y), _within(used_x, seen_x)]
        yield done / len(tiles)
    if maps is None:
        raise ValueError(f"frames of shape {frames.shape} have no pixels")
    return np.ascontiguousarray(maps[:, :height, :width])


def _run(
    module: torch.nn.Module,
    frames: NDArray[np.float32],
    device: torch.device | str,
    temperature: float,
    precision: str,
    stop: Stop,
) -> NDArray[np.float32]:
    # Both modes are set per tile: they must not leak through a yield into whoever runs the generator.
    with torch.inference_mode(), Interruptible(stop):
        batch = torch.from_numpy(np.ascontiguousarray(frames, np.float32))[None]
        batch = batch.to(device, memory_format=torch.channels_last)
        with torch.autocast(batch.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            logits = module(batch).float()
        # A division by 1 is exact: without a temperature not a bit changes.
        probabilities: NDArray[np.float32] = torch.softmax(logits / temperature, dim=1)[0].cpu().numpy()
    return probabilities


def _within(used: slice, seen: slice) -> slice:
    return slice(used.start - seen.start, used.stop - seen.start)


def _tiles(length: int) -> list[tuple[slice, slice]]:
    """Along one axis, for each tile what it sees and what is used of it; tiles of equal size, borders on the stride."""
    if length <= LONGEST:
        return [(slice(0, length), slice(0, length))]
    count = -(-(length - 2 * MARGIN) // (LONGEST - 2 * MARGIN))
    size = -(-(length + (count - 1) * 2 * MARGIN) // (count * STRIDE)) * STRIDE
    starts = [min(i * (size - 2 * MARGIN), length - size) for i in range(count)]
    cuts = [0, *(start + MARGIN for start in starts[1:]), length]
    return [(slice(s, s + size), slice(cuts[i], cuts[i + 1])) for i, s in enumerate(starts)]
