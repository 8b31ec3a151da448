"""FocalSeries: what it accepts, and that it cannot be changed."""

from __future__ import annotations

import numpy as np
import pytest

from hrtem_app import FocalSeries, SeriesError

FRAMES = np.arange(3 * 4 * 5, dtype=np.uint16).reshape(3, 4, 5)


def test_frames_become_float32_and_read_only() -> None:
    series = FocalSeries(FRAMES, sampling=0.2, defocus=(1, 2, 3))
    assert series.frames.dtype == np.float32
    assert series.shape == (4, 5)
    with pytest.raises(ValueError, match="read-only"):
        series.frames[0, 0, 0] = 1


def test_a_single_image_is_a_series_of_one() -> None:
    assert FocalSeries(FRAMES[0]).frames.shape == (1, 4, 5)


def test_the_callers_array_stays_writable() -> None:
    mine = FRAMES.astype(np.float32)
    FocalSeries(mine)
    mine[0, 0, 0] = 9


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"frames": np.zeros((2, 2, 2, 2))}, r"\(2, 2, 2, 2\)"),
        ({"frames": np.zeros((3, 0, 4))}, r"\(3, 0, 4\)"),
        ({"frames": np.array([[1.0, np.nan]])}, "1 of 2 pixels"),
        ({"frames": FRAMES, "sampling": -0.2}, "-0.2"),
        ({"frames": FRAMES, "sampling": float("inf")}, "inf"),
        ({"frames": FRAMES, "defocus": (1.0, 2.0)}, "2 defoci for 3 frames"),
    ],
)
def test_what_cannot_be_is_refused_by_its_value(arguments: dict[str, object], named: str) -> None:
    with pytest.raises(SeriesError, match=named):
        FocalSeries(**arguments)  # type: ignore[arg-type]


def test_an_unknown_sampling_is_asked_for() -> None:
    with pytest.raises(SeriesError, match="--sampling"):
        _ = FocalSeries(FRAMES).known_sampling
    assert FocalSeries(FRAMES).with_sampling(0.3).known_sampling == 0.3


def test_selection_keeps_each_frames_defocus() -> None:
    series = FocalSeries(FRAMES, defocus=(50, -50, 0))
    assert series.defocus_order() == (1, 2, 0)
    chosen = series.select((1, 0))
    assert chosen.defocus == (-50, 50)
    np.testing.assert_array_equal(chosen.frames, FRAMES[[1, 0]])
    with pytest.raises(SeriesError, match="frame 3 does not exist"):
        series.select((3,))
