"""Make the shipped weights: simulate, train the three networks, score them, put weights and cards where they belong.

Run from the repository root: `python scripts/train_shipped.py FOLDER [MINUTES]`. Every part goes on where it stopped.
The three networks are trained one after the other, each for MINUTES (60 if not given) of the clock.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from hrtem_app.networks.catalog import load_network_file, save_network
from hrtem_app.simulation.dataset import DatasetSettings
from hrtem_app.simulation.run import simulate
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.training.evaluation import evaluate
from hrtem_app.training.loop import train
from hrtem_app.training.settings import TrainingSettings

# Twice the thesis' vacancies, so that the rare 1S class is seen more often.
TRAINING = DatasetSettings(structure=StructureSettings(single_vacancies=(0.0, 0.10)))
SETTINGS = TrainingSettings(rare_excess=2.0)
TRAINING_SEED, TRAINING_STRUCTURES, HELD_OUT = 1000, 240, 12
TEST_SEED, TEST_STRUCTURES = 50_000, 24
NETWORKS = ("unet", "unet_pp", "msd_net")
KEPT = ("series", "atomic_f1", "atomic_f1_per_class", "position_error_pm", "pixel_f1", "pixel_f1_without_background")


def data(folder: Path) -> None:
    """Simulate the training set and the test set."""
    simulate(folder / "train", TRAINING_STRUCTURES, TRAINING_SEED, settings=TRAINING)
    simulate(folder / "test", TEST_STRUCTURES, TEST_SEED)


def publish(folder: Path) -> None:
    """Score the trained networks on the test set, and ship them with their scores."""
    weights = [folder / name / f"{name}.safetensors" for name in NETWORKS]
    summary, _ = evaluate(folder / "test", folder / "evaluation", weights=weights)
    results = json.loads(summary.read_text(encoding="utf-8"))["results"]
    for path in weights:
        module, card = load_network_file(path)
        metrics = {key: results[card.name][key] for key in KEPT}
        shipped = Path(__file__).parents[1] / "resources" / "weights"
        save_network(module, card.model_copy(update={"metrics": metrics}), shipped)


def main() -> None:
    """Do all that is not done yet."""
    folder = Path(sys.argv[1])
    minutes = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    data(folder)
    for name in NETWORKS:
        out = folder / name
        if (out / f"{name}.safetensors").exists():
            continue
        resume = (out / "checkpoint.safetensors").exists()
        train(name, folder / "train", out, minutes=minutes, settings=SETTINGS, held_out=HELD_OUT, resume=resume)
    publish(folder)


if __name__ == "__main__":
    main()
