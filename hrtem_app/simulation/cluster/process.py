"""What a process has to be told before it simulates, and what its parent must be kept from."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
# glibc keeps memory for the next wave of the same size. Handing it back at once, as dask has it by default, and
# fetching it anew page by page cost two fifths of the time. Read when a process begins, so dask sets it in the parent.
KEPT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**28)}


def prepare_process() -> None:
    """Set this process up for simulating: one thread, no progress bars, FFT plans that are the same in every run.

    Workers call it once, when they start. A process that calls it stays so, its torch too.
    """
    os.environ.update(ONE_THREAD)
    import dask
    from threadpoolctl import threadpool_limits

    from hrtem_app.simulation.compiled import load_abtem

    abtem = load_abtem()

    # Measured FFT plans differ from run to run, and with them the last bits; estimated ones do not.
    quiet = {"local_diagnostics.progress_bar": False, "diagnostics.progress_bar": False}
    abtem.config.set(quiet | {"fftw.threads": 1, "fftw.planning_effort": "FFTW_ESTIMATE", "mkl.threads": 1})
    # Inside a worker dask would send what abTEM computes to the cluster, and wait for a worker that waits likewise.
    dask.config.set(scheduler="synchronous")
    # The variables come too late for libraries that are loaded already.
    threadpool_limits(1)
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(1)


@contextmanager
def environment_kept() -> Iterator[None]:
    """Take back what dask writes into this process' environment for the workers that it starts."""
    before = {name: os.environ.get(name) for name in ("PYTHONHASHSEED", *KEPT_MEMORY)}
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Keep Ctrl-C from threads and processes that begin in here, and from this thread until the end.

    A terminal sends it to all processes at once. This one is to decide; the others would only print tracebacks.
    """
    try:
        from signal import SIG_BLOCK, SIG_SETMASK, SIGINT, pthread_sigmask
    except ImportError:
        # Windows has no signal masks.
        yield
        return
    from multiprocessing.resource_tracker import ensure_running

    # Whoever starts the tracker has the mask lifted.
    ensure_running()
    before = pthread_sigmask(SIG_BLOCK, {SIGINT})
    try:
        yield
    finally:
        pthread_sigmask(SIG_SETMASK, before)
