"""Tasks on worker processes that may die, on this machine, at a scheduler and in jobs of a SLURM that is played."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask
import psutil
import pytest

from hrtem_app.simulation.cluster import (
    ClusterError,
    Pace,
    SlurmSettings,
    local_client,
    open_client,
    read_slurm_settings,
    remote_client,
    run_tasks,
    slurm_client,
    slurm_job_script,
)
from hrtem_app.simulation.cluster.memory import parse_size, share_of_memory

ROOT = Path(__file__).parents[2]

# Workers cannot import this module. dask sends functions that were made inside of others as a whole.


def square() -> Callable[[int], int]:
    return lambda n: n * n


def ends_its_worker(folder: Path, times: int, only: int) -> Callable[[int], int]:
    """A task that is killed so many times, as many files tell, and then done."""

    def task(n: int) -> int:
        import os
        import signal

        if n == only and len(os.listdir(folder)) < times:
            (folder / str(len(os.listdir(folder)))).touch()
            # In a job: all of it, as at the end of its walltime.
            job = int(os.environ.get("SLURM_JOB_ID", 0))
            if job:
                os.killpg(job, signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
        return n

    return task


def fails() -> Callable[[int], int]:
    def task(n: int) -> int:
        if n == 3:
            raise KeyError(f"no number {n}")
        return n

    return task


def lasts() -> Callable[[int], int]:
    def task(n: int) -> int:
        import time

        if n:
            time.sleep(10_000)
        return n

    return task


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    import distributed  # noqa: F401  its defaults come before what is set here

    with dask.config.set({"distributed.scheduler.allowed-failures": 1}), local_client(2, "2GiB") as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "killed"
    path.mkdir()
    return path


def results(client: Any, function: Callable[[int], int], arguments: range) -> list[int]:
    found: list[int] = []
    run_tasks(client, function, arguments, found.append, name="structure")
    return sorted(found)


def test_an_import_loads_nothing_heavy() -> None:
    heavy = ("dask", "distributed", "abtem", "torch")
    code = f"import sys, hrtem_app.simulation.cluster; print(set(sys.modules) & set({heavy}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("here", [True, False])
def test_every_result_arrives(client: Any, here: bool) -> None:
    assert results(None if here else client, square(), range(30)) == [n * n for n in range(30)]


def test_more_tasks_than_the_scheduler_is_told_of(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hrtem_app.simulation.cluster.tasks.IN_FLIGHT", 5)
    taken: list[int] = []
    done: list[int] = []

    def arguments() -> Iterator[int]:
        for n in range(40):
            taken.append(n)
            assert len(taken) - len(done) <= 5
            yield n

    run_tasks(client, square(), arguments(), done.append)
    assert sorted(done) == [n * n for n in range(40)]


def test_workers_are_prepared(client: Any) -> None:
    def task(_: int) -> tuple[Any, ...]:
        import abtem
        import dask
        from threadpoolctl import threadpool_info

        threads = {pool["num_threads"] for pool in threadpool_info()}
        return threads, abtem.config.get("fftw.planning_effort"), dask.config.get("scheduler")

    found: list[Any] = []
    run_tasks(client, task, range(4), found.append)
    assert found == [({1}, "FFTW_ESTIMATE", "synchronous")] * 4


@pytest.mark.parametrize("here", [True, False])
def test_an_error_of_the_function_ends_the_run(client: Any, here: bool) -> None:
    with pytest.raises(KeyError, match="no number 3"):
        results(None if here else client, fails(), range(1000))
    if not here:
        assert results(client, square(), range(3)) == [0, 1, 4]


def test_a_worker_that_dies_costs_its_task_only(client: Any, folder: Path) -> None:
    assert results(client, ends_its_worker(folder, 1, only=3), range(10)) == list(range(10))
    assert len(os.listdir(folder)) == 1


def test_a_task_that_ends_every_worker_is_named(client: Any, folder: Path) -> None:
    with pytest.raises(
        ClusterError, match=r"structure 3 ended 2 workers.* 1 GiB; give more --memory or fewer --workers"
    ):
        results(client, ends_its_worker(folder, 1000, only=3), range(10))
    assert len(os.listdir(folder)) == 2


def test_a_scheduler_elsewhere(client: Any) -> None:
    with open_client(scheduler=client.scheduler.address) as remote:
        assert results(remote, square(), range(5)) == [n * n for n in range(5)]
    # Its workers are not ours to end.
    assert results(client, square(), range(2)) == [0, 1]


def test_another_version_is_refused(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hrtem_app.simulation.cluster.remote.version", lambda _: "99.0")
    with pytest.raises(ClusterError, match=r"the scheduler of tcp.* has hrtem-app .*: install hrtem-app==99.0 there"):
        remote_client(client.scheduler.address).__enter__()


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:{closed}", "tcp://127.0.0.1:{mute}", "http://127.0.0.1:1", "here"]
)
def test_no_scheduler(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr("hrtem_app.simulation.cluster.remote._PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = address.format(closed=1, mute=mute.getsockname()[1])
        with pytest.raises(ClusterError, match=rf"no dask scheduler answers at '{address}': start .* --scheduler"):
            remote_client(address).__enter__()


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    for name in ("temporary", "current"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "current")
    before = dict(os.environ)

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    workers: list[int] = []

    def run() -> None:
        with local_client(1, "1GiB") as client:
            workers.extend(client.run(os.getpid).values())
            # The second task would last for hours.
            run_tasks(client, lasts(), range(5), interrupt)

    with pytest.raises(KeyboardInterrupt):
        run()
    assert workers
    assert not any(psutil.pid_exists(pid) for pid in workers)
    assert not list((tmp_path / "temporary").iterdir())
    assert not list((tmp_path / "current").iterdir())
    # By this one the parts of distributed know their process from those that it starts.
    kept = {name: value for name, value in os.environ.items() if name != "__DASK_PARENT_PID"}
    assert kept == {name: value for name, value in before.items() if name != "__DASK_PARENT_PID"}


SCRIPT = """
import sys, time
from hrtem_app.simulation.cluster import local_client, run_tasks
if __name__ == "__main__":
    with local_client(1, "1GiB") as client:
        sys.stdout.write("running\\n")
        sys.stdout.flush()
        run_tasks(client, time.sleep, [10_000] * 5, print)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C otherwise")
def test_ctrl_c_in_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, "script.py"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=pipe,
        stderr=pipe,
        text=True,
        start_new_session=True,
        # Where this process was started in the background of a shell it ignores Ctrl-C, and hands that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        # A terminal sends it to this process and to its workers.
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    assert errors.count("Traceback") == errors.count("KeyboardInterrupt") == 1


@pytest.mark.parametrize(
    ("text", "size"),
    [("8GiB", 2**33), ("1.5 GB", 1_500_000_000), ("500MB", 500_000_000), (2**30, 2**30), ("1e9", 10**9)],
)
def test_sizes(text: str | int, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GiB", "much", "8 apples", "-8GiB", "0", "1e999GiB", "8,5GiB"])
def test_bad_sizes(text: str) -> None:
    with pytest.raises(ClusterError, match=rf"--memory '{text}' .*: give a size such as 8GiB"):
        parse_size(text)


@pytest.mark.parametrize(
    ("workers", "memory", "message"),
    [
        (0, None, "0 workers"),
        (-1, "1GiB", "-1 workers"),
        (2, "600MB", r"0.559 GiB for 2 workers leave 0.279 GiB each.*give a larger --memory or fewer --workers"),
        (None, "1000000GiB", r"--memory 1000000GiB is more than this machine has: give at most"),
    ],
)
def test_shares_that_make_no_sense(workers: int | None, memory: str | None, message: str) -> None:
    with pytest.raises(ClusterError, match=message):
        share_of_memory(workers, memory)


def test_fewer_workers_where_memory_is_short() -> None:
    assert share_of_memory(None, "1GiB") == (1, 2**30)


@pytest.mark.parametrize("more", [{"workers": 2}, {"memory": "2GiB"}, {"slurm": "slurm.yaml"}])
def test_options_that_exclude_each_other(more: dict[str, Any]) -> None:
    with pytest.raises(ClusterError, match=f"--scheduler and --{next(iter(more))} exclude each other"):
        open_client(scheduler="tcp://127.0.0.1:1", **more)


def test_job_script() -> None:
    settings = read_slurm_settings(ROOT / "docs" / "slurm.yaml")
    script = slurm_job_script(settings.model_copy(update={"processes": 4})).splitlines()
    assert script[0] == "#!/usr/bin/env bash"
    for line in (
        "#SBATCH -p normal",
        "#SBATCH -A my-project",
        "#SBATCH --cpus-per-task=16",
        "#SBATCH --mem=32G",
        "#SBATCH -t 04:00:00",
        "#SBATCH --constraint=avx2",
        "#SBATCH --output=slurm-logs/%j.out",
        "export OMP_NUM_THREADS=1",
        "export DASK_DISTRIBUTED__WORKER__MEMORY__PAUSE=False",
        "module load gcc",
    ):
        assert script.count(line) == 1
    command = script[-1].split()
    assert command[:3] == ["/home/me/hrtem/.venv/bin/python", "-m", "distributed.cli.dask_worker"]
    for words in (["--nthreads", "1"], ["--memory-limit", "8.00GiB"], ["--nworkers", "4"], ["--interface", "ib0"]):
        at = command.index(words[0])
        assert command[at : at + 2] == words
    assert script.index("module load gcc") == len(script) - 2


def test_settings_that_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "slurm.yaml"
    # YAML itself would read the time as a number.
    path.write_text("jobs: 2\nmemory: 2GiB\nwalltime: 12:00:00\naccount:\n", encoding="utf-8")
    assert read_slurm_settings(path) == SlurmSettings(jobs=2, memory="2GiB", walltime="12:00:00")
    script = slurm_job_script(read_slurm_settings(path))
    assert f"\n{sys.executable} -m " in script
    assert "#SBATCH -t 12:00:00\n" in script
    assert "-A" not in script


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("queues: normal", r"queues = 'normal': Extra inputs are not permitted.*there are jobs, memory"),
        ("jobs: 0", "jobs = '0'"),
        ("jobs: many", "jobs = 'many'"),
        ("walltime: soon", "walltime = 'soon'"),
        ("memory: 8 apples", "memory = '8 apples'.*give a size such as 8GiB"),
        ("processes: 5", "5 processes are more than 4 cores"),
        ("memory: 1GiB", "for 4 workers leave 0.25 GiB each.*fewer processes"),
        ("job_extra_directives: ['#SBATCH --exclusive']", "'#SBATCH --exclusive' is no option of sbatch"),
        ("prologue: [", "cannot be read"),
    ],
)
def test_bad_settings(line: str, message: str, tmp_path: Path) -> None:
    key = line.partition(":")[0]
    base = {"jobs": "2", "memory": "8GiB", "walltime": "04:00:00", "cores": "4"}
    lines = [f"{name}: {value}" for name, value in base.items() if name != key]
    path = tmp_path / "slurm.yaml"
    path.write_text("\n".join([*lines, line]), encoding="utf-8")
    with pytest.raises(ClusterError, match=message):
        read_slurm_settings(path)


@pytest.mark.parametrize("text", [None, "", "just words"])
def test_no_settings(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "slurm.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ClusterError, match=r"the SLURM settings .*slurm\.yaml"):
        read_slurm_settings(path)


def test_without_dask_jobqueue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    with pytest.raises(ClusterError, match=r"pip install 'hrtem-app\[slurm\]'"):
        slurm_job_script(SlurmSettings(jobs=1, memory="1GiB", walltime="10"))


# SLURM's commands, whose jobs are groups of processes here.
COMMANDS = {
    "sbatch": """cp "$1" "$FAKE_SLURM/$$.sh"
setsid bash -c 'export SLURM_JOB_ID=$$; exec bash "$0" >"$0.out" 2>&1' "$FAKE_SLURM/$$.sh" &
echo $! >>"$FAKE_SLURM/jobs"
echo "Submitted batch job $!"
""",
    "scancel": 'kill -TERM -- "-$1"\n',
    "squeue": """while read -r job; do
    if kill -0 -- "-$job" 2>/dev/null; then echo "$job"; fi
done <"$FAKE_SLURM/jobs"
""",
}


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the commands, and with settings for one job of one worker."""
    if sys.platform != "linux":
        pytest.skip("the commands are for Linux")
    for name, text in COMMANDS.items():
        (tmp_path / name).write_text(f"#!/usr/bin/env bash\n{text}", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_SLURM", str(tmp_path))
    monkeypatch.setattr("hrtem_app.simulation.cluster.slurm_jobs.INTERVAL", 0.5)
    settings = tmp_path / "slurm.yaml"
    settings.write_text(f"jobs: 1\nmemory: 1GiB\nwalltime: 1:00:00\nlog_directory: {tmp_path}/logs\n", encoding="utf-8")
    return tmp_path


def test_a_job_that_ends_is_submitted_again(slurm: Path, folder: Path) -> None:
    with slurm_client(slurm / "slurm.yaml") as client:
        assert results(client, ends_its_worker(folder, 1, only=3), range(6)) == list(range(6))
    jobs = (slurm / "jobs").read_text(encoding="utf-8").split()
    assert len(jobs) == 2
    # They are cancelled, and end a moment later; the test's timeout is for those that would not.
    while subprocess.run([slurm / "squeue"], capture_output=True, check=False).stdout:
        time.sleep(0.1)


def test_jobs_that_give_no_worker(slurm: Path) -> None:
    with (slurm / "slurm.yaml").open("a", encoding="utf-8") as settings:
        settings.write("python: /bin/false\n")
    with (
        pytest.raises(ClusterError, match=r"all SLURM jobs ended before they gave a worker: see .*logs"),
        slurm_client(slurm / "slurm.yaml") as client,
    ):
        results(client, square(), range(3))
    assert len((slurm / "jobs").read_text(encoding="utf-8").split()) == 1


def test_a_job_that_slurm_refuses(slurm: Path) -> None:
    (slurm / "sbatch").write_text(
        "#!/usr/bin/env bash\necho 'sbatch: no such partition' >&2\nexit 1\n", encoding="utf-8"
    )
    with pytest.raises(ClusterError, match="SLURM refuses a job: sbatch: no such partition; correct the settings"):
        slurm_client(slurm / "slurm.yaml").__enter__()


def test_no_slurm_here(slurm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ClusterError, match="there is no sbatch here"):
        slurm_client(slurm / "slurm.yaml").__enter__()


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_pace_at_its_start() -> None:
    clock = Clock()
    pace = Pace(240, 12, clock=clock)
    assert (pace.rate, pace.left, pace.text()) == (0.0, None, "12 of 240")
    clock.now += 10
    assert (pace.rate, pace.left) == (0.0, None)
    pace.done()
    assert pace.rate == pytest.approx(0.1)
    assert pace.left == pytest.approx(2270)


def test_pace_forgets() -> None:
    clock = Clock()
    pace = Pace(10_000, clock=clock)
    for seconds in (10.0,) * 30 + (0.5,) * 200:
        clock.now += seconds
        pace.done()
    assert pace.rate == pytest.approx(2.0, rel=0.01)


def test_pace_of_rare_tasks_spans_many_of_them() -> None:
    clock = Clock()
    pace = Pace(1000, clock=clock)
    for seconds in (100.0, 300.0) * 30:
        clock.now += seconds
        pace.done()
    assert pace.rate == pytest.approx(1 / 200, rel=0.05)


def test_pace_falls_where_nothing_happens() -> None:
    clock = Clock()
    pace = Pace(100, clock=clock)
    clock.now += 10
    pace.done(10)
    clock.now += 90
    assert pace.rate == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("seconds", "done", "total", "text"),
    [
        (10, 9, 225, "9 of 225, 0.9/s, 4 min left"),
        (10, 200, 400, "200 of 400, 20/s, 10 s left"),
        (100, 1, 100, "1 of 100, 0.6/min, 2 h 45 min left"),
        (3600, 1, 100, "1 of 100, 1.0/h, 4 days left"),
        (10, 5, 5, "5 of 5"),
    ],
)
def test_pace_in_words(seconds: float, done: int, total: int, text: str) -> None:
    clock = Clock()
    pace = Pace(total, clock=clock)
    clock.now += seconds
    pace.done(done)
    assert pace.text() == text
