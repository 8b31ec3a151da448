"""Milliseconds to record a focal series of three frames, one at a time and in batches, beside abTEM on the same waves.

Run from the repository's root: `python benchmarks/microscope.py [REPEATS]`; it rewrites its section of
`docs/benchmarks.md`. The reference is abTEM's own CTF, applied to one wave for one frame after the other. It ends at
the intensity on the waves' grid, without blur, pixels and camera, so it is first set against the same part of ours.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import abtem
import numpy as np
import torch
from plain import contrast_transfer
from report import machine, table, write_section

from hrtem_app.microscope.draw import Microscope, MicroscopeSettings, draw_microscope
from hrtem_app.microscope.frames import record_batch
from hrtem_app.microscope.imaging import mean_intensity
from hrtem_app.microscope.optics import transfer_function
from hrtem_app.microscope.record import record
from hrtem_app.simulation.multislice import MultisliceSettings, draw_energy, exit_waves
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.simulation.structures import draw_structure

SEED, BATCH = 1, 8
STRUCTURE, MULTISLICE = StructureSettings(), MultisliceSettings(configurations=3)
CELL, MARGIN, ENERGY = STRUCTURE.cell, STRUCTURE.margin, draw_energy(SEED, MULTISLICE)

Action = Callable[[], object]


def abtem_images(waves: np.ndarray, microscope: Microscope) -> list[np.ndarray]:
    """The reference: mean intensity of each frame."""
    images = []
    for defocus in microscope.defocus:
        ctf = contrast_transfer(microscope, defocus, ENERGY)
        configurations = [abtem.Waves(wave, energy=ENERGY, extent=CELL).apply_ctf(ctf).intensity() for wave in waves]
        images.append(np.mean([image.array for image in configurations], axis=0))
    return images


def our_images(waves: torch.Tensor, microscope: Microscope) -> torch.Tensor:
    """The same with ours: (n, y, x)."""
    defocus = torch.tensor(microscope.defocus, dtype=torch.float64)
    return mean_intensity(waves, transfer_function(waves.shape[-1], CELL, ENERGY, defocus, microscope.aberrations))


def milliseconds(actions: dict[str, Action], repeats: int) -> dict[str, float]:
    """Median of each, all of them in turn, so that a busy moment of the machine hits them alike; after a warm-up."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for repeat in range(repeats + 1):
        for name, action in actions.items():
            start = time.perf_counter()
            action()
            if repeat:
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(t) for name, t in times.items()}


def main() -> None:
    """Measure and write."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    structure = draw_structure(SEED, STRUCTURE)
    waves = torch.from_numpy(np.stack(list(exit_waves(structure, MULTISLICE, SEED))))
    transposed = waves.mT.numpy().copy()  # abTEM's arrays are (x, y)
    many = waves.expand(BATCH, *waves.shape)
    settings = MicroscopeSettings()
    microscopes = [draw_microscope(settings, np.random.default_rng(seed)) for seed in range(BATCH)]
    generator, truth = torch.Generator().manual_seed(SEED), (structure.positions, structure.classes)
    images, abtem_name = "intensities by us", "intensities by abTEM, image by image"
    single, batch = "`record`, camera included", f"`record_batch` of {BATCH}, camera included"
    together = f"{batch}, calculated together"
    found = milliseconds(
        {
            abtem_name: lambda: [abtem_images(transposed, m) for m in microscopes],
            images: lambda: [our_images(waves, m) for m in microscopes],
            single: lambda: [record(waves, CELL, MARGIN, ENERGY, *truth, m, generator) for m in microscopes],
            batch: lambda: record_batch(many, CELL, MARGIN, ENERGY, microscopes, generator),
            together: lambda: record_batch(many, CELL, MARGIN, ENERGY, microscopes, generator, at_once=BATCH),
        },
        repeats,
    )
    each = {name: t / BATCH for name, t in found.items()}
    rows = [[name, f"{t:.1f}", f"{each[abtem_name] / t:.2f}"] for name, t in each.items()]
    size = f"{len(waves)} configurations of {waves.shape[-1]}×{waves.shape[-1]} points over {CELL:g} Å, three frames"
    intro = f"One focal series of {size}; medians of {repeats} rounds through {BATCH} microscopes. "
    header = ["what", "ms per series", "abTEM's time over it"]
    write_section("microscope", f"{intro}{machine()}\n\n{table(header, rows)}")


if __name__ == "__main__":
    main()
