"""Error of `fast` against `reference` in noise-free images, and how much of it is the reference's own.

Run from the repository's root: `python benchmarks/fast_error.py [STRUCTURES] [FIELD_OF_VIEW]`; it rewrites its section
of `docs/benchmarks.md`. Every structure is seen by several microscopes of the thesis' ranges.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass

import numpy as np
import torch
from report import machine, table, write_section

from hrtem_app.microscope.draw import MicroscopeSettings, draw_microscope
from hrtem_app.simulation.dataset import StoredStructure
from hrtem_app.simulation.multislice import FAST, REFERENCE, MultisliceSettings, draw_energy, exit_waves
from hrtem_app.simulation.recording import without_noise
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.simulation.structures import Structure, draw_structure

MICROSCOPES, HIGHEST_DOSE, FIRST_SEED = 5, 1e5, 1
MANY = REFERENCE.model_copy(update={"configurations": 20})
OTHERS = {
    "`fast`": FAST,
    "`fast`, independent phonons": FAST.model_copy(update={"phonons": "independent"}),
    "`reference` with other phonons": REFERENCE,
}


@dataclass
class Compared:
    """Root mean squares of one structure's images: differences, contrast and shot noise, over the mean intensity."""

    difference: float
    contrast: float
    shot_noise: float


def stored(structure: Structure, settings: MultisliceSettings, phonon_seed: int, margin: float) -> StoredStructure:
    """Waves as a dataset would hold them."""
    waves = np.stack(list(exit_waves(structure, settings, phonon_seed)))
    energy = draw_energy(phonon_seed, settings)
    found = structure.positions, structure.classes, structure.side, margin, energy, structure.parameters, {}
    return StoredStructure(phonon_seed, waves, *found)


def compare(one: StoredStructure, other: StoredStructure, seed: int) -> Compared:
    """Over all frames of some microscopes."""
    differences, contrasts, noises = [], [], []
    for number in range(MICROSCOPES):
        # Without the modulation transfer, which damps signal and shot noise alike.
        microscope = draw_microscope(MicroscopeSettings(mtf=(1.0, 1.0)), np.random.default_rng((seed, number)))
        a, b = (without_noise(waves, microscope).frames for waves in (one, other))
        mean = float(b.mean())
        differences.append(float(np.mean((a - b) ** 2)) / mean**2)
        contrasts.append(float(np.mean((b - b.mean(axis=(1, 2), keepdims=True)) ** 2)) / mean**2)
        noises.append(1 / (HIGHEST_DOSE * microscope.sampling**2))
    return Compared(*(float(np.sqrt(np.mean(v))) for v in (differences, contrasts, noises)))


def main() -> None:
    """Measure and write."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    settings = StructureSettings(field_of_view=float(sys.argv[2]) if len(sys.argv) > 2 else 50.0)
    torch.set_num_threads(1)
    found: dict[tuple[str, str], list[Compared]] = {}
    rows = []
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        structure = draw_structure(seed, settings)
        reference = stored(structure, REFERENCE, seed, settings.margin)
        many = stored(structure, MANY, 10_000 + seed, settings.margin)
        for name, multislice in OTHERS.items():
            # Other phonons than those of either reference.
            other = stored(structure, multislice, 20_000 + seed, settings.margin)
            for against, waves in (("reference", reference), ("many", many)):
                found.setdefault((name, against), []).append(compare(other, waves, seed))
        fast, converged = found["`fast`", "reference"][-1], found["`fast`", "many"][-1]
        p = structure.parameters
        rows.append(
            [
                str(seed),
                str(p["layers"]),
                f"{p['temperature']:.0f}",
                f"{fast.difference / fast.contrast:.3f}",
                f"{fast.difference:.4f}",
                f"{fast.shot_noise:.4f}",
                f"{converged.difference / converged.contrast:.3f}",
            ]
        )
        print(rows[-1], flush=True)
    header = [
        "seed",
        "layers",
        "K",
        "RMS over contrast",
        "RMS over mean",
        "shot noise at 10⁵ e/Å²",
        f"RMS over contrast, {MANY.configurations} configurations",
    ]
    text = f"{table(header, rows)}\n\n{summary(found)}"
    where = f"{count} structures of {settings.field_of_view:g} Å, each through {MICROSCOPES} microscopes. {machine()}"
    write_section("fast-error", f"{where}\n\n{text}")


def summary(found: dict[tuple[str, str], list[Compared]]) -> str:
    """Medians and worst cases of all comparisons."""
    rows = []
    for (name, against), values in found.items():
        relative = [v.difference / v.contrast for v in values]
        absolute = [v.difference / v.shot_noise for v in values]
        against = {"reference": "`reference`", "many": f"`reference` with {MANY.configurations} configurations"}[against]
        rows.append(
            [
                name,
                against,
                f"{statistics.median(relative):.3f}",
                f"{max(relative):.3f}",
                f"{statistics.median(absolute):.2f}",
                f"{max(absolute):.2f}",
            ]
        )
    header = ["", "against", "RMS over contrast, median", "greatest", "RMS over shot noise, median", "greatest"]
    return table(header, rows)


if __name__ == "__main__":
    main()
