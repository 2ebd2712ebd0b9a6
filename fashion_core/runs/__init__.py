"""Training runs: their settings, folders, event logs and experiments.

from fashion_core import runs
run = runs.create(config, Path("photos"))
runs.launch(run)
"""

from fashion_core.runs.events import EventLog, LogSnapshot, Tail
from fashion_core.runs.process import busy, claim, launch, refuse_if_busy
from fashion_core.runs.run import (
    DONE,
    LIVE,
    START_SECONDS,
    TEST_SETTINGS,
    TESTED,
    UNREADABLE,
    Run,
    create,
    find,
    folder_of_runs,
    get,
)  # fmt: skip

__all__ = [
    "DONE",
    "LIVE",
    "START_SECONDS",
    "TESTED",
    "TEST_SETTINGS",
    "UNREADABLE",
    "EventLog",
    "LogSnapshot",
    "Run",
    "Tail",
    "busy",
    "claim",
    "create",
    "find",
    "folder_of_runs",
    "get",
    "launch",
    "refuse_if_busy",
]
