"""Jobs and estimates as words and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from hrtem_app.cli.progress import ProgressLine

if TYPE_CHECKING:
    from hrtem_app.jobs import Estimate, Job, Request


def begin(request: Request, only_estimate: bool, as_json: bool) -> None:
    """Submit a request and say so, or say what it would cost."""
    from hrtem_app.jobs import estimate, submit

    if only_estimate:
        with ProgressLine() as progress:
            progress.wait("measuring")
            found = estimate(request)
        typer.echo(_estimate_json(found) if as_json else "\n".join(_estimate_lines(found)))
        return
    job = submit(request)
    if as_json:
        typer.echo(json.dumps(record(job), indent=2, ensure_ascii=False))
    else:
        typer.echo(f"job {job.number} is {job.state}: {job.title}")


def record(job: Job) -> dict[str, Any]:
    """A job as JSON holds it; what is not known is left out."""
    content = asdict(job) | {"path": str(job.path), "actions": list(job.actions)}
    return {name: value for name, value in content.items() if value is not None}


def duration(seconds: float) -> str:
    """Seconds in words."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of columns as wide as they need to be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def _estimate_json(found: Estimate) -> str:
    totals = {name: getattr(found, name) for name in ("seconds", "disk", "memory", "gpu_memory", "doubts")}
    return json.dumps(found.model_dump() | totals, indent=2, ensure_ascii=False)


def _estimate_lines(found: Estimate) -> list[str]:
    rows = [("step", "time", "disk", "memory", "measured on")]
    rows += [(s.step, duration(s.seconds), _mb(s.disk), _mb(s.memory), s.measured) for s in found.steps]
    if len(found.steps) > 1:
        rows.append(("all", duration(found.seconds), _mb(found.disk), _mb(found.memory), ""))
    return [*aligned(rows), *(f"warning: {doubt}" for doubt in found.doubts)]


def _mb(size: int) -> str:
    return f"{size / 1e6:.0f} MB" if size >= 1e7 else f"{size / 1e6:.1f} MB"
