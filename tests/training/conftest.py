"""A tiny dataset and the settings to train on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hrtem_app.simulation.dataset import DatasetSettings
from hrtem_app.simulation.multislice import MultisliceSettings
from hrtem_app.simulation.run import simulate
from hrtem_app.simulation.structure_settings import StructureSettings


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three structures, seeds 11 to 13, small and fully covered by the flake."""
    folder = tmp_path_factory.mktemp("data") / "waves"
    settings = DatasetSettings(
        structure=StructureSettings(field_of_view=22.0, margin=1.0, layers=(1, 1), flake_radius=(0.5, 0.6)),
        multislice=MultisliceSettings(configurations=1),
    )
    simulate(folder, 3, 11, settings=settings, workers=0)
    return folder
