"""A run's worker: launched as a process of its own, one at a time in a folder of runs."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from fashion_core import PACKAGE, UserError, access, home, need
from fashion_core.access import Action
from fashion_core.runs.events import EventLog
from fashion_core.runs.lock import one_start_at_a_time
from fashion_core.runs.run import LIVE, Run, find

NICENESS = 10  # of a worker that was begun from a page; from a terminal it has that of the terminal
LEFT_OVER_SECONDS = 60.0  # a half file of that age is a killed worker's; a younger one may be a page's


def rank_and_size() -> tuple[int, int]:
    """Which process this is of how many that train one run, as torchrun tells each; 0 leads."""
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def busy(runs_dir: Path | None = None, apart_from: Run | None = None) -> Run | None:
    """The run that is training now, if any; one that cannot be read does not count."""
    own = apart_from and apart_from.id
    return next((run for run in find(runs_dir) if run.id != own and run.state in LIVE), None)


def refuse_if_busy(runs_dir: Path | None = None, apart_from: Run | None = None) -> None:
    """Raise a sentence that says which run is busy, if one is, apart from the caller's own."""
    if run := busy(runs_dir, apart_from):
        raise UserError(f"Run {run.id} is training now: stop it or wait for its end before you start another.")


def launch(run: Run, finish: bool = False) -> None:
    """Start the worker as a process that outlives this one, by the same command as in a terminal.

    With `finish` it trains no further, but tests and exports the best epoch so far. Raises UserError while another run
    is busy, and where the run cannot be read, its folder not be written, or torch is not installed.
    """
    access.require(Action.TRAIN)
    need("torch", "Training")
    if problem := run.problem:
        raise UserError(f"Run {run.id} cannot be started: {problem}")
    command = [sys.executable, "-m", "fashion_core", "train", "--resume", str(run.folder.resolve())]
    command += ["--finish"] if finish else []
    environment = {**os.environ, "BUSANA_HOME": str(home().resolve()), "PYTHONUNBUFFERED": "1"}
    try:
        with one_start_at_a_time(run.folder.parent):
            refuse_if_busy(run.folder.parent, apart_from=run)
            if run.state in LIVE:
                raise UserError(f"Run {run.id} is training already: watch it on the Train page.")
            (run.folder / "stop").unlink(missing_ok=True)
            (run.folder / "launched").touch()
        # own session, no inherited pipe that could fill, output kept in the run's folder
        with (run.folder / "worker.log").open("ab") as output:
            worker = subprocess.Popen(
                command, cwd=PACKAGE.parent, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, close_fds=True,
            )  # fmt: skip
        _let_pages_first(worker.pid)
    except OSError as error:
        raise UserError(
            f"Run {run.id} cannot be started ({error.strerror}): make its folder writable for you."
        ) from None


def _let_pages_first(worker: int) -> None:
    """Whoever looks at a page waits for it, and nobody for a step of the training. Linux may weigh the sessions of
    processes against each other besides, by a number of each."""
    with suppress(OSError):  # it trains all the same
        if hasattr(os, "setpriority"):  # Windows has none
            os.setpriority(os.PRIO_PROCESS, worker, NICENESS)
        Path(f"/proc/{worker}/autogroup").write_text(str(NICENESS))


@contextmanager
def claim(run: Run) -> Iterator[EventLog]:
    """The worker's hold on its run: the lock for life and the log. Raises UserError while another run is busy."""
    lock = FileLock(run.folder / "lock")
    with one_start_at_a_time(run.folder.parent):
        refuse_if_busy(run.folder.parent, apart_from=run)
        try:
            lock.acquire(timeout=2)  # a reader that asks whether it is free shares it for a moment
        except Timeout:
            raise UserError(f"Run {run.id} is training already: watch it on the Train page.") from None
        except PermissionError:
            raise UserError(f"Run {run.id} belongs to another user: start a run of your own.") from None
    try:
        _remove_half_files(run.folder)
        if (run.folder / "launched").exists():  # `launch` has cleared old wishes to stop; one made since then is meant
            (run.folder / "launched").unlink()
        else:
            (run.folder / "stop").unlink(missing_ok=True)
        with EventLog(run.folder / "events.jsonl") as log:
            yield log
    finally:
        lock.release()


def _remove_half_files(folder: Path) -> None:
    """What killed workers were writing, each as large as a checkpoint."""
    for half in folder.rglob("*.partial"):
        with suppress(OSError):
            if time.time() - half.stat().st_mtime >= LEFT_OVER_SECONDS:
                half.unlink()
