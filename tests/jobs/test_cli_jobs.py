"""`hrtem-app jobs`: what goes into requests, what scripts read, and how wrong input is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from hrtem_app.cli import main
from hrtem_app.jobs import (
    ChainJob,
    EvaluateJob,
    Evaluation,
    Job,
    Request,
    SimulateJob,
    Simulation,
    Training,
    TrainJob,
    list_jobs,
)
from hrtem_app.jobs.estimating import Estimate, StepEstimate
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.simulation.dataset import DatasetSettings
from hrtem_app.simulation.multislice import REFERENCE
from hrtem_app.training.batches import ExampleSettings
from hrtem_app.training.settings import TrainingSettings

Run = Callable[..., SimpleNamespace]
Fake = Callable[..., Job]
Wait = Callable[[Job, Callable[[Job], bool]], Job]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `hrtem-app jobs`; gives its exit code, stdout and stderr."""

    def call(*arguments: object) -> SimpleNamespace:
        code = main(["jobs", *(str(argument) for argument in arguments)])
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return call


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Request]:
    """What was submitted, in place of jobs."""
    import hrtem_app.jobs

    requests: list[Request] = []

    def submit(request: Request) -> Job:
        requests.append(request)
        return Job(7, tmp_path / "000007-train", request.kind, "a title", "queued")

    monkeypatch.setattr(hrtem_app.jobs, "submit", submit)
    monkeypatch.chdir(tmp_path)
    return requests


def test_options_become_requests(run: Run, asked: list[Request], tmp_path: Path) -> None:
    assert run("submit", "simulate", "--out", "w", "--structures", 5, "--seed", 3, "--accuracy", "reference").code == 0
    done = run(
        *("submit", "train", "unet", "--data", "w", "--data", "v", "--out", "r", "--steps", 9, "--channels", 2),
        *("--images-per-structure", 4, "--launch", "torchrun --nproc-per-node 2 -m", "--no-catalog", "--title", "mine"),
    )
    assert (done.code, done.out) == (0, "job 7 is queued: a title\n")
    run("submit", "evaluate", "--data", "t", "--out", "s", "--weights", "a.safetensors", "--sweep", "dose,tilt")
    run("submit", "chain", "msd_net", "--out", "c", "--structures", 8, "--seed", 2, "--minutes", 3, "--layers", 4)
    examples = ExampleSettings(images_per_structure=4)
    assert asked == [
        SimulateJob(
            out=tmp_path / "w",
            simulation=Simulation(structures=5, seed=3, settings=DatasetSettings(multislice=REFERENCE)),
        ),
        TrainJob(
            title="mine",
            data=(tmp_path / "w", tmp_path / "v"),
            out=tmp_path / "r",
            training=Training(
                network="unet",
                steps=9,
                channels=2,
                settings=TrainingSettings(examples=examples),
                launch=("torchrun", "--nproc-per-node", "2", "-m"),
            ),
            catalog=False,
        ),
        EvaluateJob(
            data=tmp_path / "t",
            out=tmp_path / "s",
            weights=(tmp_path / "a.safetensors",),
            evaluation=Evaluation(sweep=("dose", "tilt")),
        ),
        ChainJob(
            folder=tmp_path / "c",
            simulation=Simulation(structures=8, seed=2),
            training=Training(network="msd_net", minutes=3, layers=4),
        ),
    ]


def test_microscopes_go_to_training_and_evaluation(run: Run, asked: list[Request], tmp_path: Path) -> None:
    ranges = MicroscopeSettings(dose=(500, 600))
    (tmp_path / "m.json").write_text(ranges.model_dump_json())
    run("submit", "chain", "unet", "--out", "c", "--structures", 8, "--microscope", "m.json", "--device", "cpu")
    (request,) = asked
    assert request.training.settings.examples.sources[0].microscope == ranges
    assert request.evaluation.microscope == ranges
    assert (request.training.device, request.evaluation.recipe.device) == ("cpu", "cpu")


def test_a_request_from_a_file(run: Run, asked: list[Request], tmp_path: Path) -> None:
    request = SimulateJob(out=tmp_path / "w", simulation=Simulation(structures=2, seed=1))
    (tmp_path / "request.json").write_text(request.model_dump_json())
    done = run("submit", "--request", tmp_path / "request.json", "--json")
    assert asked == [request]
    assert json.loads(done.out)["number"] == 7
    (tmp_path / "request.json").write_text('{"kind": "simulate", "out": "w", "simulation": {"structures": 0}}')
    done = run("submit", "--request", tmp_path / "request.json")
    assert done.code == 2
    assert "structures" in done.err
    done = run("submit", "--request", tmp_path / "request.json", "chain", "unet", "--out", "c", "--structures", 3)
    assert (done.code, done.out) == (2, "")


def test_an_estimate_begins_nothing(run: Run, asked: list[Request], monkeypatch: pytest.MonkeyPatch) -> None:
    import hrtem_app.jobs

    steps = (
        StepEstimate(step="simulate", seconds=90, disk=2 * 10**9, memory=10**9, measured="a structure"),
        StepEstimate(step="train", seconds=30, disk=10**6, memory=2 * 10**9, measured="a step"),
    )
    found = Estimate(steps=steps, free_disk=10**9, free_memory=10**9)
    monkeypatch.setattr(hrtem_app.jobs, "estimate", lambda request: found)
    options = ("submit", "simulate", "--out", "w", "--structures", 5, "--seed", 3, "--estimate")
    done = run(*options)
    assert done.code == 0
    assert "2 min" in done.out.splitlines()[3]
    assert "warning: it writes 2 GB and 1 GB are free" in done.out
    assert "warning: it takes 2 GB of memory and 1 GB are free" in done.out
    content = json.loads(run(*options, "--json").out)
    assert (content["seconds"], content["disk"], content["memory"]) == (120, 2001 * 10**6, 2 * 10**9)
    assert asked == []


def test_a_job_from_the_shell(run: Run, fake: Fake, wait: Wait, root: Path) -> None:
    assert "there are no jobs" in run("list").err
    job = wait(fake("count 300"), lambda job: job.progress is not None)
    lines = run("list").out.splitlines()
    assert lines[0].split() == ["job", "state", "kind", "done", "left", "what"]
    assert lines[1].split()[:4] == ["1", "running", "train", "train"]
    assert lines[1].endswith("count 300")
    assert run("pause", 1).out == "job 1 is paused\n"
    (listed,) = json.loads(run("list", "--json").out)
    assert (listed["state"], listed["progress"]["unit"], listed["actions"][0]) == ("paused", "numbers/s", "resume")
    assert json.loads(run("resume", 1, "--json").out)["attempt"] == 2
    assert run("cancel", 1).out == "job 1 is cancelled\n"
    done = run("resume", 1)
    assert done.code == 2
    assert "job 1 is cancelled, so there is nothing to resume: retry, remove would do" in done.err
    assert run("follow", 1).code == 1
    events = [json.loads(line) for line in run("follow", 1, "--json").out.splitlines()]
    assert events[-1] == {"kind": "end", "step": "train", "state": "cancelled", "reason": ""}
    shown = run("show", 1).out
    assert str(job.path) in shown
    assert "cancelled" in shown
    assert json.loads(run("show", 1, "--json").out)["number"] == 1
    assert run("remove", 1).code == 0
    assert list_jobs(root) == ()
    done = run("show", 1)
    assert (done.code, done.out) == (2, "")
    assert "there is no job 1" in done.err


def test_a_job_that_finishes_is_followed_to_its_end(run: Run, fake: Fake) -> None:
    fake("count 3")
    done = run("follow", 1)
    assert done.code == 0
    assert done.out.splitlines() == ["train begins", "train finished"]
    assert "3 of 3, 50 numbers/s" in done.err


def test_limits(run: Run, root: Path) -> None:
    assert run("limit").out == "one on each device\n"
    assert run("limit", "cpu", 3).out == "cpu: 3\n"
    assert run("limit").out == "cpu: 3\n"
    assert "give a number" in run("limit", "cpu").err
    assert "give 1 to 1000" in run("limit", "cpu", 0).err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("submit", "simulate", "--out", "w", "--structures", "5"), "--seed"),
        (("submit", "simulate", "--preview", "3"), "hrtem-app simulate"),
        (("submit", "train", "vgg", "--data", "w", "--out", "r"), "there is no network 'vgg'"),
        (("submit", "chain", "unet", "--out", "c", "--structures", "1"), "leave none to train on"),
        (("submit", "--request", "nothing.json"), "nothing.json"),
        (("cancel", "12"), "there is no job 12"),
    ],
)
def test_wrong_input_is_one_line(
    run: Run, asked: list[Request], root: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = run(*arguments)
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1
    assert asked == []


def test_listing_loads_no_science() -> None:
    import subprocess
    import sys

    code = "import hrtem_app.jobs, sys; hrtem_app.jobs.list_jobs('nowhere'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "numpy", "abtem", "zarr"} & set(loaded)
