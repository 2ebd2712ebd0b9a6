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
Version = tuple[int, int, int]


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
    try:
        found = _parsed(str(file), version(file))
    except FileNotFoundError:
        found = f"{FILE} is missing, so this run cannot be resumed: remove its folder."
    except OSError as error:
        found = f"{FILE} cannot be read ({error.strerror}): ask its owner for the right to read it, or remove the run."
    if isinstance(found, str):
        raise UserError(found)
    return found


def read_values(folder: Path) -> dict[str, Any]:
    """The same as plain values, with whatever else stands there, to change and write back."""
    read_record(folder)
    return json.loads((folder / FILE).read_text("utf-8"))


def version(file: Path) -> Version:
    """What tells one content of `file` from another: its inode, size and time. Raises OSError."""
    status = file.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


@lru_cache(maxsize=KEPT)
def _parsed(file: str, version: Version) -> Record | str:
    """The record in `file`, or a sentence that says why there is none. Raises OSError."""
    again = "remove this folder, or bring the file back from a copy."
    try:
        values = json.loads(Path(file).read_text("utf-8"))
        if not isinstance(values, dict):
            return f"{FILE} is no record of a run: {again}"
        if missing := [key for key in ("dataset", "train") if not values.get(key)]:
            return f"{FILE} has no {' and no '.join(missing)}: {again}"
        return Record(
            created=_created(values.get("created"), Path(file)),
            dataset=Path(values["dataset"]),
            config=migrate(values["train"]),
            history=tuple(values.get("history") or ()),
        )
    except UserError as error:
        return f"{FILE}: {error}"
    except (TypeError, ValueError, RecursionError):  # no JSON, or values of another type
        return f"{FILE} is damaged: {again}"


def _created(text: Any, file: Path) -> datetime:
    """When the run was created, with its offset; where the file does not say, when the file was written."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (TypeError, ValueError):
        return datetime.fromtimestamp(file.stat().st_mtime).astimezone()
