"""Several processes that train one run: `torchrun --nproc-per-node N -m fashion_core train …`.

Process 0 leads: it reads the photos, writes the run folder, validates, tests and exports. The others help
(`helper.py`): they are told the recipe and where the decoded photos lie, learn from their share of every batch, and
write nothing.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from fashion_core import UserError
from fashion_core.engine.device import pick_device
from fashion_core.runs.process import rank_and_size

PATIENCE = timedelta(hours=24)  # with one that is alive: a large set of photos is decoded meanwhile
SMALLEST_SHARE = 2  # photos: batch normalisation has no variance of one


class Lost(UserError):
    """Another process of the training has ended."""


@dataclass
class Team:
    """Which of how many processes this one is. One alone communicates with nobody."""

    rank: int = 0
    size: int = 1
    told: bool = False  # whether the helpers have their task

    @property
    def joint(self) -> bool:
        """Whether others wait for what this process computes: it may leave between two steps only."""
        return self.size > 1 and self.told and distributed.is_initialized()

    def share(self, rows: np.ndarray) -> np.ndarray:
        """The part of a batch that this process learns from; parts differ by one photo at most."""
        return np.array_split(rows, self.size)[self.rank]

    def refuse_batch(self, batch: int) -> None:
        """UserError where a batch is too small to be shared."""
        if self.size > 1 and batch < SMALLEST_SHARE * self.size:
            raise UserError(
                f"A batch of {batch} photos is too small for {self.size} processes: set batch_size to "
                f"{SMALLEST_SHARE * self.size} or more, or start fewer."
            )

    def sum(self, *values: float) -> list[float]:
        """Each of `values`, added up over all processes; through memory, not through the GPU."""
        if self.size == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64)
        distributed.all_reduce(tensor)
        return tensor.tolist()

    def any(self, asked: bool) -> bool:
        """Whether any process says so: all get the same answer."""
        return self.sum(asked)[0] > 0

    def joined(self, model: nn.Module, device: torch.device) -> nn.Module:
        """`model` such that backward averages gradients over the processes; the tensors that learn stay its own.

        All begin with the leader's. On CUDA its batch normalisation looks at the photos of all. torch has no such layer
        for the CPU: there each process normalises its own share, and prediction goes by the leader's statistics.
        """
        if self.size == 1:
            return model
        group = None  # gloo, through which the processes have met
        if device.type == "cuda":
            from timm.layers import convert_sync_batchnorm  # torch's own drops the activations in timm's layers

            group = distributed.new_group(backend="nccl")
            model = convert_sync_batchnorm(model, group)
        return DistributedDataParallel(model, process_group=group)

    def notes(self, device: torch.device) -> list[str]:
        """What the model's card says of it."""
        if self.size == 1:
            return []
        apart = "over the whole batch" if device.type == "cuda" else "over each process's own share"
        return [f"Trained by {self.size} processes that share every batch; batch normalisation {apart}."]

    def tell(self, task: Any = None) -> Any:
        """What the leader says, to all; None is that there is nothing to do."""
        if self.size == 1:
            return task
        message = [task]
        self.told = True
        distributed.broadcast_object_list(message)
        return message[0]

    def part(self) -> None:
        """End what joins the processes; the helpers are told first that there is nothing to do, if they wait."""
        if self.size == 1 or not distributed.is_initialized():
            return
        if self.rank == 0 and not self.told:
            with contextlib.suppress(RuntimeError):  # they may have ended too
                self.tell()
        distributed.destroy_process_group()


@contextlib.contextmanager
def meeting(run: str = "RUN") -> Iterator[Team]:
    """The team while its processes are joined; one alone waits for nobody.

    Raises Lost, with how to go on with `run`, where another process ends meanwhile.
    """
    team = Team(*rank_and_size())
    if team.size > 1:
        distributed.init_process_group("gloo", timeout=PATIENCE)
    try:
        yield team
    except RuntimeError as error:
        if team.size == 1 or not _is_of_connection(error):
            raise
        raise Lost(
            f"Another of the {team.size} processes of this training ended: see what it said. Go on from the last "
            f"checkpoint, with as many as you like: torchrun --nproc-per-node {team.size} -m fashion_core train "
            f"--resume {run}"
        ) from None
    finally:
        team.part()


def _is_of_connection(error: RuntimeError) -> bool:
    return isinstance(error, distributed.DistError) or any(word in str(error).lower() for word in ("gloo", "nccl"))


def take_device(wanted: str, size: int) -> torch.device:
    """The device that this process computes on: as `pick_device`, and on CUDA a GPU of its own where there are several
    processes. UserError where there are too few."""
    device = pick_device(wanted)
    if size == 1 or device.type == "cpu":
        return device
    if device.type != "cuda":
        raise UserError(f"Several processes train on CUDA or on the CPU, not on {device.type}: set device=cpu.")
    place, gpus = int(os.environ.get("LOCAL_RANK", 0)), torch.cuda.device_count()
    if place >= gpus:
        raise UserError(f"This machine has {gpus} GPUs: start no more processes on it than these.")
    torch.cuda.set_device(place)
    return device
