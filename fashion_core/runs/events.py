"""A run's log: one JSON object per line, appended by the worker, read on by everybody else."""

import json
import math
import os
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from fashion_core.late import Late
from fashion_core.runs.record import KEPT, Version, version

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = Late("pandas")

Event = dict[str, Any]
COLUMNS = ("step", "loss", "accuracy", "learning_rate")
END_BYTES = 65536  # of the log, in which the newest events are looked for
TYPE = re.compile(rb'"type":\s*"([^"]*)"')
# What an event of a type must hold for the curves; others are passed over, as types that are not known are.
NEEDED: dict[str, dict[str, type]] = {
    "step": {"step": int},
    "epoch": {"epoch": int, "step": int},
    "start": {"step": int},
    "note": {"text": str},
    "error": {"text": str},
}


class EventLog:
    """Append one JSON line per event, flushed, so that a reader in another process sees it at once."""

    def __init__(self, file: Path) -> None:
        self._cut_unfinished_line(file)
        events = parse_events(file.read_bytes())[0] if file.exists() else []
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
    def _cut_unfinished_line(file: Path) -> None:
        """Cut off the unfinished last line that a killed writer left."""
        if file.exists() and (data := file.read_bytes()) and not data.endswith(b"\n"):
            os.truncate(file, data.rfind(b"\n") + 1)


def _finite(value: Any) -> Any:
    """JSON has no NaN: write null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not np.isfinite(value) else value


def parse_events(data: bytes) -> tuple[list[Event], int]:
    """The events in `data` and how many bytes of it are complete lines. Lines that are no event are passed over."""
    end = data.rfind(b"\n") + 1
    events = []
    for line in data[:end].splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if _is_event(event):
            events.append(event)
    return events, end


def _is_event(event: Any) -> bool:
    return (
        isinstance(event, dict)
        and isinstance(event.get("seq"), int)
        and isinstance(event.get("t"), int | float)
        and isinstance(event.get("type"), str)
    )


def _is_whole(event: Event) -> bool:
    return all(isinstance(event.get(name), kind) for name, kind in NEEDED.get(event["type"], {}).items())


def newest_events(file: Path) -> Mapping[str, Event]:
    """The newest event of each type at the end of the log, the newest of all last, and the last epoch wherever it is.

    Read once for each length of the log. Raises OSError where the file is there and cannot be read.
    """
    try:
        return _newest(str(file), version(file))
    except FileNotFoundError:
        return {}


@lru_cache(maxsize=KEPT)
def _newest(name: str, version: Version) -> Mapping[str, Event]:
    file = Path(name)
    with file.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - END_BYTES))
        data = stream.read()
    found: dict[str, Event] = {}
    for line in reversed(data[: data.rfind(b"\n") + 1].splitlines(keepends=True)):
        kind = TYPE.search(line)
        if kind and kind[1].decode("utf-8", "replace") not in found:  # most are steps: of each type only one is parsed
            found |= {event["type"]: event for event in parse_events(line)[0]}
    if size > END_BYTES and "epoch" not in found:
        found |= _last_epoch(file)
    return MappingProxyType(dict(reversed(found.items())))


_looked_through: dict[str, tuple[int, dict[str, Event]]] = {}  # log → up to which byte, and its last epoch until there


def _last_epoch(file: Path) -> dict[str, Event]:
    """The last event of type epoch in a whole log, if any. Only its line is parsed, and of a log that has grown only
    what is new is read: an epoch may have a hundred megabytes of steps."""
    name = str(file)
    begin, found = _looked_through.get(name, (0, {}))
    with file.open("rb") as stream:
        if stream.seek(0, os.SEEK_END) < begin:  # another log lies here now
            begin, found = 0, {}
        stream.seek(begin)
        data = stream.read()
    at = data.rfind(b'"type":"epoch"', 0, data.rfind(b"\n") + 1)
    if at >= 0:
        start, end = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at) + 1
        found = {event["type"]: event for event in parse_events(data[start:end])[0]}
    if len(_looked_through) >= KEPT:
        _looked_through.clear()
    _looked_through[name] = begin + data.rfind(b"\n") + 1, found
    return found


@dataclass(frozen=True)
class LogSnapshot:
    """A run's log as it stood at one moment; nothing in it changes any more.

    `columns` has one value per iteration (step from 1, loss, accuracy 0..1, learning_rate; not-a-number where it is not
    known), all of equal length; `epochs` one event per epoch; `latest` the newest event of each type; `seen` is when
    the newest event came, in seconds of `time.monotonic`, None where there is none. `memo` is for what readers work out
    of a log, to go on from there: all snapshots of a `Tail` share it.
    """

    columns: Mapping[str, np.ndarray]
    epochs: tuple[Event, ...]
    latest: Mapping[str, Event]
    notes: tuple[str, ...]
    seen: float | None
    memo: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def age(self) -> float | None:
        """Seconds since the newest event came, never less than 0; None where there is none."""
        return None if self.seen is None else time.monotonic() - self.seen

    def steps(self) -> "pd.DataFrame":
        """One row per logged iteration: step, loss, accuracy, learning_rate."""
        return pd.DataFrame(dict(self.columns))


class _Rows:
    """Rows of COLUMNS, which are added or cut off at the end. What was handed out of them stays as it is: it is no copy
    but a view of an array, in which only rows behind it are written."""

    def __init__(self, rows: np.ndarray | None = None) -> None:
        self._array = _with_room(np.empty((len(COLUMNS), 0)) if rows is None else rows)
        self.length = 0 if rows is None else rows.shape[1]

    def append(self, row: list[float]) -> None:
        if self.length == self._array.shape[1]:
            self._array = _with_room(self._array)
        self._array[:, self.length] = row
        self.length += 1

    def beginning(self, step: int) -> "_Rows":
        """Others, up to and with this step."""
        return _Rows(self._array[:, : np.searchsorted(self._array[0, : self.length], step, side="right")])

    def columns(self) -> dict[str, np.ndarray]:
        views = dict(zip(COLUMNS, self._array[:, : self.length], strict=True))
        for view in views.values():
            view.flags.writeable = False
        return views


def _with_room(rows: np.ndarray) -> np.ndarray:
    """A copy of `rows` (columns, n) with room for as many again."""
    n = rows.shape[1]
    larger = np.empty((len(rows), max(1024, 2 * n)))
    larger[:, :n] = rows
    return larger


class Tail:
    """Reads on in a log: each `read` or `update` parses only the bytes that are new. Threads may share it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = threading.Lock()
        self._looked = -math.inf
        self._clear()

    def _clear(self) -> None:
        self.offset = 0
        self._rows = _Rows()
        self._epochs: list[Event] = []
        self._latest: dict[str, Event] = {}
        self._notes: list[str] = []
        self._seen: float | None = None
        self._memo: dict[Any, Any] = {}
        self._snapshot: LogSnapshot | None = None

    def update(self) -> int:
        """Read on; return how many events were new."""
        with self._lock:
            return self._update()

    def read(self) -> LogSnapshot:
        """Read on and return the log as it stands now."""
        with self._lock:
            self._update()
            if self._snapshot is None:
                self._snapshot = self._take_snapshot()
            return self._snapshot

    def _update(self) -> int:
        if not self.file.exists():
            return 0
        with self.file.open("rb") as stream:
            if stream.seek(0, os.SEEK_END) < self.offset:  # another log lies here now
                self._clear()
            stream.seek(self.offset)
            events, consumed = parse_events(stream.read())
        now, looked = time.monotonic(), self._looked
        self._looked = now
        for event in filter(_is_whole, events):
            self._add(event)
        if events:  # they came since the last look, whatever the clock of day says: it may have been set in between
            self._seen = max(looked, now - max(0.0, time.time() - events[-1]["t"]))
        self.offset += consumed
        if events:
            self._snapshot = None
        return len(events)

    def _take_snapshot(self) -> LogSnapshot:
        latest = MappingProxyType(dict(self._latest))
        return LogSnapshot(
            self._rows.columns(), tuple(self._epochs), latest, tuple(self._notes), self._seen, self._memo
        )

    def _add(self, event: Event) -> None:
        kind = event["type"]
        self._latest[kind] = event
        if kind == "step":
            self._rows.append([_number(event.get(name)) for name in COLUMNS])
        elif kind == "epoch":
            self._epochs.append(event)
        elif kind == "note":
            self._notes += [event["text"]] if event["text"] not in self._notes else []  # a resumed worker repeats it
        elif kind == "start":
            self._rewind(event["step"])

    def _rewind(self, step: int) -> None:
        """A resumed worker goes on from its checkpoint: what was logged after it will be logged again."""
        self._rows = self._rows.beginning(step)
        self._epochs = [epoch for epoch in self._epochs if epoch["step"] <= step]
        for kind in ("end", "error", "evaluate"):
            self._latest.pop(kind, None)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
