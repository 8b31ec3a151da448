"""Mo and S told apart grain by grain."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hrtem_app.inference.grains import Grains, find_grains
from hrtem_app.inference.odd_columns import oddness, vacancy_evidence
from hrtem_app.inference.sublattice import contrast_evidence, decide_sublattices
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
    decided = decide_sublattices(positions, said, _probabilities(said), Sublattice()).classes
    np.testing.assert_array_equal(decided, truth)


def test_a_vacancy_taken_for_molybdenum_becomes_the_more_probable_sulphur() -> None:
    positions, truth = _honeycomb(0.0)
    said, p = truth.copy(), _probabilities(truth)
    site = np.flatnonzero(truth == 1)[37]
    said[site], p[site] = 0, (0.6, 0.1, 0.3)
    decided = decide_sublattices(positions, said, p, Sublattice()).classes
    assert decided[site] == 2
    np.testing.assert_array_equal(np.delete(decided, site), np.delete(truth, site))


def test_two_grains_are_decided_each_for_itself() -> None:
    first, truth = _honeycomb(0.0)
    second, _ = _honeycomb(np.deg2rad(22), origin=(60, 0))
    # In the second grain molybdenum and sulphur have changed places.
    positions, truth = np.concatenate([first, second]), np.concatenate([truth, 1 - truth])
    decided = decide_sublattices(positions, truth, _probabilities(truth), Sublattice())
    np.testing.assert_array_equal(decided.classes, truth)
    assert set(decided.grain) == {0, 1}
    assert decided.decided.all()
    assert (np.sign(decided.evidence) == np.where(truth == 0, 1, -1)).all()


def test_an_undecided_grain_is_read_one_way_all_the_same() -> None:
    positions, truth = _honeycomb(0.0)
    said = np.random.default_rng(3).permutation(truth)
    decided = decide_sublattices(positions, said, _probabilities(said), Sublattice())
    likelier = 1 if (said == truth).mean() > 0.5 else -1
    np.testing.assert_array_equal(decided.classes, truth if likelier > 0 else 1 - truth)
    assert set(decided.grain) == {0}
    assert not decided.decided.any()
    assert np.abs(decided.evidence).max() < 0.3


def test_switched_off_or_too_small_nothing_changes() -> None:
    positions, truth = _honeycomb(0.0, size=2)
    said = truth.copy()
    said[0] = 1
    p = _probabilities(said)
    for settings in (Sublattice(), Sublattice(enabled=False, columns=3)):
        decided = decide_sublattices(positions, said, p, settings)
        np.testing.assert_array_equal(decided.classes, said)
        assert set(decided.grain) == {-1}
        assert not decided.decided.any()
        assert np.isnan(decided.evidence).all()


def test_without_any_evidence_a_grain_still_has_two_sublattices() -> None:
    positions, truth = _honeycomb(0.0)
    p = np.full((len(truth), 3), 1 / 3) * [1, 0.5, 0.5]
    decided = decide_sublattices(positions, truth * 0, p, Sublattice())
    assert not decided.decided.any()
    assert np.array_equal(decided.classes == 0, truth == 0) or np.array_equal(decided.classes == 0, truth == 1)


def test_no_columns_give_none() -> None:
    decided = decide_sublattices(np.empty((0, 2)), np.empty(0, np.int64), np.empty((0, 3)), Sublattice())
    assert len(decided.classes) == len(decided.grain) == 0


def _inner(positions: NDArray[np.float64], truth: NDArray[np.int64], side: int, number: int) -> NDArray[np.int64]:
    """Columns of one class that lie well inside, far from each other."""
    inside = np.flatnonzero((truth == side) & (find_grains(positions, Sublattice()).bonds == 3))
    return inside[:: max(1, len(inside) // number)][:number]


def _half_said(truth: NDArray[np.int64], reading: float) -> NDArray[np.float64]:
    """(n, 3) of a network that hardly tells Mo from 2S: its log odds for the right reading are `reading`."""
    right = 0.95 / (1 + np.exp(-reading))
    p = np.full((len(truth), 3), 0.02)
    p[np.arange(len(truth)), truth] = right
    p[np.arange(len(truth)), 1 - truth] = 0.95 - right
    return p


# A few vacancies say little, and where they are all there is a person may be content with that.
_LITTLE = Sublattice(evidence=0.3)


@pytest.mark.parametrize("reading", [0.1, 0.0, -0.2])
def test_vacancies_decide_where_the_contrast_says_little(reading: float) -> None:
    positions, truth = _honeycomb(0.2)
    p = _half_said(truth, reading)
    said = p.argmax(axis=1)
    assert not decide_sublattices(positions, said, p, _LITTLE).decided.any()
    vacancies = _inner(positions, truth, 1, 6)
    p[vacancies], said[vacancies] = (0.2, 0.1, 0.65), 2
    decided = decide_sublattices(positions, said, p, _LITTLE)
    assert decided.decided.all()
    expected = truth.copy()
    expected[vacancies] = 2
    np.testing.assert_array_equal(decided.classes, expected)


def test_vacancies_decide_where_the_contrast_is_swapped_in_half_of_a_grain() -> None:
    positions, truth = _honeycomb(0.2)
    half = positions[:, 1] > np.median(positions[:, 1])
    said = np.where(half, 1 - truth, truth)
    p = _probabilities(said)
    assert not decide_sublattices(positions, said, p, _LITTLE).decided.any()
    vacancies = _inner(positions, truth, 1, 8)
    # Where sulphur is taken for Mo, one atom of it looks like a pair.
    said[vacancies] = np.where(half[vacancies], 1, 2)
    p = _probabilities(said)
    decided = decide_sublattices(positions, said, p, _LITTLE)
    assert decided.decided.all()
    assert ((decided.classes == 0) == (truth == 0)).all()


def test_columns_found_as_molybdenum_on_sulphur_become_the_more_probable_sulphur() -> None:
    positions, truth = _honeycomb(0.2)
    p = _half_said(truth, -0.25)
    vacancies = _inner(positions, truth, 1, 7)
    p[vacancies] = (0.45, 0.05, 0.4)
    said = p.argmax(axis=1)
    assert (said[truth == 1] == 0).all()
    decided = decide_sublattices(positions, said, p, _LITTLE)
    assert decided.decided.all()
    expected = truth.copy()
    expected[vacancies] = 2
    np.testing.assert_array_equal(decided.classes, expected)


def test_odd_columns_against_a_clear_contrast_leave_a_grain_undecided_at_most() -> None:
    positions, truth = _honeycomb(0.2)
    odd = _inner(positions, truth, 0, 12)
    for certainty, is_decided in ((0.87, False), (0.97, True)):
        p = _probabilities(truth, certainty)
        p[odd] = (0.1, 0.1, 0.8)
        decided = decide_sublattices(positions, p.argmax(axis=1), p, Sublattice())
        assert set(decided.decided) == {is_decided}
    np.testing.assert_array_equal(decided.classes, truth)


def test_a_single_odd_column_decides_nothing() -> None:
    positions, truth = _honeycomb(0.2)
    p = _half_said(truth, 0.0)
    p[_inner(positions, truth, 1, 1)] = (0.02, 0.02, 0.95)
    assert not decide_sublattices(positions, truth, p, Sublattice()).decided.any()


def test_columns_at_an_edge_are_not_judged() -> None:
    positions, truth = _honeycomb(0.2)
    grains = find_grains(positions, Sublattice())
    p = _half_said(truth, 0.0)
    p[(grains.bonds < 3) & (truth == 1)] = (0.02, 0.02, 0.95)
    odd = oddness(positions, p, grains)
    assert np.isnan(odd[grains.bonds < 3]).all()
    assert np.nanmax(odd) == 0


def test_what_a_network_says_of_a_whole_sublattice_makes_no_column_odd() -> None:
    positions, truth = _honeycomb(0.2)
    p = _probabilities(np.where(truth == 1, 2, 0))
    assert np.nanmax(oddness(positions, p, find_grains(positions, Sublattice()))) == 0


@pytest.mark.parametrize(("plus", "minus", "low", "high"), [
    (0, 0, 0, 0), (0, 1, 0, 0.3), (0, 6, 1.5, 2), (6, 0, -2, -1.5), (30, 30, 0, 0), (28, 32, 0, 0.1), (0, 40, 10, 99),
])  # fmt: skip
def test_evidence_of_vacancies(plus: int, minus: int, low: float, high: float) -> None:
    side = np.repeat([1, -1], 100)
    odd = np.zeros(200)
    odd[:plus], odd[100 : 100 + minus] = 1, 1
    evidence = vacancy_evidence(odd, side)
    assert low - 1e-9 <= evidence <= high + 1e-9
    assert vacancy_evidence(odd, -side) == pytest.approx(-evidence)


def test_evidence_of_vacancies_counts_how_many_columns_could_be_judged() -> None:
    # As many odd columns as there are columns on either side are noise.
    side = np.repeat([1, -1], [150, 50])
    odd = np.zeros(200)
    odd[:15], odd[150:155] = 1, 1
    assert abs(vacancy_evidence(odd, side)) < 0.1
    odd[side == -1] = np.nan
    assert vacancy_evidence(odd, side) == 0


def test_evidence_of_the_contrast_is_the_mean_difference_of_the_log_likelihoods() -> None:
    p = np.array([[0.7, 0.1, 0.1], [0.6, 0.3, 0.1], [0.2, 0.5, 0.2], [0.1, 0.1, 0.7]])
    side = np.array([1, 1, -1, -1])
    mo, sulphur = np.log(p[:, 0]), np.log(p[:, 1] + p[:, 2])
    plus_is_mo = mo[side > 0].sum() + sulphur[side < 0].sum()
    minus_is_mo = mo[side < 0].sum() + sulphur[side > 0].sum()
    assert contrast_evidence(p, side) == pytest.approx((plus_is_mo - minus_is_mo) / 4)
    # A hundred times the same columns are no better witnesses, for a network errs on all of them alike.
    assert contrast_evidence(np.tile(p, (100, 1)), np.tile(side, 100)) == pytest.approx(contrast_evidence(p, side))


def test_rows_of_a_grain() -> None:
    grains = Grains(np.array([0, -1, 1, 0]), np.array([1, 0, 1, -1]), np.array([1, 0, 0, 1]))
    assert grains.number == 2
    assert grains.rows(0).tolist() == [0, 3]
