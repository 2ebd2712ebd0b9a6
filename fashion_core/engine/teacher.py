"""Distillation: a teacher's calibrated answers to the training photos, kept with the run that learns from them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from fashion_core import UserError
from fashion_core.engine import checkpoint
from fashion_core.engine.training import Photos
from fashion_core.files import Progress
from fashion_core.models.precision import FLOAT32
from fashion_core.models.predictor import BATCH, Predictor
from fashion_core.models.registry import resolve
from fashion_core.photos.dataset import Dataset
from fashion_core.photos.pixels import decode_photos
from fashion_core.stats import softmax

FILE = "teacher.safetensors"  # in a run's folder: resumed runs learn from the same answers, whatever the model is now
ANSWERS = "answers"


def answers(folder: Path, model: str, photos: Photos, parts: list[Dataset], progress: Progress = None) -> np.ndarray:
    """The answers of `model` to the training photos, float32 (n + m, k), from the run's `folder` once it was asked.

    `parts` hold the photos in the order of the rows. A row sums to 1, or is all zeros: no training photo, or one that
    may be of a class that the teacher does not know. UserError: no such model, or it shares no two classes.
    """
    if (folder / FILE).exists():
        tensors, about = checkpoint.load(folder / FILE)
        if about.get("fingerprint") == photos.fingerprint:
            return tensors[ANSWERS].numpy()
    predictor = Predictor(resolve(model), FLOAT32)  # what is learned is the same on every machine
    asked = _ask(predictor, photos, parts, progress)
    checkpoint.save(
        folder / FILE, {ANSWERS: torch.from_numpy(asked)},
        {"fingerprint": photos.fingerprint, "teacher": predictor.card.name},
    )  # fmt: skip
    return asked


def _ask(predictor: Predictor, photos: Photos, parts: list[Dataset], progress: Progress) -> np.ndarray:
    shared = [name for name in predictor.classes if name in photos.classes]
    if len(shared) < 2:
        raise UserError(
            f"The teacher {predictor.card.name} knows none of these classes, or one only (its classes are "
            f"{', '.join(predictor.classes)}): choose a teacher of the same classes."
        )
    theirs, ours = [predictor.classes.index(n) for n in shared], [photos.classes.index(n) for n in shared]
    unknown = np.ones(len(photos.classes), bool)
    unknown[ours] = False
    rows = photos.train[~photos.candidates[photos.train][:, unknown].any(axis=1)]
    pixels = [decode_photos(part, predictor.card.image_size, progress) for part in parts]
    answers = np.zeros(photos.candidates.shape, np.float32)
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        logits = predictor.predict_pixels(np.stack([_photo(pixels, row) for row in some]))[0]
        answers[np.ix_(some, ours)] = softmax(logits[:, theirs], predictor.card.temperature)
        if progress:
            progress(min(start + BATCH, len(rows)), len(rows), "Asking the teacher")
    return answers


def _photo(parts: Sequence[np.ndarray], row: int) -> np.ndarray:
    """The pixels of a row that counts through all parts."""
    for part in parts:
        if row < len(part):
            return part[row]
        row -= len(part)
    raise IndexError(row)
