"""A linear layer on a network's frozen embeddings, by the leak-free and by the usual split, over many split seeds.

    python -m bench.frozen DIR --architecture efficientnet_lite0 --size 160 --seeds 10

Cheap enough to repeat: what an accuracy varies by from split to split, and what near-duplicates across the split are
worth. Prints a line of JSON for each split seed, then the means with their standard errors over the seeds.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from fashion_core.cli.progress import Bars
from fashion_core.engine import models
from fashion_core.engine.device import in_batches
from fashion_core.engine.export import Exported
from fashion_core.photos import dataset
from fashion_core.photos.pixels import decode_photos
from fashion_core.photos.split import leaked

CPU = torch.device("cpu")


@torch.inference_mode()
def embeddings(data: dataset.Dataset, architecture: str, pretrained: str, size: int, progress: Bars) -> np.ndarray:
    """What the last layer of a pretrained network reads, float32 (n, d)."""
    network, origin = models.build(architecture, data.classes, size, pretrained)
    print(origin, file=sys.stderr)
    wrapped, pixels, found = Exported(network, len(data.classes)).eval(), decode_photos(data, size, progress), []
    for batch, embedding in in_batches(lambda some: wrapped(torch.tensor(pixels[some]))["embedding"], len(pixels), CPU):
        found.append(embedding.numpy())
        progress(batch.stop, len(pixels), "Computing embeddings")
    return np.concatenate(found)


def linear() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))


def tested(found: np.ndarray, data: dataset.Dataset) -> dict[str, Any]:
    """Accuracy, 0 to 1, of the linear layer on the test photos of `data`, with and without those that leak."""
    label, split = data.photos["label"].to_numpy(str), data.photos["split"]
    train, test = (split == "train").to_numpy(), (split == "test").to_numpy()
    right = linear().fit(found[train], label[train]).predict(found[test]) == label[test]
    leaks = leaked(data.photos).to_numpy()[test]
    return {"n": len(right), "leaked": int(leaks.sum()), "accuracy": float(right.mean()),
            "without_leaked": float(right[~leaks].mean())}  # fmt: skip


def main(folder: Path, architecture: str, pretrained: str, size: int, seeds: int) -> None:
    """Print the figures."""
    bars = Bars()
    found = embeddings(dataset.load(folder, progress=bars), architecture, pretrained, size, bars)
    bars.close()
    rows = []
    for seed in range(seeds):
        free, usual = (tested(found, dataset.load(folder, seed, grouped=grouped)) for grouped in (True, False))
        rows.append((free["accuracy"], usual["accuracy"], usual["accuracy"] - usual["without_leaked"]))
        print(json.dumps({"split_seed": seed, "leak_free": free, "usual": usual}), flush=True)
    columns = np.array(rows).T
    for name, column in zip(("leak-free", "usual split", "usual less without leaked"), columns, strict=True):
        print(f"{name}: {column.mean():.4f}, standard error {column.std(ddof=1) / len(column) ** 0.5:.4f}")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--architecture", default="efficientnet_lite0")
    options.add_argument("--pretrained", default="imagenet")
    options.add_argument("--size", type=int, default=160)
    options.add_argument("--seeds", type=int, default=10, help="how many split seeds, from 0")
    main(**vars(options.parse_args()))
