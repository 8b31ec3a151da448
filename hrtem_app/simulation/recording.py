"""A stored structure as a microscope records it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from hrtem_app.microscope.draw import Microscope, MicroscopeSettings, draw_microscope
from hrtem_app.microscope.record import RecordedSeries, record
from hrtem_app.simulation.dataset import StoredStructure


def recorded_series(stored: StoredStructure, settings: MicroscopeSettings, seed: tuple[int, ...]) -> RecordedSeries:
    """What a microscope drawn from the seed records of a stored structure.

    Parameters
    ----------
    stored
        The exit waves and the truth.
    settings
        Ranges of the microscope.
    seed
        Of the microscope and the noise.
    """
    rng = np.random.default_rng(seed)
    microscope = draw_microscope(settings, rng)
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    return record_stored(stored, microscope, generator)


def without_noise(stored: StoredStructure, microscope: Microscope) -> RecordedSeries:
    """What the same microscope would record with electrons without number."""
    return record_stored(stored, replace(microscope, dose=None))


def record_stored(
    stored: StoredStructure, microscope: Microscope, generator: torch.Generator | None = None
) -> RecordedSeries:
    """Record a stored structure with a microscope; see `record`."""
    return record(
        stored.waves,
        stored.cell,
        stored.margin,
        stored.energy,
        stored.positions,
        stored.classes,
        microscope,
        generator,
    )
