"""Datasets: read back, refused, checked, summarised."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import zarr
from pydantic import ValidationError

from hrtem_app.recipe import explain
from hrtem_app.simulation.dataset import Dataset, DatasetError, DatasetSettings
from hrtem_app.simulation.inspection import summarise, verify
from hrtem_app.simulation.run import estimate_bytes, simulate
from hrtem_app.simulation.store import scratch


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """The tiny dataset, to be damaged."""
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def test_waves_and_truth_come_back(folder: Path) -> None:
    dataset = Dataset(folder)
    assert dataset.seeds == (7, 8, 9)
    assert dataset.class_names == ("Mo", "2S", "1S")
    stored = dataset[0]
    assert stored.waves.shape == (2, 130, 130)
    assert stored.waves.dtype == np.complex64
    assert np.mean(np.abs(stored.waves) ** 2) == pytest.approx(1, abs=0.02)
    # Phonon configurations differ, but show the same atoms.
    assert 0 < np.abs(stored.waves[0] - stored.waves[1]).mean() < 0.5 * np.abs(stored.waves[0] - 1).mean()
    assert len(stored.positions) == len(stored.classes) > 0
    assert stored.parameters["seed"] == 7
    assert stored.energy == 50e3
    assert {"abtem", "hrtem-app", "numpy"} <= set(stored.versions)


def test_columns_are_where_the_wave_is_disturbed(folder: Path) -> None:
    """Axes and units: the phase at the columns is far above that of other places."""
    stored = Dataset(folder)[1]
    phase = np.angle(stored.waves).mean(axis=0)
    pixels = np.rint(stored.positions / stored.cell * stored.waves.shape[-1]).astype(int) % stored.waves.shape[-1]
    at_columns, at_swapped = phase[tuple(pixels.T)].mean(), phase[tuple(pixels[:, ::-1].T)].mean()
    assert at_columns - phase.mean() > 3 * (at_swapped - phase.mean())


def test_the_folder_is_one_zarr_store(folder: Path) -> None:
    group = zarr.open_group(str(folder), mode="r")
    assert sorted(group["structures"].group_keys()) == ["0000007", "0000008", "0000009"]
    assert group["structures/0000008/waves"].shape == (2, 130, 130)
    assert group.attrs["settings"]["multislice"]["configurations"] == 2


@pytest.mark.parametrize(("structures", "seed"), [(0, 1), (3, -1)])
def test_impossible_numbers_are_refused(tmp_path: Path, structures: int, seed: int) -> None:
    with pytest.raises(DatasetError, match=f"{structures} structures from seed {seed}"):
        simulate(tmp_path / "new", structures, seed)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("device", "message"), [("tpu", "'tpu'.*cpu or gpu"), ("gpu", "CuPy")])
def test_impossible_devices_are_refused(tmp_path: Path, device: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        simulate(tmp_path / "new", 1, 1, device=device)
    assert not (tmp_path / "new").exists()


def test_other_settings_and_other_folders_are_refused(folder: Path, tmp_path: Path, tiny: DatasetSettings) -> None:
    with pytest.raises(DatasetError, match="other settings"):
        simulate(folder, 2, 7, workers=0)
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(DatasetError, match="not empty"):
        simulate(tmp_path, 1, 1, settings=tiny, workers=0)
    with pytest.raises(DatasetError, match="is a file"):
        simulate(tmp_path / "letter.txt", 1, 1, settings=tiny, workers=0)
    with pytest.raises(DatasetError, match="not a dataset"):
        Dataset(tmp_path)
    (tmp_path / "dataset.json").write_text("{}")
    with pytest.raises(DatasetError, match="earlier version"):
        Dataset(tmp_path)


def test_a_full_disk_is_seen_before_the_start(
    tmp_path: Path, tiny: DatasetSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=500_000))
    with pytest.raises(DatasetError, match=r"3 structures need about 0.0007\d+ GB.*0.0005 GB free"):
        simulate(tmp_path / "new", 3, 7, settings=tiny, workers=0)


def test_a_cell_of_too_many_points_is_refused() -> None:
    with pytest.raises(ValidationError) as caught:
        DatasetSettings.model_validate({"structure": {"field_of_view": 300}, "multislice": {"sampling": 0.02}})
    assert "15340² points: give at least 0.0375 Å" in explain(caught.value)


def test_a_dataset_without_structures_says_so(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "structures").mkdir()
    shutil.copy(folder / "zarr.json", tmp_path / "zarr.json")
    with pytest.raises(DatasetError, match="no finished structure"):
        Dataset(tmp_path)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def _rewrite(path: Path, change: Callable[[Any], Any]) -> None:
    array = zarr.open_array(str(path), mode="r+")
    array[...] = change(np.asarray(array))


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a flipped bit": (lambda p: _flip(p / "waves" / "c" / "1" / "0" / "0"), "cannot be read"),
    "a lost chunk": (lambda p: (p / "waves" / "c" / "0" / "0" / "0").unlink(), "chunks of waves are gone"),
    "a cut chunk": (lambda p: os.truncate(p / "waves" / "c" / "0" / "0" / "0", 1000), "cannot be read"),
    "lost columns": (lambda p: shutil.rmtree(p / "positions"), "cannot be read"),
    "no attributes": (lambda p: (p / "zarr.json").write_text('{"zarr_format": 3'), "cannot be read"),
    "weaker waves": (lambda p: _rewrite(p / "waves", lambda w: w * 0.1), "mean intensities"),
    "unheard class": (lambda p: _rewrite(p / "classes", lambda c: c + 3), "class"),
    "columns elsewhere": (lambda p: _rewrite(p / "positions", lambda x: x + 100), "outside of the cell"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_and_mended_by_simulating_again(
    copy: Path, folder: Path, tiny: DatasetSettings, damage: str
) -> None:
    hurt, message = DAMAGES[damage]
    hurt(copy / "structures" / "0000008")
    found = verify(Dataset(copy))
    assert set(found.damaged) == {8}
    assert message in found.damaged[8]
    sound = verify(Dataset(folder))
    assert not sound.damaged
    assert found.content != sound.content
    shutil.rmtree(copy / "structures" / "0000008")
    simulate(copy, 3, 7, settings=tiny, workers=0)
    assert verify(Dataset(copy)) == sound


def test_content_tells_equal_from_changed(copy: Path, folder: Path) -> None:
    before = verify(Dataset(folder)).content
    assert verify(Dataset(copy)).content == before
    _rewrite(copy / "structures" / "0000009" / "positions", lambda x: x + 1e-9)
    found = verify(Dataset(copy))
    assert not found.damaged
    assert found.content != before


def test_summary_counts_what_is_there(folder: Path, tiny: DatasetSettings) -> None:
    summary = summarise(Dataset(folder))
    stored = [Dataset(folder).load(seed) for seed in (7, 8, 9)]
    assert summary.structures == 3
    assert summary.columns == {
        name: sum(int(np.sum(s.classes == i)) for s in stored) for i, name in enumerate(("Mo", "2S", "1S"))
    }
    assert summary.parameters["temperature"] == [s.parameters["temperature"] for s in stored]
    assert (summary.seeds, summary.missing) == ((7, 9), 0)
    assert DatasetSettings.model_validate(summary.settings) == tiny
    assert summary.bytes == pytest.approx(estimate_bytes(tiny, 3), rel=0.15)


def test_missing_seeds_are_counted(copy: Path) -> None:
    shutil.rmtree(copy / "structures" / "0000008")
    assert summarise(Dataset(copy)).missing == 1


def test_leftovers_of_dead_runs_are_removed_and_those_of_live_ones_kept(tmp_path: Path) -> None:
    for name, pid in (("dead", 2**22 + 1), ("alive", os.getpid())):
        run = tmp_path / ".partial" / name
        run.mkdir(parents=True)
        owner = {"host": os.uname().nodename, "pid": pid}
        (run / "owner.json").write_text(json.dumps(owner))
    (tmp_path / ".partial" / "nobody's").mkdir()
    with scratch(tmp_path) as own:
        assert own.is_dir()
        assert sorted(p.name for p in (tmp_path / ".partial").iterdir()) == sorted(["alive", own.name])
    assert not own.exists()


@pytest.mark.parametrize("name", ["7.txt", "notes"])
def test_strange_files_among_the_structures_are_left_alone(copy: Path, name: str) -> None:
    (copy / "structures" / name).write_text("mine")
    assert Dataset(copy).seeds == (7, 8, 9)
