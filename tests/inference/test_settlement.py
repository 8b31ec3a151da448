"""Networks settle each grain as one; where they cannot, that is said."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from hrtem_app.columns import ColumnTable
from hrtem_app.inference.agreement import agree, consensus
from hrtem_app.inference.grain_doubts import grain_doubts
from hrtem_app.inference.result import NetworkResult
from hrtem_app.inference.sublattice import decide_sublattices
from hrtem_app.recipe import Agreement, ColumnFinding, Sublattice

SAMPLING, A = 0.2, 3.16
NAMES = ("unet", "unet_pp", "msd_net")


def _honeycomb(size: int = 8) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(n, 2) positions (y, x) in whole px, near enough to a honeycomb, and the class of each: Mo 0, 2S 1."""
    i, j = (n.ravel() for n in np.meshgrid(np.arange(size), np.arange(size)))
    corner = np.stack([A * np.sqrt(3) / 2 * j, A * (i + j / 2)], axis=1)
    points = np.concatenate([corner, corner + np.array([A / np.sqrt(3), 0])])
    return np.rint(points / SAMPLING) + 5, np.repeat([0, 1], len(corner)).astype(np.int64)


def _result(name: str, said: NDArray[np.int64], certainty: float) -> NetworkResult:
    """A network that finds every column, says a class of each with a certainty, and decides the grain by itself."""
    positions, _ = _honeycomb()
    p = np.full((len(said), 3), 0.01)
    p[np.arange(len(said)), said] = certainty
    p[np.arange(len(said)), np.where(said == 0, 1, 0)] = 0.98 - certainty
    decision = decide_sublattices(positions * SAMPLING, said, p, Sublattice())
    height, width = (positions.max(axis=0) + 6).astype(int)
    maps = np.zeros((4, height, width), np.float32)
    y, x = positions.astype(int).T
    maps[:3, y, x] = p.T
    probability = p[np.arange(len(said)), decision.classes]
    table = ColumnTable(
        positions=positions,
        classes=decision.classes,
        sampling=SAMPLING,
        votes=np.ones(len(said), np.int64),
        probability=probability,
        network_probability={name: probability},
        grain=decision.grain,
        grain_evidence=decision.evidence,
        decided=decision.decided,
    )
    return NetworkResult(SimpleNamespace(name=name, title=name), maps, SAMPLING, table)  # type: ignore[arg-type]


def _settled(**readings: tuple[str, float]) -> tuple[ColumnTable, list[str]]:
    """Table and warnings of networks that read the grain "right", "swapped" or each column at "random"."""
    _, truth = _honeycomb()
    said = {"right": truth, "swapped": 1 - truth, "random": np.random.default_rng(3).permutation(truth)}
    networks = {name: _result(name, said[reading], certainty) for name, (reading, certainty) in readings.items()}
    agreed = consensus(networks, ColumnFinding(), Agreement(), Sublattice())
    return agreed.table, grain_doubts(agreed.table, agreed.grains, Sublattice())


def _is_right(table: ColumnTable) -> set[bool]:
    positions, truth = _honeycomb()
    of = {tuple(p): c for p, c in zip(positions, truth, strict=True)}
    return {of[tuple(np.rint(p))] == c for p, c in zip(table.positions, table.classes, strict=True)}


def test_where_all_agree_the_grain_is_decided() -> None:
    table, doubts = _settled(unet=("right", 0.9), unet_pp=("right", 0.8), msd_net=("right", 0.7))
    assert _is_right(table) == {True}
    assert set(table.grain) == {0}
    assert table.decided.all()
    assert (np.sign(table.grain_evidence) == np.where(table.classes == 0, 1, -1)).all()
    assert np.abs(table.grain_evidence) == pytest.approx(
        np.mean([np.log(p / (0.99 - p)) for p in (0.9, 0.8, 0.7)]), abs=0.05
    )
    assert doubts == []


@pytest.mark.parametrize(
    ("readings", "right"),
    [
        ({"unet": ("right", 0.8), "unet_pp": ("right", 0.8), "msd_net": ("swapped", 0.9)}, {True}),
        ({"unet": ("swapped", 0.8), "unet_pp": ("right", 0.9), "msd_net": ("swapped", 0.8)}, {False}),
        # Two against each other: the clearer one, and never the one here and the other there.
        ({"unet": ("right", 0.9), "unet_pp": ("swapped", 0.8)}, {True}),
        ({"unet": ("right", 0.7), "unet_pp": ("swapped", 0.8)}, {False}),
        ({"unet": ("right", 0.8), "unet_pp": ("swapped", 0.8)}, {True, False}),
    ],
)
def test_a_grain_that_networks_decide_against_each_other_stays_one(
    readings: dict[str, tuple[str, float]], right: set[bool]
) -> None:
    table, (doubt,) = _settled(**readings)
    assert len(_is_right(table)) == 1
    assert _is_right(table) <= right
    assert not table.decided.any()
    assert all(table.disputed)
    assert doubt.startswith(f"1 of 1 grain, {len(table)} columns: the networks disagree which sublattice is Mo (unet ")
    assert all(name in doubt for name in readings)


def test_a_network_that_did_not_decide_follows_those_that_did() -> None:
    table, doubts = _settled(unet=("random", 0.9), unet_pp=("random", 0.8), msd_net=("right", 0.95))
    found = table.decided
    assert found.sum() == len(table)
    assert _is_right(table) == {True}
    assert doubts == []


def test_a_grain_that_no_network_decided_is_told_with_its_evidence() -> None:
    table, (doubt,) = _settled(unet=("random", 0.9), unet_pp=("random", 0.8))
    assert set(table.grain) == {0}
    assert not table.decided.any()
    evidence = np.abs(table.grain_evidence).max()
    assert doubt == (
        f"1 of 1 grain, {len(table)} columns: which sublattice is Mo stays undecided "
        f"(evidence {evidence:.2f}, needs 0.75), so Mo and S may be swapped there as a whole"
    )


def test_evidence_that_others_weaken_is_told_too() -> None:
    # The one network's 0.45 is enough for itself; the mean with what the other leaves open is not.
    table, (doubt,) = _settled(unet=("right", 0.605), unet_pp=("right", 0.51))
    assert _is_right(table) == {True}
    assert not table.decided.any()
    assert "stays undecided (evidence 0.2" in doubt


def test_switched_off_there_are_no_grains() -> None:
    _, truth = _honeycomb()
    networks = {"unet": _result("unet", truth, 0.9)}
    off = Sublattice(enabled=False)
    agreed = consensus(networks, ColumnFinding(), Agreement(), off)
    assert set(agreed.table.grain) == {-1}
    assert not agreed.table.decided.any()
    assert grain_doubts(agreed.table, agreed.grains, off) == []


@pytest.mark.parametrize(("true", "expected"), [(0, "Mo"), (1, "1S")])
def test_a_column_found_with_the_class_of_the_other_sublattice_alone_gets_one_that_is_allowed(
    true: int, expected: str
) -> None:
    _, truth = _honeycomb()
    right, other = _result("unet", truth, 0.9), _result("unet_pp", np.random.default_rng(3).permutation(truth), 0.9)
    missed = int(np.flatnonzero((truth == true) & (other.columns.classes == 1 - true))[0])
    kept = np.arange(len(truth)) != missed
    networks = {"unet": NetworkResult(right.card, right.probabilities, SAMPLING, right.columns.select(kept))}
    y, x = right.columns.positions[missed].astype(int)
    for result in (right, other):
        result.probabilities[:3, y, x] = (0.3, 0.1, 0.2)
    table = agree(networks | {"unet_pp": other}, ColumnFinding(), Agreement(), Sublattice())
    site = int(np.argmin(np.linalg.norm(table.positions - right.columns.positions[missed], axis=1)))
    assert (table.class_names[site], table.votes[site]) == (expected, 1)
    assert table.probability[site] == pytest.approx(0.3 if expected == "Mo" else 0.2)
    assert table.decided.all()
