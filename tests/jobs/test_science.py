"""The jobs that the package is for, on the smallest structures and networks there are."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from hrtem_app.jobs import (
    ChainJob,
    Evaluation,
    Job,
    SimulateJob,
    Simulation,
    Training,
    TrainJob,
    estimate,
    find_job,
    follow,
    pause,
    resume,
    submit,
)
from hrtem_app.jobs.cataloguing import into_catalog
from hrtem_app.jobs.folder import JobFolder, State
from hrtem_app.jobs.resuming import begin_training
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.networks.catalog import available, build_network, folders, load_network, read_card, save_network
from hrtem_app.simulation.dataset import Dataset, DatasetSettings, finished
from hrtem_app.simulation.inspection import verify
from hrtem_app.training.batches import ExampleSettings
from hrtem_app.training.loop import train
from hrtem_app.training.settings import TrainingSettings

Wait = Callable[[Job, Callable[[Job], bool]], Job]
SETTINGS = TrainingSettings(
    examples=ExampleSettings(crop=64, batch=2, crops=2), precision="float32", validations=2, validation_series=2
)


def training(**changes: object) -> Training:
    told = {"network": "unet", "channels": 2, "steps": 3, "device": "cpu", "workers": 0, "settings": SETTINGS}
    return Training.model_validate(told | {"held_out": 1} | changes)


@pytest.fixture
def networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where what these tests train is put."""
    folder = tmp_path / "networks"
    monkeypatch.setenv("HRTEM_APP_NETWORKS", str(folder))
    return folder


def test_a_chain_ends_in_the_catalog_and_costs_what_was_estimated(
    root: Path, networks: Path, tmp_path: Path, tiny: DatasetSettings
) -> None:
    request = ChainJob(
        folder=tmp_path / "chain",
        simulation=Simulation(structures=4, seed=30, settings=tiny, workers=0),
        test_structures=2,
        training=training(),
        evaluation=Evaluation(figures=False, recipe={"device": "cpu"}),
    )
    expected = estimate(request, seconds=1.0)
    assert not (tmp_path / "chain").exists()
    assert [step.step for step in expected.steps] == ["simulate", "simulate_test", "train", "evaluate"]
    job = submit(request, root=root)
    events = list(follow(job))
    job = find_job(job.number, root)
    assert job.state == "finished", job.log()
    assert job.done == ("simulate", "simulate_test", "train", "evaluate", "catalog")
    begun = [event.step for event in events if event.kind == "begin"]
    assert begun == list(job.done)
    assert [event.values["step"] for event in events if event.kind == "training"] == [1, 2, 3]
    assert any(event.kind == "validation" for event in events)
    # In order: the training's own events lie between those of the job.
    kinds = [event.kind for event in events]
    assert kinds.index("training") > kinds.index("begin")
    assert Dataset(tmp_path / "chain" / "waves").seeds == (30, 31, 32, 33)
    assert Dataset(tmp_path / "chain" / "test").seeds == (34, 35)
    # `unet` is shipped, and stays.
    assert available()["unet"].sha256 != available()["unet_2"].sha256
    module, card = load_network("unet_2")
    assert card.settings["channels"] == 2
    scores = json.loads((tmp_path / "chain" / "evaluation" / "evaluation.json").read_text())["results"]["unet"]
    assert card.metrics["series"] == 2
    assert card.metrics["atomic_f1"] == scores["atomic_f1"]
    trained = load_file(tmp_path / "chain" / "run" / "unet.safetensors")
    assert all(torch.equal(tensor, trained[name]) for name, tensor in module.state_dict().items())
    size = sum(path.stat().st_size for path in (tmp_path / "chain" / "waves").rglob("*") if path.is_file())
    assert expected.steps[0].disk == pytest.approx(size, rel=0.25)
    size = sum(path.stat().st_size for path in (tmp_path / "chain" / "run").rglob("*") if path.is_file())
    assert expected.steps[2].disk == pytest.approx(size, rel=0.1)
    assert all(step.memory > 10**8 for step in expected.steps)


def test_a_training_that_is_paused_and_killed_ends_with_the_weights_of_one_that_was_not(
    root: Path, networks: Path, tmp_path: Path, data: Path
) -> None:
    asked = training(steps=40, name="mine")
    job = submit(TrainJob(data=(data,), out=tmp_path / "run", training=asked), root=root)
    followed = follow(job, interval=0.02)
    taken = next(event for event in followed if event.kind == "training" and event.values["step"] == 3)
    assert taken.values["loss"] > 0
    job = pause(job)
    assert job.state == "paused", job.log()
    (checkpoint,) = (tmp_path / "run").glob("checkpoint.safetensors")
    with safe_open(checkpoint, "pt") as file:
        step = json.loads(file.metadata()["checkpoint"])["step"]
    assert 3 < step < 40
    job = resume(job)
    for event in follow(job, interval=0.02):
        if event.kind == "training" and event.values["step"] > step:
            os.kill(find_job(job.number, root).pid, signal.SIGKILL)
            break
    (end,) = [event for event in follow(find_job(job.number, root)) if event.kind == "end"]
    assert end.values["state"] == "failed"
    job = resume(find_job(job.number, root))
    steps = [event.values["step"] for event in follow(job) if event.kind == "training"]
    assert steps == list(range(1, 41))
    job = find_job(job.number, root)
    assert job.state == "finished", job.log()
    assert job.attempt == 3
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    whole = train(
        "unet", data, tmp_path / "whole", channels=2, steps=40, settings=SETTINGS, held_out=1, device="cpu", workers=0
    )
    torch.set_num_threads(threads)
    parts = load_file(tmp_path / "run" / "mine.safetensors")
    for name, tensor in load_file(whole).items():
        torch.testing.assert_close(parts[name], tensor, rtol=1e-5, atol=1e-6)
    card = available()["mine"]
    assert card.metrics["atomic_f1"] == card.training["validation"]["atomic_f1"]
    assert card.metrics["measured_on"].startswith("the held-out")


def test_a_retry_begins_anew_but_never_over_a_training_of_somebody_else(tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()

    def begin(name: str, attempt: int, anew: bool = False, resume: bool = False) -> tuple[bool, bool]:
        folder = JobFolder(tmp_path / name)
        folder.path.mkdir(exist_ok=True)
        folder.write_state(State(state="running", attempt=attempt, anew=anew))
        request = TrainJob(data=(tmp_path,), out=out, training=training(resume=resume))
        decided = begin_training(folder, request, decides=True)
        assert begin_training(folder, request, decides=False) == decided
        return decided

    def write() -> list[Path]:
        paths = [out / name for name in ("checkpoint.safetensors", "best.safetensors", "events.jsonl")]
        for path in paths:
            path.write_text("a training")
        return paths

    assert begin("first", 1) == (False, True)
    paths = write()
    assert begin("first", 2) == (True, False)
    assert all(path.exists() for path in paths)
    # It is not the second job's: without `resume` the training refuses it, and a retry leaves it alone.
    for attempt in (1, 2):
        assert begin("second", attempt, anew=True) == (False, True)
        assert begin("third", attempt, anew=True, resume=True) == (True, False)
        assert all(path.exists() for path in paths)
    assert begin("first", 3, anew=True) == (False, True)
    assert not any(path.exists() for path in paths)


def test_a_full_disk_leaves_the_store_intact(
    small_disk: Path, root: Path, tmp_path: Path, tiny: DatasetSettings, wait: Wait
) -> None:
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    simulation = Simulation(structures=40, seed=5, settings=tiny, workers=0)
    job = submit(SimulateJob(out=small_disk / "waves", simulation=simulation), root=root)
    wait(job, lambda _: len(finished(small_disk / "waves")) > 0)
    # The check before the start let it pass; now somebody else takes all the room.
    with contextlib.suppress(OSError), (small_disk / "other").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    job = wait(job, lambda job: not job.at_work)
    assert job.state == "failed"
    assert "the disk is full" in job.reason, job.reason
    there = finished(small_disk / "waves")
    assert 0 < len(there) < 40
    found = verify(Dataset(small_disk / "waves"))
    assert (found.structures, found.damaged) == (len(there), {})
    (small_disk / "other").unlink()
    job = wait(resume(job), lambda job: not job.at_work)
    assert job.state == "finished", job.log()
    assert verify(Dataset(small_disk / "waves")).structures == 40


def test_two_processes_train_one_network(root: Path, networks: Path, tmp_path: Path, data: Path, wait: Wait) -> None:
    launch = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m")
    request = TrainJob(data=(data,), out=tmp_path / "run", training=training(launch=launch, steps=2, name="pair"))
    job = wait(submit(request, root=root), lambda job: not job.at_work)
    assert job.state == "finished", job.log()
    told = json.loads((tmp_path / "run" / "pair.json").read_text())
    assert told["training"]["steps"] == 2
    lines = (tmp_path / "run" / "events.jsonl").read_text().splitlines()
    # Crops of both processes count.
    assert [json.loads(line)["step"] for line in lines if "loss" in line] == [1, 2]
    numbers = [json.loads(line)["number"] for line in (job.path / "events.jsonl").read_text().splitlines()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert "pair" in available()


def test_names_that_are_taken_get_a_number(tmp_path: Path, networks: Path) -> None:
    names = []
    for seed in (0, 1, 1):
        torch.manual_seed(seed)
        module = build_network("unet", {"channels": 2, "frames": 3})
        card = read_card(folders()[0] / "unet.json")
        record = {"validation": {"atomic_f1": 0.5, "step": 1}}
        changes = {"name": "mine", "settings": {"channels": 2, "frames": 3}, "training": record, "metrics": {}}
        save_network(module, card.model_copy(update=changes), tmp_path / "run")
        (tmp_path / "run" / "events.jsonl").write_text("")
        request = TrainJob(data=(tmp_path,), out=tmp_path / "run", training=training(name="mine"))
        names.append(into_catalog(request, {})["network"])
    assert names == ["mine", "mine_2", "mine_2"]
    assert {"mine", "mine_2", "unet"} <= set(available())


def test_requests_that_cannot_work_are_refused(tmp_path: Path, tiny: DatasetSettings) -> None:
    waves = {"structures": 2, "seed": 1}
    for change, message in (
        ({"workers": 1, "scheduler": "tcp://a:1"}, "exclude each other"),
        ({"structures": 0}, "structures"),
    ):
        with pytest.raises(ValueError, match=message):
            Simulation.model_validate(waves | change)
    for change, message in (
        ({"network": "vgg"}, "'vgg'"),
        ({"minutes": 1}, "one of the two"),
        ({"layers": 3}, "layers"),
        ({"name": "My Net"}, "name"),
    ):
        with pytest.raises(ValueError, match=message):
            training(**change)
    with pytest.raises(ValueError, match="leave none to train on"):
        ChainJob(folder=tmp_path, simulation=Simulation(structures=1, seed=0, settings=tiny), training=training())
    with pytest.raises(ValueError, match="device 'cuda:9' does not exist"):
        submit(TrainJob(data=(tmp_path,), out=tmp_path, training=training(device="cuda:9")), root=tmp_path / "jobs")
    assert not (tmp_path / "jobs").exists()


def test_paths_are_those_of_whoever_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    request = TrainJob(data=(Path("a"), Path("b")), out=Path("c"), training=training())
    assert (request.data, request.out) == ((tmp_path / "a", tmp_path / "b"), tmp_path / "c")
    assert TrainJob.model_validate_json(request.model_dump_json()) == request
    assert MicroscopeSettings() == Evaluation().microscope
