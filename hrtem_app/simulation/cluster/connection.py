"""What all kinds of workers share: dask's settings, and clients whose workers are prepared."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from distributed import Client

WORKER_SETTINGS: dict[str, Any] = {
    # Results are small and nothing is kept between tasks, so what fills a worker is its task, or memory that was not
    # given back. To pause or spill would not help: the worker would wait for ever.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.worker.profile.enabled": False,
}
SCHEDULER_SETTINGS: dict[str, Any] = {
    # One task a worker, the others wait at the scheduler: a task that ends its worker takes no other one along, and
    # none is blamed for another.
    "distributed.scheduler.worker-saturation": 1.0,
}


@contextmanager
def dask_settings(settings: dict[str, Any]) -> Iterator[None]:
    """Dask's configuration while schedulers and workers are made; they keep what they have read."""
    import dask
    import distributed  # noqa: F401  its defaults must be there first

    with dask.config.set(settings):
        yield


@contextmanager
def quiet(name: str) -> Iterator[None]:
    """Nothing from the logger of this name; those below it go on."""
    logger = logging.getLogger(name)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def connect(target: Any, timeout: float) -> Client:
    """A client of a cluster, or of a scheduler's address; OSError or ValueError where none answers in `timeout` s."""
    from distributed import Client

    # As default it would also compute whatever else in this process is based on dask.
    return Client(target, timeout=timeout, set_as_default=False)


def prepare_workers(client: Client) -> str:
    """Have all workers prepared, later ones too; the name under which the scheduler knows of it."""
    from hrtem_app.simulation.cluster.plugin import PACKAGE, Preparation

    # Another run may use the same scheduler, and may go on for longer than this one.
    name = f"{PACKAGE}-{uuid4().hex}"
    client.register_plugin(Preparation(), name=name)
    return name
