"""A trained network becomes one of the user's networks, with what an evaluation said of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from filelock import FileLock

from hrtem_app.jobs.requests import TrainJob
from hrtem_app.networks.catalog import NetworkCard, available, folders, read_card
from hrtem_app.training.events import read_events

# Of an evaluation, as the cards of the shipped networks have them.
_KEPT = (
    "series",
    "atomic_f1",
    "atomic_f1_per_class",
    "position_error_pm",
    "pixel_f1",
    "pixel_f1_without_background",
)
_PATIENCE = 60.0


def into_catalog(request: TrainJob, results: dict[str, Any]) -> dict[str, Any]:
    """Put weights and card of a finished training into the user's folder of networks.

    No network is lost by it: where the name is taken by another one, shipped or the user's own, the next free number
    goes behind it.

    Parameters
    ----------
    request
        The training.
    results
        What came out of the job's steps so far; the scores of an evaluation go into the card.

    Returns
    -------
    The name that the network has there, the path of its weights, and its scores.
    """
    trained = request.out / f"{request.training.saved_as}.safetensors"
    card = read_card(trained.with_suffix(".json"))
    content = trained.read_bytes()
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise ValueError(f"the weights {trained} are not those that their card describes: train them again")
    metrics = _scores(results, card.name) or _validated(request.out, card)
    folder = folders()[-1]
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".catalog.lock", timeout=_PATIENCE):
        card = card.model_copy(update={"name": _free_name(card), "metrics": metrics})
        path = folder / f"{card.name}.safetensors"
        # The card last: with it, the network is in the catalog.
        _replace(path, content)
        _replace(path.with_suffix(".json"), (card.model_dump_json(indent=2) + "\n").encode())
    return {"network": card.name, "weights": str(path), "scores": metrics}


def _free_name(card: NetworkCard) -> str:
    """The card's own name; behind it the least number that makes it free. The same weights keep the name they have."""
    there = available()
    name, number = card.name, 1
    while name in there and there[name].sha256 != card.sha256:
        number += 1
        name = f"{card.name}_{number}"
    return name


def _scores(results: dict[str, Any], name: str) -> dict[str, Any]:
    path = results.get("evaluate", {}).get("scores")
    if path is None:
        return {}
    scores = json.loads(Path(path).read_text(encoding="utf-8"))["results"][name]
    return {key: scores[key] for key in _KEPT if key in scores}


def _validated(run: Path, card: NetworkCard) -> dict[str, Any]:
    """The scores of the validation that chose the weights, said to be that."""
    best = card.training["validation"]["step"]
    found = [e["validation"] for e in read_events(run / "events.jsonl") if "validation" in e and e["step"] == best]
    if not found:
        return {}
    scores = found[-1]
    return {
        "atomic_f1": scores["atomic_f1"],
        "atomic_f1_per_class": {name: scores[f"f1_{name}"] for name in card.classes if f"f1_{name}" in scores},
        "position_error_pm": scores["position_error_pm"],
        "measured_on": "the held-out structures that chose the weights",
    }


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_suffix(path.suffix + ".partial")
    partial.write_bytes(content)
    partial.replace(path)
