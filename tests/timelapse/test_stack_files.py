"""Counts, rates and files of a stack, compared with what was put in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hrtem_app.measure import measure
from hrtem_app.recipe import MeasureSettings, Recipe
from hrtem_app.timelapse import Observation, history, put_together, write_timelapse
from hrtem_app.timelapse.counts import fit_rate
from hrtem_app.timelapse.image_drift import ImageDrift

MO, TWO_S, ONE_S = 0, 1, 2


def observe(made: Any, interval: float | None = 2.0) -> list[Observation]:
    """Observations whose images told the drift."""
    steps = [None, *np.diff(made.drift, axis=0).tolist()]
    return [
        Observation(
            number=number,
            time=None if interval is None else interval * number,
            name=f"film #{number}",
            table=table,
            shape=made.shape,
            view=view,
            recipe=Recipe(),
            frames=(0, 1, 2),
            drift=None if step is None else ImageDrift((step[0], step[1]), True),
        )
        for number, (table, view, step) in enumerate(zip(made.tables, made.views, steps, strict=True))
    ]


@pytest.fixture
def made(stack: Any) -> Any:
    return stack(2, 4, drift=4.0)


def test_counts_are_those_of_each_table(made: Any) -> None:
    together = put_together(observe(made))
    for counts, table in zip(together.counts, made.tables, strict=True):
        expected = measure(table, image_shape=made.shape)
        assert counts.columns == table.counts() == expected.counts()
        assert counts.vacancies == expected.vacancies
        assert counts.density == expected.density
    assert together.times == (0, 2, 4, 6)


def test_a_region_goes_with_the_drift(stack: Any) -> None:
    made = stack(1, 4, drift=6.0, missed=0.0, flicker=0.0, jitter=0.0)
    corners = ((90.3, 80.2), (90.3, 160.7), (170.9, 160.7), (170.9, 80.2))
    together = put_together(observe(made), settings=MeasureSettings(region=corners))
    counts = [each.columns for each in together.counts]
    assert counts == [counts[0]] * 4
    assert 0 < counts[0]["Mo"] < made.tables[0].counts()["Mo"]


def test_rate() -> None:
    """Slope and standard error by the textbook's formulas."""
    x, y = np.array([0.0, 2, 4, 6, 8]), np.array([1.0, 3, 4, 8, 9])
    slope = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
    rest = y - y.mean() - slope * (x - x.mean())
    error = np.sqrt((rest**2).sum() / 3 / ((x - x.mean()) ** 2).sum())
    rate = fit_rate(y.tolist(), x.tolist())
    assert rate is not None
    assert (rate.slope, rate.error, rate.per) == (pytest.approx(slope), pytest.approx(error), "s")
    unknown = fit_rate([1, np.nan, 3, 4.5], [None] * 4)
    assert unknown is not None
    assert unknown.per == "time point"
    assert unknown.slope == pytest.approx(np.polyfit([0, 2, 3], [1, 3, 4.5], 1)[0])
    assert fit_rate([1.0, 2.0], [0.0, 1.0]) is None
    level = fit_rate([5.0, 5.0, 5.0], [0.0, 1.0, 2.0])
    assert level is not None
    assert (level.slope, level.error) == (0, 0)


def test_the_standard_error_is_that_of_many_stacks() -> None:
    """Where deviations are independent, slopes scatter by what the error says."""
    rng = np.random.default_rng(0)
    found = [fit_rate((3 * np.arange(12) + rng.normal(0, 2, 12)).tolist(), [None] * 12) for _ in range(400)]
    slopes = np.array([(rate.slope, rate.error) for rate in found if rate is not None])
    assert slopes[:, 0].std() == pytest.approx(np.sqrt((slopes[:, 1] ** 2).mean()), rel=0.1)
    assert slopes[:, 0].mean() == pytest.approx(3, abs=0.05)


def test_files(made: Any, tmp_path: Path) -> None:
    observations = observe(made)
    together = put_together(observations)
    paths = write_timelapse(together, tmp_path / "out")
    assert [path.name for path in paths] == ["timelapse.csv", "tracks.csv", "timelapse.json", "timelapse.png"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(path.name for path in paths)
    counts = pd.read_csv(paths[0])
    assert counts["time_s"].tolist() == [0, 2, 4, 6]
    for name in ("Mo", "2S", "1S"):
        assert counts[name].tolist() == [table.counts()[name] for table in made.tables]
    assert counts[["drift_y_px", "drift_x_px"]].to_numpy() == pytest.approx(made.drift, abs=0.15)
    assert (counts["1S_fraction_low"] < counts["1S_fraction"]).all()
    tracks = pd.read_csv(paths[1])
    for number, table in enumerate(made.tables):
        there = tracks[(tracks["time_point"] == number) & tracks["id"].notna()].sort_values("id")
        assert there["id"].tolist() == sorted(table.ids.tolist())
        by_id = table.select(np.argsort(table.ids))
        assert there[["y_px", "x_px"]].to_numpy() == pytest.approx(by_id.positions, abs=1e-3)
        assert there["class"].tolist() == by_id.class_names
    rest = tracks.groupby("track")[["y_at_rest_A", "x_at_rest_A"]].std().dropna()
    assert np.sqrt((rest.to_numpy() ** 2).mean()) == pytest.approx(0.08, rel=0.15)
    lost = tracks[tracks["event"].fillna("").str.contains("lost")]
    assert lost["id"].isna().all()
    record = json.loads(paths[2].read_text())
    assert record["linking"]["tracks"] == len(together.tracks) == tracks["track"].nunique()
    assert record["time_points"][1]["drift_told_by"] == "images"
    assert record["rates"]["1S columns"]["per"] == "s"
    assert paths[3].stat().st_size > 10_000


def test_earlier_files_are_replaced_only_if_wanted(made: Any, tmp_path: Path) -> None:
    together = put_together(observe(made, None))
    write_timelapse(together, tmp_path)
    with pytest.raises(ValueError, match=r"timelapse\.csv exists"):
        write_timelapse(together, tmp_path)
    write_timelapse(together, tmp_path, overwrite=True)
    assert pd.read_csv(tmp_path / "timelapse.csv")["time_s"].isna().all()
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is a file"):
        write_timelapse(together, tmp_path / "file")


def test_a_failure_leaves_nothing_behind(made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.figure import Figure

    def fail(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(ValueError, match="the disk is full"):
        write_timelapse(put_together(observe(made)), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_history(table: Any) -> None:
    from hrtem_app.imaging.shifting import Area

    classes = [[MO, TWO_S], [MO, TWO_S], [MO], [MO, ONE_S]]
    places = np.array([[50.0, 50], [50, 60]])
    observations = [
        Observation(
            number=number + 3,
            time=None,
            name="",
            table=table(places[: len(seen)], seen),
            shape=(100, 100),
            view=Area(0, 100, 0, 100),
            frames=(0,),
            recipe=Recipe(),
            drift=ImageDrift((0.0, 0.0), True),
        )
        for number, seen in enumerate(classes)
    ]
    together = put_together(observations)
    assert history(together, 0) == "Mo at 3 to 6"
    assert history(together, 1) == "2S at 3 to 4, not seen at 5, 1S at 6"


def test_a_shift_across_missing_time_points_is_not_that_of_the_images(made: Any) -> None:
    """The third one's images were compared with the second's, which is not there."""
    observations = observe(made)
    together = put_together([observations[0], *observations[2:]])
    assert together.tracks.drift == pytest.approx(made.drift[[0, 2, 3]], abs=0.15)
