"""Seconds and memory of `analyse` on a 640×640 series with the three shipped networks, per step.

Run from the repository's root: `python benchmarks/analyse.py`; it rewrites its section of `docs/benchmarks.md`.
Each network is timed beside plain PyTorch on the same input in the same run: the module called once on the padded
image, in contiguous layout and with ordinary convolutions, no gradients (the reference); its time goes into the last
column as a ratio.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from report import machine, table, write_section

from hrtem_app import FocalSeries, Recipe, analyse, load_series
from hrtem_app.analysis import Progress
from hrtem_app.networks.catalog import load_network
from hrtem_app.resources import sample_path

SIDE, REPEATS = 640, 3


def series_of(side: int) -> FocalSeries:
    """The bundled sample, mirrored at its borders to the wanted size."""
    sample = load_series(sample_path())
    missing = [(0, side - n) for n in sample.shape]
    return sample.with_frames(np.pad(sample.frames, [(0, 0), *missing], mode="symmetric"))


class PeakMemory:
    """Largest resident memory per step, sampled every 5 ms (Linux)."""

    def __init__(self) -> None:
        self.step, self.peaks = "start", dict[str, float]()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._stop.wait(0.005):
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
            self.peaks[self.step] = max(self.peaks.get(self.step, 0.0), pages * 4096 / 2**20)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def at(self, progress: Progress) -> None:
        """Begin a step."""
        self.step = progress.step


def seconds_of(action: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def plain_seconds(name: str) -> float:
    """The reference: the network as plain PyTorch runs it."""
    module, card = load_network(name)
    # Parameters without gradients and gradients on: MSD-net then concatenates, as one would write it.
    module.requires_grad_(False)
    for part in module.modules():
        if isinstance(part, torch.nn.Conv2d):
            part.__class__ = torch.nn.Conv2d  # the ordinary convolution in place of our faster one
    image = torch.randn(1, card.frames, SIDE, SIDE)
    module(image)
    return statistics.median(seconds_of(lambda: module(image).softmax(1)) for _ in range(REPEATS))


def main() -> None:
    """Measure and write."""
    series, recipe = series_of(SIDE), Recipe()
    analyse(series, recipe)
    with PeakMemory() as memory:
        runs = [analyse(series, recipe, memory.at) for _ in range(REPEATS)]
    rows = []
    for step in runs[0].seconds:
        seconds = statistics.median(run.seconds[step] for run in runs)
        peak = f"{memory.peaks[step]:.0f}" if step in memory.peaks else ""
        ratio = f"{plain_seconds(step) / seconds:.2f}" if step in recipe.networks else ""
        rows.append([step, f"{seconds:.3f}", peak, ratio])
    total = statistics.median(sum(run.seconds.values()) for run in runs)
    rows.append(["**all**", f"{total:.3f}", f"{max(memory.peaks.values()):.0f}", ""])
    header = ["step", "seconds", "peak memory of the process, MiB", "plain PyTorch's time over ours"]
    columns = len(runs[-1].table)
    size = f"{SIDE}×{SIDE} pixels, three frames, {columns} sites found"
    intro = f"`analyse` on {size}; medians of {REPEATS} runs after one that warms up. "
    write_section("analyse", f"{intro}{machine()}\n\n{table(header, rows)}")


if __name__ == "__main__":
    main()
