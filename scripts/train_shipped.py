"""Make the shipped weights: simulate, train the networks side by side, score them, put weights and cards in place.

Run from the repository root: `python scripts/train_shipped.py FOLDER [MINUTES] [NETWORK…]`. Every part goes on where it
stopped. All networks are trained at the same time, with one thread and one process of examples each, for MINUTES (60 if
not given) of the clock, beginning with the weights that are shipped now where those fit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from hrtem_app.evaluation.evaluate import evaluate
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.microscope.treatment import TreatmentSettings
from hrtem_app.networks.catalog import load_network_file, save_network
from hrtem_app.simulation.dataset import DatasetSettings
from hrtem_app.simulation.multislice import MultisliceSettings
from hrtem_app.simulation.run import simulate
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.training.batches import ExampleSettings, Source
from hrtem_app.training.settings import TrainingSettings

WEIGHTS = Path(__file__).parents[1] / "resources" / "weights"
# Holes of every kind, which the thesis' ranges hold too few of: networks otherwise complete the lattice, and put Mo
# where none is.
RICH = DatasetSettings(
    structure=StructureSettings(
        single_vacancies=(0.0, 0.40), column_vacancies=(0.0, 0.20), support_vacancies=(0.0, 0.05)
    )
)
# Carbon atoms missing from many layers: two of them on top of each other look like one sulphur, and it is there that 1S
# and 2S are mistaken for each other, at any dose.
HARD = DatasetSettings(structure=StructureSettings(layers=(4, 6), support_vacancies=(0.02, 0.05)))
# More of the same, with so many atoms missing that pairs of them above each other are common.
HARDER = DatasetSettings(structure=StructureSettings(layers=(4, 6), support_vacancies=(0.04, 0.11)))
# The rim of the graphite runs through the flake. Its layers end on top of each other, and the lattice filter leaves a
# seam there: most of what U-net++ got wrong in the thesis' ranges lay along it.
EDGES = DatasetSettings(structure=StructureSettings(layers=(2, 6), support_radius=(0.18, 0.5)))
# Sulphur lost under the beam: rows of vacancies that have closed up, mostly with nothing below.
LINES = DatasetSettings(
    structure=StructureSettings(
        layers=(1, 3),
        bare=0.6,
        turbostratic=0.2,
        vacancy_lines=(1, 16),
        single_vacancies=(0.0, 0.10),
        column_vacancies=(0.0, 0.02),
        tilt=(0.0, 0.015),
        ripple=(0.0, 0.02),
        contamination=0.15,
        flake_radius=(0.4, 0.9),
    ),
    multislice=MultisliceSettings(energy=(50e3, 80e3)),
)
# Far wider: other energies, no or turned graphite, tilt, ripples, dirt, many vacancies.
WIDE = DatasetSettings(
    structure=StructureSettings(
        single_vacancies=(0.0, 0.20),
        bare=0.2,
        turbostratic=0.2,
        tilt=(0.0, 0.015),
        ripple=(0.0, 0.02),
        contamination=0.3,
        flake_radius=(0.28, 0.8),
    ),
    multislice=MultisliceSettings(energy=(50e3, 80e3)),
)
WIDE_MICROSCOPE = MicroscopeSettings(
    defocus=(-420, 260),
    defocus_step=(30, 80),
    c12=(0, 40),
    c21=(0, 1000),
    c30=(-2e5, 2e5),
    focal_spread=(3, 15),
    angular_spread=(0, 0.0003),
    blur=(0.05, 0.35),
    sampling=(0.20, 0.25),
    dose=(100, 1e5),
    mtf=(0.15, 1.0),
    readout=(0, 0.02),
)
# Most of what is still wrong in the thesis' ranges is wrong here.
LOW_DOSE_MICROSCOPE = MicroscopeSettings(dose=(300, 1500))
TREATMENT = TreatmentSettings(treated=0.5)
SETS = {
    "thesis": (DatasetSettings(), 1000, 200_000),
    "rich": (RICH, 160, 300_000),
    "wide": (WIDE, 240, 400_000),
    "hard": (HARD, 520, 500_000),
    "harder": (HARDER, 700, 600_000),
    "edges": (EDGES, 400, 700_000),
    "lines": (LINES, 260, 800_000),
    "low_dose": (DatasetSettings(), 200, 230_000),
    "test": (DatasetSettings(), 24, 50_000),
}
HELD_OUT = 20


class Shipped(NamedTuple):
    """How a network is trained: its architecture and frames, how often each dataset is visited, the pace, the loss."""

    architecture: str
    frames: int
    shares: dict[str, int]
    learning_rate: float = 5e-3
    rim_weight: float = 1.0


NETWORKS = {
    "unet": Shipped("unet", 3, {"thesis": 5, "harder": 3, "edges": 7, "wide": 5}, 4e-3, 0.1),
    "unet_pp": Shipped("unet_pp", 3, {"thesis": 6, "low_dose": 5, "edges": 6, "harder": 3}, 4e-3, 0.1),
    "msd_net": Shipped("msd_net", 3, {"thesis": 1}),
    "unet_pp_wide": Shipped("unet_pp", 3, {"thesis": 4, "hard": 4, "wide": 12}),
    "unet_single": Shipped("unet", 1, {"thesis": 3, "rich": 2, "wide": 9, "lines": 6}, 4e-3),
    "unet_pp_single": Shipped("unet_pp", 1, {"thesis": 3, "rich": 3, "wide": 8, "lines": 6}, 4e-3),
}
KEPT = (
    "series",
    "atomic_f1",
    "atomic_f1_per_class",
    "position_error_pm",
    "pixel_f1",
    "pixel_f1_without_background",
)


def settings(name: str) -> TrainingSettings:
    """How a network is trained; a single frame comes from wherever its microscope is."""
    shipped = NETWORKS[name]
    thesis, wide = MicroscopeSettings(), WIDE_MICROSCOPE
    if shipped.frames == 1:
        thesis = thesis.model_copy(update={"frames": 1, "defocus": (-150.0, 150.0)})
        wide = wide.model_copy(update={"frames": 1, "defocus": (-300.0, 300.0)})
    far = Source(microscope=wide, treatment=TREATMENT)
    seen = {"wide": far, "lines": far, "low_dose": Source(microscope=LOW_DOSE_MICROSCOPE)}
    sources = tuple(
        seen.get(data, Source(microscope=thesis)).model_copy(update={"share": share})
        for data, share in shipped.shares.items()
    )
    return TrainingSettings(
        examples=ExampleSettings(crops=4, batch=8, sources=sources),
        learning_rate=shipped.learning_rate,
        rim_weight=shipped.rim_weight,
        compiled=True,
        precision="auto",
        validation_series=30,
    )


def command(folder: Path, name: str, minutes: str) -> list[str]:
    """The training of one network as one would type it."""
    shipped = NETWORKS[name]
    told = folder / f"{name}.json"
    told.write_text(settings(name).model_dump_json(indent=2), encoding="utf-8")
    out = folder / name
    words = [sys.executable, "-m", "hrtem_app", "train", shipped.architecture, "--name", name, "--out", str(out)]
    words += [word for data in shipped.shares for word in ("--data", str(folder / data))]
    words += ["--settings", str(told), "--minutes", minutes, "--held-out", str(HELD_OUT), "--workers", "1"]
    start = WEIGHTS / f"{name}.safetensors"
    if not start.exists():
        start = WEIGHTS / f"{shipped.architecture}.safetensors"
    if (out / "checkpoint.safetensors").exists():
        words += ["--resume"]
    elif start.exists():
        words += ["--start", str(start)]
    return words


def publish(folder: Path, names: list[str]) -> None:
    """Score the trained networks on the test set, and ship them with their scores."""
    for frames in (3, 1):
        chosen = [name for name in names if NETWORKS[name].frames == frames]
        if not chosen:
            continue
        weights = [folder / name / f"{name}.safetensors" for name in chosen]
        microscope = settings(chosen[0]).examples.sources[0].microscope
        summary, *_ = evaluate(folder / "test", folder / f"evaluation-{frames}", weights=weights, microscope=microscope)
        results = json.loads(summary.read_text(encoding="utf-8"))["results"]
        for path in weights:
            module, card = load_network_file(path)
            metrics = {key: results[card.name][key] for key in KEPT}
            save_network(module, card.model_copy(update={"metrics": metrics}), WEIGHTS)


def main() -> None:
    """Do all that is not done yet."""
    folder = Path(sys.argv[1])
    minutes = sys.argv[2] if len(sys.argv) > 2 else "60"
    names = sys.argv[3:] or list(NETWORKS)
    for name, (dataset, structures, seed) in SETS.items():
        simulate(folder / name, structures, seed, settings=dataset)
    left = [name for name in names if not (folder / name / f"{name}.safetensors").exists()]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    running = [subprocess.Popen(command(folder, name, minutes), env=environment) for name in left]
    codes = [process.wait() for process in running]
    if any(codes):
        raise SystemExit("a training failed: see above, then start this again")
    publish(folder, names)


if __name__ == "__main__":
    main()
