"""Files of jobs: events in order whatever the clock does, owners that are who they were, disks that are full."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from hrtem_app.jobs import events as events_module
from hrtem_app.jobs import files
from hrtem_app.jobs.events import EventLog, Tail, last_events, last_number
from hrtem_app.jobs.files import is_full, read_json, reserve_room, write_json, write_last_word
from hrtem_app.jobs.folder import Command, JobFolder
from hrtem_app.jobs.following import _TrainingTail
from hrtem_app.jobs.launch import launched
from hrtem_app.jobs.owner import Owner, is_owned
from hrtem_app.jobs.worker import _gone

NOBODY = 999_999_999


def test_events_are_in_order_though_the_clock_goes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Backwards(datetime):
        calls = 0

        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            cls.calls += 1
            return datetime(2030, 1, 1, tzinfo=UTC) - timedelta(days=cls.calls)

    monkeypatch.setattr(events_module, "datetime", Backwards)
    monkeypatch.setattr(time, "time", lambda: -1e9)
    path = tmp_path / "events.jsonl"
    for attempt in range(2):
        log = EventLog(path)
        for _ in range(3):
            log.write("progress", attempt=attempt)
    told = last_events(path)
    assert [event["number"] for event in told] == [1, 2, 3, 4, 5, 6]
    assert [event["time"] for event in told] == sorted((event["time"] for event in told), reverse=True)
    assert all(0 <= event["elapsed"] < 60 for event in told)


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    tail = Tail(path)
    assert tail.read() == []
    EventLog(path).write("begin")
    with path.open("ab") as file:
        file.write(b'{"number": 2, "kind": "pro')
    assert [event["number"] for event in tail.read()] == [1]
    assert tail.read() == []
    EventLog(path).write("end", text="Ångström")
    assert [(event["number"], event["kind"]) for event in tail.read()] == [(2, "end")]
    assert last_number(path) == 2
    path.write_text('{"number": 1}\n')
    assert tail.read() == [{"number": 1}]


def test_a_file_that_was_begun_again_is_read_from_its_beginning_however_long_it_is(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"

    def lines(attempt: int, *numbers: int) -> str:
        return "".join(json.dumps({"number": number, "attempt": attempt}) + "\n" for number in numbers)

    tail = Tail(path)
    path.write_text(lines(1, 1, 2, 3))
    assert len(tail.read()) == 3
    for numbers in ((1, 2), (1, 2, 3), (1, 2, 3, 4, 5)):
        attempt = 1 + len(numbers)
        path.write_text(lines(attempt, *numbers))
        assert tail.read() == [{"number": number, "attempt": attempt} for number in numbers]
        assert tail.read() == []
    # Where it was begun again with what was read, nothing is told twice.
    path.write_text(lines(6, 1, 2, 3, 4, 5, 6))
    assert tail.read() == [{"number": 6, "attempt": 6}]


def test_steps_that_are_taken_again_are_told_once(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    tail = _TrainingTail(path)

    def lines(*steps: int) -> str:
        return "".join(json.dumps({"step": step, "loss": 1.0}) + "\n" for step in steps)

    path.write_text(lines(1, 2, 3) + '{"step": 3, "validation": {"atomic_f1": 0.5}}\n' + '{"step": 4, "lo')
    told = tail.news()
    assert [(event.kind, event.values["step"]) for event in told] == [
        *(("training", 1), ("training", 2), ("training", 3), ("validation", 3))
    ]
    path.write_text(lines(1, 2))
    assert tail.news() == []
    path.write_text(lines(1, 2, 3, 4))
    assert [event.values["step"] for event in tail.news()] == [4]


def test_a_process_is_not_another_one_of_its_number() -> None:
    own = Owner.of()
    assert own.lives()
    assert own.pid == os.getpid()
    later = own.model_copy(update={"started": own.started - 100, "uptime": own.uptime - 100})
    assert not later.lives()
    # The clock was set, or the computer slept: one of the two marks holds.
    assert own.model_copy(update={"started": own.started - 100}).lives()
    assert own.model_copy(update={"uptime": own.uptime + 100}).lives()
    assert not own.model_copy(update={"pid": NOBODY}).lives()
    assert not own.model_copy(update={"host": "elsewhere"}).lives()
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        owner = Owner.of(process.pid)
        while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        assert not owner.lives()


def test_a_job_of_another_computer_is_told_by_its_lock(tmp_path: Path) -> None:
    job = JobFolder(tmp_path)
    write_json(job.owner, Owner.of().model_copy(update={"host": "elsewhere"}).model_dump())
    assert not is_owned(job)
    with FileLock(job.lock):
        assert is_owned(job)
        assert not is_owned(job, locked=True)
    assert not is_owned(job)
    job.owner.write_text("garbage")
    assert not is_owned(job)


def test_a_runner_elsewhere_that_is_silent_has_gone() -> None:
    here, elsewhere = Owner.of(), Owner.of().model_copy(update={"host": "elsewhere"})
    assert not _gone(here, 1e9)
    assert _gone(here.model_copy(update={"pid": NOBODY}), 0)
    assert not _gone(elsewhere, 100)
    assert _gone(elsewhere, 200)


def test_a_command_is_for_one_attempt(tmp_path: Path) -> None:
    job = JobFolder(tmp_path)
    assert job.read_command(1) == ""
    job.write_command(Command(command="pause", attempt=2))
    assert [job.read_command(attempt) for attempt in (1, 2, 3)] == ["", "pause", ""]
    job.command.write_text("{")
    assert job.read_command(2) == ""


def test_the_last_word_is_written_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    write_json(path, {"state": "running"})
    reserve_room(tmp_path)

    def fsync(number: int) -> None:
        if (tmp_path / ".reserve").exists():
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", fsync)
    with pytest.raises(OSError, match="No space"):
        write_json(path, {"state": "failed"})
    assert read_json(path) == {"state": "running"}
    write_last_word(path, {"state": "failed"})
    assert read_json(path) == {"state": "failed"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state.json"]


def test_what_says_that_a_disk_is_full() -> None:
    from safetensors import SafetensorError

    assert is_full(OSError(errno.ENOSPC, "No space left on device"))
    assert is_full(SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"))
    assert not is_full(OSError(errno.EACCES, "Permission denied"))
    assert not is_full(ValueError("28 is too many"))


def test_words_before_the_command() -> None:
    worker = [sys.executable, "-m", "hrtem_app.jobs.worker"]
    assert launched((), ["a b", "train", "1"]) == [*worker, "a b", "train", "1"]
    torchrun = ("torchrun", "--nproc-per-node", "2", "-m")
    assert launched(torchrun, ["x", "train", "1"]) == [*torchrun, "hrtem_app.jobs.worker", "x", "train", "1"]
    assert launched(("srun", "-G1"), ["x"]) == ["srun", "-G1", *worker, "x"]
    assert launched(("sbatch", "--wait", "--wrap", "nice {command}"), ["a b"]) == [
        *("sbatch", "--wait", "--wrap", f"nice {sys.executable} -m hrtem_app.jobs.worker 'a b'")
    ]
