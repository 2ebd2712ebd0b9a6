"""How a worker hears that a person wants it to stop: by the run's stop file, Ctrl-C or SIGTERM.

with stop_requests(run) as should_stop:
    network = apart(build, should_stop)   # one call that asks nobody: left to itself once a person wants to stop
"""

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import TypeVar

from fashion_core.runs.run import Run

LOOK_SECONDS = 0.1  # between two looks for the stop file
Result = TypeVar("Result")


class Stopped(Exception):
    """The person asked to stop."""


@contextmanager
def stop_requests(run: Run) -> Iterator[Callable[[], bool]]:
    """A test for the stop file, Ctrl-C or SIGTERM; what runs meanwhile asks it now and then."""
    requested = False

    def request(*_: object) -> None:
        nonlocal requested
        requested = True

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: requested or (run.folder / "stop").exists()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def apart(work: Callable[[], Result], should_stop: Callable[[], bool]) -> Result:
    """What `work` returns, or raises. `Stopped` as soon as somebody asks for that: the thread that does the work is
    then left to itself and ends with the process, so its files must be whole or count for nothing."""
    found: Future[Result] = Future()

    def run() -> None:
        try:
            found.set_result(work())
        except BaseException as error:
            found.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    while not wait([found], LOOK_SECONDS).done:
        if should_stop():
            raise Stopped
    return found.result()
