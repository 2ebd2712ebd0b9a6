"""config.json of a run: when it was created, which photos it trains on, its recipe and the recipes before that."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from fashion_core import UserError
from fashion_core.files import write_json
from fashion_core.runs.config import TrainConfig, migrate

FILE = "config.json"
KEPT = 4096  # parsed files, for as many runs
Version = tuple[int, int, int, int]


@dataclass(frozen=True)
class Record:
    """What config.json says; `config` applies from iteration `from_step` on.

    `history` holds the recipes before it, oldest first, each {"time", "from_step", "train"}.
    """

    created: datetime
    dataset: Path
    config: TrainConfig
    from_step: int = 0
    history: tuple[Mapping[str, Any], ...] = ()
    name: str = ""  # that a person gave it

    def changes(self) -> list[str]:
        """A sentence for each: "The recipe was changed after step 40: learning_rate 0.1 → 0.01."."""
        recipes = [*(one["train"] for one in self.history), self.config.as_dict()]
        steps = [*(one["from_step"] for one in self.history[1:]), self.from_step]
        return [
            f"The recipe was changed after step {step}: {', '.join(_differences(old, new))}."
            for step, old, new in zip(steps, recipes, recipes[1:], strict=False)
        ]


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} {_short(name, old[name])} → {_short(name, value)}"
        for name, value in new.items()
        if name in old and old[name] != value
    ]


def _short(name: str, value: Any) -> Any:
    folder = name in ("extra", "teacher") and value  # a card tells no folder of this machine
    return Path(value).name if folder else value


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


def write_values(folder: Path, values: Mapping[str, Any]) -> None:
    """Write config.json whole or not at all. Raises UserError."""
    try:
        write_json(folder / FILE, values)
    except OSError as error:
        raise UserError(
            f"{FILE} of run {folder.name} cannot be written ({error.strerror}): free some room and make its folder "
            "writable, or start a run of your own."
        ) from None


def version(file: Path) -> Version:
    """What tells one content of `file`, and one set of rights to it, from another. Raises OSError."""
    status = file.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


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
            from_step=int(values.get("from_step", 0)),
            history=tuple(_earlier(one) for one in values.get("history") or ()),
            name=str(values.get("name") or ""),
        )
    except UserError as error:
        return f"{FILE}: {error}"
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):  # no JSON, or values of another type
        return f"{FILE} is damaged: {again}"


def _earlier(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """One entry of the history; TypeError or ValueError where it is none."""
    return {"time": values.get("time"), "from_step": int(values["from_step"]), "train": dict(values["train"])}


def _created(text: Any, file: Path) -> datetime:
    """When the run was created, with its offset; where the file does not say, when the file was written."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (TypeError, ValueError):
        return datetime.fromtimestamp(file.stat().st_mtime).astimezone()
