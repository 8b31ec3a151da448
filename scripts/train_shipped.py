"""Make the shipped weights: simulate, train the networks side by side, score them, put weights and cards in place.

Run from the repository root: `python scripts/train_shipped.py FOLDER [MINUTES] [NETWORK…]`. Every part goes on where it
stopped. All networks are trained at the same time, with one thread and one process of examples each, for MINUTES (60 if
not given) of the clock, beginning with the weights that are shipped now where those fit.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import torch

from hrtem_app.evaluation.evaluate import evaluate
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.microscope.treatment import TreatmentSettings
from hrtem_app.networks.catalog import load_network_file, save_network
from hrtem_app.simulation.dataset import Dataset, DatasetSettings
from hrtem_app.simulation.multislice import MultisliceSettings
from hrtem_app.simulation.run import simulate
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.training.batches import RARE, ExampleSettings, Source, Structures
from hrtem_app.training.prior import fit_prior
from hrtem_app.training.settings import TrainingSettings
from hrtem_app.training.validation import Validation
from hrtem_app.training.weights import correct_prior

WEIGHTS = Path(__file__).parents[1] / "resources" / "weights"
# Holes of every kind, which the thesis' ranges hold too few of: networks otherwise complete the lattice, and put Mo
# where none is.
RICH = DatasetSettings(
    structure=StructureSettings(
        single_vacancies=(0.0, 0.40), column_vacancies=(0.0, 0.20), support_vacancies=(0.0, 0.05)
    )
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
    defocus=(-300, 140),
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
TREATMENT = TreatmentSettings(treated=0.5)
SETS = {
    "thesis": (DatasetSettings(), 500, 200_000),
    "rich": (RICH, 160, 300_000),
    "wide": (WIDE, 240, 400_000),
    "test": (DatasetSettings(), 24, 50_000),
}
# Of single atoms, in the thesis.
MOST_VACANCIES = 0.05
TRAINED_ON = ("thesis", "rich", "wide")
# Architecture, and frames.
NETWORKS = {
    "unet": ("unet", 3),
    "unet_pp": ("unet_pp", 3),
    "msd_net": ("msd_net", 3),
    "unet_single": ("unet", 1),
    "unet_pp_single": ("unet_pp", 1),
}
KEPT = (
    "series",
    "atomic_f1",
    "atomic_f1_per_class",
    "position_error_pm",
    "pixel_f1",
    "pixel_f1_without_background",
)


def settings(frames: int) -> TrainingSettings:
    """How a network for some number of frames is trained; a single frame comes from wherever its microscope is."""
    thesis, wide, shares = MicroscopeSettings(), WIDE_MICROSCOPE, (5, 9, 6)
    if frames == 1:
        thesis = thesis.model_copy(update={"frames": 1, "defocus": (-150.0, 150.0)})
        wide = wide.model_copy(update={"frames": 1, "defocus": (-300.0, 300.0)})
        shares = (3, 5, 12)
    sources = (
        Source(share=shares[0], microscope=thesis),
        Source(share=shares[1], microscope=thesis),
        Source(share=shares[2], microscope=wide, treatment=TREATMENT),
    )
    return TrainingSettings(
        examples=ExampleSettings(crops=4, batch=8, sources=sources),
        rare_weight=1.0,
        rare_excess=2.0,
        learning_rate=3e-3 if frames > 1 else 5e-3,
        compiled=True,
        precision="auto",
        validation_series=36,
    )


def command(folder: Path, name: str, minutes: str) -> list[str]:
    """The training of one network as one would type it."""
    architecture, frames = NETWORKS[name]
    told = folder / f"{frames}.json"
    told.write_text(settings(frames).model_dump_json(indent=2), encoding="utf-8")
    out = folder / name
    words = [sys.executable, "-m", "hrtem_app", "train", architecture, "--name", name, "--out", str(out)]
    words += [word for name in TRAINED_ON for word in ("--data", str(folder / name))]
    words += ["--settings", str(told), "--minutes", minutes, "--workers", "1"]
    start = WEIGHTS / f"{name}.safetensors"
    if not start.exists():
        start = WEIGHTS / f"{architecture}.safetensors"
    if (out / "checkpoint.safetensors").exists():
        words += ["--resume"]
    elif start.exists():
        words += ["--start", str(start)]
    return words


def settle_prior(path: Path, folder: Path) -> None:
    """Make 1S as frequent as in the thesis' ranges: by held-out structures with no more vacancies than these have.

    The card remembers the factor, and a second call does nothing.
    """
    module, card = load_network_file(path)
    if "prior" in card.training:
        return
    dataset = Dataset(folder / "thesis")
    held_out = dataset.seeds[-(len(dataset) // 20) :]
    sparse = [seed for seed in held_out if dataset.load(seed).parameters["single_vacancies"] <= MOST_VACANCIES]
    examples = settings(card.frames).examples
    first = examples.model_copy(update={"sources": examples.sources[:1]})
    validation = Validation([Structures(dataset, tuple(sparse))], first, len(sparse))
    device = torch.device("cpu")
    step = fit_prior(module, validation, device)
    correct_prior(module, RARE, math.exp(step))
    record = card.training | {"prior": {"log_factor": step, "structures": len(sparse)}}
    save_network(module, card.model_copy(update={"training": record}), path.parent)


def publish(folder: Path, names: list[str]) -> None:
    """Score the trained networks on the test set, and ship them with their scores."""
    for frames in (3, 1):
        weights = [folder / name / f"{name}.safetensors" for name in names if NETWORKS[name][1] == frames]
        if not weights:
            continue
        for path in weights:
            settle_prior(path, folder)
        microscope = settings(frames).examples.sources[0].microscope
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
