"""Seconds from a cancel to the end of the run, at random moments of each network, on 640² and 1024² pixels.

Run from the repository's root: `python benchmarks/cancel.py`; it rewrites its section of `docs/benchmarks.md`; with
`--print` it only prints. Two ways take turns in one run: being heard at the end of a tile only (the reference, which
is how a generator is cancelled), and being asked by every call of torch. An image of up to 1024² pixels is one tile.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from threading import Event, Thread

import numpy as np
from numpy.typing import NDArray
from report import machine, table, write_section

from hrtem_app.inference.device import choose_device
from hrtem_app.inference.interruption import Stop, StoppedError, never
from hrtem_app.inference.predict import predict_steps
from hrtem_app.networks.catalog import load_network

SIDES, NETWORKS, DRAWS = (640, 1024), ("unet", "unet_pp", "msd_net"), 4


def seconds_to_end(name: str, frames: NDArray[np.float32], after: float, is_asked: bool) -> float:
    """From a cancel, so many seconds after the start of a network, until its thread has ended."""
    device = choose_device("auto")
    module, _ = load_network(name, device)
    cancelled, begun = Event(), Event()
    stop: Stop = cancelled.is_set if is_asked else never

    def work() -> None:
        steps = predict_steps(module, frames, device, stop=stop)
        begun.set()
        try:
            while not cancelled.is_set():
                next(steps, None)
        except StoppedError:
            pass

    thread = Thread(target=work)
    thread.start()
    begun.wait()
    time.sleep(after)
    start = time.perf_counter()
    cancelled.set()
    thread.join()
    return time.perf_counter() - start


def whole(name: str, frames: NDArray[np.float32]) -> float:
    """Seconds that a network takes for the frames; the second time, when memory is there."""
    module, _ = load_network(name, choose_device("auto"))
    for _ in range(2):
        start = time.perf_counter()
        list(predict_steps(module, frames, choose_device("auto")))
    return time.perf_counter() - start


def main() -> None:
    """Measure and write."""
    rng = random.Random(0)
    rows = []
    for side in SIDES:
        frames = np.random.default_rng(0).standard_normal((3, side, side)).astype(np.float32)
        for name in NETWORKS:
            takes = whole(name, frames)
            waits: dict[bool, list[float]] = {False: [], True: []}
            for _ in range(DRAWS):
                after = rng.uniform(0.05, 0.8) * takes
                for is_asked in waits:
                    waits[is_asked].append(seconds_to_end(name, frames, after, is_asked))
            middle = {is_asked: statistics.median(seconds) for is_asked, seconds in waits.items()}
            cells = [f"{middle[k]:.2f} | {max(waits[k]):.2f}" for k in (False, True)]
            rows.append([f"{side}²", name, f"{takes:.2f}", *cells, f"{middle[False] / middle[True]:.0f}"])
    head = ["pixels", "network", "takes", "tile by tile, median", "worst", "call by call, median", "worst", "ratio"]
    text = f"Seconds; {DRAWS} random moments each. {machine()}\n\n{table(head, rows)}"
    print(text)
    if "--print" not in sys.argv:
        write_section("cancel", text)


if __name__ == "__main__":
    main()
