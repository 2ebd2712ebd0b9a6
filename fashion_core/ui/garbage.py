"""What Streamlit's collection of garbage need not go through after each rerun: all that is loaded and stays.

It goes through every object of every module, 200,000 of them: more work than most pages. Once set aside they are left
out, and what a rerun itself leaves behind is still collected at its end.
"""

import gc
import sys
import threading
import time
from collections.abc import Callable

AGAIN = 600.0  # seconds, after which what was set aside is looked through: a session that was open may have ended

_lock = threading.Lock()
_modules, _when = 0, 0.0


def set_aside(clock: Callable[[], float] = time.monotonic) -> None:
    """Set aside what lives now, where modules were loaded since the last time or that was long ago."""
    global _modules, _when
    with _lock:
        if len(sys.modules) <= _modules and clock() - _when < AGAIN:
            return
        _modules, _when = len(sys.modules), clock()
        gc.unfreeze()
        gc.collect()
        gc.freeze()
