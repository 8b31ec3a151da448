"""Minutes from nothing to a network: simulate, train, until held-out structures reach an atomic F1.

Run from the repository's root: `python benchmarks/time_to_f1.py`; it rewrites its section of `docs/benchmarks.md`.
Stop it whenever you like: the same command with `--folder` goes on. Time is counted only while it runs, and what a stop
lost since the last checkpoint only once. A target that was not reached is reported as such, with the best F1 and when
that was.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from report import machine, table, write_section

from hrtem_app.inference.device import choose_device, describe_device
from hrtem_app.simulation.run import simulate
from hrtem_app.training.batches import ExampleSettings
from hrtem_app.training.checkpoint import NAME as CHECKPOINT
from hrtem_app.training.events import read_events
from hrtem_app.training.loop import train
from hrtem_app.training.settings import TrainingSettings

CLOCK, RUN = "simulation.json", "run.json"
# Seconds between two looks at the validations.
_LOOK = 5.0


class ReachedError(Exception):
    """Ends a training that has what was wanted."""


def options() -> argparse.Namespace:
    """What was told on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--target", type=float, default=0.99, help="pooled atomic F1 on the held-out structures")
    parser.add_argument("--minutes", type=float, default=30.0, help="most minutes of training; its schedule as well")
    parser.add_argument("--network", default="unet_pp", help="unet, unet_pp or msd_net")
    parser.add_argument("--channels", type=int, help="of the network; its default if not given")
    parser.add_argument("--structures", type=int, default=400, help="simulated, held-out ones among them")
    parser.add_argument("--held-out", type=int, default=24, help="structures that are never trained on")
    parser.add_argument("--seed", type=int, default=200_000, help="of the first structure")
    parser.add_argument("--validations", type=int, default=15, help="looks at the held-out structures")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, ...")
    parser.add_argument(
        "--workers", type=int, help="processes that simulate, then make examples; by cores if not given"
    )
    parser.add_argument("--no-compile", action="store_true", help="without torch.compile")
    parser.add_argument(
        "--folder", type=Path, help="keeps everything, to go on after a stop; a new temporary one if not"
    )
    parser.add_argument("--no-write", action="store_true", help="print the section only")
    told = parser.parse_args()
    if not 0 < told.target <= 1:
        parser.error(f"--target {told.target}: an F1 lies between 0 and 1, give 0.99 say")
    if told.minutes <= 0:
        parser.error(f"--minutes {told.minutes}: give a positive number")
    if not 0 < told.held_out < told.structures:
        parser.error(f"--held-out {told.held_out} of {told.structures} structures: give less, or more --structures")
    return told


def same_run(folder: Path, told: argparse.Namespace) -> None:
    """Refuse to go on with a run that was told otherwise; the target may change."""
    names = ("minutes", "network", "channels", "structures", "held_out", "seed", "validations", "device", "no_compile")
    now, path = {name: getattr(told, name) for name in names}, folder / RUN
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else now
    for name in names:
        if before[name] != now[name]:
            raise SystemExit(
                f"{folder} holds a run with {name} {before[name]}, not {now[name]}: give that, or another --folder"
            )
    path.write_text(json.dumps(now), encoding="utf-8")


def simulated(folder: Path, told: argparse.Namespace) -> float:
    """Simulate what is missing; the seconds that all of it took, those of stopped runs included."""
    clock = folder / CLOCK
    before = json.loads(clock.read_text(encoding="utf-8")) if clock.exists() else 0.0
    began = time.monotonic()

    def note(_: object) -> None:
        partial = clock.with_suffix(".partial")
        partial.write_text(json.dumps(before + time.monotonic() - began), encoding="utf-8")
        partial.replace(clock)

    simulate(folder / "waves", told.structures, told.seed, workers=told.workers, progress=note)
    return float(json.loads(clock.read_text(encoding="utf-8")))


def validations(folder: Path) -> list[dict[str, Any]]:
    """The validations so far, in their order."""
    path = folder / "run" / "events.jsonl"
    return [event for event in read_events(path) if "validation" in event] if path.exists() else []


def reached(folder: Path, target: float) -> dict[str, Any] | None:
    """The first validation that has the target."""
    return next((event for event in validations(folder) if event["validation"]["analysed_f1"] >= target), None)


def follow(folder: Path, target: float) -> Callable[[dict[str, float]], None]:
    """What ends a training once the target is reached."""
    looked = time.monotonic()

    def look(_: dict[str, float]) -> None:
        nonlocal looked
        if time.monotonic() - looked > _LOOK:
            looked = time.monotonic()
            if reached(folder, target):
                raise ReachedError

    return look


def trained(folder: Path, told: argparse.Namespace) -> None:
    """Train until the target or the end, going on where the last run was stopped."""
    if reached(folder, told.target):
        return
    settings = TrainingSettings(
        examples=ExampleSettings(batch=8, crops=4),
        compiled=not told.no_compile,
        precision="auto",
        validations=told.validations,
        validation_series=told.held_out,
    )
    with suppress(ReachedError):
        train(
            told.network,
            folder / "waves",
            folder / "run",
            channels=told.channels,
            minutes=told.minutes,
            resume=(folder / "run" / CHECKPOINT).exists(),
            settings=settings,
            held_out=told.held_out,
            device=told.device,
            workers=told.workers,
            progress=follow(folder, told.target),
        )


def section(folder: Path, told: argparse.Namespace, simulation: float) -> str:
    """The text: whether the target was reached, when, and the way there."""
    seen = validations(folder)
    best = max(seen, key=lambda event: event["validation"]["analysed_f1"])
    found = reached(folder, told.target)
    end = found or best
    f1, minutes = end["validation"]["analysed_f1"], end["seconds"] / 60
    total = simulation / 60 + minutes
    if found:
        verdict = f"**Atomic F1 {told.target:g} was reached after {total:.1f} minutes**"
    else:
        verdict = (
            f"**Atomic F1 {told.target:g} was not reached** in {told.minutes:g} minutes of training; the best was "
            f"{f1:.4f}, after {total:.1f} minutes"
        )
    parts = f": {simulation / 60:.1f} of simulation and {minutes:.1f} of training ({end['step']} steps, F1 {f1:.4f})."
    how = (
        f"{told.network} on {told.structures - told.held_out} structures of 70 Å (seeds from {told.seed}), pooled over "
        f"{told.held_out} held-out ones; 8 crops a step, schedule of {told.minutes:g} minutes, on "
        f"{describe_device(choose_device(told.device))}. {machine()} Seconds of training include every look at the "
        "held-out structures but that of the row itself. The thesis trained 45 to 55 hours on a GPU."
    )
    rows = [
        [
            str(event["step"]),
            f"{(simulation + event['seconds']) / 60:.1f}",
            *(f"{event['validation'][name]:.4f}" for name in ("analysed_f1", "atomic_f1", "f1_Mo", "f1_2S", "f1_1S")),
        ]
        for event in seen
        if event in (end, *seen[:: max(1, len(seen) // 8)])
    ]
    head = ["step", "minutes", "atomic F1", "column by column", "Mo", "2S", "1S"]
    return f"{verdict}{parts} {how}\n\n{table(head, rows)}"


def main() -> None:
    """Measure and write."""
    told = options()
    folder = told.folder or Path(tempfile.mkdtemp(prefix="time-to-f1-"))
    folder.mkdir(parents=True, exist_ok=True)
    same_run(folder, told)
    print(f"in {folder}; after a stop give  --folder {folder}", flush=True)
    simulation = simulated(folder, told)
    trained(folder, told)
    text = section(folder, told, simulation)
    print(text)
    if not told.no_write:
        write_section("time-to-f1", text)


if __name__ == "__main__":
    main()
