"""From options to workers."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from hrtem_app.simulation.cluster.local import local_client
from hrtem_app.simulation.cluster.memory import ClusterError
from hrtem_app.simulation.cluster.remote import remote_client
from hrtem_app.simulation.cluster.slurm import slurm_client

if TYPE_CHECKING:
    from distributed import Client


def open_client(
    *,
    workers: int | None = None,
    memory: str | int | None = None,
    scheduler: str | None = None,
    slurm: str | Path | None = None,
) -> AbstractContextManager[Client]:
    """Whichever workers the command line asked for, as a context.

    Parameters
    ----------
    workers, memory
        For `local_client`, which is taken where nothing else is given.
    scheduler
        For `remote_client`.
    slurm
        For `slurm_client`.

    Raises
    ------
    ClusterError
        For options that exclude each other, and whatever those three raise.
    """
    given = {"--scheduler": scheduler, "--slurm": slurm, "--workers": workers, "--memory": memory}
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1 and names[0] in ("--scheduler", "--slurm"):
        raise ClusterError(
            f"{' and '.join(names)} exclude each other: --workers and --memory are for this machine, and --scheduler "
            "or --slurm for others"
        )
    if scheduler is not None:
        return remote_client(scheduler)
    if slurm is not None:
        return slurm_client(slurm)
    return local_client(workers, memory)
