"""The process that measures what a job would cost: it does a small part of each step in a folder of its own."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from hrtem_app.jobs.estimating import StepEstimate
from hrtem_app.jobs.probe_evaluation import probe_evaluation
from hrtem_app.jobs.probe_simulation import probe_simulation
from hrtem_app.jobs.probe_training import probe_training
from hrtem_app.jobs.requests import ChainJob, EvaluateJob, Request, SimulateJob, TrainJob, parse_request


def measured(request: Request, folder: Path, seconds: float) -> list[StepEstimate]:
    """What each step of a job would cost.

    Parameters
    ----------
    request
        The job.
    folder
        For what is tried out; an empty one.
    seconds
        About so long each step is tried.
    """
    if isinstance(request, SimulateJob):
        return [probe_simulation(request, folder / "waves", seconds).cost("simulate")]
    if isinstance(request, TrainJob):
        return [probe_training(request, folder / "run", seconds)]
    if isinstance(request, EvaluateJob):
        return [probe_evaluation(request, folder / "scores")]
    return _of_chain(request, folder, seconds)


def _of_chain(request: ChainJob, folder: Path, seconds: float) -> list[StepEstimate]:
    """Each step is tried on what the one before it gave, as in the job itself."""
    first, test = request.part("simulate"), request.part("simulate_test")
    training, evaluation = request.part("train"), request.part("evaluate")
    if not isinstance(first, SimulateJob) or not isinstance(test, SimulateJob):
        raise TypeError("a chain begins with simulations")
    if not isinstance(training, TrainJob) or not isinstance(evaluation, EvaluateJob):
        raise TypeError("a chain trains and evaluates what it has simulated")
    # Simulating sets a process up for itself: one thread, for good.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        tried = pool.submit(probe_simulation, first, folder / "waves", seconds, least=2).result()
    run = folder / "run"
    data = {"data": (folder / "waves",), "out": run}
    trained = probe_training(training.model_copy(update=data), run, seconds, first.simulation.structures)
    weights = run / Path(evaluation.weights[0]).name
    scored = evaluation.model_copy(update={"data": folder / "waves", "weights": (weights,)})
    return [
        tried.cost("simulate"),
        tried.of(test).cost("simulate_test"),
        trained,
        probe_evaluation(scored, folder / "scores", request.test_structures),
    ]


def _place(request: Request) -> Path:
    """The nearest folder that is there to where a job would write."""
    path = request.folder if isinstance(request, ChainJob) else request.out
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def main() -> int:
    """Read what is asked from stdin; write what was measured to stdout, as JSON in one line."""
    told = json.loads(sys.stdin.read())
    out, sys.stdout = sys.stdout, sys.stderr
    try:
        request = parse_request(told["request"])
        with tempfile.TemporaryDirectory(prefix="hrtem-app-probe-", ignore_cleanup_errors=True) as folder:
            steps = measured(request, Path(folder), told["seconds"])
        free = shutil.disk_usage(_place(request)).free
    except (ValueError, OSError, MemoryError) as error:
        sys.stderr.write(f"{' '.join(str(error).split())}\n")
        return 2
    out.write(json.dumps({"steps": [step.model_dump() for step in steps], "free_disk": free}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
