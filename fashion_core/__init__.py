"""Busana: train, inspect and share apparel photo classifiers. The core under the pages and the command line."""

import os
from pathlib import Path

__version__ = "0.1.0"


class UserError(ValueError):
    """A mistake that the person can mend: its message is one sentence that says what to do."""


def home() -> Path:
    """The folder that holds `runs/`, `weights/` and `data/`: `$BUSANA_HOME`, or the project's root."""
    return Path(os.environ.get("BUSANA_HOME") or Path(__file__).resolve().parents[1])
