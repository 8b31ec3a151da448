"""Workers of a dask scheduler that somebody else started."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from hrtem_app.simulation.cluster.connection import connect, prepare_workers, quiet
from hrtem_app.simulation.cluster.memory import ClusterError

if TYPE_CHECKING:
    from distributed import Client

_PATIENCE = 10.0
_PACKAGE = "hrtem-app"


@contextmanager
def remote_client(address: str) -> Iterator[Client]:
    """The workers of a running scheduler, as a context; they outlive it.

    Parameters
    ----------
    address
        As in "tcp://host:8786".

    Yields
    ------
    For `run_tasks`. Workers that join later are used too, so there need not be any yet.

    Raises
    ------
    ClusterError
        Where no scheduler answers within 10 s, or where the scheduler or a worker has another version of this program.
    """
    # dask writes of every attempt to get a lost scheduler back.
    with quiet("distributed.client"), _reached(address) as client:
        _refuse_other_versions(client, address)
        with _prepared(client):
            yield client


@contextmanager
def _prepared(client: Client) -> Iterator[None]:
    name = prepare_workers(client)
    try:
        yield
    finally:
        # Workers of others that join later may not know this program. One may be ending this very moment.
        with suppress(OSError):
            if client.status == "running":
                client.unregister_worker_plugin(name)


def _reached(address: str) -> Client:
    from distributed.utils import LoopRunner

    try:
        LoopRunner().run_sync(_probe, address)
        return connect(address, _PATIENCE)
    # A server of another kind answers in bytes that dask takes for the size of a message, which fits no memory.
    except (OSError, ValueError, MemoryError) as error:
        raise ClusterError(
            f"no dask scheduler answers at {address!r}: start one there with `dask scheduler`, "
            "or give --scheduler its address as in tcp://host:8786"
        ) from error


async def _probe(address: str) -> None:
    """Dask itself would wait for ever for a server that takes the connection and says nothing."""
    from distributed.comm.core import connect as connection

    comm = await asyncio.wait_for(connection(address, timeout=_PATIENCE), _PATIENCE)
    await comm.close()


def _refuse_other_versions(client: Client, address: str) -> None:
    versions: Any = client.get_versions(packages=[_PACKAGE])
    names = {key: worker["name"] for key, worker in client.scheduler_info()["workers"].items()}
    found = {f"worker {names.get(key, key)}": item for key, item in versions["workers"].items()}
    wanted = version(_PACKAGE)
    # The scheduler unpacks what it is sent, so it needs the package just as the workers do.
    for name, item in ({"the scheduler": versions["scheduler"]} | found).items():
        there = item["packages"][_PACKAGE]
        if there != wanted:
            raise ClusterError(
                f"{name} of {address} has {f'{_PACKAGE} {there}' if there else f'no {_PACKAGE}'}: "
                f"install {_PACKAGE}=={wanted} there"
            )
