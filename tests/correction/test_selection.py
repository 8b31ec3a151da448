"""Boxes and lassos against what elementary geometry says."""

import numpy as np
import pytest
from matplotlib.path import Path

from hrtem_app.correction import inside_box, inside_lasso


def test_a_box_holds_its_border_whichever_corners_are_given():
    points = np.array([[0, 0], [1, 2], [3, 4], [1, 4], [3.01, 3], [2, 3]])
    expected = [False, True, True, True, False, True]
    for corner, opposite in (((1, 2), (3, 4)), ((3, 4), (1, 2)), ((1, 4), (3, 2)), ((3, 2), (1, 4))):
        assert inside_box(points, corner, opposite).tolist() == expected


def test_a_round_lasso_holds_what_is_within_its_radius():
    points = np.random.default_rng(0).uniform(-10, 10, (5000, 2))
    angle = np.linspace(0, 2 * np.pi, 400)[:-1]
    lasso = 6 * np.stack([np.sin(angle), np.cos(angle)], axis=1) + [1, -2]
    radius = np.hypot(*(points - [1, -2]).T)
    clear = np.abs(radius - 6) > 0.01
    assert (inside_lasso(points, lasso) == (radius < 6))[clear].all()


@pytest.mark.parametrize("seed", range(5))
def test_any_lasso_holds_what_another_library_says(seed):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 100, (2000, 2))
    # Star-shaped, so that it does not cross itself, where libraries differ.
    angle = np.sort(rng.uniform(0, 2 * np.pi, 30))
    lasso = 50 + rng.uniform(5, 45, (30, 1)) * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    assert np.array_equal(inside_lasso(points, lasso), Path(lasso).contains_points(points))


def test_a_lasso_may_be_concave_and_cross_itself():
    horseshoe = [(0, 0), (0, 10), (10, 10), (10, 0), (8, 0), (8, 8), (2, 8), (2, 0)]
    assert inside_lasso([(1, 1), (5, 5), (9, 1), (5, 9)], horseshoe).tolist() == [True, False, True, True]
    bow = [(0, 0), (10, 10), (10, 0), (0, 10)]
    assert inside_lasso([(5, 1), (5, 9), (1, 5), (9, 5)], bow).tolist() == [False, False, True, True]


@pytest.mark.parametrize("lasso", [[], [(1, 1)], [(0, 0), (5, 5)]])
def test_a_line_encloses_nothing(lasso):
    assert inside_lasso([(1, 1), (2, 2)], lasso).tolist() == [False, False]


def test_no_points():
    assert inside_box(np.empty((0, 2)), (0, 0), (1, 1)).shape == (0,)
    assert inside_lasso([], [(0, 0), (0, 1), (1, 1)]).shape == (0,)


def test_nonsense_is_refused():
    for corners in ([(0, 0), (1, np.nan), (1, 1)], [(0, 0, 0), (1, 1, 1)], [1, 2, 3]):
        with pytest.raises(ValueError, match="the corners of a lasso are"):
            inside_lasso([(1, 1)], corners)
    with pytest.raises(ValueError, match="the corners of a box are"):
        inside_box([(1, 1)], (0, np.inf), (1, 1))
