"""The card of a trained network: what it is, what it was trained on, and how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from hrtem_app.materials import MOS2_ON_GRAPHITE, find_support
from hrtem_app.networks.catalog import NetworkCard
from hrtem_app.networks.layers import parameter_count
from hrtem_app.simulation.dataset import Dataset
from hrtem_app.training.batches import Structures
from hrtem_app.training.checkpoint import Checkpoint
from hrtem_app.training.labelled import LabelledFolder
from hrtem_app.training.settings import TrainingSettings
from hrtem_app.training.validation import CHOSEN_BY

# Labelled series do not say it; the microscopes that the networks are for go from here to here.
UNKNOWN_ENERGY = (50e3, 80e3)
TITLES = {"unet": "U-net", "unet_pp": "U-net++", "msd_net": "MSD-net"}


def training_card(
    name: str,
    network: str,
    arguments: dict[str, int],
    model: nn.Module,
    settings: TrainingSettings,
    checkpoint: Checkpoint,
    training: Sequence[Structures],
    held_out: Sequence[Structures],
) -> NetworkCard:
    """The card of a network that was trained on some structures of each dataset, and validated on others."""
    examples = settings.examples
    microscopes = [source.microscope for source in examples.sources]
    simulated = [part.dataset for part in training if isinstance(part.dataset, Dataset)]
    record: dict[str, Any] = {
        "structures": sum(len(part.seeds) for part in training),
        "structure_seeds": [_ends(part.seeds) for part in training],
        "held_out_seeds": [_ends(part.seeds) for part in held_out],
        "steps": checkpoint.step,
        "minutes": round(checkpoint.seconds / 60, 2),
        "validation": {"atomic_f1": checkpoint.best_f1, CHOSEN_BY: checkpoint.best, "step": checkpoint.best_step},
        "started_from": checkpoint.started_from,
        "settings": settings.model_dump(mode="json"),
        "datasets": [_told(part.dataset) for part in training],
        "torch": torch.__version__,
    }
    steps = examples.frames - 1
    defocus = [(m.defocus[0], m.defocus[1] + steps * m.defocus_step[1]) for m in microscopes]
    energy = around([dataset.settings.multislice.energy for dataset in simulated] or [UNKNOWN_ENERGY])
    return NetworkCard(
        name=name,
        title=TITLES.get(network, network) + ("" if examples.frames == 3 else f", {_frames(examples.frames)}"),
        architecture=network,
        settings=arguments,
        parameters=parameter_count(model),
        frames=examples.frames,
        sampling=round(sum(microscopes[0].sampling) / 2, 6),
        sampling_range=around([m.sampling for m in microscopes]),
        filter=examples.filter,
        standardisation=examples.standardisation,
        dose_range=around([m.dose for m in microscopes]),
        defocus_range=around(defocus),
        defocus_step_range=around([m.defocus_step for m in microscopes]),
        energy=sum(energy) / 2,
        energy_range=energy,
        material=_material(simulated[0]) if simulated else MOS2_ON_GRAPHITE.title,
        classes=training[0].dataset.class_names,
        label_radius=examples.label_radius,
        training=record,
    )


def around(ranges: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The smallest range that holds all."""
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _told(dataset: Dataset | LabelledFolder) -> dict[str, Any]:
    """What a dataset is, for the record."""
    if isinstance(dataset, LabelledFolder):
        return {"labelled": dataset.names}
    return dataset.settings.model_dump(mode="json")


def _ends(seeds: tuple[int, ...]) -> list[int]:
    return [seeds[0], seeds[-1]] if seeds else []


def _frames(count: int) -> str:
    return "one frame" if count == 1 else f"{count} frames"


def _material(dataset: Dataset) -> str:
    """Material and support of the dataset, for people."""
    settings = dataset.settings.structure
    support = find_support(settings.support)
    return f"{settings.material} on {support.title}" if support else settings.material
