"""Matching is one-to-one and exact."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from hrtem_app.inference.matching import match


def exhaustive(a, b, distance):
    """Number of pairs and sum of distances of the best matching, from the dense solver."""
    lengths = cdist(a, b)
    allowed = lengths <= distance
    rows, columns = linear_sum_assignment(np.where(allowed, lengths, 1e5))
    chosen = allowed[rows, columns]
    return chosen.sum(), lengths[rows, columns][chosen].sum()


@pytest.mark.parametrize("distance", [0.2, 0.9, 2.5, 20.0])
def test_as_good_as_the_dense_solver(distance):
    rng = np.random.default_rng(3)
    for _ in range(20):
        a, b = (rng.uniform(0, 10, (rng.integers(1, 40), 2)) for _ in "ab")
        pairs = match(a, b, distance)
        lengths = np.linalg.norm(a[pairs[:, 0]] - b[pairs[:, 1]], axis=1)
        number, total = exhaustive(a, b, distance)
        assert len(pairs) == number
        assert lengths.sum() == pytest.approx(total)
        assert len(set(pairs[:, 0])) == len(set(pairs[:, 1])) == len(pairs)


def test_more_pairs_beat_a_shorter_pair():
    # The nearest pair (a0, b1) would leave a1 alone.
    assert match([[0.0, 0.0], [0.0, 1.2]], [[0.0, -0.9], [0.0, 0.4]], 1.0).tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize(("a", "b"), [([], [[0, 0]]), ([[0, 0]], []), ([], [])])
def test_nothing_to_match(a, b):
    assert match(np.reshape(a, (-1, 2)), np.reshape(b, (-1, 2)), 1).shape == (0, 2)


def test_the_distance_itself_still_matches_and_same_places_do():
    assert len(match([[0.0, 0.0]], [[0.0, 1.0]], 1.0)) == 1
    assert len(match([[0.0, 0.0]], [[0.0, 1.0]], 0.999)) == 0
    assert len(match([[2.0, 3.0]], [[2.0, 3.0]], 0.0)) == 1


@pytest.mark.parametrize("distance", [-1, np.nan, np.inf])
def test_refuses_impossible_distances(distance):
    with pytest.raises(ValueError, match="from 0 upwards"):
        match([[0, 0]], [[0, 0]], distance)
