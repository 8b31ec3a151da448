"""Jobs in real processes: told to stop and go on, killed, short of room, left alone by those who started them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from hrtem_app.jobs import Job, JobError, cancel, find_job, follow, list_jobs, pause, remove, resume, retry
from hrtem_app.jobs.events import last_events

Fake = Callable[..., Job]
Wait = Callable[[Job, Callable[[Job], bool]], Job]
QUEUE = Path(__file__).with_name("fake_queue.py")


def counted(folder: Path) -> int:
    path = folder / "counted"
    return len(path.read_text().splitlines()) if path.exists() else 0


def is_finished(job: Job) -> bool:
    return job.state == "finished"


def has_stopped(job: Job) -> bool:
    return not job.at_work


def is_counting(job: Job) -> bool:
    return job.state == "running" and job.progress is not None


def is_at_its_step(job: Job) -> bool:
    return any(event["kind"] == "begin" for event in last_events(job.path / "events.jsonl"))


def has_ended(pid: int) -> bool:
    if not psutil.pid_exists(pid):
        return True
    return not psutil.wait_procs([psutil.Process(pid)], timeout=10)[1]


def below(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def test_a_job_from_its_beginning_to_its_end(fake: Fake, tmp_path: Path) -> None:
    job = fake("count 5")
    assert job.number == 1
    assert job.path.name == "000001-train"
    events = list(follow(job))
    assert [event.kind for event in events if event.kind != "progress"] == [
        *("state", "state", "begin", "state", "state", "end")
    ]
    states = [event.values["state"] for event in events if event.kind == "state"]
    assert states == ["queued", "running", "running", "finished"]
    assert [event.progress.fraction for event in events if event.progress] == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert [event.progress.rate for event in events if event.progress] == [50.0] * 5
    assert events[-1].values == {"state": "finished", "reason": ""}
    job = find_job(1, job.path.parent)
    assert (job.state, job.done, job.result) == ("finished", ("train",), {"train": {"counted": 5}})
    assert job.progress is not None
    assert job.progress.fraction == 1
    assert job.seconds >= 0.1
    assert counted(tmp_path / "out") == 5
    numbers = [json.loads(line)["number"] for line in (job.path / "events.jsonl").read_text().splitlines()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_paused_job_goes_on_where_it_was(fake: Fake, wait: Wait, tmp_path: Path) -> None:
    job = wait(fake("count 60"), is_counting)
    job = pause(job)
    before = counted(tmp_path / "out")
    assert job.state == "paused"
    assert 0 < before < 60
    assert has_ended(job.pid)
    assert job.actions == ("resume", "cancel", "remove")
    with pytest.raises(JobError, match="is paused, so there is nothing to pause: resume, cancel, remove would do"):
        pause(job)
    job = wait(resume(job), is_finished)
    assert job.attempt == 2
    assert counted(tmp_path / "out") == 60
    assert job.seconds > 1


def test_a_step_that_does_not_look_is_ended(fake: Fake, wait: Wait) -> None:
    job = wait(fake("stubborn"), is_at_its_step)
    (worker,) = below(job.pid)
    assert cancel(job).state == "cancelled"
    assert has_ended(worker.pid)


@pytest.mark.parametrize("end", ["cancel", "kill"])
def test_a_step_out_of_reach_ends_by_itself(fake: Fake, wait: Wait, tmp_path: Path, end: str) -> None:
    job = wait(fake("stubborn", launch=(str(QUEUE),)), is_at_its_step)
    worker = int((tmp_path / "out" / "pid").read_text())
    assert worker not in [process.pid for process in below(job.pid)]
    if end == "cancel":
        assert cancel(job).state == "cancelled"
    else:
        os.kill(job.pid, signal.SIGKILL)
    assert has_ended(worker)


def test_cancelled_jobs_are_tried_again_and_removed(fake: Fake, wait: Wait, root: Path, tmp_path: Path) -> None:
    job = cancel(wait(fake("count 60"), is_counting))
    assert job.state == "cancelled"
    with pytest.raises(JobError, match="nothing to resume"):
        resume(job)
    job = pause(retry(job))
    assert job.state == "paused"
    job = cancel(job)
    assert job.state == "cancelled"
    remove(job)
    assert list_jobs(root) == ()
    assert counted(tmp_path / "out") > 0
    with pytest.raises(JobError, match="there is no job 1"):
        find_job(1)
    assert fake("count 1").number == 3


def test_a_killed_runner_is_seen_and_the_job_goes_on(fake: Fake, wait: Wait, tmp_path: Path) -> None:
    job = wait(fake("count 100"), is_counting)
    (worker,) = below(job.pid)
    os.kill(job.pid, signal.SIGKILL)
    failed = wait(job, has_stopped)
    assert failed.state == "failed"
    assert f"({job.pid} on " in failed.reason
    assert "killed" in failed.reason
    assert list(follow(job))[-1].values["state"] == "failed"
    # What it had started ends by itself, or the next attempt waits for it: never do two work at once.
    job = wait(resume(failed), is_finished)
    assert counted(tmp_path / "out") == 100
    assert has_ended(worker.pid)
    lines = [line.split() for line in (tmp_path / "out" / "counted").read_text().splitlines()]
    pids = [pid for _, pid in lines]
    assert pids == sorted(pids, key=pids.index)
    assert len(set(pids)) == 2


def test_a_killed_worker_fails_the_job_in_words(fake: Fake, wait: Wait) -> None:
    job = wait(fake("killed"), has_stopped)
    assert job.state == "failed"
    assert "where memory runs out" in job.reason


def test_a_wrong_request_fails_with_the_words_of_the_library(fake: Fake, wait: Wait) -> None:
    job = wait(fake("wrong 7"), has_stopped)
    assert (job.state, job.reason) == ("failed", "7 is wrong: give another")
    assert "ValueError" in job.log()
    assert job.actions == ("resume", "retry", "cancel", "remove")


def test_the_job_goes_on_when_its_launcher_is_killed(fake: Fake, wait: Wait, root: Path, tmp_path: Path) -> None:
    header = json.loads((wait(fake("count 1"), is_finished).path / "request.json").read_text())
    header["request"]["out"] = str(tmp_path / "other")
    script = f"""
import time
from pathlib import Path
from hrtem_app.jobs.control import submit_prepared
from hrtem_app.jobs.folder import Header
header = Header.model_validate({header | {"title": "count 60"}!r})
print(submit_prepared(header, Path({str(root)!r})).number, flush=True)
time.sleep(600)
"""
    launcher = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    job = wait(find_job(launcher.stdout.readline().strip(), root), is_counting)
    os.killpg(launcher.pid, signal.SIGKILL)
    launcher.wait()
    launcher.stdout.close()
    assert counted(tmp_path / "other") < 60
    assert wait(job, has_stopped).state == "finished"
    assert counted(tmp_path / "other") == 60


def test_a_full_disk_is_told(fake: Fake, wait: Wait) -> None:
    job = wait(fake("full"), has_stopped)
    assert job.state == "failed"
    assert "the disk is full" in job.reason
    assert "make room" in job.reason


def test_a_full_disk_below_the_jobs_is_told(small_disk: Path, fake: Fake, wait: Wait, root: Path) -> None:
    root.symlink_to(small_disk)
    job = wait(fake("fill"), has_stopped)
    assert job.state == "failed"
    assert "disk" in job.reason
    assert "full" in job.reason
    (job.path / "filler").unlink()
    remove(job)


def test_a_runner_that_is_asked_to_end_pauses(fake: Fake, wait: Wait) -> None:
    job = wait(fake("count 100"), is_counting)
    os.kill(job.pid, signal.SIGTERM)
    job = wait(job, has_stopped)
    assert job.state == "paused"
    assert "resume goes on" in job.reason


def test_garbage_in_a_folder_is_a_broken_job(fake: Fake, wait: Wait, root: Path) -> None:
    job = wait(fake("count 1"), is_finished)
    good = wait(fake("count 2"), is_finished)
    for name in ("request.json", "state.json"):
        path = job.path / name
        before = path.read_bytes()
        for garbage in (b"", b"\xff\xfe\x00", b"[]", b'{"state": "asleep"}', b'{"format": 99}'):
            path.write_bytes(garbage)
            broken, other = list_jobs(root)
            assert broken.state == "broken"
            assert name in broken.reason
            assert other == good
        path.write_bytes(before)
        assert list_jobs(root) == (job, good)
    job.path.joinpath("state.json").unlink()
    job.path.joinpath("state.json").mkdir()
    broken = list_jobs(root)[0]
    assert (broken.state, broken.number, broken.actions) == ("broken", 1, ("remove",))
    (good.path / "events.jsonl").write_bytes(b'{"kind": "progress"}\n{"number": null}\n\x00\n[1]\n')
    (good.path / "result.json").write_text("7")
    assert find_job(good.number, root).state == "finished"
    remove(broken)
    assert [job.number for job in list_jobs(root)] == [good.number]
