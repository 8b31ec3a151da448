"""Datasets: written whole, resumed, read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hrtem_app.simulation.dataset import Dataset, DatasetError, DatasetSettings, simulate
from hrtem_app.simulation.multislice import MultisliceSettings
from hrtem_app.simulation.structures import StructureSettings

TINY = DatasetSettings(
    structure=StructureSettings(field_of_view=20.0, margin=1.0, layers=(1, 1)),
    multislice=MultisliceSettings(configurations=2),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dataset") / "waves"
    simulate(folder, 2, 7, settings=TINY, workers=1)
    return folder


def test_waves_and_truth_come_back(folder: Path) -> None:
    dataset = Dataset(folder)
    assert dataset.seeds == (7, 8)
    stored = dataset[0]
    assert stored.waves.shape == (2, 110, 110)
    assert stored.waves.dtype == np.complex64
    assert np.mean(np.abs(stored.waves) ** 2) == pytest.approx(1, abs=0.01)
    # Phonon configurations differ, but show the same atoms.
    assert 0 < np.abs(stored.waves[0] - stored.waves[1]).mean() < 0.5 * np.abs(stored.waves[0] - 1).mean()
    assert len(stored.positions) == len(stored.classes) > 0
    assert stored.parameters["seed"] == 7


def test_columns_are_where_the_wave_is_disturbed(folder: Path) -> None:
    """Axes and units: the phase at the columns is far above that of other places."""
    stored = Dataset(folder)[1]
    phase = np.angle(stored.waves).mean(axis=0)
    pixels = np.rint(stored.positions / stored.cell * stored.waves.shape[-1]).astype(int) % stored.waves.shape[-1]
    at_columns, at_swapped = phase[tuple(pixels.T)].mean(), phase[tuple(pixels[:, ::-1].T)].mean()
    assert at_columns - phase.mean() > 3 * (at_swapped - phase.mean())


def test_an_interrupted_run_goes_on_to_the_same_dataset(folder: Path, tmp_path: Path) -> None:
    resumed = tmp_path / "waves"
    simulate(resumed, 1, 8, settings=TINY, workers=1)
    (resumed / "structures" / "0000007.partial").mkdir()
    assert Dataset(resumed).seeds == (8,)
    seen: list[tuple[int, int]] = []
    simulate(resumed, 2, 7, settings=TINY, workers=1, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]
    assert not list((resumed / "structures").glob("*.partial"))
    for seed in (7, 8):
        np.testing.assert_array_equal(Dataset(resumed).load(seed).waves, Dataset(folder).load(seed).waves)


@pytest.mark.parametrize(("structures", "seed"), [(0, 1), (3, -1)])
def test_impossible_numbers_are_refused(tmp_path: Path, structures: int, seed: int) -> None:
    with pytest.raises(DatasetError, match=f"{structures} structures from seed {seed}"):
        simulate(tmp_path / "new", structures, seed)
    assert not (tmp_path / "new").exists()


def test_other_settings_and_other_folders_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="other settings"):
        simulate(folder, 2, 7, field_of_view=30.0)
    with pytest.raises(DatasetError, match="field_of_view"):
        simulate(tmp_path / "new", 1, 1, field_of_view=5.0)
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(DatasetError, match="not empty"):
        simulate(tmp_path, 1, 1, settings=TINY)
    with pytest.raises(DatasetError, match="not a dataset"):
        Dataset(tmp_path)
