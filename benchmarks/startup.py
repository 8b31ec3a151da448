"""From the shell to the first image: seconds until the window shows a series, in fresh processes, one after the other.

Run from the repository's root, where there is a screen or under a virtual one: `python benchmarks/startup.py`; it
rewrites its section of `docs/benchmarks.md`. The plain reference is napari with the same pixels and nothing of ours.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

from report import machine, table, write_section

_OURS = """
from qtpy.QtWidgets import QApplication
from hrtem_app.gui.application import create_window
viewer, panel = create_window()
panel.workbench.open_sample()
while not len(viewer.layers):
    QApplication.processEvents()
QApplication.processEvents()
print("shown", flush=True)
"""
_PLAIN = """
import napari
from qtpy.QtWidgets import QApplication
from hrtem_app.io import load_series
from hrtem_app.resources import sample_path
viewer = napari.Viewer()
viewer.add_image(load_series(sample_path()).frames)
QApplication.processEvents()
print("shown", flush=True)
"""


def seconds(script: str) -> float:
    """Until a fresh process says that its image is on the screen."""
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or process.stdout.readline().strip() != "shown":
            raise SystemExit("the window did not come: is there a screen?")
        took = time.perf_counter() - began
        process.kill()
    return took


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--no-write", action="store_true", help="print the section only")
    told = parser.parse_args()
    ours, plain = [], []
    # The first start reads everything from the disk.
    for run in range(told.runs + 1):
        pair = seconds(_OURS), seconds(_PLAIN)
        if run:
            ours.append(pair[0])
            plain.append(pair[1])
    rows = [
        [name, f"{statistics.median(values):.1f}", f"{min(values):.1f} to {max(values):.1f}"]
        for name, values in (("hrtem-app on its sample", ours), ("plain napari, same pixels", plain))
    ]
    ratio = statistics.median(ours) / statistics.median(plain)
    text = (
        f"Seconds from the shell to the first image, median of {told.runs} starts that take turns, files in the cache; "
        f"ratio {ratio:.2f}. {machine()}\n\n{table(['window', 's', 'from to'], rows)}"
    )
    print(text)
    if not told.no_write:
        write_section("startup", text)


if __name__ == "__main__":
    main()
