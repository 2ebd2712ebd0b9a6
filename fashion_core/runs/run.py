"""A training run is a folder: create it, launch its worker, append to its log, read on, stop, resume, tell its state.

    runs/<id>/  config.json  events.jsonl  lock  stop  worker.log
                last.safetensors  best.safetensors  evaluation.parquet  model/

The worker is a detached process that holds an OS lock on `lock` for life, so a run is alive exactly while the lock is
taken: there are no process ids to go stale. The log is append-only, one JSON object per line; everybody else reads it.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from fashion_core import PACKAGE, UserError, home, need
from fashion_core.files import write_json
from fashion_core.photos.imaging import printable
from fashion_core.runs.config import TrainConfig
from fashion_core.runs.events import EventLog, Tail, _parse

LIVE = ("starting", "running", "stopping")
START_SECONDS = 9.0  # a launched worker that has not taken its lock by then is not coming; torch loads after it


@dataclass(frozen=True)
class Run:
    """One run folder. Nothing is cached: every property is read from disk, so any process sees the same truth."""

    folder: Path

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def record(self) -> dict[str, Any]:
        """config.json: version, creation time, `dataset` (folder) and `train` (the recipe)."""
        return json.loads((self.folder / "config.json").read_text())

    @property
    def config(self) -> TrainConfig:
        """The recipe."""
        return TrainConfig(**self.record["train"])

    @property
    def dataset(self) -> Path:
        """The folder of photos it trains on."""
        return Path(self.record["dataset"])

    @property
    def title(self) -> str:
        """What a person calls it: when, with what, on what."""
        record = self.record
        recipe = record["train"]
        name = printable(Path(record["dataset"]).name)
        return f"{self.id} · {recipe['architecture']} {recipe['image_size']} px on {name}"

    @property
    def state(self) -> str:
        """starting, running, stopping, finished, stopped, failed or crashed."""
        if self._locked():
            return "stopping" if (self.folder / "stop").exists() else "running"
        last = (self._recent() or [{"type": None}])[-1]
        waiting = self.folder / "launched"
        if waiting.exists() and time.time() - waiting.stat().st_mtime < START_SECONDS:
            return "starting"
        return {"end": last.get("reason"), "error": "failed"}.get(last["type"], "crashed")

    @property
    def result(self) -> str:
        """The best that is known of it in a few words: its test accuracy, or how far it came."""
        newest = {event["type"]: event for event in self._recent()}
        if "evaluate" in newest:
            return f"test {newest['evaluate']['accuracy']:.1%}, macro-F1 {newest['evaluate']['macro_f1']:.3f}"
        if "epoch" in newest:
            return f"validation {newest['epoch']['validation_accuracy']:.1%} after epoch {newest['epoch']['epoch']}"
        return "–"

    @property
    def evaluation_file(self) -> Path | None:
        """The stored test predictions, once there are any."""
        file = self.folder / "evaluation.parquet"
        return file if file.exists() else None

    @property
    def model_folder(self) -> Path | None:
        """The exported model, once there is one: the card is written last."""
        folder = self.folder / "model"
        return folder if (folder / "card.json").exists() else None

    def events(self) -> list[dict[str, Any]]:
        """All complete, readable events, oldest first."""
        file = self.folder / "events.jsonl"
        return list(_parse(file.read_bytes())[0]) if file.exists() else []

    @property
    def images_per_second(self) -> float | None:
        """Training throughput: the median over the epochs; None before the first has ended."""
        tail = Tail(self)
        tail.update()
        rates = [epoch["images_per_second"] for epoch in tail.epochs if epoch.get("images_per_second")]
        return round(float(np.median(rates)), 1) if rates else None

    @property
    def training_seconds(self) -> float:
        """From each start to the last iteration before the next one, summed: the time between sessions is no work."""
        seconds, start, last = 0.0, None, None
        for event in self.events():
            if event["type"] == "start":
                seconds += last - start if start is not None else 0.0
                start = last = event["t"]
            elif start is not None and event["type"] in ("step", "epoch"):
                last = event["t"]
        return seconds + (last - start if start is not None else 0.0)

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of the worker's own output."""
        file = self.folder / "worker.log"
        return "\n".join(file.read_text(errors="replace").splitlines()[-lines:]) if file.exists() else ""

    def stop(self) -> None:
        """Ask the worker to stop after the current iteration."""
        (self.folder / "stop").touch()

    def _locked(self) -> bool:
        try:
            with FileLock(self.folder / "lock", timeout=0):
                return False
        except Timeout:
            return True

    def _recent(self) -> list[dict[str, Any]]:
        """The events in the last 64 KiB of the log."""
        file = self.folder / "events.jsonl"
        if not file.exists():
            return []
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - 65536))
            return _parse(stream.read())[0]


def folder_of_runs() -> Path:
    """Where runs live unless the person says otherwise."""
    return home() / "runs"


def find(runs_dir: Path | None = None) -> list[Run]:
    """Every run, newest first."""
    folders = (runs_dir or folder_of_runs()).glob("*/config.json")
    return [Run(file.parent) for file in sorted(folders, key=lambda file: file.parent.name, reverse=True)]


def get(name: str, runs_dir: Path | None = None) -> Run:
    """The run called `name` (its id, or the path of its folder). Raises UserError if there is none."""
    for folder in ((runs_dir or folder_of_runs()) / name, Path(name)):
        if (folder / "config.json").exists():
            return Run(folder)
    raise UserError(f"There is no run {name!r}; give the name of a folder in {runs_dir or folder_of_runs()}.")


def create(config: TrainConfig, dataset: Path, runs_dir: Path | None = None) -> Run:
    """A new run folder for `config` on the photos in `dataset`; which decisions it learns from is settled here."""
    from fashion_core.photos import label_corrections  # it loads pandas, which whoever only watches a run need not

    need("torch", "Training")
    parent = runs_dir or folder_of_runs()
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S") + "-" + re.sub(r"\W+", "-", config.preset)
    for attempt in range(100):
        folder = parent / (stamp if attempt == 0 else f"{stamp}-{attempt + 1}")
        try:
            folder.mkdir(parents=True)
            break
        except FileExistsError:
            continue
    record = {
        "v": 1,
        "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        "dataset": str(dataset.resolve()),
        "train": config.as_dict() | {"decisions": label_corrections.resolve_setting(config.decisions, dataset)},
    }
    write_json(folder / "config.json", record)
    return Run(folder)


def busy(runs_dir: Path | None = None) -> Run | None:
    """The run that is training now, if any."""
    return next((run for run in find(runs_dir) if run.state in LIVE), None)


def refuse_if_busy(runs_dir: Path | None = None, besides: Run | None = None) -> None:
    """Raise a sentence that says which run is busy."""
    run = busy(runs_dir)
    if run and (besides is None or run.id != besides.id):
        raise UserError(f"Run {run.id} is training now: stop it or wait for its end before you start another.")


def launch(run: Run) -> None:
    """Start the worker as a process of its own that outlives this one; the same door as the terminal."""
    need("torch", "Training")
    refuse_if_busy(run.folder.parent, besides=run)
    (run.folder / "launched").touch()
    (run.folder / "stop").unlink(missing_ok=True)
    command = [sys.executable, "-m", "fashion_core", "train", "--resume", str(run.folder.resolve())]
    environment = {**os.environ, "BUSANA_HOME": str(home().resolve()), "PYTHONUNBUFFERED": "1"}
    # own session, no inherited pipe that could fill, output kept in the run's folder
    with (run.folder / "worker.log").open("ab") as output:
        subprocess.Popen(
            command, cwd=PACKAGE.parent, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True, close_fds=True,
        )  # fmt: skip


@contextmanager
def claim(run: Run) -> Iterator["EventLog"]:
    """The worker's hold on its run: the lock for life and the log. Raises UserError while another run is busy."""
    lock = FileLock(run.folder / "lock")
    with FileLock(run.folder.parent / ".start.lock"):  # two workers that start at once see each other
        refuse_if_busy(run.folder.parent, besides=run)
        try:
            lock.acquire(timeout=2)  # a reader that asks whether it is free holds it for a moment
        except Timeout:
            raise UserError(f"Run {run.id} is training already: watch it on the Train page.") from None
    try:
        if (run.folder / "launched").exists():  # `launch` has cleared old wishes to stop; one made since then is meant
            (run.folder / "launched").unlink()
        else:
            (run.folder / "stop").unlink(missing_ok=True)
        with EventLog(run.folder / "events.jsonl") as log:
            yield log
    finally:
        lock.release()
