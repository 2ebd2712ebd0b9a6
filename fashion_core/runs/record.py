"""config.json of a run: when it was created, which photos it trains on, its recipe and the recipes before that."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from fashion_core import UserError
from fashion_core.runs.config import TrainConfig, migrate

FILE = "config.json"
KEPT = 4096  # parsed files, for as many runs


@dataclass(frozen=True)
class Record:
    """What config.json says. `history` holds the recipes before `config`: {"time", "from_step", "train"}, oldest first;
    each applied from iteration `from_step` on until the next one did."""

    created: datetime
    dataset: Path
    config: TrainConfig
    history: tuple[Mapping[str, Any], ...] = ()


def read_record(folder: Path) -> Record:
    """The record of the run in `folder`, parsed once for each content. UserError says what is wrong with the file."""
    file = folder / FILE
    found = _parsed(str(file), version(file))
    if isinstance(found, str):
        raise UserError(found)
    return found


def read_values(folder: Path) -> dict[str, Any]:
    """The same as plain values, with whatever else stands there, to change and write back."""
    read_record(folder)
    return json.loads((folder / FILE).read_text("utf-8"))


def version(file: Path) -> tuple[int, int, int] | None:
    """What tells one content of `file` from another: its inode, size and time; None where it cannot be asked."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


@lru_cache(maxsize=KEPT)
def _parsed(file: str, version: tuple[int, int, int] | None) -> Record | str:
    """The record in `file`, or a sentence that says why there is none."""
    try:
        values = json.loads(Path(file).read_text("utf-8"))
        if not isinstance(values, dict):
            return f"{FILE} is no record of a run: remove this folder, or bring the file back from a copy."
        if missing := [key for key in ("dataset", "train") if not values.get(key)]:
            return f"{FILE} has no {' and no '.join(missing)}: remove this folder, or bring the file back from a copy."
        history = values.get("history")
        return Record(
            created=_created(values.get("created"), Path(file)),
            dataset=Path(values["dataset"]),
            config=migrate(values["train"]),
            history=tuple(history) if isinstance(history, list) else (),
        )
    except FileNotFoundError:
        return f"{FILE} is missing, so this run cannot be read or resumed: remove its folder."
    except OSError as error:
        return (
            f"{FILE} cannot be read ({error.strerror}): ask its owner for the right to read it, or remove the folder."
        )
    except UserError as error:
        return f"{FILE}: {error}"
    except (TypeError, ValueError):  # no JSON, or values of another type
        return f"{FILE} is damaged: remove this folder, or bring the file back from a copy."


def _created(text: Any, file: Path) -> datetime:
    """When the run was created, with its offset; where the file does not say, when the file was written."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (TypeError, ValueError):
        return datetime.fromtimestamp(file.stat().st_mtime).astimezone()
