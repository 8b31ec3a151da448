"""What dask calls in every worker that starts; it loads dask, so it is imported where it is needed."""

from __future__ import annotations

from importlib.metadata import version

from distributed import Worker, WorkerPlugin

from hrtem_app.simulation.cluster.process import prepare_process

PACKAGE = "hrtem-app"


class Preparation(WorkerPlugin):
    """Prepares the worker's process, and refuses one of another version than the process where this was made."""

    def __init__(self) -> None:
        self.version = version(PACKAGE)

    def setup(self, worker: Worker) -> None:
        """Called by dask; a worker in which it fails gets no tasks."""
        if version(PACKAGE) != self.version:
            raise ValueError(
                f"worker {worker.name} has {PACKAGE} {version(PACKAGE)}: install {PACKAGE}=={self.version} there"
            )
        prepare_process()
