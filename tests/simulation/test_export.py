"""Series with their truth, previews and pictures of a dataset."""

from __future__ import annotations

from pathlib import Path

import ase.io
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from hrtem_app import load_series
from hrtem_app.columns import ColumnTable
from hrtem_app.evaluation.truth import KnownSeriesSource
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.recipe import LatticeFilter
from hrtem_app.simulation.dataset import Dataset, DatasetError, DatasetSettings
from hrtem_app.simulation.export import export_dataset
from hrtem_app.simulation.figures import contact_sheet, preview_figure
from hrtem_app.simulation.preview import preview, support_filter
from hrtem_app.simulation.recording import recorded_series, without_noise


def test_npz_is_what_evaluation_reads(folder: Path, tmp_path: Path) -> None:
    files = export_dataset(Dataset(folder), tmp_path, images_per_structure=2)
    assert sorted(p.name for p in files) == [f"000000{s}-{i}.npz" for s in (7, 8, 9) for i in (0, 1)]
    known = list(KnownSeriesSource(tmp_path))
    assert len(known) == 6
    assert known[0].frames.shape == known[1].frames.shape or known[0].sampling != known[1].sampling
    assert not np.array_equal(known[0].frames[:, :50, :50], known[1].frames[:, :50, :50])
    for series in known:
        assert series.frames.dtype == np.float32
        assert set(series.parameters) >= {"dose", "defocus", "c12", "phi21", "energy", "temperature", "layers"}
        assert ((series.positions > -0.5) & (series.positions < series.frames.shape[1] - 0.5)).all()


def test_tiff_carries_frames_units_and_truth(folder: Path, tmp_path: Path) -> None:
    files = export_dataset(Dataset(folder), tmp_path, formats=("npz", "tiff"), structures=True)
    assert len(files) == 3 * 4
    with np.load(tmp_path / "0000008-0.npz") as content:
        series = load_series(tmp_path / "0000008-0.tif")
        np.testing.assert_array_equal(series.frames, content["image"])
        truth = ColumnTable.from_csv(tmp_path / "0000008-0-truth.csv")
        np.testing.assert_allclose(truth.positions, content["positions"], atol=1e-3)
        np.testing.assert_array_equal(truth.classes, content["cls"])
    assert series.energy == 50e3
    assert series.defocus is not None
    assert np.diff(series.defocus) == pytest.approx([50, 50], abs=1)
    assert len(ase.io.read(tmp_path / "0000008.xyz")) > 50


def test_a_seed_decides_what_is_exported(folder: Path, tmp_path: Path) -> None:
    dataset = Dataset(folder)
    for name, seed in (("one", 0), ("again", 0), ("other", 1)):
        export_dataset(dataset, tmp_path / name, seed=seed)
    frames = {name: np.load(tmp_path / name / "0000007-0.npz")["image"] for name in ("one", "again", "other")}
    np.testing.assert_array_equal(frames["one"], frames["again"])
    assert frames["one"].shape != frames["other"].shape or np.abs(frames["one"] - frames["other"]).max() > 0.01


@pytest.mark.parametrize(
    ("options", "message"),
    [({"images_per_structure": 0}, "0 images"), ({"formats": ("png",)}, "'png'.*npz, tiff")],
)
def test_what_cannot_be_exported_is_refused(
    folder: Path, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        export_dataset(Dataset(folder), tmp_path / "out", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_noise_is_all_that_differs_from_the_clean_series(folder: Path) -> None:
    stored = Dataset(folder)[0]
    series = recorded_series(stored, MicroscopeSettings(dose=(2000, 2000), mtf=(0.6, 0.6)), (1, 2))
    clean = without_noise(stored, series.microscope)
    np.testing.assert_array_equal(series.positions, clean.positions)
    noise = series.frames - clean.frames
    assert abs(noise.mean()) < 0.002
    electrons = 2000 * series.sampling**2
    # Shot noise, damped by the modulation transfer.
    assert 0.4 / np.sqrt(electrons) < noise.std() < 1.1 / np.sqrt(electrons)
    assert abs(np.corrcoef(noise.ravel(), clean.frames.ravel())[0, 1]) < 0.05


def test_a_preview_shows_one_seed_in_all_stages(tiny: DatasetSettings) -> None:
    shown = preview(7, tiny)
    n, height, width = shown.series.frames.shape
    assert n == 3
    assert shown.clean.shape == shown.filtered.shape == (n, height, width)
    assert shown.labels.shape == (height, width)
    # Labels are where the columns are.
    inside = shown.series.positions.round().astype(int)
    found = shown.labels[tuple(np.clip(inside, 0, height - 1).T)]
    np.testing.assert_array_equal(found, shown.series.classes)
    assert (shown.labels == 3).mean() > 0.3
    # Networks see zero mean and one scale.
    assert abs(shown.filtered.mean()) < 0.2
    again = preview(7, tiny)
    np.testing.assert_array_equal(shown.series.frames, again.series.frames)


def test_the_preview_is_the_dataset(folder: Path, tiny: DatasetSettings) -> None:
    """The window's preview and the store hold the same structure and waves."""
    stored, shown = Dataset(folder)[0], preview(7, tiny)
    np.testing.assert_array_equal(stored.positions, shown.structure.positions)
    series = recorded_series(stored, MicroscopeSettings(), (7, 0, 0))
    np.testing.assert_array_equal(series.frames, shown.series.frames)


@pytest.mark.parametrize(("support", "constant"), [("graphene", 2.467), ("hBN", 2.504)])
def test_the_filter_is_made_for_the_support(support: str, constant: float) -> None:
    settings = DatasetSettings.model_validate({"structure": {"support": support}})
    assert support_filter(settings) == LatticeFilter(lattice_constant=constant)


def test_a_bare_flake_needs_no_filter() -> None:
    assert not support_filter(DatasetSettings.model_validate({"structure": {"support": "none"}})).enabled


def test_pictures_are_drawn(folder: Path, tiny: DatasetSettings, tmp_path: Path) -> None:
    from matplotlib import image

    preview_figure(preview(8, tiny)).savefig(tmp_path / "preview.png", dpi=60)
    dataset = Dataset(folder)
    series = [(str(s), recorded_series(dataset.load(s), MicroscopeSettings(), (s, 0))) for s in dataset.seeds]
    contact_sheet(series, dataset.class_names).savefig(tmp_path / "sheet.png", dpi=60)
    for name in ("preview", "sheet"):
        picture = image.imread(tmp_path / f"{name}.png")[..., :3]
        assert min(picture.shape[:2]) > 150
        # Neither blank nor flat after smoothing away text and dots.
        assert gaussian_filter(picture.mean(axis=2), 3).std() > 0.03
