"""The process that takes a job to its end: it waits for its turn, starts a process for each step, and keeps the state.

It loads no science, so it starts quickly and costs next to nothing while it waits. A step that crashes, or that the
system kills for want of memory, cannot take it along.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

from hrtem_app.jobs.events import EventLog
from hrtem_app.jobs.files import is_full, reserve_room, write_json, write_last_word
from hrtem_app.jobs.folder import Command, JobError, JobFolder, StateName, Step
from hrtem_app.jobs.launch import end_processes, start_worker
from hrtem_app.jobs.owner import Owner
from hrtem_app.jobs.queue import take_turn

# Seconds between two looks at commands, and between two looks at the queue.
_LOOK, _QUEUE = 0.05, 0.3
_BEAT = 5.0
# Seconds that a step is given to stop by itself before its processes are ended. To pause, a training writes a
# checkpoint first, at its next step; everything else bears being ended at any moment.
GRACE = {"cancel": 0.7, "pause": 60.0}
_TERMINATION = 2.0
# Exit codes of a worker that could write nothing: stopped as it was told, or the disk was full.
STOPPED, FULL = 75, 28
_AFTER: dict[str, StateName] = {"pause": "paused", "cancel": "cancelled"}


class _StoppedError(Exception):
    """The job is to stop; the argument is the command."""


class Runner:
    """Takes one job through its steps.

    Parameters
    ----------
    job
        Whose lock this process holds.
    """

    def __init__(self, job: JobFolder) -> None:
        self.job = job
        self.header = job.read_header()
        self.state = job.read_state()
        self.log = EventLog(job.events)
        self.interrupted = False
        self._turn: tuple[str, FileLock] | None = None
        self._beats, self._beaten = 0, 0.0

    def run(self) -> None:
        """Do all steps that are not done; whatever happens is noted as the job's state."""
        try:
            for step in self.header.steps:
                if step.name not in self.state.done:
                    self._do(step)
            self._become("finished")
        except _StoppedError as stop:
            said = "its process was asked to end; resume goes on" if self.interrupted else ""
            self._become(_AFTER[stop.args[0]], said)
        except JobError as error:
            self._become("failed", str(error))
        except OSError as error:
            reason = f"the disk of {self.job.path} is full: make room there, then resume" if is_full(error) else ""
            self._become("failed", reason or f"{error}: see to it, then resume")

    def _do(self, step: Step) -> None:
        self._wait_for_turn(step)
        self._become("running", step=step.name)
        began = time.monotonic()
        process = start_worker(self.job, step.launch, [step.name, str(self.state.attempt)])
        command = self._watched(process, step)
        seconds = self.state.seconds + time.monotonic() - began
        self.state = self.state.model_copy(update={"seconds": round(seconds, 3)})
        outcome = self.job.read_outcome(self.state.attempt, step.name)
        if outcome is not None and outcome.outcome == "done":
            write_last_word(self.job.result, self.job.read_result() | {step.name: outcome.result})
            self._become("running", done=(*self.state.done, step.name))
        elif command:
            raise _StoppedError(command)
        else:
            raise JobError(outcome.reason if outcome else _code_told(process.returncode))

    def _wait_for_turn(self, step: Step) -> None:
        """Hold the lock of the step's device, and no other."""
        if self._turn is not None and self._turn[0] != step.device:
            self._turn[1].release()
            self._turn = None
        if not step.device or self._turn is not None:
            self._heed()
            return
        self._become("queued", step=step.name, waits_for=step.device)
        while (lock := take_turn(self.job, step.device, self.state.place)) is None:
            until = time.monotonic() + _QUEUE
            while time.monotonic() < until:
                self._heed()
                self._sleep()
        self._turn = step.device, lock
        self._heed()

    def _heed(self) -> None:
        command = self._command()
        if command:
            raise _StoppedError(command)

    def _command(self) -> str:
        command = self.job.read_command(self.state.attempt)
        if self.interrupted and not command:
            # As everybody else asks, so that the step hears of it.
            self.job.write_command(Command(command="pause", attempt=self.state.attempt))
            return "pause"
        return command

    def _watched(self, process: subprocess.Popen[bytes], step: Step) -> str:
        """Wait for a worker's end; returns the command that it was stopped by, if it was."""
        asked, since = "", 0.0
        while process.poll() is None:
            self._sleep()
            command = self._command()
            if command and command != asked:
                asked, since = command, time.monotonic()
            # Only a training gains by going on for a while.
            patience = GRACE[asked] if asked and step.name == "train" else GRACE["cancel"]
            if asked and time.monotonic() - since > patience:
                end_processes(process.pid, _TERMINATION)
                process.wait()
        return asked

    def _sleep(self) -> None:
        time.sleep(_LOOK)
        # A step on another computer cannot see whether this process lives; it sees whether this file changes.
        if time.monotonic() - self._beaten > _BEAT:
            self._beaten, self._beats = time.monotonic(), self._beats + 1
            with contextlib.suppress(OSError):
                self.job.beat.write_text(str(self._beats), encoding="utf-8")

    def _become(self, state: StateName, reason: str = "", **changes: object) -> None:
        new = {"state": state, "reason": reason, "waits_for": ""} | changes
        self.state = self.state.model_copy(update=new)
        self.job.write_state(self.state)
        # The state is what counts; on a full disk there is no event of it.
        with contextlib.suppress(OSError):
            self.log.write("state", state=state, step=self.state.step, reason=reason)


def _code_told(code: int) -> str:
    """Why a worker ended that could not say it."""
    if code == FULL:
        return "a disk is full: make room where the job writes, then resume"
    if code == -getattr(signal, "SIGKILL", 9):
        return "its work was killed, as the system does where memory runs out: resume goes on with what is done"
    if code == STOPPED:
        return "its work was stopped by somebody else: resume goes on with what is done"
    return f"its work ended with code {code}: what it said stands in the log"


def run(path: Path) -> int:
    """Take the job of a folder to its end; the exit code, 1 where another process has it."""
    job = JobFolder(path)
    lock = FileLock(job.lock, timeout=10.0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        sys.stderr.write(f"another process works on {path} already\n")
        return 1
    write_json(job.owner, Owner.of().model_dump())
    reserve_room(path)
    runner = Runner(job)

    def interrupt(number: int, frame: FrameType | None) -> None:
        runner.interrupted = True

    signal.signal(signal.SIGTERM, interrupt)
    try:
        runner.run()
    finally:
        lock.release()
    return 0


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
