"""What a job has said so far, read bit by bit: its losses, its validations and the end of its log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hrtem_app.jobs import Job

_LOG_LINES = 400


@dataclass(frozen=True, eq=False)
class Curves:
    """A training as it has gone so far.

    Parameters
    ----------
    steps, losses
        (n,) of every step.
    validated
        (m,) steps at which the held-out structures were looked at.
    scores
        (m,) F1 there: `all` classes together, and each.
    """

    steps: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    losses: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    validated: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    scores: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def smoothed(self, part: float = 0.04) -> NDArray[np.float64]:
        """(n,) the mean loss of so large a part of all steps around each, at the ends of what there is of it."""
        width = max(1, round(part * len(self.losses)) // 2)
        total = np.concatenate([[0.0], np.cumsum(self.losses)])
        places = np.arange(len(self.losses))
        low, high = np.maximum(places - width, 0), np.minimum(places + width + 1, len(self.losses))
        return np.asarray((total[high] - total[low]) / (high - low), np.float64)


class JobHistory:
    """Follows one job; every `read` takes in what has come since the last one. Not to be read by two threads at once.

    Parameters
    ----------
    job
        Which.
    """

    def __init__(self, job: Job) -> None:
        from hrtem_app.jobs import Follower

        self._job = job
        self._follower = Follower(job)
        self._losses: list[tuple[float, float]] = []
        self._validations: list[dict[str, Any]] = []
        self._messages: list[str] = []

    def read(self, with_log: bool) -> tuple[JobHistory, Curves, str]:
        """Itself, the curves so far, and the messages with the end of the log where it is wanted."""
        for event in self._follower.news():
            if event.kind == "begin" and event.values.get("anew"):
                self._losses.clear()
                self._validations.clear()
            elif event.kind == "training" and "loss" in event.values:
                self._losses.append((event.values["step"], event.values["loss"]))
            elif event.kind == "validation":
                self._validations.append(event.values)
            elif event.kind == "message":
                self._messages.append(str(event.values.get("text", "")))
        log = "\n".join([*self._messages, self._job.log(_LOG_LINES)]) if with_log else ""
        return self, self._curves(), log

    def _curves(self) -> Curves:
        pairs = np.array(self._losses, np.float64).reshape(-1, 2)
        scores = [validation["validation"] for validation in self._validations]
        names = {"all": "atomic_f1"} | {
            key.removeprefix("f1_"): key for key in (scores or [{}])[-1] if key[:3] == "f1_"
        }
        return Curves(
            steps=pairs[:, 0],
            losses=pairs[:, 1],
            validated=np.array([validation["step"] for validation in self._validations], np.float64),
            scores={name: np.array([score.get(key, np.nan) for score in scores]) for name, key in names.items()},
        )
