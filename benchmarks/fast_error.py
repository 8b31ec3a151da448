"""Error of `fast` against `reference` in noise-free images, with the reference's own statistical error told apart.

Run from the repository's root: `python benchmarks/fast_error.py [STRUCTURES] [FIELD_OF_VIEW]`; it rewrites its section
of `docs/benchmarks.md`. Every structure is seen by several microscopes of the thesis' ranges.

An image of `reference` is a mean over ten random phonon configurations and has an error of its own. With two images r
and s of independent configurations the mean of (f - r)·(f - s) over all pixels is the mean square error of an image f
against what infinitely many configurations would give, without bias.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from report import machine, table, write_section

from hrtem_app.microscope.draw import MicroscopeSettings, draw_microscope
from hrtem_app.simulation.dataset import StoredStructure
from hrtem_app.simulation.multislice import FAST, REFERENCE, MultisliceSettings, draw_energy, exit_waves
from hrtem_app.simulation.recording import without_noise
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.simulation.structures import Structure, draw_structure

MICROSCOPES, HIGHEST_DOSE, FIRST_SEED = 5, 1e5, 1
# The second image of the reference; more configurations make the estimate less noisy.
MORE = REFERENCE.model_copy(update={"configurations": 20})
INDEPENDENT = FAST.model_copy(update={"phonons": "independent"})
# Without the modulation transfer, which damps signal and shot noise alike.
MICROSCOPE = MicroscopeSettings(mtf=(1.0, 1.0))


@dataclass
class Errors:
    """Root mean squares over all frames of a structure, as fractions of the mean intensity."""

    as_is: float
    fast: float
    independent: float
    reference: float
    contrast: float
    shot_noise: float


def stored(structure: Structure, settings: MultisliceSettings, phonon_seed: int, margin: float) -> StoredStructure:
    """Waves as a dataset would hold them."""
    waves = np.stack(list(exit_waves(structure, settings, phonon_seed)))
    energy = draw_energy(phonon_seed, settings)
    found = structure.positions, structure.classes, structure.side, margin, energy, structure.parameters, {}
    return StoredStructure(phonon_seed, waves, *found)


def errors(seed: int, settings: StructureSettings) -> tuple[Structure, Errors]:
    """Of one structure; all phonons are independent of each other."""
    structure = draw_structure(seed, settings)
    runs = {"reference": REFERENCE, "more": MORE, "fast": FAST, "independent": INDEPENDENT}
    waves = {
        name: stored(structure, multislice, seed + 10_000 * number, settings.margin)
        for number, (name, multislice) in enumerate(runs.items())
    }
    squares: dict[str, list[float]] = {}
    for number in range(MICROSCOPES):
        microscope = draw_microscope(MICROSCOPE, np.random.default_rng((seed, number)))
        images = {name: without_noise(one, microscope).frames for name, one in waves.items()}
        for name, value in compared(images, 1 / (HIGHEST_DOSE * microscope.sampling**2)).items():
            squares.setdefault(name, []).append(value)
    # An unbiased estimate of a square that is nearly zero may come out below it.
    return structure, Errors(**{name: float(np.sqrt(max(np.mean(v), 0))) for name, v in squares.items()})


def compared(images: dict[str, NDArray[np.float32]], shot_noise: float) -> dict[str, float]:
    """Mean squares over the mean intensity squared, for one microscope."""
    r, s = images["reference"], images["more"]
    # Variances of means over 10 and 20 configurations add up in the difference: 1/10 of 1/10 + 1/20.
    share = (1 / REFERENCE.configurations) / (1 / REFERENCE.configurations + 1 / MORE.configurations)
    found = {
        "as_is": np.mean((images["fast"] - r) ** 2),
        "fast": np.mean((images["fast"] - r) * (images["fast"] - s)),
        "independent": np.mean((images["independent"] - r) * (images["independent"] - s)),
        "reference": share * np.mean((r - s) ** 2),
        "contrast": np.mean((s - s.mean(axis=(1, 2), keepdims=True)) ** 2),
    }
    return {name: float(value / r.mean() ** 2) for name, value in found.items()} | {"shot_noise": shot_noise}


def main() -> None:
    """Measure and write."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    settings = StructureSettings(field_of_view=float(sys.argv[2]) if len(sys.argv) > 2 else 50.0)
    torch.set_num_threads(1)
    rows, found = [], []
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        structure, e = errors(seed, settings)
        found.append(e)
        kelvin = structure.parameters["temperature"]
        values = (e.fast / e.contrast, e.as_is / e.contrast)
        absolute = (e.fast, e.as_is, e.reference, e.independent, e.shot_noise)
        rows.append(
            [
                str(seed),
                str(structure.parameters["layers"]),
                f"{kelvin:.0f}",
                *(f"{v:.3f}" for v in values),
                *(f"{v:.4f}" for v in absolute),
            ]
        )
        print(rows[-1], flush=True)
    for name, take in (("**median**", statistics.median), ("**greatest**", max)):
        relative = [take([e.fast / e.contrast for e in found]), take([e.as_is / e.contrast for e in found])]
        columns = zip(*[(e.fast, e.as_is, e.reference, e.independent, e.shot_noise) for e in found], strict=True)
        rows.append([name, "", "", *(f"{v:.3f}" for v in relative), *(f"{take(list(c)):.4f}" for c in columns)])
    header = [
        "seed",
        "layers",
        "K",
        "`fast` / contrast",
        "as is / contrast",
        "`fast`",
        "as is",
        "`reference`",
        "independent phonons",
        "shot noise",
    ]
    where = f"{count} structures of {settings.field_of_view:g} Å, each through {MICROSCOPES} microscopes. {machine()}"
    write_section("fast-error", f"{where}\n\n{table(header, rows)}")


if __name__ == "__main__":
    main()
