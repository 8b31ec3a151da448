"""Scores of columns and of maps against the truth (SCIENCE: atomic F1, pixel F1, position error)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hrtem_app.columns import CLASSES
from hrtem_app.inference.matching import match

Matching = Literal["one-to-one", "thesis"]


@dataclass(frozen=True, eq=False)
class ColumnScore:
    """Counts of one image, or of several added up.

    Parameters
    ----------
    hits, false, missed
        (classes,) columns found within the distance and of the right class, found where there are none of that
        class, and not found.
    squares
        Sum over the hits of the squared distance in px².
    confusion
        (classes, classes + 1): true class against the class found there, the last column for nothing found; matched
        one-to-one without regard to class.
    """

    hits: NDArray[np.int64]
    false: NDArray[np.int64]
    missed: NDArray[np.int64]
    squares: float
    confusion: NDArray[np.int64]

    def __add__(self, other: ColumnScore) -> ColumnScore:
        return ColumnScore(
            self.hits + other.hits,
            self.false + other.false,
            self.missed + other.missed,
            self.squares + other.squares,
            self.confusion + other.confusion,
        )

    def f1(self) -> float:
        """Atomic F1, all classes pooled; NaN where there is neither a true nor a found column."""
        return _f1(int(self.hits.sum()), int(self.false.sum()), int(self.missed.sum()))

    def class_f1(self) -> dict[str, float]:
        """Atomic F1 of each class."""
        return {name: _f1(int(self.hits[i]), int(self.false[i]), int(self.missed[i])) for i, name in enumerate(CLASSES)}

    def position_error(self, sampling: float) -> float:
        """Root mean square distance of the hits in pm; `sampling` in Å/px."""
        hits = int(self.hits.sum())
        return float(100 * sampling * np.sqrt(self.squares / hits)) if hits else float("nan")


def column_score(
    found: NDArray[np.float64],
    found_classes: NDArray[np.int64],
    true: NDArray[np.float64],
    true_classes: NDArray[np.int64],
    shape: tuple[int, int],
    *,
    distance: float = 3.0,
    border: float = 10.0,
    matching: Matching = "one-to-one",
) -> ColumnScore:
    """Score columns against the truth, per class.

    Parameters
    ----------
    found, true
        (n, 2) and (m, 2) positions (y, x) in pixels.
    found_classes, true_classes
        (n,) and (m,) class indices.
    shape
        (y, x) of the image in pixels.
    distance
        A hit lies within this many pixels.
    border
        True columns within this many pixels of the border are left out, with what was found for them or there.
    matching
        `one-to-one`, or `thesis`: as its script counts, several found columns may hit the same true one.
    """
    inside_true, inside_found = _inside(true, shape, border), _inside(found, shape, border)
    count = len(CLASSES)
    hits, false, missed = (np.zeros(count, np.int64) for _ in range(3))
    squares = 0.0
    for c in range(count):
        t, f = np.flatnonzero(true_classes == c), np.flatnonzero(found_classes == c)
        if matching == "thesis":
            t, f = t[inside_true[t]], f[inside_found[f]]
            near = cKDTree(true[t]).query(found[f])[0] if len(t) and len(f) else np.full(len(f), np.inf)
            hit = near <= distance
            hits[c], false[c], missed[c] = hit.sum(), (~hit).sum(), max(len(t) - int(hit.sum()), 0)
            squares += float((near[hit] ** 2).sum())
            continue
        pairs = match(found[f], true[t], distance)
        counted = inside_true[t[pairs[:, 1]]]
        unmatched = np.setdiff1d(np.arange(len(f)), pairs[:, 0])
        hits[c] = counted.sum()
        missed[c] = inside_true[t].sum() - hits[c]
        false[c] = inside_found[f[unmatched]].sum()
        difference = found[f[pairs[counted, 0]]] - true[t[pairs[counted, 1]]]
        squares += float((difference**2).sum())
    confusion = _confusion(found, found_classes, true, true_classes, inside_true, distance)
    return ColumnScore(hits, false, missed, squares, confusion)


def pixel_f1(probabilities: NDArray[np.floating], labels: NDArray[np.int64], background: bool = True) -> float:
    """F1 over all pixels of the one-hot channels, thresholded at 0.5, pooled over the channels.

    Parameters
    ----------
    probabilities
        (classes + 1, y, x), the background last.
    labels
        (y, x) true class per pixel.
    background
        Whether the background channel counts.
    """
    channels = len(probabilities) if background else len(probabilities) - 1
    said = np.asarray(probabilities[:channels]) > 0.5
    truth = np.arange(channels)[:, np.newaxis, np.newaxis] == labels
    hits = int((said & truth).sum())
    return _f1(hits, int(said.sum()) - hits, int(truth.sum()) - hits)


def _inside(positions: NDArray[np.float64], shape: tuple[int, int], border: float) -> NDArray[np.bool_]:
    last = np.array(shape) - 1 - border
    return np.asarray(((positions >= border) & (positions <= last)).all(axis=1), np.bool_)


def _confusion(
    found: NDArray[np.float64],
    found_classes: NDArray[np.int64],
    true: NDArray[np.float64],
    true_classes: NDArray[np.int64],
    inside: NDArray[np.bool_],
    distance: float,
) -> NDArray[np.int64]:
    count = len(CLASSES)
    said = np.full(len(true), count, np.int64)
    pairs = match(found, true, distance)
    said[pairs[:, 1]] = found_classes[pairs[:, 0]]
    confusion = np.zeros((count, count + 1), np.int64)
    np.add.at(confusion, (true_classes[inside], said[inside]), 1)
    return confusion


def _f1(hits: int, false: int, missed: int) -> float:
    return 2 * hits / (2 * hits + false + missed) if hits + false + missed else float("nan")
