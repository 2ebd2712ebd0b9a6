"""Tiny trainings: the photos as a trainer takes them, one that stops when it is told to, and what it left."""

import hashlib
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TypeVar

import numpy as np

from fashion_core.engine import checkpoint
from fashion_core.engine.training import Photos, Trainer
from fashion_core.photos.dataset import Dataset
from fashion_core.photos.pixels import decode_photos
from fashion_core.runs.config import TrainConfig

T = TypeVar("T", bound=Trainer)


def photos_of(data: Dataset) -> Photos:
    """All photos of `data` at 32 px, to train and to validate on as they are split."""
    candidates = np.array([[label == name for name in data.classes] for label in data.photos["label"]])
    rows = [np.flatnonzero(data.photos["split"] == split) for split in ("train", "validation")]
    return Photos(decode_photos(data, 32), candidates, *rows, data.classes, data.fingerprint)


def trainers(kind: type[T], usual: TrainConfig) -> Callable[..., T]:
    """What makes trainers of that kind, which are told to stop when they ask for the `stop_at`th time, from 0."""

    def trainer(photos: Photos, folder: Path, config=usual, stop_at=None, log=lambda type, **fields: None) -> T:
        folder.mkdir(exist_ok=True)
        asked = count()
        return kind(config, photos, folder, log, lambda: stop_at is not None and next(asked) >= stop_at)

    return trainer


def digest(folder: Path) -> str:
    """SHA-256 of the tensors of the run's last checkpoint."""
    tensors, _ = checkpoint.load(folder / "last.safetensors")
    return hashlib.sha256(b"".join(tensors[name].numpy().tobytes() for name in sorted(tensors))).hexdigest()
