"""What lies in the folder of a job."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from platformdirs import user_data_path
from pydantic import Field, ValidationError

from hrtem_app.jobs.files import read_json, write_json, write_last_word
from hrtem_app.recipe import Part, explain

FORMAT: Literal[1] = 1
Kind = Literal["simulate", "train", "evaluate", "chain"]
StateName = Literal["queued", "running", "paused", "finished", "failed", "cancelled"]

Content = TypeVar("Content", bound=Part)


class JobError(ValueError):
    """A job cannot be found, read, or told what was wanted; the message names it and the remedy."""


class Step(Part):
    """One of the steps of a job."""

    name: Annotated[
        Literal["simulate", "simulate_test", "train", "evaluate", "catalog"], Field(description="What is done.")
    ]
    device: Annotated[
        str, Field(pattern=r"^[\w.:-]*$", description="Device whose queue it waits in; empty: it need not wait.")
    ] = ""
    launch: Annotated[tuple[str, ...], Field(description="Words before the command, as in torchrun … -m.")] = ()


class Header(Part):
    """What a job is, written once: what a list needs, and the request."""

    format: Literal[1] = FORMAT
    kind: Kind
    title: str
    submitted: Annotated[str, Field(description="By the clock of then, ISO 8601; nothing is ordered by it.")]
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    request: dict[str, Any]


class State(Part):
    """Where a job is. The process that works on it writes it; without one, whoever holds the job's lock."""

    state: StateName = "queued"
    place: Annotated[int, Field(ge=0, description="In the queue: lower ones go first.")] = 0
    attempt: Annotated[int, Field(ge=1, description="Counts the times that it was started.")] = 1
    step: Annotated[str, Field(description="That it is at, or was at when it stopped.")] = ""
    waits_for: Annotated[str, Field(description="Device that it waits for; empty: for none.")] = ""
    done: Annotated[tuple[str, ...], Field(description="Steps that are finished.")] = ()
    anew: Annotated[bool, Field(description="A training that this job began and did not finish begins anew.")] = False
    reason: Annotated[str, Field(description="Why it stopped, for people.")] = ""
    seconds: Annotated[float, Field(ge=0, description="That it has run, without waiting.")] = 0.0


class Command(Part):
    """What a running job is asked to do."""

    command: Literal["pause", "cancel"]
    attempt: Annotated[int, Field(ge=1, description="Void for every other attempt.")]


class Outcome(Part):
    """How a step ended, as the process that did it says."""

    attempt: int
    step: str
    outcome: Literal["done", "stopped", "failed"]
    reason: str = ""
    result: Annotated[dict[str, Any], Field(description="What came out.")] = Field(default_factory=dict)


class JobFolder:
    """The files of one job.

    Parameters
    ----------
    path
        Of the folder; its name begins with the job's number.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.request = path / "request.json"
        self.state = path / "state.json"
        self.events = path / "events.jsonl"
        self.log = path / "log.txt"
        self.result = path / "result.json"
        self.owner = path / "owner.json"
        self.command = path / "command.json"
        self.outcome = path / "outcome.json"
        self.training = path / "training.json"
        self.beat = path / "beat"
        self.lock = path / "runner.lock"
        self.work_lock = path / "work.lock"

    def read_header(self) -> Header:
        """What the job is; JobError where that cannot be read."""
        return _read(self.request, Header)

    def read_state(self) -> State:
        """Where the job is; JobError where that cannot be read."""
        return _read(self.state, State)

    def write_state(self, state: State) -> None:
        """Note where the job is, on a full disk too."""
        write_last_word(self.state, state.model_dump(mode="json"))

    def read_command(self, attempt: int) -> str:
        """What this attempt is asked to do; empty: to go on."""
        try:
            command = Command.model_validate_json(self.command.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""
        return command.command if command.attempt == attempt else ""

    def write_command(self, command: Command) -> None:
        """Ask for something."""
        write_json(self.command, command.model_dump())

    def read_outcome(self, attempt: int, step: str) -> Outcome | None:
        """How a step of this attempt ended; None where its process has not said."""
        try:
            outcome = _read(self.outcome, Outcome)
        except JobError:
            return None
        return outcome if (outcome.attempt, outcome.step) == (attempt, step) else None

    def read_result(self) -> dict[str, Any]:
        """What came out of each step so far."""
        try:
            content = read_json(self.result)
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


def default_root() -> Path:
    """Where this computer's jobs lie: the user's folder for data of programs (`HRTEM_APP_JOBS` moves it)."""
    own = os.environ.get("HRTEM_APP_JOBS")
    return Path(own).expanduser().absolute() if own else user_data_path("hrtem-app", appauthor=False) / "jobs"


def _read(path: Path, model: type[Content]) -> Content:
    try:
        content = read_json(path)
        if isinstance(content, dict) and content.get("format", FORMAT) != FORMAT:
            raise JobError(f"{path} has format {content['format']}, this version reads {FORMAT}: use a newer one")
        return model.model_validate(content)
    except ValidationError as error:
        raise JobError(f"{path} is not valid: {explain(error)}") from error
    except JobError:
        raise
    except (OSError, ValueError) as error:
        raise JobError(f"{path} cannot be read: {error}") from error
