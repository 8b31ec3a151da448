"""Worker processes on this machine."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from hrtem_app.simulation.cluster.connection import (
    SCHEDULER_SETTINGS,
    WORKER_SETTINGS,
    connect,
    dask_settings,
    prepare_workers,
    quiet,
)
from hrtem_app.simulation.cluster.memory import share_of_memory
from hrtem_app.simulation.cluster.process import KEPT_MEMORY, ONE_THREAD, environment_kept, interrupts_held

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

_LOCAL_SETTINGS: dict[str, Any] = {
    # Written into this process' environment too, where a number of threads would stay with the libraries.
    "distributed.nanny.pre-spawn-environ": KEPT_MEMORY,
    # A machine that was asleep has lost no worker; one that ends is noticed at once.
    "distributed.scheduler.worker-ttl": None,
}
# Seconds that a worker is given to end by itself. A task that is not done by then is not wanted.
_GRACE = 1.0
_PATIENCE = 30.0


@contextmanager
def local_client(workers: int | None = None, memory: str | int | None = None) -> Iterator[Client]:
    """Worker processes on this machine, as a context; they end with it.

    Parameters
    ----------
    workers
        Processes; None: one per core, or fewer where each would get less than 1 GiB.
    memory
        For all together, as in "8GiB" or in bytes; None: what the machine has. A worker that comes near its share is
        ended and started anew.

    Yields
    ------
    For `run_tasks`.

    Raises
    ------
    ClusterError
        For numbers that make no sense on this machine.
    """
    count, limit = share_of_memory(workers, memory)
    with ExitStack() as stack:
        stack.enter_context(environment_kept())
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hrtem-app-", ignore_cleanup_errors=True))
        # Futures of connections that an interrupt cuts off.
        stack.enter_context(quiet("asyncio"))
        settings = WORKER_SETTINGS | SCHEDULER_SETTINGS | _LOCAL_SETTINGS | {"temporary-directory": folder}
        with dask_settings(settings), interrupts_held():
            cluster = _start(count, limit)
            # Registered while interrupts are held: one that came meanwhile finds everything to be cleared away.
            stack.callback(cluster.close)
            stack.callback(cluster.sync, _end_workers, cluster)
        client = stack.enter_context(connect(cluster, _PATIENCE))
        prepare_workers(client)
        yield client


def _start(workers: int, limit: int) -> LocalCluster:
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        memory_limit=limit,
        env=ONE_THREAD,
        silence_logs=logging.CRITICAL,
        # dask listens somewhere in any case; the usual port may be taken.
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False},
    )


async def _end_workers(cluster: LocalCluster) -> None:
    # On its own the cluster would wait five seconds for tasks that run on.
    await asyncio.gather(*(nanny.close(timeout=_GRACE) for nanny in cluster.workers.values()))
