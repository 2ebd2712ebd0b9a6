"""Where a worker looks whether a person wants it to stop: at every progress, at every stage, between two layers."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from fashion_core.engine.device import Log
from fashion_core.runs.stopping import LOOK_SECONDS, Stopped, apart

PROGRESS_SECONDS = 0.5


class Report:
    """A progress callback that logs now and then and leaves at once, by `Stopped`, when asked to stop."""

    def __init__(self, log: Log, should_stop: Callable[[], bool]) -> None:
        self._log, self.should_stop, self._logged = log, should_stop, -math.inf

    def __call__(self, done: int, total: int, what: str) -> None:
        if self.should_stop():
            raise Stopped
        if done == total or time.monotonic() - self._logged > PROGRESS_SECONDS:
            self._log("progress", what=what, done=done, total=total)
            self._logged = time.monotonic()

    def begin(self, stage: str, detail: str = "") -> None:
        """Log that this stage begins, or leave where somebody has asked to stop."""
        if self.should_stop():
            raise Stopped
        self._log("stage", stage=stage, **({"detail": detail} if detail else {}))

    def apart(self, work: Callable[[], Any]) -> Any:
        """What `work` returns, as `runs.stopping.apart`: for a call that asks nobody."""
        return apart(work, self.should_stop)


@contextmanager
def heard_between_layers(should_stop: Callable[[], bool]) -> Iterator[None]:
    """Let any network leave by `Stopped` before its next layer, and between two layers of a backward pass: one batch
    takes many seconds on a CPU."""
    looked = -math.inf

    def look(*_: object) -> None:
        nonlocal looked
        if (now := time.monotonic()) - looked > LOOK_SECONDS:
            looked = now
            if should_stop():
                raise Stopped

    def before_layer(module: nn.Module, given: tuple[Any, ...]) -> None:
        look()
        if given and isinstance(given[0], torch.Tensor) and given[0].requires_grad:
            given[0].register_hook(look)  # called on the way back

    handle = register_module_forward_pre_hook(before_layer)
    try:
        yield
    finally:
        handle.remove()
