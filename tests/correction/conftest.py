"""Tables and edits to test with: two grains of a honeycomb, some vacancies, some disputes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.random import Generator

from hrtem_app.columns import CLASSES, ROW_ARRAYS, ColumnTable
from hrtem_app.correction import (
    Add,
    ConfirmSublattices,
    Corrections,
    Delete,
    Edit,
    Move,
    Reclassify,
    Review,
    SwapSublattices,
)

A, SAMPLING = 3.16, 0.2
NETWORKS = ("unet", "unet_pp", "msd_net")


def _honeycomb(size: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """(n, 2) positions (y, x) in Å and the class of each, Mo 0 or 2S 1."""
    i, j = (n.ravel() for n in np.meshgrid(np.arange(size), np.arange(size)))
    corner = np.stack([A * np.sqrt(3) / 2 * j, A * (i + j / 2)], axis=1)
    return np.concatenate([corner, corner + np.array([A / np.sqrt(3), 0])]), np.repeat([0, 1], len(corner))


def _made_table(size: int = 6, seed: int = 0) -> ColumnTable:
    """Two grains, the second undecided, 60 Å apart, and three columns of none, with ids in no order."""
    rng = np.random.default_rng(seed)
    points, classes = _honeycomb(size)
    positions = np.concatenate([points, points + np.array([60.0, 7.0]), [[45.0, 1.0], [45.0, 30.0], [50.0, 3.0]]])
    classes = np.concatenate([classes, classes, [0, 1, 2]])
    n, half = len(classes), len(points)
    classes[(classes == 1) & (rng.random(n) < 0.2)] = 2
    grain = np.repeat([0, 1, -1], [half, half, 3])
    disputed = np.where(rng.random(n) < 0.3, np.choose(classes, ["2S:unet_pp", "1S:unet_pp", "2S:unet;Mo:msd_net"]), "")
    evidence = np.where(grain < 0, np.nan, np.where(classes == 0, 1, -1) * np.where(grain == 0, 1.5, 0.1))
    return ColumnTable(
        positions=positions / SAMPLING + rng.normal(0, 0.2, (n, 2)),
        classes=classes,
        sampling=SAMPLING,
        votes=rng.integers(1, 4, n),
        probability=rng.random(n),
        network_probability={name: rng.random(n) for name in NETWORKS},
        spread=rng.random(n) * 20,
        disputed=tuple(disputed.tolist()),
        ids=rng.permutation(3 * n)[:n],
        grain=grain,
        grain_evidence=evidence,
        decided=grain == 0,
    )


def _random_edit(rng: Generator, table: ColumnTable) -> Edit:
    """Any edit that fits the table."""
    some = rng.choice(table.ids, rng.integers(1, 6), replace=False) if len(table) > 6 else table.ids[:1]
    name = str(rng.choice(CLASSES))
    grains = np.unique(table.grain[table.grain >= 0])
    kind = rng.integers(10)
    if kind < 2 or len(table) == 0:
        return Add(position=tuple(rng.uniform(0, 400, 2)), class_name=name)
    if kind < 4:
        return Move(ids=tuple(some), positions=tuple(map(tuple, rng.uniform(0, 400, (len(some), 2)))))
    if kind == 4:
        return Delete(ids=tuple(some))
    if kind < 7:
        return Reclassify(ids=tuple(some), class_name=name)
    if kind == 7 and len(grains):
        return SwapSublattices(grain=int(rng.choice(grains)))
    if kind == 8 and len(grains):
        return ConfirmSublattices(grain=int(rng.choice(grains)))
    return Review(ids=tuple(some), reviewed=bool(rng.random() < 0.7))


def _random_history(seed: int, number: int = 40) -> Corrections:
    """Edits, with an undo or redo in between now and then."""
    rng = np.random.default_rng(seed)
    history = Corrections.begin(_made_table(seed=seed))
    while history.position < number:
        step = rng.random()
        if step < 0.2 and history.can_undo:
            history = history.undo()
        elif step < 0.3 and history.can_redo:
            history = history.redo()
        else:
            history = history.do(_random_edit(rng, history.table))
    return history


def _content(table: ColumnTable) -> dict[str, object]:
    """All that a table holds, bytes for arrays, so that equal means equal to the last bit."""
    arrays = {name: getattr(table, name) for name in ROW_ARRAYS}
    arrays |= {f"p_{name}": values for name, values in table.network_probability.items()}
    return {name: (values.dtype.str, values.shape, values.tobytes()) for name, values in arrays.items()} | {
        "disputed": table.disputed,
        "sampling": table.sampling,
    }


@pytest.fixture
def made_table() -> Callable[..., ColumnTable]:
    return _made_table


@pytest.fixture
def random_edit() -> Callable[[Generator, ColumnTable], Edit]:
    return _random_edit


@pytest.fixture
def random_history() -> Callable[..., Corrections]:
    return _random_history


@pytest.fixture
def content() -> Callable[[ColumnTable], dict[str, object]]:
    return _content
