"""Make the bundled sample series, and the truth about it, with the project's own simulator.

Run it from the repository's root: `python scripts/make_sample.py`. The structure's seed is used by no training.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from hrtem_app.columns import ColumnTable
from hrtem_app.io import save_series
from hrtem_app.microscope.draw import MicroscopeSettings, draw_microscope
from hrtem_app.microscope.record import record
from hrtem_app.series import FocalSeries
from hrtem_app.simulation.multislice import MultisliceSettings, draw_energy, exit_waves
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.simulation.structures import draw_structure

SEED = 900_019
STRUCTURE = StructureSettings(
    field_of_view=90.0,
    layers=(2, 3),
    single_vacancies=(0.04, 0.05),
    flake_radius=(0.37, 0.39),
    whole_flake=True,
    support_radius=(0.8, 0.9),
)
MULTISLICE = MultisliceSettings(configurations=6)
ENERGY = draw_energy(SEED, MULTISLICE)
MICROSCOPE = MicroscopeSettings(dose=(3000.0, 4000.0), defocus=(-60.0, -50.0))


def main() -> None:
    """Write `resources/sample/mos2_on_graphite.tif` and its truth."""
    structure = draw_structure(SEED, STRUCTURE)
    waves = exit_waves(structure, MULTISLICE, SEED)
    microscope = draw_microscope(MICROSCOPE, np.random.default_rng(SEED))
    recorded = record(
        waves,
        STRUCTURE.cell,
        STRUCTURE.margin,
        ENERGY,
        structure.positions,
        structure.classes,
        microscope,
        torch.Generator().manual_seed(SEED),
    )
    folder = Path(__file__).parents[1] / "resources" / "sample"
    folder.mkdir(parents=True, exist_ok=True)
    series = FocalSeries(
        recorded.frames,
        sampling=recorded.sampling,
        defocus=microscope.defocus,
        energy=ENERGY,
        name="mos2_on_graphite",
    )
    save_series(series, folder / "mos2_on_graphite.tif")
    ones = np.ones(len(recorded.classes))
    truth = ColumnTable(recorded.positions, recorded.classes, recorded.sampling, ones.astype(np.int64), ones)
    truth.to_csv(folder / "mos2_on_graphite-truth.csv")


if __name__ == "__main__":
    main()
