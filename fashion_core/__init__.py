"""Busana: train, inspect and share apparel photo classifiers. The core under the pages and the command line."""

import os
from importlib.util import find_spec
from pathlib import Path

__version__ = "0.2.0.dev0"

PACKAGE = Path(__file__).resolve().parent
_INSTALLED = (PACKAGE / "_app" / "app.py").is_file()  # a wheel brings it there; in a checkout it stands beside us
APP = PACKAGE / "_app" if _INSTALLED else PACKAGE.parent
"""The folder with `app.py`, `pages/` and `.streamlit/`."""


class UserError(ValueError):
    """A mistake that the person can mend: its message is one sentence that says what to do."""


def home() -> Path:
    """The folder that holds `runs/`, `weights/` and `data/`: `$BUSANA_HOME`, or else the checkout.

    Installed it is the working folder, never that of the package, whose next upgrade could take a run along.
    """
    return Path(os.environ.get("BUSANA_HOME") or (Path.cwd() if _INSTALLED else PACKAGE.parent))


def need(package: str, work: str) -> None:
    """Raise UserError where `package`, which the extra `train` brings, is missing; `work` is what needs it."""
    if find_spec(package) is None:
        raise UserError(f'{work} needs {package}, which is not installed here: install Busana with its extra "train".')
