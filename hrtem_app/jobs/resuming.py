"""Whether a training goes on with the checkpoint in its folder, or begins: never over another one's."""

from __future__ import annotations

import time

from hrtem_app.jobs.files import read_json, write_json
from hrtem_app.jobs.folder import JobError, JobFolder
from hrtem_app.jobs.requests import TrainJob
from hrtem_app.training import checkpoint, loop

EVENTS = "events.jsonl"
_PATIENCE, _LOOK = 120.0, 0.1


def begin_training(job: JobFolder, request: TrainJob, decides: bool) -> tuple[bool, bool]:
    """Prepare the folder of a training.

    Parameters
    ----------
    job
        Notes whether the training in the folder is its own, so that a retry takes nobody else's away.
    request
        The training.
    decides
        Whether this process decides; others that train the same network wait for what it says.

    Returns
    -------
    Whether it goes on with the checkpoint, and whether its events begin anew.
    """
    attempt = job.read_state().attempt
    if not decides:
        return _decided(job, attempt)
    exists, own = (request.out / checkpoint.NAME).exists(), _is_own(job)
    if exists and own and job.read_state().anew:
        for name in (checkpoint.NAME, loop.BEST, EVENTS):
            (request.out / name).unlink(missing_ok=True)
        exists = False
    resume = exists if own else request.training.resume
    own = own or not exists
    write_json(job.training, {"attempt": attempt, "resume": resume, "own": own})
    return resume, not resume


def _is_own(job: JobFolder) -> bool:
    try:
        return bool(read_json(job.training)["own"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _decided(job: JobFolder, attempt: int) -> tuple[bool, bool]:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        try:
            said = read_json(job.training)
        except (OSError, ValueError):
            said = {}
        if said.get("attempt") == attempt:
            return bool(said["resume"]), not said["resume"]
        time.sleep(_LOOK)
    raise JobError(f"the first process of {job.path} said nothing for {_PATIENCE:g} s: see whether it was started")
