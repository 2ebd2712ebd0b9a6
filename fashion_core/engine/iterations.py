"""What iterations came to, fetched from the device several at once: asked after each, a GPU would wait for the CPU."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

Measured = tuple[torch.Tensor | float, torch.Tensor | int]  # of a batch: its mean loss and how many were right
LATE = {"cuda": 20}  # iterations that wait at most, by kind of device; others are asked after each


@dataclass(frozen=True)
class Iteration:
    """One optimizer step on `photos`, of which `labelled` have a class: its mean loss and how many were right, where
    they were computed."""

    step: int
    epoch: int
    rate: float
    photos: int
    labelled: int
    loss: torch.Tensor | float
    right: torch.Tensor | int


def fetched(waiting: Sequence[Iteration]) -> Iterator[tuple[Iteration, float, int]]:
    """Each with its loss and how many were right, as numbers; from the device in one piece."""
    found = torch.stack([torch.as_tensor(each).float() for one in waiting for each in (one.loss, one.right)])
    for iteration, (loss, right) in zip(waiting, found.view(-1, 2).tolist(), strict=True):
        yield iteration, loss, int(right)
