"""What looking costs on 44,000 predictions: python -m bench.looking

Server time only, medians of 20, each as a page asks for it; prints one JSON object in milliseconds.
"""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from fashion_core import question
from fashion_core.evaluation import Evaluation, softmax
from fashion_core.evidence import Evidence
from fashion_core.paper import CLASSES

PHOTOS, TRAINED, DIMENSIONS = 44_000, 44_000, 64


def made_up(rng: np.random.Generator) -> Evaluation:
    """Mostly right answers to photos that do not exist."""
    truth = rng.integers(0, len(CLASSES), PHOTOS)
    logits = rng.normal(0, 1.1, (PHOTOS, len(CLASSES)))
    logits[np.arange(PHOTOS), truth] += rng.normal(5, 1.6, PHOTOS)
    paths = [f"{CLASSES[t]}/{i}.jpg" for i, t in enumerate(truth)]
    photos = pd.DataFrame({"path": paths, "label": [CLASSES[t] for t in truth]}, dtype=object)
    return Evaluation(CLASSES, photos, softmax(logits), "/photos")


def seen(evaluation: Evaluation, rng: np.random.Generator) -> Evidence:
    """Evidence of these photos and as many training photos."""
    trained = pd.DataFrame({"path": [f"t{i}.jpg" for i in range(TRAINED)], "label": CLASSES[0]}, dtype=object)
    photos = pd.concat([evaluation.photos.assign(split="test"), trained.assign(split="train")], ignore_index=True)
    n = len(photos)
    embeddings = rng.normal(size=(n, DIMENSIONS)).astype(np.float16)
    axes, centre = np.eye(DIMENSIONS, dtype=np.float32), np.zeros(DIMENSIONS, np.float32)
    maps = rng.normal(size=(PHOTOS, len(CLASSES), 3, 3)).astype(np.float16)
    return Evidence(CLASSES, photos.assign(group=-1), embeddings, np.ones((n, 4), np.float32), axes, centre, 1.0, maps)


def milliseconds(work: Callable[[], object], rounds: int = 20) -> float:
    """Median over `rounds`, after one to fill caches."""
    times = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(times[1:]), 2)


def main() -> dict[str, float]:
    """Load, click on a cell, ask a question, fold, open a photo."""
    rng = np.random.default_rng(0)
    evaluation = made_up(rng)
    evidence = seen(evaluation, rng)
    path = evaluation.photos["path"][0]

    def ask() -> pd.DataFrame:
        filters = question.read("misclassified blue dresses below 60 %", evaluation.classes).filters
        return evaluation.rows(question.mask(evaluation, filters))

    def open_photo() -> tuple:
        maps = [evidence.map(path, name) for name in CLASSES[:2]]
        return evidence.nearest(path), evidence.duplicates(path), evidence.colour(path), maps

    with TemporaryDirectory() as folder:
        file = evaluation.save(Path(folder) / "evaluation.parquet")
        loaded = milliseconds(lambda: Evaluation.load(file), 5)
    return {
        "load": loaded,
        "click_on_a_cell": milliseconds(lambda: evaluation.cell("blue_dress", "black_dress")),
        "all_wrong": milliseconds(lambda: evaluation.cell(which="wrong")),
        "question": milliseconds(ask),
        "fold_to_colour": milliseconds(lambda: evaluation.folded(0).confusion(), 5),
        "open_a_photo": milliseconds(open_photo),
    }


if __name__ == "__main__":
    print(json.dumps(main()))
