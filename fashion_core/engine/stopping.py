"""How a worker hears that a person wants it to stop, before, between and after the iterations."""

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fashion_core.engine.device import Log
from fashion_core.runs import Run

PROGRESS_SECONDS = 0.5


class Stopped(Exception):
    """The person asked to stop where no iteration runs."""


def progress_log(log: Log, should_stop: Callable[[], bool]) -> Callable[[int, int, str], None]:
    """A progress callback that logs now and then and leaves at once when asked to stop."""
    logged = -math.inf

    def report(done: int, total: int, what: str) -> None:
        nonlocal logged
        if should_stop():
            raise Stopped
        if done == total or time.monotonic() - logged > PROGRESS_SECONDS:
            log("progress", what=what, done=done, total=total)
            logged = time.monotonic()

    return report


def begin(stage: str, log: Log, should_stop: Callable[[], bool]) -> None:
    """Log that this stage begins, or leave where somebody has asked to stop."""
    if should_stop():
        raise Stopped
    log("stage", stage=stage)


@contextmanager
def stop_requests(run: Run) -> Iterator[Callable[[], bool]]:
    """A test for the stop file, Ctrl-C or SIGTERM: each of them stops after the current iteration."""
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
