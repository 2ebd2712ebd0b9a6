"""Weights on disk: safetensors with plain metadata, written beside and renamed, so that a kill leaves the old file."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from fashion_core import UserError
from fashion_core.files import atomic_write


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
    try:
        with safe_open(file, framework="pt") as archive:
            about = json.loads((archive.metadata() or {})["about"])
            names = archive.keys()
            return {name: archive.get_tensor(name) for name in names}, about
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise UserError(f"{file} is no checkpoint of Busana ({error}): choose another run or train again.") from None


def split_prefix(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors whose name starts with `prefix`, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
