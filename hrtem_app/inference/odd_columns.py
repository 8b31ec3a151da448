"""Columns that stand out from their own sublattice, and what they tell of which sublattice is sulphur.

A single-sulphur vacancy lies on the sulphur sublattice only. Even where the defocus makes a network take sulphur for
molybdenum all over a grain, a vacancy looks unlike the sulphur around it, so the columns that stand out lie on the
sulphur sublattice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import betainc, betaln

from hrtem_app.inference.grains import Grains

# Twelve neighbours on a column's own sublattice lie at a = 3.17 Å and √3 a = 5.5 Å; about thirty of both within 6 Å.
_AROUND, _MOST_AROUND = 6.0, 40
_LEAST_AROUND, _INNER_BONDS = 4, 3
# A column stands out if this much of its probability lies elsewhere than in its neighbours.
_STANDS_OUT = 0.3
# How likely it is, before any is seen, that odd columns tell the sublattice at all and are not mere noise.
_TELLING = 0.25


def oddness(positions: NDArray[np.float64], probabilities: NDArray[np.float64], grains: Grains) -> NDArray[np.float64]:
    """How far each column's probabilities are from the median of its neighbours on the same sublattice.

    The distance is the total variation ½ Σ|p - median p| over Mo, 2S, 1S and background. It compares with neighbours,
    not with the grain: a network may read Mo and S one way here and the other way there, and neither is odd. Columns
    that lack a bond are left out: they lie at an edge, which may end on one sublattice, and look different for that.

    Parameters
    ----------
    positions
        (n, 2) in Å.
    probabilities
        (n, 3) of Mo, 2S and 1S at each column.
    grains
        Of these columns.

    Returns
    -------
    (n,) between 0 and 1; 0 where it stays below 0.3, NaN for columns that cannot be judged.
    """
    count = len(positions)
    odd = np.full(count, np.nan)
    _, near = cKDTree(positions).query(positions, min(count, _MOST_AROUND), distance_upper_bound=_AROUND)
    near = near.reshape(count, -1)[:, 1:]
    there = near < count
    near = np.where(there, near, 0)
    inner = (grains.label >= 0) & (grains.bonds >= _INNER_BONDS)
    for own in (grains.label, grains.side):
        there &= own[near] == own[:, np.newaxis]
    there &= inner[near]
    rows = np.flatnonzero(inner & (there.sum(axis=1) >= _LEAST_AROUND))
    if len(rows) == 0:
        return odd
    whole = np.column_stack([probabilities, 1 - probabilities.sum(axis=1)])
    usual = np.nanmedian(np.where(there[rows, :, np.newaxis], whole[near[rows]], np.nan), axis=1)
    distance = np.abs(whole[rows] - usual / usual.sum(axis=1, keepdims=True)).sum(axis=1) / 2
    odd[rows] = np.where(distance >= _STANDS_OUT, np.minimum(distance, 1), 0)
    return odd


def vacancy_evidence(odd: NDArray[np.float64], side: NDArray[np.int64]) -> float:
    """Log odds that sublattice +1 of a grain is molybdenum, from the columns that stand out.

    Let k₊ and k₋ be the sums of the oddness on either side and s the share of columns on side -1. An odd column lies on
    side -1 with a probability θ. Mere noise has θ = s. If odd columns are vacancies and -1 is sulphur, θ is anything
    from s to 1, all alike; if +1 is sulphur, anything from 0 to s. With the weight w of vacancies against noise

        log odds = log [(w L(θ > s) + (1 - w) L(s)) / (w L(θ < s) + (1 - w) L(s))],   L(θ) = θ^k₋ (1 - θ)^k₊,

    L(θ > s) being the mean of L over the interval. Noise on both sides thus says nothing, however much of it there is,
    and one odd column says little.

    Parameters
    ----------
    odd
        (n,) of `oddness`, of one grain.
    side
        (n,) +1 or -1.
    """
    judged = ~np.isnan(odd)
    numbers = [int((judged & (side == sign)).sum()) for sign in (1, -1)]
    if 0 in numbers:
        return 0.0
    plus, minus = (float(odd[judged & (side == sign)].sum()) for sign in (1, -1))
    share = numbers[1] / sum(numbers)
    with np.errstate(divide="ignore"):
        below = np.log(betainc(minus + 1, plus + 1, share) / share)
        above = np.log(betainc(plus + 1, minus + 1, 1 - share) / (1 - share))
    telling = np.log(_TELLING) + betaln(minus + 1, plus + 1)
    noise = np.log(1 - _TELLING) + minus * np.log(share) + plus * np.log(1 - share)
    return float(np.logaddexp(telling + above, noise) - np.logaddexp(telling + below, noise))
