"""How much memory a worker gets."""

from __future__ import annotations

# abTEM and torch take half a GiB before anything is simulated. Workers with less than LEAST would be ended while they
# start, again and again; COMFORTABLE decides how many there are where the user leaves that open.
LEAST = 2**29
COMFORTABLE = 2**30


class ClusterError(ValueError):
    """Workers cannot be had, or are lost; the message names the value and the remedy."""


def parse_size(value: str | int, name: str = "--memory") -> int:
    """A number of bytes from "8GiB", "500 MB" or bytes.

    Parameters
    ----------
    value
        As the user gave it.
    name
        Of the option, for the error.

    Raises
    ------
    ClusterError
        For anything else.
    """
    from dask.utils import parse_bytes

    remedy = "give a size such as 8GiB"
    # dask takes a unit alone for one of it.
    if not any(character.isdigit() for character in str(value)):
        raise ClusterError(f"{name} {value!r} holds no number: {remedy}")
    try:
        size = parse_bytes(value)
    except (ValueError, OverflowError) as error:
        raise ClusterError(f"{name} {value!r} is no amount of memory: {remedy}") from error
    if size <= 0:
        raise ClusterError(f"{name} {value!r} is not positive: {remedy}")
    return size


def share_of_memory(workers: int | None, memory: str | int | None) -> tuple[int, int]:
    """How many workers there are on this machine, and the bytes that each may use.

    Parameters
    ----------
    workers
        None: one per core, as long as each gets 1 GiB.
    memory
        For all together; None: all that the machine, or the container, has.

    Raises
    ------
    ClusterError
        For fewer than one worker, more memory than there is, or too little for so many workers.
    """
    from dask.system import CPU_COUNT
    from distributed.system import MEMORY_LIMIT

    total = MEMORY_LIMIT if memory is None else parse_size(memory)
    if total > MEMORY_LIMIT:
        raise ClusterError(f"--memory {memory} is more than this machine has: give at most {gib(MEMORY_LIMIT)}")
    if workers is None:
        workers = max(1, min(CPU_COUNT, total // COMFORTABLE))
    if workers < 1:
        raise ClusterError(f"{workers} workers simulate nothing: give --workers of 1 or more")
    return workers, checked_share(total, workers, "give a larger --memory or fewer --workers")


def checked_share(total: int, workers: int, remedy: str) -> int:
    """Bytes per worker; ClusterError where no worker could start with so little."""
    share = total // workers
    if share < LEAST:
        raise ClusterError(
            f"{gib(total)} for {workers} workers leave {gib(share)} each, and one needs {gib(LEAST)} to start: {remedy}"
        )
    return share


def gib(size: float) -> str:
    """Bytes in words."""
    return f"{size / 2**30:.3g} GiB"
