"""Weights on disk: safetensors with plain metadata, written whole or not at all, so that a kill leaves the old file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from fashion_core import UserError
from fashion_core.engine.progress import EPOCH_SUMS
from fashion_core.files import atomic_write
from fashion_core.photos.imaging import printable

LAST, BEST = "last.safetensors", "best.safetensors"  # in a run's folder: to go on from, and to keep
GRAPH = "openvino.constants"  # a tensor of a model folder's weights that is model.xml's and not the network's
LFS_POINTER = b"version https://git-lfs"


def save(file: Path, tensors: dict[str, torch.Tensor], about: dict[str, Any]) -> None:
    """Write `tensors` and the JSON-able `about` as one file; a failure leaves the file that was there."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        with atomic_write(file) as partial:
            save_file(plain, partial, metadata={"about": json.dumps(about)})
    except SafetensorError as error:
        raise UserError(
            f"{file.name} could not be written ({error}): free some disk space, then resume the run."
        ) from error


def load(file: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The tensors (on the CPU) and the `about` of a file written by `save`. Raises UserError for any other file."""
    tensors, about = read_tensors(file)
    if about is None:
        raise UserError(
            f"{printable(file)} is no checkpoint of Busana (it holds weights and not what they are of): choose another "
            "run, or train again."
        )
    return tensors, about


def read_about(file: Path) -> dict[str, Any] | None:
    """The `about` of any safetensors file if `save` wrote it; its tensors are not read. Errors as `read_tensors`."""
    return _read(file, lambda name: False)[1]


def read_tensors(file: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any] | None]:
    """The tensors (on the CPU) of any safetensors file but GRAPH, and its `about` if `save` wrote it.

    Raises UserError that says what the file is instead, and what to do.
    """
    return _read(file, lambda name: name != GRAPH)


def _read(file: Path, wanted: Callable[[str], bool]) -> tuple[dict[str, torch.Tensor], dict[str, Any] | None]:
    refuse_no_weights(file)
    try:
        with safe_open(file, framework="pt") as archive:
            about = json.loads((archive.metadata() or {}).get("about", "null"))
            tensors = {name: archive.get_tensor(name) for name in filter(wanted, archive.keys())}
    except (OSError, SafetensorError, ValueError) as error:
        raise UserError(
            f"{printable(file)} is no safetensors file, or is cut off or damaged ({error}): download or copy it again."
        ) from None
    return tensors, about if isinstance(about, dict) else None


def refuse_no_weights(file: Path) -> None:
    """Raise a sentence for a file that is missing, empty, or a Git LFS pointer that stands for the weights."""
    try:
        with file.open("rb") as stream:
            start = stream.read(len(LFS_POINTER))
    except OSError as error:
        raise UserError(f"{printable(file)} cannot be read ({error.strerror}): bring it back from a copy.") from None
    if not start:
        raise UserError(f"{printable(file)} is empty: download or copy it again.")
    if start == LFS_POINTER:
        raise UserError(
            f"{printable(file)} is a Git LFS pointer, a small text that stands for the weights: run `git lfs pull` in "
            "its repository, or download the file itself."
        )


def split_prefix(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors whose name starts with `prefix`, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def rewind_to_best(folder: Path) -> int:
    """Make the best epoch the checkpoint that a run goes on from; returns its step.

    It starts with an optimizer that has no momentum yet. Where no epoch was finished there is no checkpoint then, and
    the step is 0.
    """
    if not (folder / BEST).exists():
        (folder / LAST).unlink(missing_ok=True)
        return 0
    weights, about = load(folder / BEST)
    tensors = {f"model.{name}": tensor for name, tensor in weights.items()}
    step = about["progress"]["step"]
    if about["config"]["ema_decay"]:
        tensors |= {f"ema.module.{name}": tensor.clone() for name, tensor in weights.items()}
        tensors["ema.n_averaged"] = torch.tensor(step)
    about["progress"] |= EPOCH_SUMS
    save(folder / LAST, tensors, about)
    return step
