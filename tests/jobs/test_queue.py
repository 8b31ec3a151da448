"""Turns: in order of submission, so many at once, whatever dies, and with several processes on one folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hrtem_app.jobs import Job, JobError, cancel, find_job, list_jobs, pause, read_limits, resume, set_limit
from hrtem_app.jobs.folder import JobFolder, State
from hrtem_app.jobs.queue import next_place, take_turn

Fake = Callable[..., Job]
Wait = Callable[[Job, Callable[[Job], bool]], Job]


def times(folder: Path) -> list[float]:
    """When each number was counted."""
    return [float(line.split()[0]) for line in (folder / "counted").read_text().splitlines()]


def is_finished(job: Job) -> bool:
    return job.state == "finished"


def is_counting(job: Job) -> bool:
    return job.state == "running" and job.progress is not None


def test_one_at_a_time_in_the_order_of_submission(fake: Fake, wait: Wait, tmp_path: Path) -> None:
    jobs = [fake("count 12", str(number)) for number in range(3)]
    first = wait(jobs[0], is_counting)
    waiting = wait(jobs[2], lambda job: job.waits_for == "cpu")
    assert first.state == "running"
    assert waiting.state == "queued"
    for job in jobs:
        wait(job, is_finished)
    spans = [(min(t), max(t)) for t in (times(tmp_path / str(number)) for number in range(3))]
    assert spans[0][1] < spans[1][0]
    assert spans[1][1] < spans[2][0]


def test_two_at_once_where_that_is_allowed(fake: Fake, wait: Wait, root: Path) -> None:
    jobs = [fake("count 200", str(number)) for number in range(3)]
    wait(jobs[0], is_counting)
    assert wait(jobs[1], lambda job: job.waits_for == "cpu").state == "queued"
    # It holds for those that wait already.
    set_limit(root, "cpu", 2)
    wait(jobs[1], is_counting)
    assert [job.state for job in list_jobs(root)] == ["running", "running", "queued"]
    assert read_limits(root).of("cpu") == 2
    assert read_limits(root).of("cuda:0") == 1
    with pytest.raises(JobError, match="0 jobs at once on cpu"):
        set_limit(root, "cpu", 0)
    for job in reversed(jobs):
        cancel(job)


def test_the_dead_hold_no_turn(fake: Fake, wait: Wait) -> None:
    first, second, third = (fake("count 100", str(number)) for number in range(3))
    first = wait(first, is_counting)
    second = wait(second, lambda job: job.waits_for == "cpu")
    wait(third, lambda job: job.waits_for == "cpu")
    for job in (first, second):
        os.kill(job.pid, signal.SIGKILL)
    assert is_counting(wait(third, is_counting))
    assert [find_job(job.name, job.path.parent).state for job in (first, second)] == ["failed", "failed"]


def test_who_queues_up_again_goes_behind_the_others(fake: Fake, wait: Wait, tmp_path: Path) -> None:
    first = pause(wait(fake("count 30", "0"), is_counting))
    second = wait(fake("count 200", "1"), is_counting)
    third = fake("count 10", "2")
    first = resume(first)
    wait(third, lambda job: job.waits_for == "cpu")
    wait(first, lambda job: job.waits_for == "cpu")
    cancel(second)
    wait(first, is_finished)
    assert max(times(tmp_path / "2")) < times(tmp_path / "0")[-1]
    assert times(tmp_path / "0")[0] < min(times(tmp_path / "2"))


def test_a_job_that_waits_can_be_paused_and_cancelled(fake: Fake, wait: Wait) -> None:
    running = wait(fake("count 500"), is_counting)
    waiting = pause(wait(fake("count 5", "1"), lambda job: job.waits_for == "cpu"))
    assert (waiting.state, waiting.waits_for) == ("paused", "")
    assert cancel(waiting).state == "cancelled"
    other = wait(fake("count 5", "2"), lambda job: job.waits_for == "cpu")
    assert cancel(other).state == "cancelled"
    assert find_job(running.name).state == "running"


def test_several_processes_give_no_place_twice(root: Path) -> None:
    script = f"""
from pathlib import Path
from hrtem_app.jobs.queue import next_place
print(*(next_place(Path({str(root)!r})) for _ in range(40)))
"""
    processes = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    found = [[int(word) for word in process.communicate()[0].split()] for process in processes]
    assert sorted(number for numbers in found for number in numbers) == list(range(1, 121))
    assert all(numbers == sorted(numbers) for numbers in found)
    assert next_place(root) == 121


def test_places_go_on_when_their_file_is_lost(root: Path) -> None:
    for number in (3, 41):
        (root / f"{number:06d}-train").mkdir(parents=True)
    assert next_place(root) == 42
    (root / "next.json").write_text("garbage")
    (root / "000041-train").rmdir()
    assert next_place(root) == 4


def test_several_processes_submit_into_one_folder(fake: Fake, wait: Wait, root: Path, tmp_path: Path) -> None:
    header = json.loads((wait(fake("count 1"), is_finished).path / "request.json").read_text())
    script = f"""
from pathlib import Path
from hrtem_app.jobs.control import submit_prepared
from hrtem_app.jobs.folder import Header
header = {header!r}
for number in range(3):
    header["request"]["out"] = {str(tmp_path)!r} + "/MINE" + str(number)
    print(submit_prepared(Header.model_validate(header), Path({str(root)!r})).number)
"""
    processes = [
        subprocess.Popen([sys.executable, "-c", script.replace("MINE", name)], stdout=subprocess.PIPE, text=True)
        for name in "ab"
    ]
    numbers = sorted(int(word) for process in processes for word in process.communicate()[0].split())
    assert numbers == list(range(2, 8))
    for number in numbers:
        assert wait(find_job(number, root), is_finished).result == {"train": {"counted": 1}}


def test_a_turn_is_given_back_with_its_lock(root: Path) -> None:
    first, second = (JobFolder(root / f"00000{number}-train") for number in (1, 2))
    for place, job in enumerate((first, second), start=1):
        job.path.mkdir(parents=True)
        job.write_state(State(place=place, waits_for="cpu"))
    # Nobody lives who would wait with a lower place.
    lock = take_turn(second, "cpu", 2)
    assert lock is not None
    assert take_turn(first, "cpu", 1) is None
    other = take_turn(first, "cuda:0", 1)
    assert other is not None
    lock.release()
    again = take_turn(first, "cpu", 1)
    assert again is not None
    for each in (other, again):
        each.release()
