"""Peak memory of two workers that simulate 140 Å cells at 0.1 Å within 8 GiB, as `hrtem-app simulate` runs them.

Run from the repository's root: `python benchmarks/memory.py`; it rewrites its section of `docs/scale.md`.
"""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import psutil
from report import ROOT, machine, table, write_section

from hrtem_app.simulation.dataset import DatasetSettings
from hrtem_app.simulation.multislice import FAST, REFERENCE
from hrtem_app.simulation.run import simulate
from hrtem_app.simulation.structure_settings import StructureSettings

WORKERS, LIMIT = 2, "8GiB"
STRUCTURE = StructureSettings(field_of_view=140.0, layers=(6, 6))
CASES = {
    "`fast`": FAST,
    "`fast`, 12 configurations": FAST.model_copy(update={"configurations": 12}),
    "`reference`": REFERENCE,
}


class Watch:
    """Largest resident memory of any child process, sampled every 20 ms."""

    def __init__(self) -> None:
        self.peak = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            for child in psutil.Process().children(recursive=True):
                try:
                    self.peak = max(self.peak, child.memory_info().rss / 2**20)
                except psutil.NoSuchProcess:
                    continue


def main() -> None:
    """Measure and write."""
    rows = []
    for name, multislice in CASES.items():
        settings = DatasetSettings(structure=STRUCTURE, multislice=multislice)
        with tempfile.TemporaryDirectory() as folder, Watch() as watch:
            simulate(Path(folder) / "waves", WORKERS, 1, settings=settings, workers=WORKERS, memory=LIMIT)
        rows.append([name, f"{watch.peak:.0f}"])
        print(rows[-1], flush=True)
    intro = (
        f"{WORKERS} workers with {LIMIT} together, {STRUCTURE.field_of_view:g} Å and {STRUCTURE.layers[0]} layers, "
        f"sampled as their accuracy says. {machine()}"
    )
    write_section("memory", f"{intro}\n\n{table(['', 'peak of a worker, MiB'], rows)}", ROOT / "docs" / "scale.md")


if __name__ == "__main__":
    main()
