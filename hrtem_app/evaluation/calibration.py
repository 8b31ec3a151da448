"""Calibration: whether the probability of a column is how often such columns are right, and the temperature for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from hrtem_app.columns import CLASSES, ColumnTable
from hrtem_app.evaluation.truth import KnownSeries
from hrtem_app.inference.finding import read_map
from hrtem_app.inference.matching import match
from hrtem_app.inference.resample import to_map
from hrtem_app.inference.result import NetworkResult
from hrtem_app.networks.catalog import NetworkCard, read_card
from hrtem_app.simulation.labels import BACKGROUND

# Bins of equal width over the probabilities 0…1 (Guo et al., ICML 2017, who use 15 for far more samples).
BINS = 10
# As for the atomic F1: a hit is within 3 px, and columns within 10 px of the border do not count.
_DISTANCE, _BORDER = 3.0, 10.0
_LOWEST, _HIGHEST = 0.1, 10.0
_LEAST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, eq=False)
class Found:
    """Columns that a network found, and whether they are right.

    Parameters
    ----------
    classes
        (n,) as found.
    probability
        (n,) of that class.
    right
        (n,) whether there is such a column within 3 px, matched one-to-one.
    log_probabilities
        (n, classes + 1) at the column, background last: its logits but for a constant. None for the consensus.
    labels
        (n,) what is there, of whatever class; the background where nothing is.
    """

    classes: NDArray[np.int64]
    probability: NDArray[np.float64]
    right: NDArray[np.bool_]
    log_probabilities: NDArray[np.float64] | None
    labels: NDArray[np.int64]


def found_columns(series: KnownSeries, table: ColumnTable, result: NetworkResult | None) -> Found:
    """Look up which of the columns in a table are right; those near the border are left out."""
    shape = np.array(series.frames.shape[1:])

    def inside(places: NDArray[np.float64]) -> NDArray[np.bool_]:
        return np.asarray(((places >= _BORDER) & (places <= shape - 1 - _BORDER)).all(axis=1))

    right, counted = np.zeros(len(table), bool), inside(table.positions)
    true_inside = inside(series.positions)
    for c in range(len(CLASSES)):
        found, true = np.flatnonzero(table.classes == c), np.flatnonzero(series.classes == c)
        pairs = match(table.positions[found], series.positions[true], _DISTANCE)
        right[found[pairs[:, 0]]] = True
        counted[found[pairs[:, 0]]] = true_inside[true[pairs[:, 1]]]
    labels = np.full(len(table), BACKGROUND)
    pairs = match(table.positions, series.positions, _DISTANCE)
    labels[pairs[:, 0]] = series.classes[pairs[:, 1]]
    labels[right] = table.classes[right]
    logs = None if result is None else _logs(result, table.positions)[counted]
    return Found(table.classes[counted], table.probability[counted], right[counted], logs, labels[counted])


def together(parts: Sequence[Found]) -> Found:
    """The columns of several series as one."""
    logs = [part.log_probabilities for part in parts if part.log_probabilities is not None]
    return Found(
        np.concatenate([part.classes for part in parts]),
        np.concatenate([part.probability for part in parts]),
        np.concatenate([part.right for part in parts]),
        np.concatenate(logs) if len(logs) == len(parts) else None,
        np.concatenate([part.labels for part in parts]),
    )


def reliability(probability: NDArray[np.float64], right: NDArray[np.bool_]) -> list[dict[str, float]]:
    """For each bin that holds columns: its ends, their number, mean probability and the fraction that is right."""
    number = np.minimum((probability * BINS).astype(int), BINS - 1)
    return [
        {
            "low": b / BINS,
            "high": (b + 1) / BINS,
            "columns": int((number == b).sum()),
            "probability": float(probability[number == b].mean()),
            "right": float(right[number == b].mean()),
        }
        for b in np.unique(number).tolist()
    ]


def expected_calibration_error(probability: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Mean over the columns of |fraction right - mean probability| of their bin; `BINS` bins of equal width."""
    bins = reliability(probability, right)
    total = sum(b["columns"] for b in bins)
    off = sum(b["columns"] * abs(b["right"] - b["probability"]) for b in bins)
    return off / total if total else float("nan")


def fitted_temperature(log_probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The temperature in 0.1…10 with the least mean negative log likelihood of what is at the columns found.

    Parameters
    ----------
    log_probabilities
        (n, classes + 1).
    labels
        (n,).

    Raises
    ------
    ValueError
        Where no column was found.
    """
    if len(labels) == 0:
        raise ValueError("no column was found, so no temperature can be fitted: give more series")
    fit = minimize_scalar(
        lambda log_t: _likelihood(log_probabilities, labels, float(np.exp(log_t))),
        bounds=(np.log(_LOWEST), np.log(_HIGHEST)),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(np.exp(fit.x))


def calibration(found: Found, card: NetworkCard | None) -> dict[str, Any]:
    """Reliability, expected calibration error and, where there are maps, the temperature: as it stands in JSON."""
    each = {
        name: expected_calibration_error(found.probability[found.classes == c], found.right[found.classes == c])
        for c, name in enumerate(CLASSES)
    }
    result: dict[str, Any] = {
        "columns": len(found.right),
        "binning": f"{BINS} bins of equal width over the probabilities 0 to 1",
        "expected_calibration_error": expected_calibration_error(found.probability, found.right),
        "expected_calibration_error_per_class": each,
        "reliability": reliability(found.probability, found.right),
    }
    logs = found.log_probabilities
    if card is None or logs is None or len(logs) == 0:
        return result
    factor = fitted_temperature(logs, found.labels)
    after = softmax(logs / factor, axis=1)[np.arange(len(logs)), found.classes]
    result["temperature"] = {
        "of_card": card.temperature,
        # What the maps show was already divided by the card's.
        "fitted": card.temperature * factor,
        "at_bound": not 1.01 * _LOWEST < factor < 0.99 * _HIGHEST,
        "log_likelihood_loss_before": _likelihood(logs, found.labels, 1.0),
        "log_likelihood_loss_after": _likelihood(logs, found.labels, factor),
        "expected_calibration_error_after": expected_calibration_error(after, found.right),
        "reliability_after": reliability(after, found.right),
    }
    return result


def write_temperature(weights: str | Path, temperature: float) -> Path:
    """Put a temperature into the card beside a weights file, which is not touched; returns the card's path."""
    path = Path(weights).with_suffix(".json")
    card = NetworkCard.model_validate(read_card(path).model_dump() | {"temperature": temperature})
    temporary = path.with_suffix(".json.partial")
    temporary.write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)
    return path


def _logs(result: NetworkResult, positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, classes + 1) log probabilities at places in pixels of the series."""
    places = to_map(positions, result.scale)
    values = np.stack([read_map(channel, places) for channel in result.probabilities], axis=1)
    return np.asarray(np.log(np.maximum(values, _LEAST)))


def _likelihood(logs: NDArray[np.float64], labels: NDArray[np.int64], temperature: float) -> float:
    return -float(log_softmax(logs / temperature, axis=1)[np.arange(len(labels)), labels].mean())
