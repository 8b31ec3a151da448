"""What each step of a job does: it calls the library, says how far it is, and goes on with what is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hrtem_app.jobs.folder import JobFolder
from hrtem_app.jobs.report import Report, StoppedError
from hrtem_app.jobs.requests import ChainJob, EvaluateJob, Request, SimulateJob, TrainJob, parse_request
from hrtem_app.simulation.cluster import Pace


def do_step(job: JobFolder, step: str, report: Report) -> dict[str, Any]:
    """Do a step of a job.

    Parameters
    ----------
    job
        Which holds the request.
    step
        Name of the step.
    report
        Takes what there is to say, and stops the step where it is to stop.

    Returns
    -------
    What came out, for `result.json`.
    """
    request = parse_request(job.read_header().request)
    if step == "catalog":
        from hrtem_app.jobs.cataloguing import into_catalog

        report.begin()
        return into_catalog(_part(request, step), job.read_result())
    part = _part(request, step)
    if isinstance(part, SimulateJob):
        return _simulate(part, report)
    if isinstance(part, EvaluateJob):
        return _evaluate(part, report)
    return _train(job, part, report)


def _part(request: Request, step: str) -> Any:
    return request.part(step) if isinstance(request, ChainJob) else request


def _simulate(request: SimulateJob, report: Report) -> dict[str, Any]:
    from hrtem_app.simulation.run import simulate

    def progress(pace: Pace) -> None:
        detail = f"{pace.count} of {pace.total}"
        report.progress(pace.count / pace.total, detail, rate=pace.rate, unit="structures/s", left=pace.left)
        report.check()

    told = request.simulation
    report.begin(out=str(request.out))
    simulate(
        request.out,
        told.structures,
        told.seed,
        settings=told.settings,
        workers=told.workers,
        memory=told.memory,
        scheduler=told.scheduler,
        slurm=told.slurm,
        device=told.device,
        progress=progress,
    )
    return {"dataset": str(request.out), "structures": told.structures}


def _train(job: JobFolder, request: TrainJob, report: Report) -> dict[str, Any]:
    from hrtem_app.jobs.resuming import EVENTS, begin_training
    from hrtem_app.training import loop

    told, stopping = request.training, False

    def progress(event: dict[str, float]) -> None:
        nonlocal stopping
        report.progress(
            event["fraction"],
            f"step {event['step']:.0f}, loss {event['loss']:.4f}",
            rate=event["images_per_second"],
            unit="images/s",
            memory=int(event["memory"]),
        )
        if stopping:
            raise StoppedError
        asked = report.asked()
        if asked == "cancel":
            raise StoppedError
        if asked:
            # The next step writes a checkpoint before it comes here again.
            stopping, loop.CHECKPOINT_SECONDS = True, -1.0

    resume, anew = begin_training(job, request, report.speaks)
    report.begin(events=str(request.out / EVENTS), anew=anew)
    weights = loop.train(
        told.network,
        request.data,
        request.out,
        name=told.name,
        channels=told.channels,
        layers=told.layers,
        kernel=told.kernel,
        minutes=told.minutes,
        steps=told.steps,
        resume=resume,
        start=told.start,
        seed=told.seed,
        settings=told.settings,
        held_out=told.held_out,
        device=told.device,
        workers=told.workers,
        tensorboard=told.tensorboard,
        progress=progress,
    )
    if not report.speaks:
        # The first process may still be writing the card.
        return {}
    record = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))["training"]
    return {"weights": str(weights), "steps": record["steps"], "validation": record["validation"]}


def _evaluate(request: EvaluateJob, report: Report) -> dict[str, Any]:
    from hrtem_app.evaluation.evaluate import evaluate

    def progress(done: int, total: int) -> None:
        report.progress(done / total, f"{done} of {total} series")
        report.check()

    told = request.evaluation
    report.begin(out=str(request.out))
    paths = evaluate(
        request.data,
        request.out,
        networks=request.networks,
        weights=request.weights,
        images_per_structure=told.images_per_structure,
        microscope=told.microscope,
        recipe=told.recipe,
        matching=told.matching,
        sweep=told.sweep,
        figures=told.figures,
        write_temperature=told.write_temperature,
        progress=progress,
        warn=report.message,
    )
    scores = json.loads((request.out / "evaluation.json").read_text(encoding="utf-8"))["results"]
    f1 = {name: each["atomic_f1"] for name, each in scores.items()}
    return {"scores": str(request.out / "evaluation.json"), "files": _names(paths), "atomic_f1": f1}


def _names(paths: list[Path]) -> list[str]:
    return [str(path) for path in paths]
