"""A tiny dataset that several tests look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from hrtem_app.simulation.dataset import DatasetSettings
from hrtem_app.simulation.multislice import MultisliceSettings
from hrtem_app.simulation.run import simulate
from hrtem_app.simulation.structure_settings import StructureSettings

SEEDS = (7, 8, 9)


@pytest.fixture(scope="session")
def tiny() -> DatasetSettings:
    """A structure takes a tenth of a second."""
    return DatasetSettings(
        structure=StructureSettings(field_of_view=24.0, margin=1.0, layers=(1, 1), flake_radius=(0.4, 0.6)),
        multislice=MultisliceSettings(configurations=2),
    )


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny: DatasetSettings) -> Path:
    """Three structures, made in this process; nobody may change it."""
    folder = tmp_path_factory.mktemp("dataset") / "waves"
    simulate(folder, len(SEEDS), SEEDS[0], settings=tiny, workers=0)
    return folder
