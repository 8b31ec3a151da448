"""How frequent 1S is: what a training showed too often is taken back, by how much the held-out structures say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from hrtem_app.training.batches import RARE
from hrtem_app.training.validation import Validation

# Logarithms of the factors that are tried.
STEPS = tuple(np.round(np.arange(-1.0, 2.6, 0.25), 2))


def fit_prior(
    module: torch.nn.Module, validation: Validation, device: torch.device, steps: Sequence[float] = STEPS
) -> float:
    """Logarithm of the factor by which 1S is too frequent for a network: the one with the highest atomic F1.

    The structures of the validation must be as rich in vacancies as those that the network will meet. Between several
    that are equally good the middle one is taken. See `correct_prior`, which takes it off.

    Parameters
    ----------
    module
        In evaluation mode.
    validation
        Series that it was not trained on.
    device
        Where it is.
    steps
        Logarithms to try, ascending.
    """
    maps = validation.maps(module, device)
    scores = [validation.score_maps([rescaled(m, RARE, -step) for m in maps])["atomic_f1"] for step in steps]
    best = np.flatnonzero(np.isclose(scores, max(scores), rtol=0, atol=1e-12))
    return float(steps[best[len(best) // 2]])


def rescaled(maps: NDArray[np.float32], index: int, log_factor: float) -> NDArray[np.float32]:
    """Probabilities (classes + 1, y, x) with the odds of one class changed by a factor, as on its logit."""
    changed = maps.copy()
    changed[index] *= np.float32(np.exp(log_factor))
    result: NDArray[np.float32] = changed / changed.sum(axis=0, keepdims=True)
    return result
