"""Where a network runs, in which precision, and in batches that fit its memory."""

import platform
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
import torchvision
from torch import nn

from fashion_core import UserError, __version__
from fashion_core.engine import models

PREDICTION_BATCH = 64
UNITS = {"cpu": "CPU", "cuda": "GPU"}  # kinds of device on which bfloat16 may be used
Result = TypeVar("Result")


class Log(Protocol):
    """Takes an event of a run: its type and JSON-able fields. `EventLog` is one."""

    def __call__(self, type: str, /, **fields: Any) -> None: ...


def pick_device(wanted: str) -> torch.device:
    """`wanted`, or for "auto" the best there is: CUDA, then Apple MPS, then the CPU. UserError where it is missing."""
    have = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted != "auto" and not have[wanted]:
        raise UserError(f"This machine has no {wanted} device that torch can use: set device to auto or cpu.")
    return torch.device(wanted if wanted != "auto" else next(name for name, there in have.items() if there))


def choose_precision(device: torch.device, wanted: str) -> tuple[str, str]:
    """The precision to train in, "float32" or "bfloat16", and a sentence that says why.

    "auto" goes by what the device can do, never by a clock: one seed gives one run, however busy the machine is.
    """
    native = computes_in_bfloat16(device)
    if wanted == "bfloat16" and not native:
        return wanted, "Trained in bfloat16, as set; this device only emulates it: float32 may be many times faster."
    if wanted != "auto":
        return wanted, f"Trained in {wanted}, as set."
    if native:
        return "bfloat16", f"Trained in bfloat16, which the {UNITS[device.type]} supports."
    if device.type not in UNITS:
        return "float32", "Trained in float32: bfloat16 is used on CPUs and CUDA GPUs alone."
    return "float32", f"Trained in float32: the {UNITS[device.type]} does not support bfloat16."


def computes_in_bfloat16(device: torch.device) -> bool:
    """Whether `device` has instructions for bfloat16. A CPU without them was 17 times slower in it."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    if platform.machine().lower() in ("arm64", "aarch64"):
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    # torch asks the processor; on x86 oneDNN's own answer is also yes for AVX-512 alone, which only emulates.
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context in which a forward pass computes in `precision`."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def try_in_memory(work: Callable[[], Result], device: torch.device) -> Result | None:
    """What `work` returns, or None where `device` is short of memory for it; what it had taken is free again."""
    try:
        return work()
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    # only here, after the except clause, has the traceback let go of the tensors
    if device.type == "cuda":
        torch.cuda.empty_cache()
    return None


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch ran out of memory: on CUDA that is a class of its own, elsewhere only a text."""
    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or any(
        sign in text for sign in ("out of memory", "can't allocate memory", "alloc_failed")
    )


@torch.inference_mode()
def predict_logits(
    model: nn.Module,
    pixels: np.ndarray,
    rows: np.ndarray,
    device: torch.device,
    precision: str = "float32",
    log: Log | None = None,
    flip: bool = False,
) -> torch.Tensor:
    """Class scores float32 (len(rows), k), on the CPU, of `pixels[rows]` (uint8, n × s × s × 3).

    With `flip` they are the mean of those of the photo and of its mirror image.
    Where memory is short the batch is halved, and a note in `log` says so. UserError where one photo is too much.
    """
    model.eval()
    normalise = models.Normalise(model).to(device)

    def predict(batch: slice) -> torch.Tensor:
        inputs = normalise(torch.from_numpy(pixels[rows[batch]]).to(device))
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        with autocast(device, precision):
            return models.scores(model, inputs, flip).float().cpu()

    return torch.cat([logits for _, logits in in_batches(predict, len(rows), device, log)])


def in_batches(
    work: Callable[[slice], Result],
    count: int,
    device: torch.device,
    log: Log | None = None,
    size: int = PREDICTION_BATCH,
) -> Iterator[tuple[slice, Result]]:
    """What `work` returns for each batch of `count` photos, `size` at a time, with the batch, in their order.

    Where memory is short the batch is halved, and a note in `log` says so. UserError where one photo is too much.
    """
    start = 0
    while start < count:
        batch = slice(start, min(start + size, count))
        found = try_in_memory(partial(work, batch), device)
        if found is None:
            size = _halve(batch.stop - start, log)
        else:
            yield batch, found
            start = batch.stop


def _halve(size: int, log: Log | None) -> int:
    if size == 1:
        raise UserError("Out of memory even with one photo at a time: choose a smaller image_size or architecture.")
    if log:
        log("note", text=f"Out of memory: predictions now go in batches of {size // 2} photos.")
    return size // 2


def device_name(device: torch.device) -> str:
    """What a card calls the hardware."""
    return (
        torch.cuda.get_device_name()
        if device.type == "cuda"
        else f"{device.type} ({platform.machine()}, {torch.get_num_threads()} threads)"
    )


def versions() -> dict[str, str]:
    """Of what decides a training besides its recipe."""
    return {
        "busana": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
    } | ({"timm": sys.modules["timm"].__version__} if "timm" in sys.modules else {})  # loaded for its networks alone
