"""A folder of jobs, jobs that only count, and a tiny dataset."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hrtem_app.jobs import Job, JobError, Training, TrainJob, cancel, find_job, list_jobs, submit
from hrtem_app.simulation.dataset import DatasetSettings
from hrtem_app.simulation.multislice import MultisliceSettings
from hrtem_app.simulation.run import simulate
from hrtem_app.simulation.structure_settings import StructureSettings

FAKE = Path(__file__).with_name("fake_worker.py")
Fake = Callable[..., Job]
Wait = Callable[[Job, Callable[[Job], bool]], Job]


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where this test's jobs lie; none of them outlives it."""
    folder = tmp_path / "jobs"
    monkeypatch.setenv("HRTEM_APP_JOBS", str(folder))
    yield folder
    for job in list_jobs(folder):
        with contextlib.suppress(JobError):
            if job.at_work:
                cancel(job)


@pytest.fixture
def fake(root: Path, tmp_path: Path) -> Fake:
    """Submits a job whose runner and worker are real and whose step is that of `fake_worker.py`."""

    def begin(title: str, out: str = "out", launch: tuple[str, ...] = (str(FAKE), "{command}")) -> Job:
        return submit(
            TrainJob(
                title=title,
                data=(tmp_path / "data",),
                out=tmp_path / out,
                training=Training(network="unet", device="cpu", launch=(sys.executable, *launch)),
                catalog=False,
            ),
            root=root,
        )

    return begin


@pytest.fixture
def wait(root: Path) -> Wait:
    """Waits until something is so of a job."""

    def until(job: Job, so: Callable[[Job], bool]) -> Job:
        end = time.monotonic() + 200
        while not so(now := find_job(job.name, root)):
            assert time.monotonic() < end, f"{now.state} {now.reason} {now.log()}"
            time.sleep(0.02)
        return now

    return until


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of half a MiB of its own; skips the test where none may be made."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", folder], capture_output=True)
    if made.returncode:
        pytest.skip("no file system may be made here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture(scope="session")
def tiny() -> DatasetSettings:
    """A structure takes a tenth of a second."""
    return DatasetSettings(
        structure=StructureSettings(field_of_view=20.0, margin=1.0, layers=(1, 1), flake_radius=(0.5, 0.6)),
        multislice=MultisliceSettings(configurations=1),
    )


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory, tiny: DatasetSettings) -> Path:
    """Three structures, made in this process; nobody may change it."""
    folder = tmp_path_factory.mktemp("data") / "waves"
    simulate(folder, 3, 11, settings=tiny, workers=0)
    return folder
