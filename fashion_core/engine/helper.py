"""A process that helps another to train a run: see `processes.py`. It reads the run's folder and writes nothing."""

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fashion_core import UserError
from fashion_core.engine.processes import meeting, take_device
from fashion_core.engine.training import NotFinite, Photos, Trainer
from fashion_core.photos.imaging import printable
from fashion_core.runs import Run
from fashion_core.runs.config import TrainConfig
from fashion_core.runs.stopping import stop_requests


class Task(NamedTuple):
    """What the leader tells its helpers: all that a Trainer takes, the pixels by the files that they lie in."""

    config: TrainConfig
    folder: Path
    photos: Photos
    pixels: Path
    extra_pixels: Path | None


class Helper(Trainer):
    """A Trainer of which nothing is seen: another one keeps the weights and tells how it goes."""

    def save_last(self) -> None:
        """Nothing: the leader writes it."""

    def _end_epoch(self, epoch: int, done: int, seconds: float) -> None:
        """Count anew; the leader validates meanwhile."""
        self.progress.begin_epoch()

    def _diverged(self, what: str) -> NotFinite:
        return NotFinite(what)


def task(trainer: Trainer) -> Task:
    """What makes a helper of this trainer. Its pixels are memory maps of files."""
    photos, extra = trainer.photos, trainer.photos.extra_pixels
    assert isinstance(photos.pixels, np.memmap) and (extra is None or isinstance(extra, np.memmap))
    names = [Path(str(each.filename)) for each in (photos.pixels, extra) if each is not None]
    bare = replace(photos, pixels=np.empty(0), extra_pixels=None)
    return Task(trainer.config, trainer.folder, bare, names[0], names[1] if extra is not None else None)


def help_to_train() -> None:
    """Wait for the leader, and learn with it until it has finished or stopped."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all: the leader, too, says how it ends
    with meeting() as team:
        told: Task | None = team.tell()
        if told is None:
            return
        take_device(told.config.device, team.size)
        config = replace(told.config, pretrained="none", ema_decay=0.0)  # it begins with the leader's weights
        with stop_requests(Run(told.folder)) as should_stop:
            helper = Helper(config, _photos(told), told.folder, _say_nothing, should_stop, team=team)
            try:
                helper.train()
            except NotFinite:  # the leader tells
                return


def _say_nothing(type: str, /, **fields: Any) -> None:
    pass


def _photos(told: Task) -> Photos:
    try:
        extra = np.load(told.extra_pixels, mmap_mode="r") if told.extra_pixels else None
        return replace(told.photos, pixels=np.load(told.pixels, mmap_mode="r"), extra_pixels=extra)
    except OSError as error:
        raise UserError(
            f"{printable(told.pixels)} cannot be read here ({error.strerror}): let BUSANA_HOME be one folder that all "
            "machines of the training share."
        ) from None
