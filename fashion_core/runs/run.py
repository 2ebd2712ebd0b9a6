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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from fashion_core import UserError, home
from fashion_core.files import given_path, write_json
from fashion_core.photos.imaging import printable
from fashion_core.runs.config import TrainConfig
from fashion_core.runs.events import EventLog, Tail, _parse
from fashion_core.runs.record import FILE, Record, read_record, read_values

# What may change in a run that has begun: the weights, the optimizer's state, the split and the order of the photos in
# its checkpoint stay what they are.
CHANGEABLE = (
    "learning_rate", "schedule", "step_size", "gamma", "warmup_epochs", "momentum", "label_smoothing", "epochs",
    "crop_scale", "flip", "device", "extra",
)  # fmt: skip
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
    def record(self) -> Record:
        """What config.json says. Raises UserError where that cannot be read."""
        return read_record(self.folder)

    @property
    def config(self) -> TrainConfig:
        """The recipe. Raises UserError where it cannot be read."""
        return self.record.config

    @property
    def dataset(self) -> Path:
        """The folder of photos it trains on. Raises UserError where it cannot be read."""
        return self.record.dataset

    @property
    def title(self) -> str:
        """What a person calls it: when, with what, on what. Raises UserError where that cannot be read."""
        recipe = self.config
        return f"{self.id} · {recipe.architecture} {recipe.image_size} px on {printable(self.dataset.name)}"

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

    def amended(self, changes: Mapping[str, Any]) -> "Run":
        """Change settings of the recipe from the last checkpoint on; the earlier recipe goes into the history.

        Raises UserError while the run trains, once it is finished, for a bad value, and for a setting that the
        checkpoint depends on.
        """
        self._refuse_if_live()
        if self.state == "finished":
            raise UserError(f"Run {self.id} is finished: start a new run with other settings.")
        before, recipe, step = self.config, self.config.changed(dict(changes)), self.checkpoint_step
        recipe = recipe.changed({"extra": absolute(recipe.extra)})
        new = {name: value for name, value in recipe.as_dict().items() if value != getattr(before, name)}
        for name in new:
            if name not in CHANGEABLE or (name == "extra" and not (before.extra and recipe.extra)):
                raise UserError(
                    f"{name} cannot change in a run that has begun: start a new run with it. What can change is "
                    f"{', '.join(CHANGEABLE[:-1])}."
                )
        if not new:
            return self
        values = read_values(self.folder)
        earlier = {"time": values.get("amended", values.get("created")), "from_step": values.get("from_step", 0)}
        values["history"] = [*values.get("history", ()), earlier | {"train": values["train"]}]
        write_json(self.folder / FILE, values | {"train": recipe.as_dict(), "amended": _now(), "from_step": step})
        return self

    def move_photos(self, folder: str | Path) -> "Run":
        """Write down that the photos lie in `folder` now. Whether they are the same ones is for the worker to check.

        Raises UserError where there is no such folder, and while the run trains.
        """
        self._refuse_if_live()
        root = given_path(folder).resolve()
        if not root.is_dir():
            raise UserError(f"There is no folder {printable(root)}: give the folder that holds the photos now.")
        values = read_values(self.folder)
        if values["dataset"] != str(root):
            moved = {"time": _now(), "dataset": values["dataset"]}
            values |= {"dataset": str(root), "moved_from": [*values.get("moved_from", ()), moved]}
            write_json(self.folder / FILE, values)
        return self

    @property
    def checkpoint_step(self) -> int:
        """How many iterations the last checkpoint holds: a resumed worker goes on from there. 0 where there is none."""
        from safetensors import SafetensorError, safe_open

        file = self.folder / "last.safetensors"
        try:
            if not file.exists():
                return 0
            with safe_open(file, framework="numpy") as archive:
                return int(json.loads(archive.metadata()["about"])["progress"]["step"])
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise UserError(f"{file} is damaged ({error}): start a new run.") from None

    def _refuse_if_live(self) -> None:
        if self.state in LIVE:
            raise UserError(f"Run {self.id} is training now: stop it first.")

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

    parent = runs_dir or folder_of_runs()
    recipe = config.changed({"decisions": label_corrections.resolve_setting(config.decisions, dataset)})
    values = {"v": 1, "created": _now(), "dataset": str(dataset.resolve()), "train": recipe.as_dict()}
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S") + "-" + re.sub(r"\W+", "-", config.preset)
    for attempt in count(1):
        folder = parent / (stamp if attempt == 1 else f"{stamp}-{attempt}")
        try:
            folder.mkdir(parents=True)
            break
        except FileExistsError:
            continue
    write_json(folder / FILE, values)
    return Run(folder)


def absolute(path: str) -> str:
    """A path setting as a path that holds in whatever folder the worker starts; an empty one stays."""
    return str(given_path(path).resolve()) if path else ""


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="milliseconds")


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
    refuse_if_busy(run.folder.parent, besides=run)
    (run.folder / "launched").touch()
    (run.folder / "stop").unlink(missing_ok=True)
    command = [sys.executable, "-m", "fashion_core", "train", "--resume", str(run.folder.resolve())]
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "BUSANA_HOME": str(home().resolve()), "PYTHONUNBUFFERED": "1"}
    # own session, no inherited pipe that could fill, output kept in the run's folder
    with (run.folder / "worker.log").open("ab") as output:
        subprocess.Popen(
            command, cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
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
