"""Running many tasks on workers that may die."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from hrtem_app.simulation.cluster.memory import ClusterError, gib

if TYPE_CHECKING:
    from distributed import Client, Future

Argument = TypeVar("Argument")
Result = TypeVar("Result")

# As many tasks are known to the scheduler: enough for thousands of workers, few enough for a million tasks.
IN_FLIGHT = 4096


def run_tasks(
    client: Client | None,
    function: Callable[[Argument], Result],
    arguments: Iterable[Argument],
    on_done: Callable[[Result], object],
    *,
    name: str = "task",
) -> None:
    """Call a function once for each argument, on the workers of a client.

    A task whose worker dies is run again on another one. Whatever else goes wrong ends the run: tasks that wait are
    taken back, and those that run are not waited for.

    Parameters
    ----------
    client
        From `open_client` or its kin; None: in this process, one after the other.
    function
        Of a module, so that workers can import it. It must bear being called again after it was interrupted.
    arguments
        Small; taken from the iterable as they are needed.
    on_done
        Called with each result in this thread, in the order in which tasks finish.
    name
        What an argument is, for errors, as in "structure".

    Raises
    ------
    ClusterError
        Where a task ended its worker again and again, or where the scheduler is lost.
    Exception
        Whatever the function or `on_done` raises.
    """
    if client is None:
        for argument in arguments:
            on_done(function(argument))
        return
    run = _Run(client, function, name)
    try:
        for result in run.results(iter(arguments)):
            on_done(result)
    finally:
        run.cancel()


class _Run:
    """The tasks of one run that are not done yet."""

    def __init__(self, client: Client, function: Callable[[Any], Any], name: str) -> None:
        self._client = client
        self._function = function
        self._name = name
        # Keys that share their first part are one group, which the scheduler keeps in a queue of its own.
        self._group = f"{name.replace(' ', '-')}-{uuid4().hex}"
        self._count = 0
        self._flying: dict[Future[Any], Any] = {}

    def results(self, arguments: Iterator[Any]) -> Iterator[Any]:
        """The results as they come in."""
        from distributed import as_completed

        done = as_completed(loop=self._client.loop, with_results=True, raise_errors=False)
        done.update(self._submit(arguments))
        while self._flying:
            for future, result in done.next_batch():
                yield self._checked(self._flying.pop(future), future, result)
            done.update(self._submit(arguments))

    def _submit(self, arguments: Iterator[Any]) -> list[Future[Any]]:
        chosen = list(islice(arguments, IN_FLIGHT - len(self._flying)))
        if not chosen:
            return []
        keys = [(self._group, self._count + i) for i in range(len(chosen))]
        self._count += len(chosen)
        # Retries would be for errors of the function; lost workers are the scheduler's `allowed-failures`.
        futures = self._client.map(self._function, chosen, key=keys, pure=False, retries=0)
        self._flying.update(zip(futures, chosen, strict=True))
        return futures

    def _checked(self, argument: Any, future: Future[Any], result: Any) -> Any:
        if future.status == "finished":
            return result
        if future.status != "error":
            raise ClusterError(
                "the scheduler was lost: run the same command again, and it goes on with what is not done"
            ) from None
        _, error, traceback = result
        raise self._explained(argument, error.with_traceback(traceback))

    def _explained(self, argument: Any, error: Exception) -> Exception:
        from distributed import KilledWorker

        if not isinstance(error, KilledWorker):
            return error
        limit = error.last_worker.memory_limit
        return ClusterError(
            f"{self._name} {argument!r} ended {error.allowed_failures + 1} workers, most likely for want of memory: "
            f"each had {gib(limit) if limit else 'no limit'}; give more --memory or fewer --workers (with --slurm: "
            "more `memory` or fewer `processes`)"
        )

    def cancel(self) -> None:
        """Take back all that is not done."""
        if self._flying and self._client.status == "running":
            self._client.cancel(list(self._flying), force=True)
        self._flying.clear()
