"""The quality of the photos in a folder, file by file, found off the page's thread and kept on disk.

    check = QualityCheck(root)
    check.start(paths)          # looks for files that are new or changed, and measures these alone
    check.wait(1.0) or check.progress

A file is measured again when its size or time changes; the others' measures stay. It imports no Streamlit.
"""

import hashlib
import logging
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fashion_core import UserError
from fashion_core.files import atomic_write, cache_folder
from fashion_core.photos import quality

CHUNK = 16  # photos measured at a time: after each one may stop
SAVE_EVERY = 20.0  # seconds
REST = 20  # times as long as the last look at the files took, before they are looked at again
Stamp = tuple[int, int]  # size in bytes, time of change in nanoseconds


class QualityCheck:
    """Measures of the photos in `root`. Its methods may be called from any thread."""

    def __init__(self, root: Path) -> None:
        self.root = root
        of = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
        self.file = cache_folder() / f"photo-quality-{of}-v{quality.VERSION}.parquet"
        self.version = 0  # goes up whenever measures changed
        self.progress = (0, 0)  # photos measured of those to measure
        self.problem = ""  # why it ended early, as a sentence
        self.stopped = False
        self._measured: dict[str, tuple[Stamp, dict | None]] = {}  # None: the file cannot be read
        self._requested: frozenset[str] = frozenset()
        self._rest_until = 0.0
        self._lock, self._thread = threading.Lock(), threading.Thread()
        self._read()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def start(self, paths: Sequence[str], again: bool = False) -> None:
        """Look at these photos, if none are looked at now, and they were not just before. After `stop` only `again`
        starts it."""
        with self._lock:
            requested = frozenset(paths)
            resting = requested == self._requested and time.monotonic() < self._rest_until
            if self.running or (not again and (self.stopped or resting)):
                return
            self.stopped, self.problem, self.progress, self._requested = False, "", (0, 0), requested
            self._thread = threading.Thread(target=self._run, args=(list(paths),), daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after the photos that are being measured now; what was measured is kept."""
        self.stopped = True

    def wait(self, seconds: float) -> bool:
        """Whether it is done, after waiting at most so long."""
        if self.running:
            self._thread.join(seconds)
        return not self.running

    def table(self, paths: Sequence[str]) -> pd.DataFrame:
        """A row for each of `paths` measured so far: the columns of `quality.measure`, and odd sizes by this table."""
        with self._lock:
            rows = [found[1] for path in paths if (found := self._measured.get(path)) and found[1]]
        return quality.with_odd_sizes(pd.DataFrame(rows, columns=list(quality.COLUMNS)).astype(quality.COLUMNS))

    def _run(self, paths: list[str]) -> None:
        try:
            began = time.monotonic()
            changed = self._changed(paths)
            seconds = time.monotonic() - began
            self._measure(changed)
            self._rest_until = time.monotonic() + REST * seconds
        except UserError as reason:
            self.problem = str(reason)
        except Exception as fault:  # a thread has nobody above it: without this the page would wait for nothing
            logging.getLogger(__name__).exception("Photo quality could not be measured")
            self.problem = f"The quality of these photos could not be measured ({fault}); the server's log says more."

    def _changed(self, paths: list[str]) -> dict[str, Stamp]:
        """The photos that are new or changed; those that went are forgotten."""
        changed: dict[str, Stamp] = {}
        root = os.fspath(self.root)
        for path in paths:
            try:
                status = os.stat(f"{root}{os.sep}{path}")  # noqa: PTH116  # of 44,000 files: a Path takes thrice as long
                stamp = status.st_size, status.st_mtime_ns
            except (OSError, ValueError):
                if self._measured.pop(path, None):
                    self.version += 1
                continue
            if path not in self._measured or self._measured[path][0] != stamp:
                changed[path] = stamp
        return changed

    def _measure(self, changed: dict[str, Stamp]) -> None:
        paths, saved = list(changed), time.monotonic()
        for begin in range(0, len(paths), CHUNK):
            if self.stopped:
                break
            self.progress = begin, len(paths)
            chunk = paths[begin : begin + CHUNK]
            rows = {row["path"]: row for row in quality.measure(self.root, chunk).to_dict("records")}
            with self._lock:
                self._measured |= {path: (changed[path], rows.get(path)) for path in chunk}
                self.version += 1
            if time.monotonic() - saved > SAVE_EVERY:
                self._save()
                saved = time.monotonic()
        if paths:
            self._save()

    # The file -------------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        """What was measured before; a file of another version, or damaged, counts as none."""
        try:
            table = pd.read_parquet(self.file)
        except (OSError, ValueError, KeyError):
            return
        for row in table.to_dict("records"):
            stamp = row.pop("bytes"), row.pop("mtime")
            row["path"] = os.fsdecode(row["path"])
            self._measured[row["path"]] = stamp, row

    def _save(self) -> None:
        with self._lock:
            rows = [
                row | {"path": os.fsencode(path), "bytes": stamp[0], "mtime": stamp[1]}
                for path, (stamp, row) in self._measured.items()
                if row
            ]
        with atomic_write(self.file) as partial:
            pd.DataFrame(rows).to_parquet(partial)
