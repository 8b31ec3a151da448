"""What each edit does to the fields of the columns that it concerns.

A row of the table says what networks found (`votes`, `probability`, `p_*`, `spread_pm`, `disputed`, `grain_evidence`)
and what the column is taken for (position, class, `decided`). A person changes the latter. What networks said is then
told of the new state where the table knows it and becomes NaN, empty in the CSV, where it does not: a class that a
person chose must not come with the votes and probabilities of another one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.correction.disputes import retold
from hrtem_app.correction.edits import Add

MO, TWO_S, ONE_S = (CLASSES.index(name) for name in ("Mo", "2S", "1S"))
# An added column belongs to the grain of a nearest neighbour: bonds are a/√3 = 1.83 Å, the next nearest 3.17 Å.
_BOND = 2.4


def within_reach(positions: NDArray[np.float64], place: tuple[float, float], sampling: float) -> NDArray[np.int64]:
    """Rows that may be within a bond of a place: those in a square about it that is a little larger than need be."""
    reach = 1.01 * _BOND / sampling
    rows: NDArray[np.int64] = np.flatnonzero(np.abs(positions[:, 0] - place[0]) <= reach)
    near: NDArray[np.int64] = rows[np.abs(positions[rows, 1] - place[1]) <= reach]
    return near


def added(table: ColumnTable, edit: Add, number: int) -> ColumnTable:
    """The row of an added column: no votes, no probabilities, no spread, `edited`.

    It belongs to the grain of the nearest column within a bond that has one, so that it is swapped with it, and is as
    `decided` as that; the grain's evidence does not rest on it and stays NaN.

    Parameters
    ----------
    table
        What it is added to; the columns `within_reach` do.
    edit
        Place and class.
    number
        Its id.
    """
    distance = np.linalg.norm((table.positions - edit.position) * table.sampling, axis=1)
    distance[table.grain < 0] = np.inf
    near = distance.size > 0 and distance.min() <= _BOND
    neighbour = int(distance.argmin()) if near else -1
    unknown = np.array([np.nan])
    return ColumnTable(
        positions=np.array([edit.position]),
        classes=np.array([CLASSES.index(edit.class_name)]),
        sampling=table.sampling,
        votes=np.array([0]),
        probability=unknown,
        network_probability=dict.fromkeys(table.network_probability, unknown),
        spread=unknown,
        edited=np.array([True]),
        ids=np.array([number]),
        grain=table.grain[[neighbour]] if near else np.array([-1]),
        decided=table.decided[[neighbour]] if near else np.array([False]),
    )


def moved(part: ColumnTable, positions: NDArray[np.float64]) -> ColumnTable:
    """Columns at other places: `edited`, and the spread is NaN, as the place is no longer the networks' mean.

    Votes, probabilities, disputes and grain stay: they are about the column, which a person places better. A row whose
    position is the same stays as it is.
    """
    elsewhere = (positions != part.positions).any(axis=1)
    return replace(
        part,
        positions=positions,
        spread=np.where(elsewhere, np.nan, part.spread),
        edited=part.edited | elsewhere,
    )


def reclassified(part: ColumnTable, classes: NDArray[np.int64]) -> ColumnTable:
    """Columns of other classes: `edited`, with the votes that the new class had, usually none, see `retold`.

    The probabilities were those of the former class and become NaN. Position, spread and grain stay, and the grain's
    evidence too. A row whose class is the same stays as it is.
    """
    other = classes != part.classes
    disputed, votes = list(part.disputed), part.votes.tolist()
    former, new = part.class_names, [CLASSES[c] for c in classes.tolist()]
    for i in np.flatnonzero(other).tolist():
        disputed[i], votes[i] = retold(disputed[i], votes[i], former[i], new[i])
    return replace(
        part,
        classes=classes,
        votes=np.array(votes, np.int64),
        probability=np.where(other, np.nan, part.probability),
        network_probability={name: np.where(other, np.nan, p) for name, p in part.network_probability.items()},
        disputed=tuple(disputed),
        edited=part.edited | other,
    )


def swapped(part: ColumnTable, single: NDArray[np.bool_]) -> ColumnTable:
    """A grain with its sublattices exchanged: each column `reclassified`, the grain `decided`, as a person did it.

    `grain_evidence` stays. It is what the networks' maps say of the column's sublattice, which no decision changes:
    where its sign speaks against the class of an edited, decided column, a person overruled it.

    Parameters
    ----------
    part
        All columns of the grain.
    single
        (n,) which of those that become sulphur become 1S; the others become 2S.
    """
    sulphur = np.where(single, ONE_S, TWO_S)
    turned = reclassified(part, np.where(part.classes == MO, sulphur, MO))
    return replace(turned, decided=np.ones(len(part), bool))
