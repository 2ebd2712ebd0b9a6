"""What looking costs on 44,000 predictions: python -m bench.looking

Server time only, medians of up to 20, each as a page asks for it; prints one JSON object in milliseconds.
"""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from skimage.measure import points_in_poly

from fashion_core.evaluation import label_issues, query
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import Explanations
from fashion_core.paper import CLASSES
from fashion_core.reports import charts
from fashion_core.stats import softmax

PHOTOS, TRAINED, DIMENSIONS = 44_000, 44_000, 64


def made_up(rng: np.random.Generator) -> Evaluation:
    """Mostly right answers to photos that do not exist."""
    truth = rng.integers(0, len(CLASSES), PHOTOS)
    logits = rng.normal(0, 1.1, (PHOTOS, len(CLASSES)))
    logits[np.arange(PHOTOS), truth] += rng.normal(5, 1.6, PHOTOS)
    paths = [f"{CLASSES[t]}/{i}.jpg" for i, t in enumerate(truth)]
    photos = pd.DataFrame({"path": paths, "label": [CLASSES[t] for t in truth]}, dtype=object)
    return Evaluation(CLASSES, photos, softmax(logits), "/photos")


def seen(evaluation: Evaluation, rng: np.random.Generator) -> Explanations:
    """Evidence of these photos and as many training photos."""
    labels = rng.choice(np.array(CLASSES, dtype=object), TRAINED)
    trained = pd.DataFrame({"path": [f"t{i}.jpg" for i in range(TRAINED)], "label": labels}, dtype=object)
    photos = pd.concat([evaluation.photos.assign(split="test"), trained.assign(split="train")], ignore_index=True)
    n = len(photos)
    embeddings = rng.normal(size=(n, DIMENSIONS)).astype(np.float16)
    axes, centre = np.eye(DIMENSIONS, dtype=np.float32), np.zeros(DIMENSIONS, np.float32)
    maps = rng.normal(size=(PHOTOS, len(CLASSES), 3, 3)).astype(np.float16)
    return Explanations(
        CLASSES, photos.assign(group=-1), embeddings, np.ones((n, 4), np.float32), axes, centre, 1.0, maps
    )


def milliseconds(work: Callable[[], object], rounds: int = 20) -> float:
    """Median over `rounds`, after one to fill caches."""
    times = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(times[1:]), 2)


def main() -> dict[str, float]:
    """Load, click on a cell, ask a question, fold, open a photo, draw around some; and what is made once, then kept."""
    rng = np.random.default_rng(0)
    evaluation = made_up(rng)
    evidence = seen(evaluation, rng)
    path, names = evaluation.photos["path"][0], np.array(CLASSES, dtype=object)
    area = np.array([[0, 0], [1, 0], [1, 1], [0.5, 2], [0, 1]])
    decided = dict(zip(evaluation.photos["path"][:200], evaluation.photos["label"][200:400], strict=True))

    def ask() -> pd.DataFrame:
        filters = query.parse("misclassified blue dresses below 60 %", evaluation.classes).filters
        return evaluation.rows(query.mask(evaluation, filters))

    def circled() -> pd.DataFrame:
        return evaluation.rows(points_in_poly(evidence.embeddings[:PHOTOS, :2], area))

    def by_decisions() -> float:
        return evaluation.decided(decided).accuracy

    def mapped() -> str:
        points = evidence.embeddings[:PHOTOS, :2].astype(np.float32)
        return charts.map_figure(points, names[evaluation.truth], evaluation.photos["path"].tolist(), area).to_json()

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
        "fold_to_colour": milliseconds(lambda: evaluation.marginalised(0).confusion(), 5),
        "open_a_photo": milliseconds(open_photo),
        "accuracy_by_200_decisions": milliseconds(by_decisions),
        "photos_in_a_drawn_area": milliseconds(circled),
        "draw_the_map": milliseconds(mapped, 5),
        "once_suspects_of_the_test": milliseconds(lambda: label_issues.find_label_issues(evaluation), 2),
        "once_all_photos_cross_validated": milliseconds(lambda: label_issues.out_of_fold(evidence), 1),
        "once_outliers": milliseconds(lambda: label_issues.outliers(evidence), 1),
    }


if __name__ == "__main__":
    print(json.dumps(main()))
