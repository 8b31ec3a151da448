"""Following a job: its events as they come, those of its training among them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hrtem_app.jobs.events import Tail
from hrtem_app.jobs.folder import JobFolder
from hrtem_app.jobs.status import AT_WORK, Job, Progress, look_at, progress_of


@dataclass(frozen=True)
class Event:
    """Something that happened in a job.

    Parameters
    ----------
    kind
        `state` (the job got another one), `begin` (of a step), `progress`, `training` (a step of a training),
        `validation` (of a training), `message`, or `end`, the last one, with the state that the job stopped in.
    step
        Of the job; empty where it concerns none.
    values
        All that was said, as in the file.
    progress
        How far the step is: images per second, time left; only of `progress`.
    """

    kind: str
    step: str
    values: dict[str, Any] = field(default_factory=dict)
    progress: Progress | None = None


class Follower:
    """What has happened in a job since the last look; for who looks now and then, a window for one.

    Parameters
    ----------
    job
        Which.
    """

    def __init__(self, job: Job) -> None:
        self._folder = JobFolder(job.path)
        self._events = Tail(self._folder.events)
        self._training: _TrainingTail | None = None

    def news(self) -> list[Event]:
        """The events since the last call, from the beginning at first."""
        events: list[Event] = []
        for values in self._events.read():
            kind, step = str(values.get("kind", "")), str(values.get("step", ""))
            # What the training said before this belongs before it.
            events += self._of_training()
            if kind == "begin" and "events" in values:
                if self._training is None or values.get("anew"):
                    self._training = _TrainingTail(Path(values["events"]))
                self._training.tail.rewind()
            events.append(Event(kind, step, values, progress_of(values) if kind == "progress" else None))
        return events + self._of_training()

    def _of_training(self) -> list[Event]:
        return [] if self._training is None else self._training.news()


class _TrainingTail:
    """The events of a training; steps that are taken again after it was stopped are told once."""

    def __init__(self, path: Path) -> None:
        self.tail = Tail(path)
        self._last = {"training": 0.0, "validation": 0.0}

    def news(self) -> list[Event]:
        events = []
        for values in self.tail.read():
            kind = "validation" if "validation" in values else "training"
            step = values.get("step", 0)
            if step > self._last[kind]:
                self._last[kind] = step
                events.append(Event(kind, "train", values))
        return events


def follow(job: Job, *, interval: float = 0.2) -> Iterator[Event]:
    """All events of a job from its beginning, as they come, until it stops; the last one is `end`.

    Parameters
    ----------
    job
        Which.
    interval
        Seconds between two looks.
    """
    follower, folder = Follower(job), JobFolder(job.path)
    while True:
        now = look_at(folder)
        # Whatever came before that state is read after it.
        yield from follower.news()
        if now.state not in AT_WORK:
            yield Event("end", now.step, {"state": now.state, "reason": now.reason})
            return
        time.sleep(interval)
