"""Scores on hand-made columns whose counts are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hrtem_app.evaluation.metrics import column_score, pixel_f1
from hrtem_app.simulation.labels import BACKGROUND, disk_labels

SHAPE = (100, 120)
TRUE = np.array([[20.0, 20.0], [20.0, 40.0], [50.0, 60.0], [70.0, 70.0]])
CLASSES = np.array([0, 1, 1, 2])


def test_a_perfect_prediction() -> None:
    score = column_score(TRUE, CLASSES, TRUE, CLASSES, SHAPE)
    assert score.f1() == 1
    assert score.position_error(0.2) == 0
    assert score.class_f1() == {"Mo": 1, "2S": 1, "1S": 1}


def test_counts_confusion_and_position_error() -> None:
    found = np.array([[20.0, 22.0], [20.0, 40.0], [70.0, 70.0], [90.0 - 1, 30.0]])
    said = np.array([0, 1, 1, 0])  # 2 px off, right, 1S taken for 2S, and one that is not there
    score = column_score(found, said, TRUE, CLASSES, SHAPE)
    assert score.hits.tolist() == [1, 1, 0]
    assert score.false.tolist() == [1, 1, 0]
    assert score.missed.tolist() == [0, 1, 1]
    assert score.f1() == pytest.approx(2 * 2 / (2 * 2 + 2 + 2))
    assert score.position_error(0.2) == pytest.approx(100 * 0.2 * np.sqrt(4 / 2))
    assert score.confusion.tolist() == [[1, 0, 0, 0], [0, 1, 0, 1], [0, 1, 0, 0]]


def test_two_predictions_cannot_hit_one_column_but_by_the_thesis_count() -> None:
    found = np.array([[20.0, 19.0], [20.0, 21.0]])
    ours = column_score(found, np.zeros(2, int), TRUE[:1], CLASSES[:1], SHAPE)
    assert (ours.hits[0], ours.false[0]) == (1, 1)
    thesis = column_score(found, np.zeros(2, int), TRUE[:1], CLASSES[:1], SHAPE, matching="thesis")
    assert (thesis.hits[0], thesis.false[0]) == (2, 0)


def test_a_column_three_pixels_away_is_hit_and_one_beyond_is_not() -> None:
    for offset, hits in ((2.99, 1), (3.01, 0)):
        score = column_score(TRUE[:1] + np.array([0, offset]), CLASSES[:1], TRUE[:1], CLASSES[:1], SHAPE)
        assert score.hits.sum() == hits


def test_the_border_counts_neither_for_nor_against() -> None:
    true = np.array([[9.0, 50.0], [50.0, 50.0]])
    # Found 2 px further in, beyond the border line: it belongs to a column that is left out.
    found = np.array([[11.0, 50.0], [50.0, 50.0], [95.0, 30.0]])
    score = column_score(found, np.zeros(3, int), true, np.zeros(2, int), SHAPE)
    assert (score.hits[0], score.false[0], score.missed[0]) == (1, 0, 0)


def test_nothing_found_and_nothing_there() -> None:
    nothing, none = np.empty((0, 2)), np.empty(0, int)
    assert column_score(nothing, none, TRUE, CLASSES, SHAPE).f1() == 0
    assert column_score(TRUE, CLASSES, nothing, none, SHAPE).f1() == 0
    assert math.isnan(column_score(nothing, none, nothing, none, SHAPE).f1())


def test_scores_add_up() -> None:
    one = column_score(TRUE[:2], CLASSES[:2], TRUE, CLASSES, SHAPE)
    total = one + one
    assert total.f1() == one.f1()
    assert total.missed.sum() == 2 * one.missed.sum()


def test_disks_have_the_radius_and_the_nearest_column_wins() -> None:
    labels = disk_labels(np.array([[30.0, 30.3], [30.0, 36.0]]), np.array([0, 2]), (60, 60), 0.1, radius=0.5)
    y, x = np.indices((60, 60))
    first, second = np.hypot(y - 30, x - 30.3), np.hypot(y - 30, x - 36)
    expected = np.where(first <= 5, 0, BACKGROUND)
    expected = np.where((second <= 5) & (second < first), 2, expected)
    np.testing.assert_array_equal(labels, expected)


def test_disks_reach_into_the_image_from_outside() -> None:
    labels = disk_labels(np.array([[-3.0, 10.0], [500.0, 10.0]]), np.array([1, 1]), (40, 40), 0.1, radius=0.5)
    assert (labels == 1).sum() > 0
    assert (disk_labels(np.empty((0, 2)), np.empty(0, int), (8, 8), 0.2) == BACKGROUND).all()


def test_pixel_f1_with_and_without_background() -> None:
    labels = np.full((10, 10), BACKGROUND)
    labels[2:4, 2:4] = 0
    probabilities = np.zeros((4, 10, 10))
    probabilities[3] = 0.9
    probabilities[:, 2:4, 2] = np.array([0.9, 0, 0, 0.1])[:, np.newaxis]  # half of the disk is found
    assert pixel_f1(probabilities, labels, background=False) == pytest.approx(2 * 2 / (2 * 2 + 0 + 2))
    assert pixel_f1(probabilities, labels) == pytest.approx(2 * 98 / (2 * 98 + 2 + 2))
