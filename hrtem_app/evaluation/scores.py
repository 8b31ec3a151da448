"""What one network did on one series, and on many: the numbers of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.evaluation.metrics import ColumnScore, Matching, column_score
from hrtem_app.evaluation.truth import KnownSeries
from hrtem_app.inference.resample import to_map
from hrtem_app.inference.result import NetworkResult
from hrtem_app.simulation.labels import BACKGROUND, disk_labels

_PM_PER_ANGSTROM = 100
_S2, _S1 = CLASSES.index("2S"), CLASSES.index("1S")
# Single precision knows no smaller probability: its logarithm bounds the loss of a pixel at 87.
_LEAST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, eq=False)
class PixelScore:
    """Maps against label disks.

    Parameters
    ----------
    counts
        (channels, 3) pixels above ½ that are of the class, that are not, and those of the class that are not above ½.
    loss
        Cross-entropy summed over the pixels.
    pixels
        How many.
    """

    counts: NDArray[np.int64]
    loss: float
    pixels: int

    def __add__(self, other: PixelScore) -> PixelScore:
        return PixelScore(self.counts + other.counts, self.loss + other.loss, self.pixels + other.pixels)

    def f1(self, channels: slice = slice(None)) -> float:
        """F1 pooled over some of the channels; NaN where there is nothing and nothing is said."""
        hits, false, missed = self.counts[channels].sum(axis=0).tolist()
        return 2 * hits / (2 * hits + false + missed) if hits + false + missed else float("nan")

    def values(self) -> dict[str, float]:
        """The numbers of a table's row."""
        each = {f"pixel_f1_{name}": self.f1(slice(i, i + 1)) for i, name in enumerate(CLASSES)}
        return {
            "pixel_f1": self.f1(),
            "pixel_f1_without_background": self.f1(slice(0, -1)),
            **each,
            "test_loss": self.loss / self.pixels,
        }


def pixel_score(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> PixelScore:
    """Score maps (classes + 1, y, x) against the true class of each pixel (y, x)."""
    said = np.asarray(probabilities) > 0.5
    true = np.arange(len(probabilities))[:, np.newaxis, np.newaxis] == labels
    hits, all_said, all_true = ((part).sum(axis=(1, 2)) for part in (said & true, said, true))
    right = np.take_along_axis(np.asarray(probabilities), labels[np.newaxis], axis=0)[0]
    loss = -float(np.log(np.maximum(right, _LEAST), dtype=np.float64).sum())
    return PixelScore(np.stack([hits, all_said - hits, all_true - hits], axis=1), loss, labels.size)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one network, or the consensus, did on one series.

    Parameters
    ----------
    series
        Its name.
    sampling
        True Å per pixel.
    parameters
        What is known of structure and microscope.
    score
        Of the columns.
    squares_pm
        (classes,) sum over the hits of the squared distance in pm².
    pixels
        Of the maps; None for the consensus, which has none.
    """

    series: str
    sampling: float
    parameters: dict[str, Any]
    score: ColumnScore
    squares_pm: NDArray[np.float64]
    pixels: PixelScore | None

    def row(self) -> dict[str, Any]:
        """One line of `evaluation.csv`."""
        defocus = self.parameters.get("defocus")
        confusion = self.score.confusion
        return {
            "series": self.series,
            "sampling": self.sampling,
            "dose": self.parameters.get("dose"),
            "defocus": defocus[0] if isinstance(defocus, list | tuple) and defocus else defocus,
            "tilt": self.parameters.get("tilt"),
            "atomic_f1": self.score.f1(),
            **{f"atomic_f1_{name}": value for name, value in self.score.class_f1().items()},
            "hits": int(self.score.hits.sum()),
            "false": int(self.score.false.sum()),
            "missed": int(self.score.missed.sum()),
            **_errors(self.squares_pm, self.score.hits),
            "2S_as_1S": int(confusion[_S2, _S1]),
            "1S_as_2S": int(confusion[_S1, _S2]),
            **(self.pixels.values() if self.pixels else {}),
        }


def outcome(series: KnownSeries, table: ColumnTable, result: NetworkResult | None, matching: Matching) -> Outcome:
    """Score what was found in a series.

    Parameters
    ----------
    series
        The truth.
    table
        Columns in pixels of the series.
    result
        Of the network; None for the consensus.
    matching
        See `column_score`.
    """
    shape = (series.frames.shape[1], series.frames.shape[2])

    def score(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> ColumnScore:
        return column_score(
            table.positions[found],
            table.classes[found],
            series.positions[true],
            series.classes[true],
            shape,
            matching=matching,
        )

    everything = score(np.ones(len(table), bool), np.ones(len(series.classes), bool))
    # Classes are matched apart from each other, so each one's distances are those of its columns alone.
    squares = [score(table.classes == c, series.classes == c).squares for c in range(len(CLASSES))]
    pixels = None if result is None else pixel_score(result.probabilities, _labels(series, result))
    squares_pm = np.array(squares) * (_PM_PER_ANGSTROM * series.sampling) ** 2
    return Outcome(series.name, series.sampling, series.parameters, everything, squares_pm, pixels)


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """All numbers of one network on many series.

    What has no suffix is pooled over all columns of all series (but `pixel_f1` and `pixel_f1_without_background`,
    which are means over the series, as in the thesis); `_mean` and `_10th_percentile` are over the series. Of errors
    and losses the 90th percentile is the bad end.
    """
    total = outcomes[0].score
    for other in outcomes[1:]:
        total = total + other.score
    rows = [one.row() for one in outcomes]
    result: dict[str, Any] = {
        "series": len(rows),
        "atomic_f1": total.f1(),
        "atomic_f1_per_class": total.class_f1(),
        **_spread("atomic_f1", rows),
        **{f"atomic_f1_per_class_{suffix}": _each("atomic_f1", suffix, rows) for suffix in ("mean", "10th_percentile")},
        "counts": _counts(total),
        **_pooled_errors(outcomes, total.hits),
        **_spread("position_error_pm", rows, bad_end=True),
        "confusion": {
            name: dict(zip([*CLASSES, "nothing"], row.tolist(), strict=True))
            for name, row in zip(CLASSES, total.confusion, strict=True)
        },
        "confusion_2S_1S": _confused(total.confusion),
    }
    parts = [one.pixels for one in outcomes if one.pixels]
    return result | (_pixel_summary(parts, rows) if parts else {})


def _pixel_summary(parts: list[PixelScore], rows: list[dict[str, Any]]) -> dict[str, Any]:
    pooled = parts[0]
    for other in parts[1:]:
        pooled = pooled + other
    values = pooled.values()
    result: dict[str, Any] = {"test_loss": values["test_loss"], **_spread("test_loss", rows, bad_end=True)}
    for key in ("pixel_f1", "pixel_f1_without_background"):
        spread = _spread(key, rows)
        # The bare name is the mean, as the cards of the shipped networks have it.
        result |= {key: spread[f"{key}_mean"], f"{key}_pooled": values[key], **spread}
    result["pixel_f1_per_class"] = {name: values[f"pixel_f1_{name}"] for name in CLASSES}
    for suffix in ("mean", "10th_percentile"):
        result[f"pixel_f1_per_class_{suffix}"] = _each("pixel_f1", suffix, rows)
    return result


def _labels(series: KnownSeries, result: NetworkResult) -> NDArray[np.int64]:
    """The label disks in the pixels of the network's maps."""
    places = to_map(series.positions, result.scale)
    shape = (result.probabilities.shape[1], result.probabilities.shape[2])
    # The true size of these pixels, also where the analysis was told a wrong one.
    sampling = series.sampling * result.scale
    return disk_labels(places, series.classes, shape, sampling, result.card.label_radius, BACKGROUND)


def _spread(key: str, rows: list[dict[str, Any]], bad_end: bool = False) -> dict[str, float]:
    """Mean and 10th percentile over the series, and the 90th where much is bad."""
    values = np.array([row.get(key, np.nan) for row in rows], float)
    values = values[~np.isnan(values)]
    percentiles = (10, 90) if bad_end else (10,)
    ends = {f"{key}_{q}th_percentile": float(np.percentile(values, q)) if len(values) else np.nan for q in percentiles}
    return {f"{key}_mean": float(values.mean()) if len(values) else float("nan"), **ends}


def _each(key: str, suffix: str, rows: list[dict[str, Any]]) -> dict[str, float]:
    return {name: _spread(f"{key}_{name}", rows)[f"{key}_{name}_{suffix}"] for name in CLASSES}


def _errors(squares: NDArray[np.float64], hits: NDArray[np.int64]) -> dict[str, float]:
    each = {f"position_error_pm_{name}": _root(squares[i], hits[i]) for i, name in enumerate(CLASSES)}
    return {"position_error_pm": _root(squares.sum(), hits.sum()), **each}


def _pooled_errors(outcomes: Sequence[Outcome], hits: NDArray[np.int64]) -> dict[str, Any]:
    values = _errors(np.sum([one.squares_pm for one in outcomes], axis=0), hits)
    each = {name: values[f"position_error_pm_{name}"] for name in CLASSES}
    return {"position_error_pm": values["position_error_pm"], "position_error_pm_per_class": each}


def _root(squares: float, hits: int) -> float:
    return float(np.sqrt(squares / hits)) if hits else float("nan")


def _counts(total: ColumnScore) -> dict[str, dict[str, int]]:
    return {
        name: {"hits": int(total.hits[i]), "false": int(total.false[i]), "missed": int(total.missed[i])}
        for i, name in enumerate(CLASSES)
    }


def _confused(confusion: NDArray[np.int64]) -> dict[str, Any]:
    """How often 2S and 1S were taken for each other, in numbers and as a share of the true ones."""
    pairs = {"2S_as_1S": (_S2, _S1), "1S_as_2S": (_S1, _S2)}
    counts = {name: int(confusion[pair]) for name, pair in pairs.items()}
    true = {name: int(confusion[row].sum()) for name, (row, _) in pairs.items()}
    shares = {f"{name}_share": counts[name] / true[name] if true[name] else float("nan") for name in pairs}
    return counts | shares
