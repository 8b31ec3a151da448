"""Mo and S told apart grain by grain."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hrtem_app.inference.sublattice import decide_sublattices, find_grains
from hrtem_app.recipe import Sublattice

A = 3.16


def _honeycomb(
    angle: float, size: int = 10, origin: tuple[float, float] = (0, 0)
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(n, 2) positions (y, x) in Å and the class of each: Mo 0, 2S 1."""
    i, j = (n.ravel() for n in np.meshgrid(np.arange(size), np.arange(size)))
    corner = np.stack([A * (i + j / 2), A * np.sqrt(3) / 2 * j], axis=1)
    points = np.concatenate([corner, corner + np.array([0, A / np.sqrt(3)])])
    c, s = np.cos(angle), np.sin(angle)
    turned = points @ np.array([[c, s], [-s, c]]) + origin
    return turned[:, ::-1], np.repeat([0, 1], len(corner))


def _probabilities(classes: NDArray[np.int64], certainty: float = 0.8) -> NDArray[np.float64]:
    p = np.full((len(classes), 3), (1 - certainty) / 2)
    p[np.arange(len(classes)), classes] = certainty
    return p


@pytest.mark.parametrize("angle", np.deg2rad([0, 11, 30, 47]))
def test_sublattices_are_told_apart_at_every_orientation(angle: float) -> None:
    rng = np.random.default_rng(0)
    positions, classes = _honeycomb(angle)
    kept = rng.random(len(classes)) > 0.1
    positions, classes = positions[kept] + rng.normal(0, 0.08, (kept.sum(), 2)), classes[kept]
    grains = find_grains(positions, Sublattice())
    inside = grains.label == 0
    assert inside.mean() > 0.95
    sides = grains.side[inside] * np.where(classes[inside] == 0, 1, -1)
    assert abs(sides.mean()) > 0.98


def test_a_patch_taken_the_wrong_way_round_is_put_right() -> None:
    positions, truth = _honeycomb(0.3)
    said = truth.copy()
    patch = np.linalg.norm(positions - positions.mean(axis=0), axis=1) < 8
    assert patch.sum() > 20
    said[patch] = 1 - truth[patch]
    decided = decide_sublattices(positions, said, _probabilities(said), Sublattice())
    np.testing.assert_array_equal(decided, truth)


def test_a_vacancy_taken_for_molybdenum_becomes_the_more_probable_sulphur() -> None:
    positions, truth = _honeycomb(0.0)
    said, p = truth.copy(), _probabilities(truth)
    site = np.flatnonzero(truth == 1)[37]
    said[site], p[site] = 0, (0.6, 0.1, 0.3)
    decided = decide_sublattices(positions, said, p, Sublattice())
    assert decided[site] == 2
    np.testing.assert_array_equal(np.delete(decided, site), np.delete(truth, site))


def test_two_grains_are_decided_each_for_itself() -> None:
    first, truth = _honeycomb(0.0)
    second, _ = _honeycomb(np.deg2rad(22), origin=(60, 0))
    # In the second grain molybdenum and sulphur have changed places.
    positions, truth = np.concatenate([first, second]), np.concatenate([truth, 1 - truth])
    decided = decide_sublattices(positions, truth, _probabilities(truth), Sublattice())
    np.testing.assert_array_equal(decided, truth)


def test_an_undecided_grain_stays_as_it_was_found() -> None:
    positions, truth = _honeycomb(0.0)
    said = np.random.default_rng(3).permutation(truth)
    np.testing.assert_array_equal(decide_sublattices(positions, said, _probabilities(said), Sublattice()), said)


def test_switched_off_or_too_small_nothing_changes() -> None:
    positions, truth = _honeycomb(0.0, size=2)
    said = truth.copy()
    said[0] = 1
    p = _probabilities(said)
    np.testing.assert_array_equal(decide_sublattices(positions, said, p, Sublattice()), said)
    np.testing.assert_array_equal(decide_sublattices(positions, said, p, Sublattice(enabled=False, columns=3)), said)


def test_no_columns_give_none() -> None:
    assert len(decide_sublattices(np.empty((0, 2)), np.empty(0, np.int64), np.empty((0, 3)), Sublattice())) == 0
