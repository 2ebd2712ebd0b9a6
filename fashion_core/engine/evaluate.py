"""One pass of a network over labelled photos → an Evaluation. It ends every run; `fashion_core evaluate` repeats it."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from fashion_core import UserError
from fashion_core.class_names import refuse_unknown
from fashion_core.engine import checkpoint, models
from fashion_core.engine.device import Log, pick_device, predict_logits
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.meta import EvaluationMeta, Unreadable
from fashion_core.photos.dataset import Dataset
from fashion_core.photos.imaging import printable
from fashion_core.photos.sample import made
from fashion_core.photos.split import leaked
from fashion_core.stats import fit_temperature, softmax


def load_network(file: Path) -> tuple[nn.Module, dict]:
    """The network in a safetensors file and what is known of it. Strict: every tensor must fit."""
    tensors, about = checkpoint.load(file)
    config = about.get("config")
    if not isinstance(config, dict) or not about.get("classes"):
        raise UserError(f"{printable(file)} holds no trained model of Busana: choose another run, or train again.")
    network, _ = models.build(config["architecture"], about["classes"], config["image_size"])
    try:
        network.load_state_dict(
            {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
        )
    except RuntimeError:
        raise UserError(
            f"The weights in {printable(file)} are not those of the {config['architecture']} that it says it holds: "
            "bring the file back from a copy, or train again."
        ) from None
    return network.eval(), about


def rows_of(data: Dataset, split: str | None) -> np.ndarray:
    """The rows of `data.photos` in `split`, or all of them."""
    return np.flatnonzero((data.photos["split"] == split).to_numpy()) if split else np.arange(len(data.photos))


def calibrate(
    network: nn.Module,
    about: dict,
    data: Dataset,
    pixels: np.ndarray,
    device: torch.device,
    log: Log,
) -> float:
    """The temperature that makes the validation photos likeliest (Guo et al. 2017), by the labels of their folders:
    the test has those too, so its confidences are set right for it, whatever decisions were learned from."""
    rows, settings = rows_of(data, "validation"), about["config"]
    truth = label_numbers(data, tuple(about["classes"]))[rows]
    logits = answered(network, about, pixels, rows, device, log)
    flip = settings.get("flip_at_test")
    if flip or settings.get("test_image_size"):  # by this, and by no test photo, can these two be chosen
        right, flips = int((logits.argmax(1) == truth).sum()), ", with its mirror image" if flip else ""
        log("note", text=f"Validation at {pixels.shape[1]} px{flips}: {right} of {len(rows)} right.")
    return fit_temperature(logits, truth)


def answered(
    network: nn.Module, about: dict, pixels: np.ndarray, rows: np.ndarray, device: torch.device, log: Log | None = None
) -> np.ndarray:
    """Class scores float32 (len(rows), k) of `pixels[rows]` as the model that `about` tells of gives them: with or
    without the mirror image."""
    flip = about.get("config", {}).get("flip_at_test", False)
    return predict_logits(network, pixels, rows, device, log=log, flip=flip).numpy()


def label_numbers(data: Dataset, classes: tuple[str, ...]) -> np.ndarray:
    """int64 (n): the position of every photo's label in `classes`. Raises UserError for a label that is not there."""
    refuse_unknown(data.photos["label"], classes)
    return data.photos["label"].map({name: number for number, name in enumerate(classes)}).to_numpy(np.int64)


def evaluate(
    network: nn.Module,
    about: dict,
    data: Dataset,
    rows: np.ndarray,
    temperature: float,
    name: str,
    split: str,
    pixels: np.ndarray,
    device: torch.device | None = None,
    log: Log | None = None,
) -> Evaluation:
    """What `network` predicts for `rows` of `data`, whose `pixels` are uint8 (n, s, s, 3); calibrated, in float32.

    `device`: where it computes; None is the best there is. `log` gets a note where memory is short.
    """
    classes = tuple(about["classes"])
    label_numbers(data, classes)
    device = device or pick_device("auto")
    logits = answered(network.to(device), about, pixels, rows, device, log)
    meta = EvaluationMeta(
        model=name,
        epoch=about.get("epoch"),
        split=split,
        fingerprint=data.fingerprint,
        created=datetime.now().astimezone().isoformat(timespec="seconds"),
        temperature=temperature,
        leaked=_leaked_rows(data, rows),
        unreadable=tuple(Unreadable(*bad) for bad in data.unreadable[["path", "reason"]].to_numpy()),
        sample=made(data.root),
    )
    photos = data.photos.iloc[rows][["path", "label"]].reset_index(drop=True)
    return Evaluation(classes, pd.DataFrame(photos), softmax(logits, temperature), str(data.root), meta)


def _leaked_rows(data: Dataset, rows: np.ndarray) -> tuple[int, ...] | None:
    """Which of `rows` are near-duplicates of training photos; None where no training photo is here to compare with."""
    if not (data.photos["split"] == "train").any():
        return None
    return tuple(np.flatnonzero(leaked(data.photos).to_numpy()[rows]).tolist())
