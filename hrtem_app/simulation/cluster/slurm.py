"""Workers that are SLURM jobs, by way of dask-jobqueue."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrtem_app.simulation.cluster.connection import SCHEDULER_SETTINGS, connect, dask_settings, prepare_workers, quiet
from hrtem_app.simulation.cluster.memory import ClusterError
from hrtem_app.simulation.cluster.slurm_jobs import Jobs, words
from hrtem_app.simulation.cluster.slurm_settings import SlurmSettings, job_options, jobqueue, read_slurm_settings

if TYPE_CHECKING:
    from distributed import Client

_SLURM_SETTINGS: dict[str, Any] = {
    # Jobs end at their walltime, and preempted ones at any time; tasks are not to blame for that.
    "distributed.scheduler.allowed-failures": 10,
    # A worker that is started anew loads Python from a network; its job must not be cancelled meanwhile.
    "distributed.deploy.lost-worker-timeout": "10 minutes",
}
_PATIENCE = 30.0


@contextmanager
def slurm_client(path: str | Path) -> Iterator[Client]:
    """Workers in SLURM jobs, as a context; the jobs are cancelled at its end.

    The scheduler runs in this process, so nodes must be able to reach this machine. Tasks begin with the first job that
    SLURM lets run, and a job that ends is submitted again.

    Parameters
    ----------
    path
        YAML, see `SlurmSettings`.

    Yields
    ------
    For `run_tasks`.

    Raises
    ------
    ClusterError
        For a file that is not valid, without dask-jobqueue or SLURM, with what sbatch says where it refuses a job, and
        where all jobs end before they give a worker.
    """
    settings = read_slurm_settings(path)
    module = jobqueue()
    if shutil.which("sbatch") is None:
        raise ClusterError("there is no sbatch here: run this on a machine that submits jobs to SLURM")
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hrtem-app-", ignore_cleanup_errors=True))
        stack.enter_context(dask_settings(SCHEDULER_SETTINGS | _SLURM_SETTINGS | {"temporary-directory": folder}))
        stack.enter_context(quiet("asyncio"))
        jobs = Jobs(_cluster(module, settings), settings.jobs)
        stack.callback(jobs.cluster.close)
        _submit(jobs)
        stack.enter_context(jobs.kept())
        client = stack.enter_context(connect(jobs.cluster, _PATIENCE))
        prepare_workers(client)
        stack.enter_context(_explained(jobs, settings))
        yield client


def _cluster(module: Any, settings: SlurmSettings) -> Any:
    if settings.log_directory is not None:
        Path(settings.log_directory).mkdir(parents=True, exist_ok=True)
    try:
        return module.SLURMCluster(
            **job_options(settings),
            silence_logs="critical",
            scheduler_options={"dashboard": False, "dashboard_address": ":0"},
        )
    except RuntimeError as error:
        # An interface that is not there, for one; dask lists those that are.
        raise ClusterError(f"no scheduler can be started here, {error}: correct the settings") from error


def _submit(jobs: Jobs) -> None:
    try:
        jobs.cluster.sync(jobs.fill)
    except RuntimeError as error:
        raise ClusterError(f"SLURM refuses a job: {words(error)}; correct the settings") from error


@contextmanager
def _explained(jobs: Jobs, settings: SlurmSettings) -> Iterator[None]:
    """Why the scheduler was lost, where it was given up."""
    try:
        yield
    except ClusterError as error:
        if not jobs.lost:
            raise
        where = settings.log_directory or "slurm-<job>.out"
        raise ClusterError(
            f"all SLURM jobs ended before they gave a worker: see {where}, and whether `python` is right and nodes "
            "reach this machine over `interface`"
        ) from error
