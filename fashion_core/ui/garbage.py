"""The collection of garbage, in place of Streamlit's after every rerun (`runner.postScriptGC` is off).

Streamlit's goes through every object of every module and of every visitor's tab: with fifty of them a quarter of what a
rerun costs, and nobody is answered meanwhile. Here what is loaded and stays is set aside once, and the rest is gone
through every few seconds at most.
"""

import gc
import sys
import threading
import time
from collections.abc import Callable

EVERY = 10.0  # seconds at least between two collections
AGAIN = 600.0  # seconds, after which what was set aside is looked through: a session that was open may have ended

_lock = threading.Lock()
_modules, _aside, _collected = 0, 0.0, 0.0


def collect(clock: Callable[[], float] = time.monotonic) -> None:
    """Collect where it is time; called as a rerun begins. Of many at once one does."""
    global _modules, _aside, _collected
    if not _lock.acquire(blocking=False):
        return
    try:
        now = clock()
        if len(sys.modules) > _modules or now - _aside >= AGAIN:
            _modules, _aside, _collected = len(sys.modules), now, now
            gc.unfreeze()
            gc.collect()
            gc.freeze()
        elif now - _collected >= EVERY:
            _collected = now
            gc.collect()
    finally:
        _lock.release()
