"""Trainings in processes of their own: killed and gone on with, or several that train one network."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from hrtem_app.training.events import read_events

# A checkpoint after every step, so that a kill may hit the writing of one.
SCRIPT = """
import sys, torch
torch.set_num_threads(1)
from hrtem_app.training import loop
from hrtem_app.training.batches import ExampleSettings
from hrtem_app.training.settings import TrainingSettings
loop.CHECKPOINT_SECONDS = 0.0
examples = ExampleSettings(crop=64, batch=2, crops=1)
settings = TrainingSettings(examples=examples, precision="float32", validations=4)
from pathlib import Path
out = Path(sys.argv[2])
resume = (out / "checkpoint.safetensors").exists()
loop.train("unet", sys.argv[1], out, channels=2, steps=24, settings=settings, held_out=1, workers=0, resume=resume)
"""


def _start(data: Path, out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(data), str(out)])


def _steps(out: Path) -> int:
    path = out / "events.jsonl"
    return max((event["step"] for event in read_events(path)), default=0) if path.exists() else 0


def test_a_training_killed_at_any_moment_ends_with_the_weights_of_an_undisturbed_one(
    data: Path, tmp_path: Path
) -> None:
    assert _start(data, tmp_path / "whole").wait(timeout=300) == 0
    out = tmp_path / "killed"
    for goal in (3, 10, 19):
        process = _start(data, out)
        until = time.monotonic() + 300
        while _steps(out) < goal and process.poll() is None and time.monotonic() < until:
            time.sleep(0.003)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert _start(data, out).wait(timeout=300) == 0
    for name in ("unet.safetensors", "best.safetensors", "checkpoint.safetensors"):
        whole, killed = load_file(tmp_path / "whole" / name), load_file(out / name)
        assert whole.keys() == killed.keys()
        for key, tensor in whole.items():
            torch.testing.assert_close(killed[key], tensor, rtol=0, atol=0, msg=key)
    losses = [
        [e["loss"] for e in read_events(tmp_path / run / "events.jsonl") if "loss" in e] for run in ("whole", "killed")
    ]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 24
    assert not list(out.glob("*.partial"))


@pytest.mark.parametrize("network", ["unet", "msd_net"])
def test_two_processes_take_the_steps_of_one_with_twice_the_batch(data: Path, tmp_path: Path, network: str) -> None:
    def run(out: str, batch: int, launcher: list[str]) -> list[float]:
        settings = tmp_path / f"{batch}.json"
        examples = {"crop": 48, "batch": batch, "crops": 1}
        # At the usual learning rate rounding alone grows to 1e-3 of the loss within six steps, and differently on every
        # kind of processor: an update does not shrink with the gradient that it follows, be that all rounding.
        chosen = {"examples": examples, "precision": "float32", "validations": 1, "learning_rate": 5e-4}
        settings.write_text(json.dumps(chosen))
        size = ["--channels=2"] + (["--layers=12"] if network == "msd_net" else [])
        told = [f"--settings={settings}", "--steps=6", "--workers=0", "--held-out=1", "--device=cpu", *size]
        command = [*launcher, "-m", "hrtem_app", "train", network, f"--data={data}", f"--out={tmp_path / out}", *told]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        subprocess.run(command, check=True, timeout=300, env=environment, capture_output=True)
        return [event["loss"] for event in read_events(tmp_path / out / "events.jsonl") if "loss" in event]

    alone = run("alone", 4, [sys.executable])
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    together = run("together", 2, launcher)
    assert len(alone) == len(together) == 6
    torch.testing.assert_close(torch.tensor(together), torch.tensor(alone), rtol=2e-4, atol=1e-5)
    mine, theirs = (load_file(tmp_path / run / f"{network}.safetensors") for run in ("alone", "together"))
    for name, tensor in mine.items():
        torch.testing.assert_close(theirs[name], tensor, rtol=5e-3, atol=5e-4, msg=name)
