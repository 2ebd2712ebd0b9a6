"""One pass of a tested network over all its photos → the Explanations behind its predictions."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from sklearn.decomposition import PCA
from torch import nn

from fashion_core.engine import models
from fashion_core.engine.device import in_batches, pick_device
from fashion_core.engine.evaluate import load_network
from fashion_core.engine.export import Exported
from fashion_core.evaluation.explanations import FILE, Explanations, ood_limit
from fashion_core.files import Progress
from fashion_core.photos.dataset import Dataset
from fashion_core.photos.garment_colour import Colour, measure
from fashion_core.photos.pixels import decode_photos
from fashion_core.runs.config import predict_size
from fashion_core.runs.stages import GATHERING

AT_ONCE = 8  # photos: on a CPU more are no faster, and between them a wish to stop is heard
DIMENSIONS = 64  # of an embedding kept: on catalogue photos the nearest neighbours hardly change


class _Pass(NamedTuple):
    """Of n photos unit embeddings (n, D), colours (n, 5) and class maps (t, classes, h, w) of the t tested, if any."""

    embeddings: np.ndarray
    colours: np.ndarray
    maps: np.ndarray | None


def compute_explanations(
    network: nn.Module,
    classes: tuple[str, ...],
    data: Dataset,
    pixels: np.ndarray,
    device: torch.device,
    progress: Progress = None,
) -> Explanations:
    """Embeddings and colours of all photos of `data`, maps of its test photos; `pixels` are uint8 (n, s, s, 3)."""
    found = _pass_over(network, len(classes), data, pixels, device, progress)
    pca = PCA(min(DIMENSIONS, *found.embeddings.shape), random_state=0).fit(found.embeddings)
    result = Explanations(
        classes, _described(data), pca.transform(found.embeddings), found.colours,
        pca.components_.T.astype(np.float32), pca.mean_.astype(np.float32), 0.0, found.maps,
    )  # fmt: skip
    held_out = result.ood_score(found.embeddings[(data.photos["split"] == "validation").to_numpy()])
    return replace(result, ood_threshold=ood_limit(held_out))


def projected_explanations(
    network: nn.Module, learned: Explanations, data: Dataset, pixels: np.ndarray, device: torch.device
) -> Explanations:
    """The same of further photos, in the space that was `learned`, so that their embeddings compare."""
    found = _pass_over(network, len(learned.classes), data, pixels, device)
    placed = (found.embeddings - learned.centre) @ learned.axes.astype(np.float32)
    return replace(
        learned, photos=_described(data), embeddings=placed.astype(np.float16), colours=found.colours, maps=found.maps
    )


def _described(data: Dataset) -> pd.DataFrame:
    return data.photos[["path", "label", "split", "group"]].reset_index(drop=True)


@torch.inference_mode()
def _pass_over(
    network: nn.Module,
    classes: int,
    data: Dataset,
    pixels: np.ndarray,
    device: torch.device,
    progress: Progress = None,
) -> _Pass:
    wrapped = Exported(network, classes).to(device).to(memory_format=torch.channels_last).eval()
    tested = (data.photos["split"] == "test").to_numpy()
    weights = _cam_weights(wrapped, classes, pixels[:1], device)
    embeddings, maps, colours = [], [], []
    if progress:
        progress(0, len(pixels), GATHERING)
    run = partial(_run, wrapped, weights, pixels, device)
    for batch, (embedding, predicted, heat) in in_batches(run, len(pixels), device, size=AT_ONCE):
        embeddings.append(embedding)
        if heat is not None:
            maps.append(heat[tested[batch]])
        colours += _measure_colours(pixels[batch], predicted, heat)
        if progress:
            progress(batch.stop, len(pixels), GATHERING)
    return _Pass(np.concatenate(embeddings), np.array(colours, np.float32), np.concatenate(maps) if maps else None)


def _run(
    wrapped: Exported, weights: torch.Tensor | None, pixels: np.ndarray, device: torch.device, batch: slice
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Unit embeddings (n, d), predicted classes (n,) and, with `weights`, class maps (n, classes, h, w) of a batch."""
    found = wrapped(torch.tensor(pixels[batch], device=device))
    embedding = nn.functional.normalize(found["embedding"].float()).cpu().numpy()
    predicted = found["logits"].argmax(1).cpu().numpy()
    if weights is None:
        return embedding, predicted, None
    return embedding, predicted, torch.einsum("kc,nchw->nkhw", weights, found["features"].float()).cpu().numpy()


def _measure_colours(pixels: np.ndarray, predicted: np.ndarray, maps: np.ndarray | None) -> list[Colour]:
    """Of each photo in `pixels`, (n, s, s, 3), where its map, of (n, classes, h, w), speaks for the class predicted."""
    if maps is None:
        return [measure(photo) for photo in pixels]
    heat = maps[np.arange(len(pixels)), predicted] - maps.mean(axis=1)
    return [measure(photo, one) for photo, one in zip(pixels, heat, strict=True)]


def add_explanations(folder: Path, data: Dataset) -> None:
    """Write the explanations that a model folder lacks, from its safetensors and the photos that it learned from."""
    network, about = load_network(folder / "model.safetensors")
    pixels = decode_photos(data, predict_size(about["config"]))
    compute_explanations(network, tuple(about["classes"]), data, pixels, pick_device("auto")).save(folder / FILE)


def _cam_weights(wrapped: Exported, classes: int, pixels: np.ndarray, device: torch.device) -> torch.Tensor | None:
    """The head's weights (classes, channels) where it is linear on the mean of the last feature map (CAM, Zhou et al.
    2016), tried on a photo; None where it is not, and a map would not explain the score."""
    layer = models.head(wrapped.network, classes)
    found = wrapped(torch.tensor(pixels, device=device))
    features, embedding = found.get("features"), found["embedding"]
    if not isinstance(layer, nn.Linear) or features is None or features.shape[:2] != embedding.shape:
        return None
    averaged = torch.allclose(features.mean((2, 3)), embedding, rtol=1e-2, atol=1e-3)
    return layer.weight.float() if averaged else None
