"""Jobs: work of minutes and hours in processes that outlive whoever started them.

A job is a folder; whoever sees it sees how far the job is, and can stop it or let it go on. Requests and estimates load
torch, so they are looked up when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hrtem_app.jobs.control import cancel, pause, remove, resume, retry, submit
from hrtem_app.jobs.folder import JobError, default_root
from hrtem_app.jobs.following import Event, Follower, follow
from hrtem_app.jobs.queue import Limits, read_limits, set_limit
from hrtem_app.jobs.status import Job, Progress, find_job, list_jobs

if TYPE_CHECKING:
    from hrtem_app.jobs.estimating import Estimate, estimate
    from hrtem_app.jobs.requests import (
        ChainJob,
        EvaluateJob,
        Evaluation,
        Request,
        SimulateJob,
        Simulation,
        Training,
        TrainJob,
        parse_request,
        read_request,
    )

__all__ = [
    "ChainJob",
    "Estimate",
    "EvaluateJob",
    "Evaluation",
    "Event",
    "Follower",
    "Job",
    "JobError",
    "Limits",
    "Progress",
    "Request",
    "SimulateJob",
    "Simulation",
    "TrainJob",
    "Training",
    "cancel",
    "default_root",
    "estimate",
    "find_job",
    "follow",
    "list_jobs",
    "parse_request",
    "pause",
    "read_limits",
    "read_request",
    "remove",
    "resume",
    "retry",
    "set_limit",
    "submit",
]

_HOMES = {
    "Estimate": "estimating",
    "estimate": "estimating",
    **dict.fromkeys(
        (
            "ChainJob",
            "EvaluateJob",
            "Evaluation",
            "Request",
            "SimulateJob",
            "Simulation",
            "TrainJob",
            "Training",
            "parse_request",
            "read_request",
        ),
        "requests",
    ),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hrtem_app.jobs' has no attribute '{name}'")
    return getattr(import_module(f"hrtem_app.jobs.{_HOMES[name]}"), name)
