"""The cells of a study on several devices: a process for each cell, so that none takes another with it."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

import torch

from hrtem_app.inference.device import available_devices, choose_device
from hrtem_app.study.cell import RESULT, Task, attempt, failed, write_json

# Seconds between two words of a process about its progress.
_NEWS = 0.5


@dataclass(frozen=True, eq=False)
class _Running:
    task: Task
    device: str
    process: SpawnProcess


def study_devices(told: str = "auto") -> tuple[str, ...]:
    """The devices that take cells: `auto` is every GPU, or the one processor; a comma list may repeat a name.

    Raises
    ------
    ValueError
        For a device that this machine does not have.
    """
    if told != "auto":
        return tuple(str(choose_device(name.strip())) for name in told.split(","))
    there = available_devices()
    return tuple(name for name in there if name.startswith("cuda")) or there[:1]


def run_tasks(
    tasks: Sequence[Task],
    devices: Sequence[str],
    workers: int | None,
    done: Callable[[Task], None],
    news: Callable[[Task, float, str], None],
) -> None:
    """Run all cells, one at a time on each device; ends its processes, however it is left.

    Parameters
    ----------
    tasks
        In this order.
    devices
        A name that comes n times takes n cells at once.
    workers
        Processes that make examples for each; None: what cores there are, shared out.
    done
        Called when a cell has its result.
    news
        Called with the fraction of a running cell and a word about it.
    """
    waiting, free = deque(tasks), deque(devices)
    running: dict[Connection, _Running] = {}
    threads = max(1, torch.get_num_threads() // max(1, devices.count("cpu")))
    if workers is None:
        workers = max(1, torch.get_num_threads() // len(devices) - 1)
    try:
        while waiting or running:
            while waiting and free:
                connection, cell = _start(waiting.popleft(), free.popleft(), workers, threads)
                running[connection] = cell
            heard = wait(list(running))
            for connection, cell in [(c, r) for c, r in running.items() if c in heard]:
                try:
                    news(cell.task, *connection.recv())
                except EOFError:
                    del running[connection]
                    _finish(cell)
                    free.append(cell.device)
                    done(cell.task)
    finally:
        _end([cell.process for cell in running.values()])


def _start(task: Task, device: str, workers: int, threads: int) -> tuple[Connection, _Running]:
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(task, device, workers, threads, sender), name=task.cell.name)
    process.start()
    # The process has its own; when that closes, here is the end of it.
    sender.close()
    return receiver, _Running(task, device, process)


def _run(task: Task, device: str, workers: int, threads: int, news: Connection) -> None:
    """What a process does; it ends with the one that started it."""
    # Ctrl-C goes to all processes of a terminal: the first one decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)
    said = 0.0

    def progress(fraction: float, detail: str) -> None:
        nonlocal said
        parent = multiprocessing.parent_process()
        if parent is None or not parent.is_alive():
            sys.exit(1)
        if time.monotonic() - said > _NEWS:
            said = time.monotonic()
            try:
                news.send((fraction, detail))
            except BrokenPipeError:
                sys.exit(1)

    attempt(task, device, workers, progress)


def _finish(cell: _Running) -> None:
    cell.process.join()
    if cell.task.result() is None:
        error = f"its process ended with code {cell.process.exitcode}: {_reason(cell.process.exitcode)}"
        write_json(cell.task.folder / RESULT, failed(cell.task, cell.device, error))


def _reason(code: int | None) -> str:
    if code == -getattr(signal, "SIGKILL", 9):
        return "killed, as the system does where memory runs out"
    return "what it said stands on stderr"


def _end(processes: Sequence[SpawnProcess]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(10)
        if process.exitcode is None:
            process.kill()
            process.join()
