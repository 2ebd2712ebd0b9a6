"""Who holds a run: the worker has an OS lock on its file `lock` for life, and others look without disturbing it."""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # the module where there is one

TAKEN = (errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK)
TRIES = 4  # of a lock that cannot be shared: another look lasts microseconds, a worker's hold minutes
PAUSE_SECONDS = 0.03


def is_held(file: Path) -> bool:
    """Whether a worker holds the lock `file`, which is not made where it is missing.

    Those who look share the lock for a moment, so they never take each other for a worker; a worker that comes
    meanwhile waits for them (`claim`). Raises OSError where the file cannot be opened.
    """
    try:
        opened = os.open(file, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return _held_exclusively(opened, file)
    finally:
        os.close(opened)  # lets go of the lock too


def _held_exclusively(opened: int, file: Path) -> bool:
    if fcntl:
        try:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
        except OSError as error:
            if error.errno in TAKEN:
                return True  # any other: a file system without such locks
    return _held_at_every_try(file)


def _held_at_every_try(file: Path) -> bool:
    """The same where locks cannot be shared: take it, and again after a pause where somebody else has it."""
    for turn in range(TRIES):
        try:
            with FileLock(file, timeout=0):
                return False
        except Timeout:
            time.sleep(PAUSE_SECONDS * (turn + 1))
    return True


@contextmanager
def one_start_at_a_time(runs_dir: Path) -> Iterator[None]:
    """Hold while a start looks for busy runs and marks its own, so that two at once see each other."""
    lock = FileLock(runs_dir / ".start.lock", mode=0o666)  # several users may share the folder
    try:
        lock.acquire()
    except PermissionError:  # made by another user before it was shared: the look for busy runs still is
        yield
        return
    try:
        yield
    finally:
        lock.release()
