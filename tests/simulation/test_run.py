"""Runs: the same whatever the workers, and whatever is killed on the way."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from hrtem_app.simulation.cluster import Pace
from hrtem_app.simulation.dataset import Dataset, DatasetSettings, finished
from hrtem_app.simulation.inspection import verify
from hrtem_app.simulation.run import simulate


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a folder; that of the root holds no more than settings and versions."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_run_that_goes_on_does_only_what_is_missing(folder: Path, tmp_path: Path, tiny: DatasetSettings) -> None:
    resumed = tmp_path / "waves"
    simulate(resumed, 1, 8, settings=tiny, workers=0)
    assert Dataset(resumed).seeds == (8,)
    seen: list[int] = []
    simulate(resumed, 3, 7, settings=tiny, workers=0, progress=lambda pace: seen.append(pace.count))
    assert seen == [1, 2, 3]
    assert tree(resumed) == tree(folder)
    seen.clear()
    simulate(resumed, 3, 7, settings=tiny, workers=0, progress=lambda pace: seen.append(pace.count))
    assert seen == [3]


def worker_processes() -> list[int]:
    """Process numbers of this process' workers."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any("spawn_main" in word for word in child.cmdline()):
                found.append(child.pid)
    return found


def test_workers_give_the_same_bit_for_bit_though_one_is_killed(
    folder: Path, tmp_path: Path, tiny: DatasetSettings
) -> None:
    killed: list[int] = []

    def kill_a_worker(pace: Pace) -> None:
        if pace.count and not killed:
            killed.append(worker_processes()[-1])
            os.kill(killed[0], signal.SIGKILL)

    simulate(tmp_path / "waves", 3, 7, settings=tiny, workers=2, progress=kill_a_worker)
    assert killed
    assert tree(tmp_path / "waves") == tree(folder)


@pytest.mark.parametrize("after", [0, 1, 4])
def test_a_run_that_is_killed_ends_in_the_same_store(tmp_path: Path, tiny: DatasetSettings, after: int) -> None:
    """SIGKILL to the whole process while structures are being written; then the same command again."""
    out = tmp_path / "waves"
    (tmp_path / "settings.json").write_text(tiny.model_dump_json())
    command = [sys.executable, "-m", "hrtem_app", "simulate", "--out", str(out), "--structures", "8", "--seed", "3"]
    command += ["--settings", str(tmp_path / "settings.json"), "--workers", "0"]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while len(finished(out)) < after or not list(out.glob(".partial/*/0*")):
        assert run.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < until
        time.sleep(0.002)
    run.kill()
    run.wait()
    before = finished(out)
    assert len(before) < 8
    # What is readable is whole.
    if before:
        assert not verify(Dataset(out)).damaged
    subprocess.run(command, check=True, capture_output=True)
    simulate(tmp_path / "undisturbed", 8, 3, settings=tiny, workers=0)
    assert tree(out) == tree(tmp_path / "undisturbed")
    assert verify(Dataset(out)) == verify(Dataset(tmp_path / "undisturbed"))


def test_workers_that_do_not_see_the_folder_are_told_so(tmp_path: Path, tiny: DatasetSettings) -> None:
    from hrtem_app.simulation.dataset import DatasetError
    from hrtem_app.simulation.store import simulate_structure

    with pytest.raises(DatasetError, match="file system that all workers share"):
        simulate_structure(tmp_path, tmp_path / ".partial" / "elsewhere", tiny, 1)
