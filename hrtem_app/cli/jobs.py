"""`jobs`: simulations, trainings and evaluations that go on when the shell has gone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hrtem_app.cli.job_words import aligned, duration, record
from hrtem_app.cli.progress import ProgressLine
from hrtem_app.cli.submit import app as submit_app
from hrtem_app.cli.values import whole

if TYPE_CHECKING:
    from hrtem_app.jobs import Event, Job

FAILED = 1

app = typer.Typer(
    help="Simulate, train and evaluate in the background; jobs outlive the shell, and go on after a stop.",
    invoke_without_command=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(submit_app, name="submit")
Number = Annotated[str, typer.Argument(metavar="JOB", help="Number of the job, see `jobs list`.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]


@app.callback()
def _commands(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List all jobs, in the order in which they were submitted."""
    from hrtem_app.jobs import default_root, list_jobs

    jobs = list_jobs()
    if as_json:
        typer.echo(json.dumps([record(job) for job in jobs], indent=2, ensure_ascii=False))
    elif jobs:
        rows = [("job", "state", "kind", "done", "left", "what")]
        rows += [(str(j.number), j.state, j.kind or "?", _done(j), _left(j), j.title or j.reason) for j in jobs]
        typer.echo("\n".join(aligned(rows)))
    else:
        typer.echo(f"there are no jobs in {default_root()}", err=True)


@app.command()
def show(job: Number, as_json: AsJson = False) -> None:
    """Show one job: its state, its result, and the end of its log."""
    from hrtem_app.jobs import find_job

    found = find_job(job)
    if as_json:
        log = found.log()
        typer.echo(json.dumps(record(found) | {"log": log}, indent=2, ensure_ascii=False))
        return
    lines = {
        "job": f"{found.number}: {found.title}",
        "state": found.state + (f", waits for {found.waits_for}" if found.waits_for else ""),
        "reason": found.reason,
        "steps": ", ".join(f"{step}{' (done)' if step in found.done else ''}" for step in found.steps),
        "at": found.progress and f"{found.step}: {_progress(found)}",
        "submitted": found.submitted,
        "attempt": found.attempt if found.attempt > 1 else "",
        "folder": found.path,
    }
    typer.echo("\n".join(f"{name:10s} {text}" for name, text in lines.items() if text))
    for step, result in (found.result or {}).items():
        typer.echo(f"{step:10s} {json.dumps(result, ensure_ascii=False)}")
    if log := found.log():
        typer.echo(f"log\n{log}")


@app.command()
def follow(job: Number, as_json: AsJson = False) -> int:
    """Show what a job does until it stops; exit code 1 where it did not finish."""
    from hrtem_app.jobs import find_job
    from hrtem_app.jobs import follow as run

    state = ""
    with ProgressLine() as progress:
        for event in run(find_job(job)):
            if as_json:
                typer.echo(json.dumps({"kind": event.kind, "step": event.step} | event.values, ensure_ascii=False))
            else:
                _show(event, progress)
            if event.kind == "end":
                state = event.values["state"]
    return 0 if state == "finished" else FAILED


def _show(event: Event, progress: ProgressLine) -> None:
    if event.progress is not None:
        rate = f", {event.progress.rate:.3g} {event.progress.unit}" if event.progress.rate else ""
        left = f", {duration(event.progress.left)} left" if event.progress.left else ""
        progress.show(event.step, event.progress.fraction, f"{event.progress.detail}{rate}{left}")
    elif event.kind == "validation":
        typer.echo(f"validation at step {event.values['step']}: {event.values['validation']['atomic_f1']:.4f}")
    elif event.kind == "message":
        typer.echo(f"{event.step}: {event.values.get('text', '')}")
    elif event.kind in ("begin", "end"):
        reason = event.values.get("reason")
        said = event.values["state"] + (f": {reason}" if reason else "") if event.kind == "end" else "begins"
        typer.echo(f"{event.step} {said}" if event.step else said)


@app.command()
def pause(job: Number, as_json: AsJson = False) -> None:
    """Stop a job so that it can go on later; a training writes a checkpoint first."""
    _told("pause", job, as_json)


@app.command()
def resume(job: Number, as_json: AsJson = False) -> None:
    """Let a job that was paused, or has failed, go on with what it has done."""
    _told("resume", job, as_json)


@app.command()
def cancel(job: Number, as_json: AsJson = False) -> None:
    """End a job for good; what it has written so far stays."""
    _told("cancel", job, as_json)


@app.command()
def retry(job: Number, as_json: AsJson = False) -> None:
    """Begin the training of a failed or cancelled job from nothing; structures that are simulated are kept."""
    _told("retry", job, as_json)


@app.command()
def remove(job: Number) -> None:
    """Take a job off the list, with its log and events; what it has made stays."""
    from hrtem_app.jobs import find_job
    from hrtem_app.jobs import remove as run

    run(find_job(job))


@app.command()
def limit(
    device: Annotated[str | None, typer.Argument(metavar="DEVICE", help="cpu, cuda:0, …")] = None,
    number: Annotated[
        int | None, typer.Argument(parser=whole, metavar="N", help="How many jobs run there at once.")
    ] = None,
) -> None:
    """Show, or say, how many jobs run at once on a device; one where nothing is said."""
    from hrtem_app.jobs import default_root, read_limits, set_limit

    if device is not None and number is None:
        raise ValueError(f"how many jobs at once on {device}? give a number behind it")
    limits = read_limits(default_root()) if device is None or number is None else set_limit(
        default_root(), device, number
    )  # fmt: skip
    typer.echo("\n".join(f"{name}: {count}" for name, count in limits.at_once.items()) or "one on each device")


def _told(what: str, job: str, as_json: bool) -> None:
    import hrtem_app.jobs as library

    command: Callable[[Job], Job] = getattr(library, what)
    now = command(library.find_job(job))
    if as_json:
        typer.echo(json.dumps(record(now), indent=2, ensure_ascii=False))
    else:
        typer.echo(f"job {now.number} is {now.state}")


def _done(job: Job) -> str:
    if job.state == "finished" or job.progress is None:
        return f"{len(job.done)} of {len(job.steps)}" if job.steps else ""
    return f"{job.step} {job.progress.fraction:.0%}"


def _left(job: Job) -> str:
    if job.state != "running" or job.progress is None or job.progress.left is None:
        return ""
    return duration(job.progress.left)


def _progress(job: Job) -> str:
    progress: dict[str, Any] = asdict(job.progress) if job.progress else {}
    said = [f"{progress['fraction']:.0%}", progress["detail"]]
    if progress["rate"]:
        said.append(f"{progress['rate']:.3g} {progress['unit']}")
    if progress["left"] and job.state == "running":
        said.append(f"{duration(progress['left'])} left")
    return ", ".join(part for part in said if part)
