"""All time points are analysed, drift is told by their images, and what is done need not be done again."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hrtem_app.analysis import Analysis, Progress
from hrtem_app.columns import ColumnTable
from hrtem_app.imaging.shifting import shift_back
from hrtem_app.inference.result import NetworkResult
from hrtem_app.io import load_series
from hrtem_app.networks.catalog import NetworkCard
from hrtem_app.recipe import MeasureSettings, Recipe
from hrtem_app.resources import sample_path
from hrtem_app.series import FocalSeries
from hrtem_app.timelapse import PointDone, Store, analyse_timelapse, put_together, split
from hrtem_app.timelapse import analyse as module
from hrtem_app.timelapse.image_drift import image_drift
from hrtem_app.timelapse.shelf import Shelf

DRIFT = np.array([[0.0, 0.0], [5.4, -3.3], [2.1, 8.6]])
TRUTH = ColumnTable.from_csv(sample_path().with_name("mos2_on_graphite-truth.csv"))


@pytest.fixture(scope="module")
def film() -> FocalSeries:
    """Three time points of the bundled series, which drifts, as one stack."""
    series = load_series(sample_path())
    frames = [shift_back(series.frames, np.tile(-drift, (3, 1))) for drift in DRIFT]
    return replace(series, frames=np.concatenate(frames), defocus=(series.defocus or ()) * 3)


def true_table(series: FocalSeries, film: FocalSeries) -> ColumnTable:
    """The columns of a time point of the film, told by its first pixels."""
    number = next(n for n in range(3) if np.array_equal(film.frames[3 * n, :9, :9], series.frames[0, :9, :9]))
    return replace(TRUTH, positions=TRUTH.positions + DRIFT[number], sampling=series.known_sampling)


@pytest.fixture
def runs(film: FocalSeries, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the series that were analysed, by a network that knows the truth."""
    names: list[str] = []

    def steps(series: FocalSeries, recipe: Recipe) -> Generator[Progress, None, Analysis]:
        names.append(series.name)
        yield Progress("unet", 0.5)
        table = true_table(series, film)
        maps = np.zeros((4, *series.shape), np.float32)
        card = NetworkCard(name="unet", title="U-net", architecture="unet", settings={}, parameters=1,
                           dose_range=(1, 2), defocus_range=(-1, 1), energy=5e4, label_radius=0.65)  # fmt: skip
        network = NetworkResult(card, maps, series.known_sampling, table)
        return Analysis(series, (0, 1, 2), recipe, series, (), {"unet": network}, table, ("a warning",), {"unet": 1.0})

    monkeypatch.setattr(module, "analysis_steps", steps)
    return names


def run(points: Any, recipe: Recipe | None = None, **more: Any) -> tuple[list[Progress], list[PointDone], Any]:
    steps = analyse_timelapse(points, recipe, **more)
    said: list[Progress] = []
    done: list[PointDone] = []
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return said, done, end.value
        (said if isinstance(step, Progress) else done).append(step)  # type: ignore[arg-type]


def test_drift_of_images_is_measured(film: FocalSeries) -> None:
    for before, after in ((0, 1), (1, 2), (0, 2)):
        first, second = (film.select(range(3 * n, 3 * n + 3)) for n in (before, after))
        drift = image_drift(first, second)
        assert drift.clear
        assert drift.shift == pytest.approx(DRIFT[after] - DRIFT[before], abs=0.1)


def test_images_of_another_place_are_not_clear() -> None:
    rng = np.random.default_rng(0)
    first, second = (FocalSeries(rng.normal(0, 1, (1, 128, 128)), 0.2) for _ in range(2))
    assert not image_drift(first, second).clear


def test_every_time_point_is_analysed(film: FocalSeries, runs: list[str]) -> None:
    said, done, observations = run(split(film, 3, interval=4.0))
    assert len(runs) == 3
    assert [d.observation.time for d in done] == [0, 4, 8]
    assert all(d.analysis is not None and d.analysis.table is d.observation.table for d in done)
    assert [o.table for o in observations] == [d.observation.table for d in done]
    assert observations[0].drift is None
    assert observations[2].drift.shift == pytest.approx(DRIFT[2] - DRIFT[1], abs=0.1)
    fractions = [step.fraction for step in said]
    assert fractions == sorted(fractions)
    assert fractions[1] == pytest.approx(0.5 / 3)
    assert said[1].step == "time point 1 of 3: unet"
    tracks = put_together(observations).tracks
    assert tracks.drift == pytest.approx(DRIFT, abs=0.01)
    assert len(tracks) == len(TRUTH)


def test_closing_cancels(film: FocalSeries, runs: list[str]) -> None:
    steps = analyse_timelapse(split(film, 3))
    while not isinstance(next(steps), PointDone):
        pass
    steps.close()
    assert len(runs) == 1


def test_errors_name_the_time_point(film: FocalSeries, runs: list[str]) -> None:
    points = split(film, 3)
    small = replace(points[1], load=lambda: replace(film, frames=film.frames[:3, :100], defocus=None))
    with pytest.raises(ValueError, match="time point 2 of 3: mos2_on_graphite #1 has images of 100 × 400 px"):
        run([points[0], small, points[2]])
    with pytest.raises(ValueError, match="time point 1 of 3: the sampling of"):
        run(split(replace(film, sampling=None), 3))


def test_a_store_saves_the_networks_the_work(film: FocalSeries, runs: list[str], tmp_path: Path) -> None:
    store, points = Store(tmp_path), split(film, 3)
    _, done, _ = run(points, known=store.find)
    kept = [store.keep(d.observation, d.series) for d in done]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0000", "0001", "0002"]
    runs.clear()
    _, again, found = run(points, Recipe(device="cpu", measure=MeasureSettings(votes=2)), known=store.find)
    assert runs == []
    assert all(d.analysis is None for d in again)
    for one, two, whole in zip(found, kept, done, strict=True):
        assert one.table.positions.tolist() == two.table.positions.tolist()
        assert one.table.positions == pytest.approx(whole.observation.table.positions, abs=1e-4)
        assert one.table.class_names == whole.observation.table.class_names
        assert (one.view, one.shape, one.frames, one.drift) == (two.view, two.shape, two.frames, two.drift)
        assert one.warnings == ("a warning",)


def test_another_recipe_or_another_series_is_run_again(film: FocalSeries, runs: list[str], tmp_path: Path) -> None:
    store, points = Store(tmp_path), split(film, 3)
    for done in run(points)[1]:
        store.keep(done.observation, done.series)
    runs.clear()
    run(points, Recipe(networks=("unet",)), known=store.find)
    assert len(runs) == 3
    runs.clear()
    swapped = [replace(points[0], load=points[1].load), points[1], points[2]]
    _, _, observations = run(swapped, known=store.find)
    assert len(runs) == 1
    # The one after it was known, but its drift was measured against another one.
    assert observations[1].drift.shift == pytest.approx((0, 0), abs=0.1)
    (tmp_path / "0002" / "columns.csv").write_text("damaged")
    runs.clear()
    run(points, known=store.find)
    assert len(runs) == 1


def test_the_shelf_gives_back_what_it_was_given(film: FocalSeries, runs: list[str]) -> None:
    shelf = Shelf()
    done = run(split(film, 3))[1][1]
    assert done.analysis is not None
    series = shelf.series(done.series)
    analysis = shelf.analysis(done.analysis, series)
    assert np.array_equal(series.frames, done.series.frames)
    assert analysis.series.frames is series.frames
    maps = analysis.networks["unet"].probabilities
    assert np.array_equal(maps, done.analysis.networks["unet"].probabilities)
    assert np.array_equal(analysis.filtered.frames, done.analysis.filtered.frames)
    for array in (maps, series.frames, analysis.filtered.frames):
        base: Any = array
        while base is not None and not isinstance(base, np.memmap):
            base = base.base
        assert isinstance(base, np.memmap)
    folder = shelf.folder
    assert len(list(folder.iterdir())) == 3
    shelf.close()
    assert not folder.exists()


def test_a_full_disk_is_said(film: FocalSeries, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    shelf = Shelf()
    monkeypatch.setattr(np, "save", full)
    with pytest.raises(ValueError, match=r"No space left on device.*TMPDIR"):
        shelf.series(film)
    shelf.close()
