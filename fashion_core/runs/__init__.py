"""Training runs: their settings, folders, event logs and experiments.

from fashion_core import runs
run = runs.create(config, Path("photos"))
runs.launch(run)
"""

from fashion_core.files import write_json
from fashion_core.runs.events import EventLog, Tail
from fashion_core.runs.run import (
    LIVE,
    START_SECONDS,
    Run,
    busy,
    claim,
    create,
    find,
    folder_of_runs,
    get,
    launch,
    refuse_if_busy,
)

__all__ = [
    "LIVE",
    "START_SECONDS",
    "EventLog",
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
    "write_json",
]
