"""The events of a training: one JSON line per step, which the window and scripts follow."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

from hrtem_app.training.checkpoint import Checkpoint


class Events:
    """Appends one JSON line per step."""

    def __init__(self, path: Path, step: int) -> None:
        self.path, self.last = path, time.monotonic()
        kept = []
        if step and path.exists():  # steps after the checkpoint are made again
            kept = [line for line in path.read_text(encoding="utf-8").splitlines() if _step_of(line) <= step]
        path.write_text("".join(line + "\n" for line in kept), encoding="utf-8")

    def write(self, checkpoint: Checkpoint, loss: float, rate: float, fraction: float, images: int) -> dict[str, float]:
        now = time.monotonic()
        event = {
            "step": checkpoint.step,
            "seconds": round(checkpoint.seconds, 3),
            "fraction": round(fraction, 6),
            "loss": loss,
            "learning_rate": rate,
            "images_per_second": round(images / max(now - self.last, 1e-9), 3),
        }
        self.last = now
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")
        return event


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf
