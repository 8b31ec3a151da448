"""Which of a crystal's two sublattices is molybdenum, decided for a whole grain.

Column by column a network may take Mo for 2S where the defocus leaves it nearly open; but a grain is one crystal, so
the evidence of all its columns counts together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hrtem_app.inference.grains import find_grains
from hrtem_app.inference.odd_columns import oddness, vacancy_evidence
from hrtem_app.recipe import Sublattice

_MO, _TWO_S, _ONE_S = 0, 1, 2
# Probabilities are kept this far from 0, so that no single column outweighs a grain.
_LEAST = 0.01
# Vacancies decide where the contrast says little; against a clear contrast they can only leave a grain undecided.
_MOST_FROM_VACANCIES = 2.0


@dataclass(frozen=True, eq=False)
class Decision:
    """What was decided for the grains of a set of columns.

    Parameters
    ----------
    classes
        (n,) as its sublattice allows, by the likelier reading of its grain; outside of all grains as found.
    grain
        (n,) number of its grain; -1 for none.
    evidence
        (n,) log odds that the column's sublattice is molybdenum: positive on the side that is more likely Mo, its
        negative on the other one. NaN outside of all grains.
    decided
        (n,) whether the evidence was clear enough; if not, Mo and S may be swapped in the whole grain.
    """

    classes: NDArray[np.int64]
    grain: NDArray[np.int64]
    evidence: NDArray[np.float64]
    decided: NDArray[np.bool_]


def decide_sublattices(
    positions: NDArray[np.float64],
    classes: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    settings: Sublattice,
) -> Decision:
    """Give every column of a grain a class that its sublattice allows.

    A grain whose evidence is too small is undecided, but gets the likelier reading all the same: one crystal read one
    way, which a person can turn round as a whole, says more than columns that flip from region to region.

    The evidence of a grain is that of its contrast (`contrast_evidence`) and that of its vacancies (`vacancy_evidence`,
    at most ±2), both log odds that its sublattice +1 is Mo.

    Parameters
    ----------
    positions
        (n, 2) in Å.
    classes
        (n,) as found, column by column.
    probabilities
        (n, 3) of Mo, 2S and 1S at each column.
    settings
        How many columns a grain needs, and how clear its evidence must be.
    """
    count = len(classes)
    made = Decision(classes.copy(), np.full(count, -1, np.int64), np.full(count, np.nan), np.zeros(count, bool))
    if not settings.enabled or count == 0:
        return made
    grains = find_grains(positions, settings)
    made.grain[:] = grains.label
    odd = oddness(positions, probabilities, grains)
    for grain in range(grains.number):
        rows = grains.rows(grain)
        evidence = grain_evidence(probabilities[rows], odd[rows], grains.side[rows])
        made.evidence[rows] = evidence * grains.side[rows]
        made.decided[rows] = abs(evidence) >= settings.evidence
        is_mo = grains.side[rows] * (1 if evidence >= 0 else -1) > 0
        made.classes[rows] = _allowed(classes[rows], probabilities[rows], is_mo)
    return made


def grain_evidence(probabilities: NDArray[np.float64], odd: NDArray[np.float64], side: NDArray[np.int64]) -> float:
    """Log odds that the sublattice +1 of a grain is molybdenum; near zero as much speaks for as against it."""
    vacancies = np.clip(vacancy_evidence(odd, side), -_MOST_FROM_VACANCIES, _MOST_FROM_VACANCIES)
    return contrast_evidence(probabilities, side) + float(vacancies)


def contrast_evidence(probabilities: NDArray[np.float64], side: NDArray[np.int64]) -> float:
    """Log odds that the sublattice +1 is molybdenum, from what each column looks like.

    "+1 is Mo" has the log likelihood Σ₊ log p(Mo) + Σ₋ log(p(2S) + p(1S)), "-1 is Mo" the same with the sides changed;
    their difference is Σ side · log(p(Mo) / (p(2S) + p(1S))). What makes a network take one for the other, the defocus
    above all, is common to the grain, so its n columns are not n witnesses: the sum is divided by n, and the whole
    grain counts as a single one, the average column.

    Parameters
    ----------
    probabilities
        (n, 3) of Mo, 2S and 1S at each column of the grain.
    side
        (n,) +1 or -1.
    """
    sulphur = probabilities[:, _TWO_S] + probabilities[:, _ONE_S]
    log_odds = np.log(np.clip(probabilities[:, _MO], _LEAST, 1) / np.clip(sulphur, _LEAST, 1))
    return float(np.mean(log_odds * side))


def _allowed(
    classes: NDArray[np.int64], probabilities: NDArray[np.float64], is_mo: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """(n,) Mo on its sublattice; on the other what was found, and where that is Mo the more probable sulphur."""
    sulphur = np.where(probabilities[:, _ONE_S] > probabilities[:, _TWO_S], _ONE_S, _TWO_S)
    return np.where(is_mo, _MO, np.where(classes == _MO, sulphur, classes))
