"""The events of a training: JSON lines, which the window and scripts follow."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

from hrtem_app.training.checkpoint import Checkpoint
from hrtem_app.training.settings import TrainingError


class Events:
    """Appends one JSON line per step, and one per validation (which has `validation` in place of `loss`).

    Parameters
    ----------
    path
        Of the file; None writes nothing: of several processes only the first does.
    step
        Lines of later steps are dropped: they will be made again.
    tensorboard
        Folder for TensorBoard's own files as well; needs the package `tensorboard`.
    """

    def __init__(self, path: Path | None, step: int, tensorboard: Path | None = None) -> None:
        self.path, self.last = path, time.monotonic()
        self.writer: Any = None
        if path is None:
            return
        kept = []
        if step and path.exists():
            kept = [line for line in path.read_text(encoding="utf-8").splitlines() if _step_of(line) <= step]
        path.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
        if tensorboard is not None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:
                raise TrainingError(
                    "TensorBoard's files need the package tensorboard: pip install 'hrtem-app[tensorboard]'"
                ) from error
            self.writer = SummaryWriter(str(tensorboard), purge_step=step + 1)

    def write(
        self, checkpoint: Checkpoint, loss: float, rate: float, fraction: float, images: int, memory: int
    ) -> dict[str, float]:
        """A step: `images` crops since the last one, `memory` in bytes (of the GPU where there is one)."""
        now = time.monotonic()
        event = {
            "step": checkpoint.step,
            "seconds": round(checkpoint.seconds, 3),
            "fraction": round(fraction, 6),
            "loss": loss,
            "learning_rate": rate,
            "images_per_second": round(images / max(now - self.last, 1e-9), 3),
            "memory": memory,
        }
        self.last = now
        self._append(event)
        return event

    def write_validation(self, checkpoint: Checkpoint, scores: dict[str, float]) -> None:
        """What the held-out structures gave, such as atomic_f1, and f1 for every class."""
        self._append({"step": checkpoint.step, "seconds": round(checkpoint.seconds, 3), "validation": scores})

    def close(self) -> None:
        """Write out what TensorBoard still holds."""
        if self.writer is not None:
            self.writer.close()

    def _append(self, event: dict[str, Any]) -> None:
        if self.path is None:
            return
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")
        if self.writer is None:
            return
        for name, value in (event | event.get("validation", {})).items():
            if isinstance(value, int | float) and name not in ("step", "fraction"):
                self.writer.add_scalar(name, value, event["step"])


def read_events(path: str | Path) -> list[dict[str, Any]]:
    """The events of a run so far; a last line that is still being written is left out."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if math.isfinite(_step_of(line))]


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf
