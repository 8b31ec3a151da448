"""How jobs are spoken of: times, sizes and states in a few words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrtem_app.gui import theme

if TYPE_CHECKING:
    from hrtem_app.jobs import Estimate, Job

STATES = {
    "queued": ("◌", theme.QUIET),
    "running": ("▶", theme.GRAPHENE),
    "paused": ("❚❚", theme.WARNING),
    "finished": ("✓", theme.DONE),
    "failed": ("✖", theme.ERROR),
    "cancelled": ("■", theme.QUIET),
    "broken": ("✖", theme.ERROR),
}
_STEPS = {
    "simulate": "simulating",
    "simulate_test": "simulating test structures",
    "train": "training",
    "evaluate": "evaluating",
    "catalog": "adding to the catalog",
}


def time_told(seconds: float) -> str:
    """A time in the unit that suits it."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    hours = seconds / 3600
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"


def size_told(size: float) -> str:
    """Bytes in the unit that suits them."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size / 1e3:.3g} kB"


def step_told(step: str) -> str:
    """What a step does."""
    return _STEPS.get(step, step)


def state_told(job: Job) -> str:
    """The state of a job, with what it does or waits for."""
    if job.state == "running":
        return step_told(job.step)
    return f"waiting for {job.waits_for}" if job.state == "queued" and job.waits_for else job.state


def pace_told(job: Job) -> str:
    """How quick a job is and how long its step will take, or why it stopped."""
    progress = job.progress
    if not job.at_work:
        verb = "took" if job.state == "finished" else "ran"
        return job.reason or (f"{verb} {time_told(job.seconds)}" if job.seconds else "")
    if progress is None or job.state == "queued":
        return ""
    said = [f"{progress.rate:.3g} {progress.unit}"] if progress.rate else []
    said += [f"{time_told(progress.left)} left"] if progress.left is not None else []
    return ", ".join(said)


def whole_fraction(job: Job) -> float:
    """How far a job is, 0…1, all its steps counting alike."""
    if job.state == "finished":
        return 1.0
    inside = job.progress.fraction if job.progress is not None and job.step not in job.done else 0.0
    return (len(job.done) + inside) / max(1, len(job.steps))


def estimate_told(estimate: Estimate) -> str:
    """What a job would cost, in a sentence."""
    said = f"About {time_told(estimate.seconds)}, {size_told(estimate.disk)} on the disk, "
    said += f"{size_told(estimate.memory)} of memory"
    if estimate.gpu_memory is not None:
        said += f", {size_told(estimate.gpu_memory)} of the GPU's"
    if len(estimate.steps) > 1:
        said += f" ({', '.join(f'{step_told(step.step)} {time_told(step.seconds)}' for step in estimate.steps)})"
    measured = "; ".join(dict.fromkeys(step.measured for step in estimate.steps if step.measured))
    return f"{said}. Measured on {measured}." if measured else f"{said}."


def details_told(job: Job) -> str:
    """The steps of a job, and what has come of it."""
    marks = dict.fromkeys(job.done, "✓")
    if job.state != "finished" and job.step not in job.done:
        marks[job.step] = STATES[job.state][0]
    steps = " → ".join(f"{step.replace('_', ' ')} {marks.get(step, '')}".strip() for step in job.steps)
    lines = [steps, job.reason, *_results_told(job.result or {})]
    return "\n".join(line for line in lines if line)


def _results_told(result: dict[str, Any]) -> list[str]:
    said = []
    scores = result.get("evaluate", {}).get("atomic_f1", {})
    if scores:
        said.append(f"Atomic F1 {', '.join(f'{value:.4g} ({name})' for name, value in scores.items())}.")
    if "catalog" in result:
        said.append(f"The network is in the catalog as {result['catalog'].get('network', '?')}.")
    return said


def folder_of(job: Job) -> Path:
    """Where what a job makes lies; its own folder where there is nothing yet."""
    request = job.request or {}
    place = request.get("out") or request.get("folder")
    return Path(place) if place and Path(place).is_dir() else job.path
