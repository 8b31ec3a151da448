"""Fine-tuning on experimental series whose columns people have corrected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from hrtem_app.columns import ColumnTable
from hrtem_app.io import save_series
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.networks.catalog import load_network_file
from hrtem_app.series import FocalSeries
from hrtem_app.simulation.dataset import Dataset, DatasetError
from hrtem_app.simulation.recording import recorded_series
from hrtem_app.training.batches import Examples, ExampleSettings, Structures
from hrtem_app.training.labelled import LabelledFolder
from hrtem_app.training.loop import train
from hrtem_app.training.settings import TrainingError, TrainingSettings

SETTINGS = TrainingSettings(examples=ExampleSettings(crop=64, batch=2, crops=2), precision="float32", validations=1)


def label(data: Path, seed: int, path: Path, settings: MicroscopeSettings | None = None) -> ColumnTable:
    """A series as it comes from a microscope, with its true columns for a person's corrections."""
    series = recorded_series(Dataset(data).load(seed), settings or MicroscopeSettings(), (seed, 9))
    path.parent.mkdir(parents=True, exist_ok=True)
    save_series(FocalSeries(series.frames, series.sampling), path)
    ones = np.ones(len(series.classes))
    table = ColumnTable(series.positions, series.classes, series.sampling, ones.astype(int), ones, {})
    table.to_csv(path.with_suffix(".csv"))
    return table


def test_examples_of_a_labelled_series_show_its_columns(data: Path, tmp_path: Path) -> None:
    table = label(data, 11, tmp_path / "a.tif")
    folder = LabelledFolder(tmp_path)
    assert folder.names == ["a.tif"]
    series = folder.recorded(0, MicroscopeSettings(), ())
    np.testing.assert_allclose(series.positions, table.positions, atol=2e-3)
    frames, labels = Examples([Structures(folder, (0,))], SETTINGS.examples, 1, range(3))[0]
    assert frames.shape == (2, 3, 64, 64)
    assert {0, 1, 3} <= set(labels.unique().tolist())


def test_another_sampling_is_brought_to_that_of_the_training(data: Path, tmp_path: Path) -> None:
    table = label(data, 11, tmp_path / "a.tif", MicroscopeSettings(sampling=(0.15, 0.15)))
    series = LabelledFolder(tmp_path).recorded(0, MicroscopeSettings(), ())
    assert series.sampling == pytest.approx(0.225)
    assert series.frames.shape[1] * 0.225 == pytest.approx(22, abs=0.3)
    np.testing.assert_allclose((series.positions + 0.5) * 0.225, (table.positions + 0.5) * 0.15, atol=2e-3)


def test_exported_results_are_labelled_series_too(data: Path, tmp_path: Path) -> None:
    label(data, 11, tmp_path / "result" / "filtered.tif")
    (tmp_path / "result" / "filtered.csv").rename(tmp_path / "result" / "columns.csv")
    (tmp_path / "result" / "columns-unet.csv").write_text("not looked at")
    assert LabelledFolder(tmp_path).names == ["result/filtered.tif"]


def test_fine_tuning_mixes_labelled_and_simulated(data: Path, tmp_path: Path) -> None:
    label(data, 12, tmp_path / "mine" / "a.tif")
    options = {"channels": 2, "device": "cpu", "workers": 0, "held_out": 1, "settings": SETTINGS}
    weights = train("unet", data, tmp_path / "first", steps=1, **options)  # type: ignore[arg-type]
    tuned = train(
        "unet",
        [data, tmp_path / "mine"],
        tmp_path / "second",
        name="mine",
        steps=2,
        start=weights,
        **options,  # type: ignore[arg-type]
    )
    _, card = load_network_file(tuned)
    assert card.training["datasets"][1] == {"labelled": ["a.tif"]}
    assert card.training["started_from"] == "unet.safetensors"
    assert card.energy_range == (50e3, 50e3)
    assert not np.array_equal(load_file(weights)["head.weight"], load_file(tuned)["head.weight"])


def test_what_cannot_be_used_is_named(data: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=r"empty.*CSV"):
        LabelledFolder(tmp_path / "empty")
    label(data, 11, tmp_path / "one" / "a.tif")
    with pytest.raises(TrainingError, match="single labelled series"):
        train("unet", tmp_path / "one", tmp_path / "run", steps=1)
    with pytest.raises(DatasetError, match=r"a\.tif has 3 frames and the network takes 5"):
        LabelledFolder(tmp_path / "one").recorded(0, MicroscopeSettings(frames=5), ())
    (tmp_path / "one" / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(DatasetError, match=r"a\.tif cannot be used"):
        LabelledFolder(tmp_path / "one").recorded(0, MicroscopeSettings(), ())
