"""Many independent simulations at once: on this machine's cores, at a dask scheduler, or as SLURM jobs.

Each worker is a process with one thread, so a task is alone in its process. dask is imported inside functions only: the
command line imports this before it knows whether it will need a worker.
"""

from hrtem_app.simulation.cluster.choice import open_client
from hrtem_app.simulation.cluster.local import local_client
from hrtem_app.simulation.cluster.memory import ClusterError
from hrtem_app.simulation.cluster.pace import Pace
from hrtem_app.simulation.cluster.process import prepare_process
from hrtem_app.simulation.cluster.remote import remote_client
from hrtem_app.simulation.cluster.slurm import slurm_client
from hrtem_app.simulation.cluster.slurm_settings import SlurmSettings, read_slurm_settings, slurm_job_script
from hrtem_app.simulation.cluster.tasks import run_tasks

__all__ = [
    "ClusterError",
    "Pace",
    "SlurmSettings",
    "local_client",
    "open_client",
    "prepare_process",
    "read_slurm_settings",
    "remote_client",
    "run_tasks",
    "slurm_client",
    "slurm_job_script",
]
