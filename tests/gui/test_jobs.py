from __future__ import annotations

import time
from collections.abc import Generator
from threading import Event
from typing import Any

import pytest

from hrtem_app.gui.jobs import Job, LatestWins, Outcome, describe
from hrtem_app.series import SeriesError


def _steps(count: int) -> Generator[int, None, str]:
    yield from range(count)
    return "value"


def _fails(error: Exception) -> None:
    raise error


def test_a_generator_reports_its_steps_and_its_value(qtbot: Any) -> None:
    job, steps, outcomes = Job(_steps, 3), [], []
    job.progressed.connect(steps.append)
    job.done.connect(outcomes.append)
    with qtbot.waitSignal(job.ended):
        job.start()
    assert steps == [0, 1, 2]
    assert outcomes == [Outcome("value")]


@pytest.mark.parametrize("error", [SeriesError("no such file"), RuntimeError("out of memory")])
def test_any_exception_is_an_outcome(qtbot: Any, error: Exception) -> None:
    job, outcomes = Job(_fails, error), []
    job.done.connect(outcomes.append)
    with qtbot.waitSignal(job.ended):
        job.start()
    assert [outcome.error for outcome in outcomes] == [error]


def test_a_function_that_asks_is_told_that_it_was_cancelled(qtbot: Any) -> None:
    begun, answers = Event(), []

    def asks(word: str, *, stop: Any) -> str:
        answers.append(stop())
        begun.set()
        while not stop():
            time.sleep(0.001)
        answers.append(stop())
        return word

    job, outcomes = Job(asks, "value"), []
    job.done.connect(outcomes.append)
    with qtbot.waitSignal(job.ended):
        job.start()
        assert begun.wait(60)
        job.cancel()
    assert answers == [False, True]
    assert outcomes == []


def test_an_argument_of_that_name_stays_what_was_given(qtbot: Any) -> None:
    def takes(start: int, stop: int) -> range:
        return range(start, stop)

    job, outcomes = Job(takes, 2, 5), []
    job.done.connect(outcomes.append)
    with qtbot.waitSignal(job.ended):
        job.start()
    assert outcomes == [Outcome(range(2, 5))]


def test_a_cancelled_job_says_nothing_but_that_it_ended(qtbot: Any) -> None:
    gate, said = Event(), []

    def steps() -> Generator[int]:
        yield 0
        gate.wait(10)
        yield 1

    job = Job(steps)
    job.done.connect(said.append)
    with qtbot.waitSignal(job.progressed):
        job.start()
    job.progressed.connect(said.append)
    job.cancel()
    with qtbot.waitSignal(job.ended):
        gate.set()
    assert said == []


def test_of_many_requests_the_first_and_the_latest_run(qtbot: Any) -> None:
    runner, gate, ran = LatestWins(), Event(), []

    def work(number: int) -> int:
        gate.wait(10)
        ran.append(number)
        return number

    results: list[Outcome] = []
    runner.done.connect(results.append)
    for number in range(10):
        runner.request(work, number)
    gate.set()
    qtbot.waitUntil(lambda: len(results) == 2)
    assert ran == [0, 9]
    runner.close()
    runner.request(work, 10)
    time.sleep(0.05)
    assert ran == [0, 9]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (SeriesError("a.tif is\nempty"), "a.tif is empty"),
        (RuntimeError("out of memory"), "RuntimeError: out of memory"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_errors_are_one_line(error: Exception, line: str) -> None:
    assert describe(error) == line
