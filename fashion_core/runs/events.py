"""A run's log: one JSON object per line, appended by the worker, read on by everybody else."""

import json
import os
import time
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from fashion_core.runs.run import Run


class EventLog:
    """Append one JSON line per event, flushed, so that a reader in another process sees it at once."""

    def __init__(self, file: Path) -> None:
        self._mend(file)
        events = _parse(file.read_bytes())[0] if file.exists() else []
        self._seq = events[-1]["seq"] + 1 if events else 0
        self._stream = file.open("a", encoding="utf-8")

    def __call__(self, type: str, **fields: Any) -> None:
        """Append an event of `type` with `fields` (JSON-able; not-a-number becomes null)."""
        event = {"v": 1, "seq": self._seq, "t": round(time.time(), 3), "type": type, **fields}
        self._stream.write(json.dumps(_finite(event), separators=(",", ":")) + "\n")
        self._stream.flush()
        self._seq += 1

    def __enter__(self) -> "EventLog":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    @staticmethod
    def _mend(file: Path) -> None:
        """Cut off the unfinished last line that a killed writer left."""
        if file.exists() and (data := file.read_bytes()) and not data.endswith(b"\n"):
            os.truncate(file, data.rfind(b"\n") + 1)


def _finite(value: Any) -> Any:
    """JSON has no NaN: write null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _parse(data: bytes) -> tuple[list[dict[str, Any]], int]:
    """The events in `data` and how many bytes of it are complete lines. Lines that are no event are passed over."""
    end = data.rfind(b"\n") + 1
    events = []
    for line in data[:end].splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and "seq" in event:
            events.append(event)
    return events, end


class Tail:
    """A run's log as growing columns: each `update` reads only the bytes that are new.

    `steps()` has one row per iteration (step, loss, accuracy, learning_rate), `epochs` one dict per epoch.
    """

    COLUMNS = ("step", "loss", "accuracy", "learning_rate")

    def __init__(self, run: "Run") -> None:
        self.run = run
        self.offset = 0
        self.columns = {name: array("d") for name in self.COLUMNS}
        self.epochs: list[dict[str, Any]] = []
        self.latest: dict[str, dict[str, Any]] = {}  # the newest event of each type
        self.notes: list[str] = []
        self.seen = 0.0  # time of the newest event, seconds since the epoch

    def update(self) -> int:
        """Read on; return how many events were new."""
        file = self.run.folder / "events.jsonl"
        if not file.exists():
            return 0
        with file.open("rb") as stream:
            stream.seek(self.offset)
            events, consumed = _parse(stream.read())
        self.offset += consumed
        for event in events:
            self._take(event)
        return len(events)

    def steps(self) -> pd.DataFrame:
        """One row per logged iteration: step (from 1), loss, accuracy (0..1), learning_rate."""
        return pd.DataFrame({name: np.array(column) for name, column in self.columns.items()})

    def _take(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        self.latest[kind] = event
        self.seen = event["t"]
        if kind == "step":
            for name, column in self.columns.items():
                value = event.get(name)
                column.append(float("nan") if value is None else value)
        elif kind == "epoch":
            self.epochs.append(event)
        elif kind == "note":
            self.notes += [event["text"]] if event["text"] not in self.notes else []  # a resumed worker says it again
        elif kind == "start":
            self._rewind(event["step"])

    def _rewind(self, step: int) -> None:
        """A resumed worker goes on from its checkpoint: what was logged after it will be logged again."""
        keep = int(np.searchsorted(np.array(self.columns["step"]), step, side="right"))
        for column in self.columns.values():
            del column[keep:]
        self.epochs = [epoch for epoch in self.epochs if epoch["step"] <= step]
        for kind in ("end", "error", "evaluate"):
            self.latest.pop(kind, None)
