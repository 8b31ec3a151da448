"""Columns are found where maps have their maxima, to a small part of a pixel."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from hrtem_app.inference.finding import find_columns, keep_apart
from hrtem_app.recipe import ColumnFinding

SAMPLING = 0.225


def disks(shape, positions, sampling=SAMPLING, radius=0.65, height=1.0):
    """A probability map with soft disks, as networks draw them."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    channel = np.zeros(shape)
    for py, px in positions:
        outside = np.hypot(y - py, x - px) - radius / sampling
        channel = np.maximum(channel, height / (1 + np.exp(np.clip(outside / 0.35, -50, 50))))
    return channel


def maps(shape, columns, **settings):
    """(4, y, x) from (class, y, x, height) rows."""
    channels = np.zeros((4, *shape), np.float32)
    for c, y, x, height in columns:
        channels[c] = np.maximum(channels[c], disks(shape, [(y, x)], height=height, **settings))
    channels[3] = 1 - channels[:3].max(axis=0)
    return channels


@pytest.mark.parametrize("sampling", [0.1, 0.225, 0.35])
def test_positions_to_a_small_part_of_a_pixel(sampling):
    rng = np.random.default_rng(5)
    step = int(3.2 / sampling)
    grid = np.stack(np.mgrid[10 : 10 + 6 * step : step, 12 : 12 + 6 * step : step], axis=-1).reshape(-1, 2)
    true = grid + rng.uniform(-0.5, 0.5, grid.shape)
    shape = (6 * step + 15, 6 * step + 21)
    channels = np.zeros((4, *shape), np.float32)
    for c in range(3):
        channels[c] = disks(shape, true[c::3], sampling)
    positions, classes, probability = find_columns(channels, sampling, ColumnFinding())
    distance, nearest = cKDTree(true).query(positions)
    assert sorted(nearest) == list(range(36))
    assert distance.max() < 0.08
    assert (classes == nearest % 3).all()
    assert probability.min() > 0.95


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (5, 40)])
@pytest.mark.parametrize("value", [0.0, 0.13])
def test_an_empty_map_has_no_columns(shape, value):
    positions, classes, probability = find_columns(np.full((4, *shape), value), SAMPLING, ColumnFinding(threshold=0.4))
    assert positions.shape == (0, 2)
    assert classes.shape == probability.shape == (0,)


@pytest.mark.parametrize(("height", "count"), [(0.35, 0), (0.5, 1)])
def test_threshold_is_absolute(height, count):
    found = find_columns(maps((40, 40), [(2, 20, 20, height)]), SAMPLING, ColumnFinding(threshold=0.4))
    assert len(found[0]) == count


def test_a_column_between_two_classes_is_found_and_given_the_more_probable_one():
    channels = maps((60, 60), [(0, 30.2, 30.1, 0.36), (1, 30.2, 30.1, 0.38), (2, 10, 50, 0.39)])
    positions, classes, probability = find_columns(channels, SAMPLING, ColumnFinding(threshold=0.4))
    assert classes.tolist() == [1]
    assert positions == pytest.approx(np.array([[30.2, 30.1]]), abs=0.06)
    assert probability == pytest.approx([0.38], abs=0.02)


def test_of_two_maxima_that_are_too_near_the_more_probable_stays():
    channels = maps((60, 60), [(0, 30, 20, 0.6), (2, 30, 26, 0.9), (1, 30, 50, 1.0)])
    positions, classes, _ = find_columns(channels, SAMPLING, ColumnFinding(min_distance=1.6))
    assert classes.tolist() == [2, 1]
    assert positions == pytest.approx(np.array([[30, 26], [30, 50]]), abs=0.4)


def test_a_plateau_is_one_column_in_its_middle():
    channels = np.zeros((4, 50, 50), np.float32)
    channels[0, 20:31, 12:33] = 1
    positions, *_ = find_columns(channels, SAMPLING, ColumnFinding(smoothing=0, window=3))
    assert positions == pytest.approx(np.array([[25.0, 22.0]]), abs=1e-6)


def test_refinement_stays_in_its_window():
    rng = np.random.default_rng(1)
    channels = np.zeros((4, 80, 80), np.float32)
    channels[0] = rng.uniform(0.5, 0.7, (80, 80))
    channels[0, 40, 40] = 1
    settings = ColumnFinding(smoothing=0, window=0.45, min_distance=3, threshold=0.9)
    positions, *_ = find_columns(channels, SAMPLING, settings)
    assert len(positions) == 1
    assert np.linalg.norm(positions[0] - 40) <= 0.45 / SAMPLING


def test_columns_at_the_border_stay_in_the_image():
    positions, *_ = find_columns(maps((40, 40), [(0, 0, 0, 1.0), (0, 39, 20, 1.0)]), SAMPLING, ColumnFinding())
    assert len(positions) == 2
    assert positions.min() >= 0
    assert positions.max() <= 39


def test_a_noisy_map_keeps_the_distance():
    channels = np.random.default_rng(2).uniform(0, 1, (4, 200, 200))
    settings = ColumnFinding(smoothing=0, threshold=0.5, min_distance=1.3)
    positions, *_ = find_columns(channels, SAMPLING, settings)
    distance, _ = cKDTree(positions).query(positions, 2)
    assert len(positions) > 100
    assert distance[:, 1].min() >= 1.3 / SAMPLING - 1e-9


def test_keep_apart_takes_the_best_first_whatever_the_order():
    # In a row: the middle one falls to the left one, so the right one has nobody to fall to.
    positions = np.array([[0.0, 0.0], [0.0, 0.8], [0.0, 1.6], [5.0, 5.0]])
    score = np.array([0.9, 0.8, 0.7, 0.1])
    assert keep_apart(positions, score, 1.0).tolist() == [True, False, True, True]
    assert keep_apart(positions[::-1], score[::-1], 1.0).tolist() == [True, True, False, True]
    same = np.zeros(2)
    assert keep_apart(positions[:2], same, 1.0).tolist() == [True, False]
    assert keep_apart(positions[1::-1], same, 1.0).tolist() == [False, True]


def test_says_what_is_wrong_with_the_maps():
    with pytest.raises(ValueError, match=r"shape .* not \(40, 40\)"):
        find_columns(np.zeros((40, 40)), SAMPLING, ColumnFinding())
