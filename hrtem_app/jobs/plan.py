"""From a request to the steps of its job: which there are, and on which device each waits for its turn."""

from __future__ import annotations

import re
from pathlib import Path

from hrtem_app.inference.device import choose_device
from hrtem_app.jobs.folder import Step
from hrtem_app.jobs.requests import ChainJob, EvaluateJob, Request, SimulateJob, TrainJob

_OF_A_CLUSTER = ("srun", "sbatch", "salloc")
_CHAIN = ("simulate", "simulate_test", "train", "evaluate")


def steps_of(request: Request) -> tuple[Step, ...]:
    """The steps of a job, in their order.

    Raises
    ------
    ValueError
        For a device that this computer does not have.
    """
    catalog = (Step(name="catalog"),)
    if isinstance(request, SimulateJob):
        return (Step(name="simulate", device=_simulates_on(request)),)
    if isinstance(request, EvaluateJob):
        return (Step(name="evaluate", device=_evaluates_on(request)),)
    if isinstance(request, TrainJob):
        step = Step(name="train", device=_trains_on(request), launch=request.training.launch)
        return (step, *(catalog if request.catalog else ()))
    steps = (_step_of(request, name) for name in _CHAIN)
    return (*steps, *(catalog if request.catalog else ()))


def title_of(request: Request) -> str:
    """What a job does, for people."""
    if request.title:
        return request.title
    if isinstance(request, SimulateJob):
        return f"{request.simulation.structures} structures to {request.out.name}"
    if isinstance(request, EvaluateJob):
        names = [*(request.networks or ()), *(path.stem for path in request.weights)]
        return f"{', '.join(names) or 'all networks'} on {request.data.name}"
    if isinstance(request, TrainJob):
        return f"{request.training.saved_as} on {', '.join(path.name for path in request.data)}"
    return f"{request.training.saved_as} on {request.simulation.structures} new structures"


def _step_of(request: ChainJob, name: str) -> Step:
    (first, *_) = steps_of(request.part(name))
    return first.model_copy(update={"name": name})


def _simulates_on(request: SimulateJob) -> str:
    simulation = request.simulation
    if simulation.scheduler is not None:
        return "dask-" + re.sub(r"[^\w.:-]+", "-", simulation.scheduler)
    if simulation.slurm is not None:
        return "slurm"
    return "cpu" if simulation.device == "cpu" else "cuda:0"


def _trains_on(request: TrainJob) -> str:
    launch = request.training.launch
    # What a cluster's queue starts has its device elsewhere.
    if launch and Path(launch[0]).name in _OF_A_CLUSTER:
        return "slurm"
    return str(choose_device(request.training.device))


def _evaluates_on(request: EvaluateJob) -> str:
    return str(choose_device(request.evaluation.recipe.device))
