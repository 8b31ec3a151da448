"""Keeping a number of SLURM jobs alive, beyond their walltime."""

from __future__ import annotations

import asyncio
import getpass
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_log = logging.getLogger(__name__)

# Seconds between two looks at the queue.
INTERVAL = 60.0


class Jobs:
    """The jobs of a cluster.

    Parameters
    ----------
    cluster
        A `dask_jobqueue.SLURMCluster`.
    number
        How many jobs there are to be. Those that end before they gave a worker are taken off, since others would too.
    """

    def __init__(self, cluster: Any, number: int) -> None:
        self.cluster = cluster
        self.number = number
        self._arrived: set[str] = set()

    @property
    def lost(self) -> bool:
        """Whether no job ever gave a worker, and none is left that might."""
        return self.number == 0

    async def fill(self) -> None:
        """Submit as many as are missing; RuntimeError with what sbatch says."""
        while len(self.cluster.worker_spec) < self.number:
            self.cluster.worker_spec.update(self.cluster.new_worker_spec())
        try:
            await self.cluster
        except RuntimeError:
            self._settle()
            raise

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Look after the jobs every now and then."""
        from tornado.ioloop import PeriodicCallback

        callback = PeriodicCallback(self.renew, INTERVAL * 1000)
        self.cluster.loop.add_callback(callback.start)
        try:
            yield
        finally:
            self.cluster.loop.add_callback(callback.stop)

    async def renew(self) -> None:
        """Replace the jobs that have ended."""
        self._arrived |= self._present()
        queued = await _queued()
        if self.lost or queued is None:
            return
        # A job without a number is one that sbatch refused.
        ended = {name: job.job_id for name, job in self.cluster.workers.items() if job.job_id not in queued}
        for name, number in ended.items():
            if number is not None and name not in self._arrived:
                self.number -= 1
                _log.warning("SLURM job %s ended before it gave a worker, and is not submitted again", number)
        self._arrived -= set(ended)
        try:
            await self.cluster.scale_down(ended)
            await self.fill()
        except RuntimeError as error:
            _log.warning("SLURM refuses a job, which is tried again in %g s: %s", INTERVAL, words(error))
        if self.lost:
            # Nobody would ever run the tasks; this ends their waiting.
            await self.cluster.close()

    def _settle(self) -> None:
        """Give refused jobs a state in which the cluster can be closed; dask-jobqueue leaves them as created."""
        from distributed.core import Status

        for job in self.cluster.workers.values():
            if job.job_id is None:
                job.status = Status.failed

    def _present(self) -> set[str]:
        names = {worker.name for worker in self.cluster.scheduler.workers.values()}
        jobs = self.cluster.worker_spec.items()
        return {job for job, spec in jobs if names & {f"{job}{suffix}" for suffix in spec.get("group", [""])}}


def words(error: RuntimeError) -> str:
    """What sbatch said, out of dask-jobqueue's account of it."""
    return " ".join(str(error).rpartition("stderr:")[2].split()) or "sbatch says nothing"


async def _queued() -> set[str] | None:
    """The user's jobs that wait or run; None where SLURM does not answer."""
    process = await asyncio.create_subprocess_exec(
        *("squeue", "--noheader", "--format=%A", "--user", getpass.getuser()),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    text, _ = await process.communicate()
    return set(text.decode().split()) if process.returncode == 0 else None
