"""A training run is a folder: create and find it, ask its state and recipe, stop it, change its recipe.

    runs/<id>/  config.json  events.jsonl  lock  stop  worker.log
                last.safetensors  best.safetensors  evaluation.parquet  model/

The worker is a detached process that holds an OS lock on `lock` for life, so a run is alive exactly while the lock is
taken: there are no process ids to go stale. The log is append-only, one JSON object per line; everybody else reads it.
"""

import json
import os
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from fashion_core import UserError, access, home, need
from fashion_core.access import Action
from fashion_core.files import given_path
from fashion_core.photos import examples
from fashion_core.photos.imaging import printable
from fashion_core.runs.config import TrainConfig
from fashion_core.runs.events import Event, Tail, newest_events, parse_events
from fashion_core.runs.lock import is_held
from fashion_core.runs.record import FILE, Record, read_record, read_values, write_values

# What may change in a run that has begun: the weights, the optimizer's state, the split and the order of the photos in
# its checkpoint stay what they are.
TEST_SETTINGS = ("test_image_size", "flip_at_test")  # of no weight in training: they can change after it, too
CHANGEABLE = (
    "learning_rate", "schedule", "step_size", "gamma", "warmup_epochs", "momentum", "label_smoothing", "epochs",
    "crop_scale", "flip", "precision", "device", *TEST_SETTINGS, "extra",
)  # fmt: skip
LIVE = ("starting", "running", "stopping")
TESTED = "tested"  # and its model can be used, but the worker ended before it had explained every photo
DONE = ("finished", TESTED)  # nothing is left to train
DAY_SECONDS = 86_400
START_SECONDS = 9.0  # a launched worker that has not taken its lock by then is not coming; torch loads after it
UNREADABLE = "unreadable"
MARKS = (FILE, "events.jsonl", "worker.log", "last.safetensors", "best.safetensors", "model")  # of a run's folder


@dataclass(frozen=True)
class Run:
    """One run folder. Every property follows what is on disk, so all processes agree; a file is parsed once for each
    content."""

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
    def name(self) -> str:
        """What a person named it; else its preset and when it was created; its id where that cannot be read."""
        try:
            record = self.record
        except UserError:
            return self.id
        return record.name or f"{record.config.preset.capitalize()}, {record.created:%d %b %H:%M}"

    @property
    def title(self) -> str:
        """What a person calls it: when, with what, on what. Raises UserError where that cannot be read."""
        recipe = self.config
        return f"{self.id} · {recipe.architecture} {recipe.image_size} px on {printable(self.dataset.name)}"

    @property
    def problem(self) -> str | None:
        """One sentence on what keeps this folder from being read; None where nothing does."""
        try:
            self.record  # noqa: B018  # whoever reads it raises
            is_held(self.folder / "lock")
            newest_events(self.events_file)
        except UserError as error:
            return str(error)
        except OSError as error:
            name = Path(error.filename or self.folder).name
            return f"{name} cannot be read ({error.strerror}): ask its owner for the right to read it, or remove it."
        return None

    @property
    def state(self) -> str:
        """starting, running, stopping, finished, tested (all but explained), stopped, failed, crashed, or unreadable
        where it cannot be told."""
        try:
            if is_held(self.folder / "lock"):
                return "stopping" if (self.folder / "stop").exists() else "running"
            newest = list(newest_events(self.events_file).values())
            if self._launched_lately():
                return "starting"
        except OSError:
            return UNREADABLE
        last = newest[-1] if newest else {}
        reason = last.get("reason") if last.get("type") == "end" else None
        if reason != "finished" and self.model_folder:
            return TESTED
        if reason in ("finished", "stopped"):
            return str(reason)
        return "failed" if last.get("type") == "error" else "crashed"

    @property
    def result(self) -> str:
        """The best that is known of it in a few words: its test accuracy, or how far it came."""
        try:
            newest = newest_events(self.events_file)
        except OSError:
            return "–"
        test, epoch = newest.get("evaluate", {}), newest.get("epoch", {})
        if {"accuracy", "macro_f1"} <= test.keys():
            return f"test {test['accuracy']:.1%}, macro-F1 {test['macro_f1']:.3f}"
        if "validation_accuracy" in epoch:
            return f"validation {epoch['validation_accuracy']:.1%} after epoch {epoch['epoch']}"
        return "–"

    @property
    def events_file(self) -> Path:
        """Its log."""
        return self.folder / "events.jsonl"

    @property
    def evaluation_file(self) -> Path | None:
        """The stored test predictions, once there are any."""
        file = self.folder / "evaluation.parquet"
        return file if _exists(file) else None

    @property
    def best_file(self) -> Path | None:
        """The weights of the best epoch so far, once one has ended."""
        file = self.folder / "best.safetensors"
        return file if _exists(file) else None

    @property
    def model_folder(self) -> Path | None:
        """The exported model, once there is one: the card is written last."""
        folder = self.folder / "model"
        return folder if _exists(folder / "card.json") else None

    def events(self) -> list[Event]:
        """All complete, readable events, oldest first."""
        return parse_events(self.events_file.read_bytes())[0] if self.events_file.exists() else []

    @property
    def images_per_second(self) -> float | None:
        """Training throughput: the median over the epochs; None before the first has ended."""
        epochs = Tail(self.events_file).read().epochs
        rates = [epoch["images_per_second"] for epoch in epochs if epoch.get("images_per_second")]
        return round(float(np.median(rates)), 1) if rates else None

    @property
    def training_seconds(self) -> float:
        """From each start to the last iteration before the next one, summed: the time between sessions is no work."""
        sessions: list[list[float]] = []
        for event in self.events():
            if event["type"] == "start":
                sessions.append([event["t"], event["t"]])
            elif sessions and event["type"] in ("step", "epoch"):
                sessions[-1][1] = event["t"]
        return sum(last - first for first, last in sessions)

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of the worker's own output."""
        try:
            return "\n".join((self.folder / "worker.log").read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def stop(self) -> None:
        """Ask the worker to stop after the current iteration. Raises UserError in a folder of another user's."""
        access.require(Action.TRAIN)
        try:
            (self.folder / "stop").touch()
        except OSError as error:
            raise UserError(f"Run {self.id} cannot be stopped from here ({error.strerror}): ask its owner.") from None

    def amended(self, changes: Mapping[str, Any]) -> "Run":
        """Change settings of the recipe from the last checkpoint on; the earlier recipe goes into the history.

        Raises UserError while the run trains, once it is tested, for a bad value, and for a setting that the
        checkpoint depends on.
        """
        access.require(Action.TRAIN)
        self._refuse_if_live()
        if (state := self.state) in DONE and not set(changes) <= set(TEST_SETTINGS):
            raise UserError(f"Run {self.id} is {state}: start a new run with other settings.")
        before, recipe, step = self.config, self.config.changed(dict(changes)), self.checkpoint_step
        recipe = recipe.changed({"extra": absolute(recipe.extra)})
        examples.keep_from_training(recipe.extra)
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
        write_values(self.folder, values | {"train": recipe.as_dict(), "amended": _now(), "from_step": step})
        return self

    def move_photos(self, folder: str | Path) -> "Run":
        """Write down that the photos lie in `folder` now. Whether they are the same ones is for the worker to check.

        Raises UserError where there is no such folder, and while the run trains.
        """
        access.require(Action.TRAIN)
        self._refuse_if_live()
        root = given_path(folder).resolve()
        if not root.is_dir():
            raise UserError(f"There is no folder {printable(root)}: give the folder that holds the photos now.")
        values = read_values(self.folder)
        if values["dataset"] != str(root):
            moved = {"time": _now(), "dataset": values["dataset"]}
            values |= {"dataset": str(root), "moved_from": [*values.get("moved_from", ()), moved]}
            write_values(self.folder, values)
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

    @property
    def launched(self) -> float:
        """When its worker was last launched, in seconds since 1970, while that has not yet begun; 0 after that."""
        try:
            return (self.folder / "launched").stat().st_mtime
        except OSError:
            return 0.0

    def _launched_lately(self) -> bool:
        return abs(time.time() - self.launched) < START_SECONDS


def folder_of_runs() -> Path:
    """Where runs live unless the person says otherwise."""
    return home() / "runs"


def find(runs_dir: Path | None = None) -> list[Run]:
    """Every run, newest first, also those that cannot be read (`Run.problem` says why)."""
    parent = runs_dir or folder_of_runs()
    try:
        folders = [folder for folder in parent.iterdir() if not folder.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UserError(
            f"The folder {parent} cannot be read ({error.strerror}): set BUSANA_HOME to one you own."
        ) from None
    return sorted(map(Run, filter(_is_run, folders)), key=_created, reverse=True)


def _is_run(folder: Path) -> bool:
    try:
        return folder.is_dir() and any((folder / name).exists() for name in MARKS)
    except PermissionError:  # another user's: perhaps a run
        return True


def _created(run: Run) -> tuple[float, str]:
    """When it was created, in seconds since 1970, whatever the time zone; its id for those of one moment."""
    try:
        return run.record.created.timestamp(), run.id
    except UserError:
        return _mtime(run.folder), run.id


def _mtime(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # in a folder of another user's
        return False


def get(name: str, runs_dir: Path | None = None) -> Run:
    """The run called `name` (its id, or the path of its folder). Raises UserError if there is none."""
    for folder in ((runs_dir or folder_of_runs()) / name, given_path(name)):
        if _exists(folder) and folder.is_dir() and _is_run(folder):
            return Run(access.inside(folder))
    raise UserError(f"There is no run {name!r}; give the name of a folder in {runs_dir or folder_of_runs()}.")


def create(config: TrainConfig, dataset: Path, runs_dir: Path | None = None) -> Run:
    """A new run folder for `config` on the photos in `dataset`. No folder that is there is ever written to.

    Paths become absolute, and which decisions it learns from is settled here. Raises UserError where nothing can be
    written, or where torch is not installed.
    """
    access.require(Action.TRAIN)
    need("torch", "Training")
    root, parent = given_path(dataset).resolve(), runs_dir or folder_of_runs()
    recipe, created = resolved(config, root).as_dict(), _moment(parent)
    examples.keep_from_training(root, recipe["extra"])
    values = {"v": 1, "created": created.isoformat(timespec="milliseconds"), "dataset": str(root), "train": recipe}
    folder = _new_folder(parent, created.strftime("%Y%m%d-%H%M%S") + "-" + re.sub(r"\W+", "-", config.preset))
    try:
        write_values(folder, values)
    except UserError:
        shutil.rmtree(folder, ignore_errors=True)  # made a moment ago
        raise
    return Run(folder)


def _moment(parent: Path) -> datetime:
    """Now, for a new run in `parent`; just after the newest one there where the clock was set back by less than a day,
    so that runs keep their order."""
    now = datetime.now().astimezone()
    newest = max((_created(run)[0] for run in find(parent)), default=0.0) if os.access(parent, os.R_OK) else 0.0
    ahead = newest - now.timestamp()
    return now + timedelta(seconds=ahead, milliseconds=1) if 0 <= ahead < DAY_SECONDS else now


def _new_folder(parent: Path, name: str) -> Path:
    """The folder `name`, or the first of `name`-2, `name`-3 … that nobody has made."""
    for attempt in count(1):
        folder = parent / (name if attempt == 1 else f"{name}-{attempt}")
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            if parent.is_dir():
                continue
            raise UserError(f"{parent} is no folder: runs cannot go there.") from None
        except OSError as error:
            raise UserError(
                f"No run can be created in {parent} ({error.strerror}): set BUSANA_HOME to a folder you own."
            ) from None
    raise AssertionError("count never ends")


def resolved(config: TrainConfig, dataset: Path) -> TrainConfig:
    """`config` as a run on the photos in `dataset` keeps it: the file of decisions is named, paths are absolute."""
    from fashion_core.photos import label_corrections  # it loads pandas, which whoever only watches a run need not

    if access.shared() and set(config.teacher) & set("/\\~"):
        raise UserError("teacher is the name of a model on this shared server: choose one that it lists.")
    decisions = label_corrections.resolve_setting(config.decisions, dataset)
    pretrained = config.pretrained if config.pretrained in ("imagenet", "none") else absolute(config.pretrained)
    return config.changed({"decisions": absolute(decisions), "extra": absolute(config.extra), "pretrained": pretrained})


def absolute(path: str) -> str:
    """A path setting as a path that holds in whatever folder the worker starts; an empty one stays."""
    return str(given_path(path).resolve()) if path else ""


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="milliseconds")
