"""The card of a trained network: what it is, what it was trained on, and how."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from hrtem_app.materials import find_support
from hrtem_app.networks.catalog import NetworkCard
from hrtem_app.networks.layers import parameter_count
from hrtem_app.simulation.dataset import Dataset
from hrtem_app.training.checkpoint import Checkpoint
from hrtem_app.training.settings import TrainingSettings

TITLES = {"unet": "U-net", "unet_pp": "U-net++", "msd_net": "MSD-net"}


def training_card(
    network: str,
    arguments: dict[str, int],
    model: nn.Module,
    dataset: Dataset,
    settings: TrainingSettings,
    checkpoint: Checkpoint,
    training_seeds: tuple[int, ...],
    validation_seeds: tuple[int, ...],
) -> NetworkCard:
    """The card of a network that was trained on some structures of a dataset, and validated on others."""
    examples = settings.examples
    microscope = examples.microscope
    record: dict[str, Any] = {
        "structures": len(training_seeds),
        "structure_seeds": [training_seeds[0], training_seeds[-1]],
        "held_out_seeds": [validation_seeds[0], validation_seeds[-1]] if validation_seeds else [],
        "steps": checkpoint.step,
        "minutes": round(checkpoint.seconds / 60, 2),
        "settings": settings.model_dump(mode="json"),
        "dataset": dataset.settings.model_dump(mode="json"),
        "torch": torch.__version__,
    }
    last = microscope.defocus[1] + (microscope.frames - 1) * microscope.defocus_step[1]
    return NetworkCard(
        name=network,
        title=TITLES.get(network, network),
        architecture=network,
        settings=arguments,
        parameters=parameter_count(model),
        frames=microscope.frames,
        sampling=round(sum(microscope.sampling) / 2, 6),
        sampling_range=microscope.sampling,
        filter=examples.filter,
        standardisation=examples.standardisation,
        dose_range=microscope.dose,
        defocus_range=(microscope.defocus[0], last),
        energy=sum(dataset.settings.multislice.energy) / 2,
        material=_material(dataset),
        classes=dataset.class_names,
        label_radius=examples.label_radius,
        training=record,
    )


def _material(dataset: Dataset) -> str:
    """Material and support of the dataset, for people."""
    settings = dataset.settings.structure
    support = find_support(settings.support)
    return f"{settings.material} on {support.title}" if support else settings.material
