"""Work that may take over a second, off the page's thread: the page waits a moment, then shows how far it is.

    @st.cache_resource                                          # once for all visitors
    def outliers_of(…): return Job("Comparing photos", lambda progress: label_issues.outliers(…))

    if background.ready(outliers_of(…), "outliers"):
        rows = outliers_of(…).result()

The work touches no Streamlit. A timed fragment looks after it, and draws the page anew when it has ended.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

import streamlit as st

from fashion_core import UserError
from fashion_core.files import Progress
from fashion_core.ui import keys
from fashion_core.ui.gallery import escape_markdown

PATIENCE = 1.0  # seconds that a page waits before it shows progress
POLL_SECONDS = 1.0
Result = TypeVar("Result")


class _Stopped(Exception):
    """Raised in the work at its next report of progress."""


class Job(Generic[Result]):
    """`work`, begun at once in a thread that ends with the server. Its methods may be called from any thread.

    `what` says in a few words what it does. `work` gets a function to report (done, total, what) to; one that reports
    can be stopped, at its next report.
    """

    def __init__(self, what: str, work: Callable[[Progress], Result]) -> None:
        self.what, self.progress = what, (0, 0)  # of total, 0 where it does not tell
        self.problem: UserError | None = None  # why it ended without a result
        self.stopped = self.done = False
        self._work, self._lock, self._thread = work, threading.Lock(), threading.Thread()
        self.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin, or begin again where it was stopped or failed."""
        with self._lock:
            if not self.running and not self.done:
                self.stopped, self.problem, self.progress = False, None, (0, 0)
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def stop(self) -> None:
        self.stopped = True

    def wait(self, seconds: float | None = None) -> bool:
        """Whether there is a result, after waiting at most so long; None is to the end."""
        if self.running:
            self._thread.join(seconds)
        return self.done

    def result(self) -> Result:
        """What the work returned, when it has ended. UserError where it failed or was stopped."""
        if self.wait():
            return self._result
        raise self.problem or UserError(f"{self.what}: this was stopped. Begin it again on the Evaluate page.")

    def _run(self) -> None:
        try:
            self._result = self._work(self._report)
            self.done = True
            del self._work  # and what it was made of
        except _Stopped:
            pass
        except UserError as reason:
            self.problem = reason
        except Exception as fault:  # a thread has nobody above it: without this the page would wait for nothing
            logging.getLogger(__name__).exception("%s", self.what)
            self.problem = UserError(f"{self.what}: this failed ({fault}); the server's log says more.")

    def _report(self, done: int, total: int, what: str = "") -> None:
        if self.stopped:
            raise _Stopped
        self.progress = done, total


def ready(job: Job, name: str, seconds: float | None = None) -> bool:
    """Whether `job` has its result, after waiting at most `seconds` (None: PATIENCE). If not, its progress or what
    kept it is shown, and how to stop it or to begin again. `name` is of its own on the page."""
    job.wait(PATIENCE if seconds is None else max(0.0, seconds))
    with st.container():  # what follows keeps its place
        if job.running and not job.done:
            st.fragment(_progress, run_every=POLL_SECONDS, key=keys.job("progress", name))(job, name)
        elif not job.done:
            _ended(job, name)
    return job.done


def _progress(job: Job, name: str) -> None:
    if not job.running:
        st.rerun()
    done, total = job.progress
    if not total:
        st.caption(f":material/hourglass_top: {job.what}, this once…")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(done / total, 1.0), f"{job.what}, this once: {done:,} of {total:,}")
        st.button("Stop", key=keys.job("stop", name), icon=":material/stop:", on_click=job.stop, disabled=job.stopped)


def _ended(job: Job, name: str) -> None:
    """Stopped, or failed with a sentence."""
    if job.problem:
        st.error(escape_markdown(str(job.problem)), icon=":material/error:")
    again = "Try again" if job.problem else f"{job.what}: begin again"
    st.button(again, key=keys.job("start", name), icon=":material/resume:", on_click=job.start)


def deadline(seconds: float | None = None) -> Callable[[], float]:
    """Returns a function that tells how much is left of `seconds` (None: PATIENCE), for several jobs in a row."""
    end = time.monotonic() + (PATIENCE if seconds is None else seconds)
    return lambda: max(0.0, end - time.monotonic())
