"""Seconds per structure with ten focal series of it: a plain abTEM script beside this project's two accuracies.

Run from the repository's root: `python benchmarks/simulation.py [70 140]`; it rewrites its sections of
`docs/benchmarks.md` and `docs/scale.md`. Everything runs on one core (Linux), so that what is measured is work and not
how well it is spread; datasets are spread over processes, one core each.

The plain script is what a physicist writes from abTEM's tutorial with the thesis' settings: ten frozen-phonon
configurations, finite projection, slices of 0.25 Å, and each image through abTEM's CTF, blur, sampling and noise.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import abtem
import numpy as np
import torch
from plain import contrast_transfer
from report import ROOT, machine, table, write_section

from hrtem_app.microscope.draw import Microscope, MicroscopeSettings, draw_microscope
from hrtem_app.microscope.frames import first_pixel, pixels_inside
from hrtem_app.microscope.pixels import sampled, sampling_matrix
from hrtem_app.simulation.dataset import Dataset, DatasetSettings, StoredStructure
from hrtem_app.simulation.multislice import FAST, REFERENCE, MultisliceSettings, displacements, grid_points
from hrtem_app.simulation.recording import recorded_series, without_noise
from hrtem_app.simulation.run import estimate_bytes
from hrtem_app.simulation.store import prepare, scratch, simulate_structure
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.simulation.structures import Structure, draw_structure

SEED, DRAWS = 3, 10
# "gpu" measures ours on CuPy; the plain script stays on the processor.
DEVICE = os.environ.get("DEVICE", "cpu")
MICROSCOPE = MicroscopeSettings()
# Three to four layers are the middle of the thesis' one to six.
LAYERS = (3, 4)
GROWTH_AREAS, GROWTH_CONFIGURATIONS = (35.0, 70.0, 105.0, 140.0), (1, 3, 10)
SCALE = 10**6


@dataclass
class Measured:
    """Seconds of the two parts, and what came out."""

    waves: float
    images: float
    result: Any

    @property
    def seconds(self) -> float:
        return self.waves + self.images


def one_core() -> None:
    """Keep to one core and to one thread."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    abtem.config.set({"local_diagnostics.progress_bar": False, "diagnostics.progress_bar": False, "dask.lazy": False})


def seconds(action: Callable[[], Any]) -> tuple[float, Any]:
    """Wall time and result of one call."""
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result


def microscopes() -> list[Microscope]:
    """The draws."""
    return [draw_microscope(MICROSCOPE, np.random.default_rng((SEED, i))) for i in range(DRAWS)]


def plain_waves(structure: Structure) -> Any:
    """Exit waves of ten configurations, as in abTEM's tutorial."""
    phonons = abtem.FrozenPhonons(structure.atoms, 10, displacements(structure, REFERENCE), seed=SEED)
    potential = abtem.Potential(
        phonons,
        gpts=grid_points(structure.side, REFERENCE),
        slice_thickness=0.25,
        parametrization="kirkland",
        projection="finite",
    )
    return abtem.PlaneWave(energy=50e3).multislice(potential)


def plain_intensity(waves: Any, microscope: Microscope, defocus: float) -> Any:
    """Mean intensity of one frame."""
    ctf = contrast_transfer(microscope, defocus, 50e3)
    return waves.apply_ctf(ctf).intensity().reduce_ensemble()


def plain_images(waves: Any) -> list[np.ndarray]:
    """All frames of all draws: blur, sampling, dose, modulation transfer and readout noise, one by one."""
    rng, frames = np.random.default_rng(SEED), []
    for microscope in microscopes():
        for defocus in microscope.defocus:
            image = plain_intensity(waves, microscope, defocus).gaussian_filter(microscope.blur)
            counts = image.interpolate(sampling=microscope.sampling).poisson_noise(microscope.dose, seed=1).array
            frames.append(camera(counts, microscope, rng))
    return frames


def camera(counts: np.ndarray, microscope: Microscope, rng: np.random.Generator) -> np.ndarray:
    """Modulation transfer and readout noise."""
    k = np.hypot(*np.meshgrid(*(np.fft.fftfreq(n, 0.5) for n in counts.shape), indexing="ij"))
    transfer = (1 - microscope.mtf) / (1 + (k / (2 * microscope.mtf)) ** 2) + microscope.mtf
    signal = np.fft.ifft2(np.fft.fft2(counts) * transfer).real
    return signal + rng.normal(0, microscope.readout * signal.mean(), signal.shape)


def plain(structure: Structure) -> Measured:
    """The plain script."""
    waves_time, waves = seconds(lambda: plain_waves(structure))
    images_time, _ = seconds(lambda: plain_images(waves))
    return Measured(waves_time, images_time, waves)


def ours(settings: DatasetSettings) -> Measured:
    """What `hrtem-app simulate` and a training do: into the store, and ten series out of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "waves"
        prepare(folder, settings)
        with scratch(folder) as own:
            waves_time, _ = seconds(lambda: simulate_structure(folder, own, settings, SEED, DEVICE))

        def images() -> StoredStructure:
            stored = Dataset(folder).load(SEED)
            for number in range(DRAWS):
                recorded_series(stored, MICROSCOPE, (SEED, number))
            return stored

        images_time, stored = seconds(images)
    return Measured(waves_time, images_time, stored)


def image_difference(waves: Any, stored: StoredStructure) -> float:
    """Largest difference of noise-free images over their mean: abTEM's waves and CTF against ours.

    Blur and pixels of the plain images are calculated on their fine grid by the sampling matrices, which are exact.
    """
    worst = 0.0
    for drawn in microscopes():
        microscope = replace(drawn, mtf=1.0)  # none: that of the plain script is numpy's, and exact
        frames = without_noise(stored, microscope).frames
        pixels = pixels_inside(stored.cell, stored.margin, [microscope])
        first = torch.tensor([first_pixel(stored.cell, pixels, microscope.sampling)], dtype=torch.float64)
        for frame, defocus in zip(frames, microscope.defocus, strict=True):
            image = torch.from_numpy(plain_intensity(waves, microscope, defocus).array.T.copy())[None, None]
            numbers = (torch.tensor([v], dtype=torch.float64) for v in (microscope.sampling, microscope.blur))
            sampling, blur = numbers
            matrix = sampling_matrix(image.shape[-1], stored.cell, first, sampling, pixels, blur)
            expected = sampled(image, matrix, matrix)[0, 0].numpy()
            worst = max(worst, float(np.abs(frame - expected).max() / expected.mean()))
    return worst


def settings_of(side: float, multislice: MultisliceSettings) -> DatasetSettings:
    """One structure's settings."""
    return DatasetSettings(structure=StructureSettings(field_of_view=side, layers=LAYERS), multislice=multislice)


def compare(side: float) -> tuple[list[list[str]], float]:
    """Rows of the comparison at one field of view, and the difference of the images."""
    structure = draw_structure(SEED, settings_of(side, FAST).structure)
    small = settings_of(20.0, REFERENCE.model_copy(update={"configurations": 1}))
    ours(small)  # compiles, plans and makes the tables
    fast = sorted((ours(settings_of(side, FAST)) for _ in range(4)), key=lambda m: m.seconds)[1]
    reference = ours(settings_of(side, REFERENCE))
    script = plain(structure)
    rows = []
    for name, measured in (("plain abTEM script", script), ("`reference`", reference), ("`fast`", fast)):
        ratio = script.seconds / measured.seconds
        rows.append(
            [
                f"{side:g}",
                name,
                f"{measured.waves:.2f}",
                f"{measured.images:.2f}",
                f"{measured.seconds / DRAWS:.3f}",
                f"{ratio:.1f}",
            ]
        )
    return rows, image_difference(script.result, reference.result)


def median_seconds(settings: DatasetSettings, repeats: int = 3) -> float:
    """Of simulating one structure into the store."""
    return statistics.median(ours(settings).waves for _ in range(repeats))


def growth() -> tuple[list[list[str]], float]:
    """How the cost of `fast` grows, and its seconds at 70 Å with three configurations."""
    rows, base = [], median_seconds(settings_of(70.0, FAST), 5)
    for side in GROWTH_AREAS:
        taken = median_seconds(settings_of(side, FAST))
        area = (settings_of(side, FAST).structure.cell / settings_of(70.0, FAST).structure.cell) ** 2
        rows.append([f"{side:g}", "3", f"{area:.2f}", f"{taken:.2f}", f"{taken / base:.2f}"])
    for count in GROWTH_CONFIGURATIONS:
        taken = median_seconds(settings_of(70.0, FAST.model_copy(update={"configurations": count})))
        rows.append(["70", str(count), "1.00", f"{taken:.2f}", f"{taken / base:.2f}"])
    return rows, base


def scale(fast: dict[float, float], reference: dict[float, float]) -> list[list[str]]:
    """What a million structures cost: CPU hours and storage, from seconds per structure."""
    rows = []
    for name, preset, taken in (("fast", FAST, fast), ("reference", REFERENCE, reference)):
        for side, per_structure in taken.items():
            hours = SCALE * per_structure / 3600
            size = estimate_bytes(settings_of(side, preset), SCALE) / 1e12
            rows.append(
                [
                    f"`{name}`",
                    f"{side:g}",
                    f"{per_structure:.2f}",
                    f"{hours:,.0f}",
                    f"{hours / 1000:,.1f}",
                    f"{size:.1f}",
                ]
            )
    return rows


def main() -> None:
    """Measure and write."""
    sides = [float(side) for side in sys.argv[1:]] or [70.0, 140.0]
    one_core()
    rows: list[list[str]] = []
    fast, reference, differences = {}, {}, []
    for side in sides:
        found, difference = compare(side)
        rows += found
        differences.append(f"{difference:.1e} at {side:g} Å")
        reference[side], fast[side] = (float(row[2]) for row in found[1:])
        print(*found, difference, sep="\n", flush=True)
    header = ["field of view, Å", "", "exit waves, s", "ten series, s", "per series, s", "plain script's time over it"]
    intro = (
        f"One structure with {DRAWS} focal series of three frames, on one core. The noise-free images of `reference` "
        f"and of the plain script differ by at most {' and '.join(differences)}, as a fraction of the mean. {machine()}"
    )
    write_section("simulation", f"{intro}\n\n{table(header, rows)}")
    grown, _ = growth()
    header = ["field of view, Å", "configurations", "area of the cell", "seconds", "of those at 70 Å and 3"]
    write_section("simulation-growth", table(header, grown))
    header = [
        "accuracy",
        "field of view, Å",
        "s per structure and core",
        "CPU hours for 10⁶",
        "hours on 1000 cores",
        "TB",
    ]
    write_section("scale", f"{machine()}\n\n{table(header, scale(fast, reference))}", ROOT / "docs" / "scale.md")


if __name__ == "__main__":
    main()
