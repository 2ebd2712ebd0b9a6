"""What a training run counts: how far it is, what its epoch came to so far, and its best epoch."""

import math
from dataclasses import dataclass
from typing import Any

EPOCH_SUMS = {"loss_sum": 0.0, "right": 0, "seen": 0, "labelled": 0}  # where an epoch begins
FALL = 3.0  # standard errors by which an epoch's training accuracy must fall short to be called a fall


@dataclass
class TrainingProgress:
    """What a checkpoint keeps apart from the tensors. Sums are over the photos of the current epoch so far, `right`
    of those `labelled` with any class. `peak` is the highest training accuracy of an epoch, from 0 to 1; `fall` says
    where it first fell, "" where it never did."""

    step: int = 0
    loss_sum: float = 0.0
    right: int = 0
    seen: int = 0
    labelled: int = 0
    best: tuple[float, float] = (-1.0, 0.0)  # validation accuracy, minus validation loss
    best_epoch: int = 0
    accumulate: int = 1
    precision: str = "float32"
    origin: str = ""
    peak: float = 0.0
    fall: str = ""

    @property
    def train_accuracy(self) -> float:
        """Of the current epoch so far, from 0 to 1."""
        return self.right / max(self.labelled, 1)

    def fell(self) -> bool:
        """Whether the training accuracy of the epoch is under `peak` by more than chance: the photos are the same in
        every epoch, so a network that learns does not fall. Crops, shuffles and few photos make it vary."""
        now, error = self.train_accuracy, math.sqrt(self.peak * (1 - self.peak) * 2 / max(self.labelled, 1))
        return now < self.peak - FALL * error

    def begin_epoch(self) -> None:
        """Count anew."""
        self.peak = max(self.peak, self.train_accuracy)
        vars(self).update(EPOCH_SUMS)

    @classmethod
    def read(cls, about: dict[str, Any]) -> "TrainingProgress":
        """The progress that a checkpoint keeps."""
        kept = about["progress"]
        accuracy, loss = kept["best"]
        return cls(**{"labelled": kept["seen"]} | kept | {"best": (accuracy, loss)})  # once, all seen were labelled
