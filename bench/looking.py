"""What looking costs on 44,000 predictions: python -m bench.looking [PHOTOS]

Server time only, medians of up to 20, each as a page asks for it; prints one JSON object in milliseconds.
"""

import json
import statistics
import sys
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
from fashion_core.reports import photo_map
from fashion_core.stats import softmax

PHOTOS, DIMENSIONS = 44_000, 64


def made_up(rng: np.random.Generator, n: int) -> Evaluation:
    """Mostly right answers to `n` photos that do not exist."""
    truth = rng.integers(0, len(CLASSES), n)
    logits = rng.normal(0, 1.1, (n, len(CLASSES)))
    logits[np.arange(n), truth] += rng.normal(5, 1.6, n)
    paths = [f"{CLASSES[t]}/{i}.jpg" for i, t in enumerate(truth)]
    photos = pd.DataFrame({"path": paths, "label": [CLASSES[t] for t in truth]}, dtype=object)
    return Evaluation(CLASSES, photos, softmax(logits), "/photos")


def seen(evaluation: Evaluation, rng: np.random.Generator) -> Explanations:
    """What lies behind the answers, for these photos and as many training photos."""
    tested = len(evaluation)
    labels = rng.choice(np.array(CLASSES, dtype=object), tested)
    trained = pd.DataFrame({"path": [f"t{i}.jpg" for i in range(tested)], "label": labels}, dtype=object)
    photos = pd.concat([evaluation.photos.assign(split="test"), trained.assign(split="train")], ignore_index=True)
    n = len(photos)
    embeddings = rng.normal(size=(n, DIMENSIONS)).astype(np.float16)
    axes, centre = np.eye(DIMENSIONS, dtype=np.float32), np.zeros(DIMENSIONS, np.float32)
    maps = rng.normal(size=(tested, len(CLASSES), 3, 3)).astype(np.float16)
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


def selections(evaluation: Evaluation) -> dict[str, float]:
    """A click on a cell, all mistakes, a question in words, colours alone, decisions applied."""
    decided = dict(zip(evaluation.photos["path"][:200], evaluation.photos["label"][200:400], strict=True))

    def ask() -> pd.DataFrame:
        filters = query.parse("misclassified blue dresses below 60%", evaluation.classes).filters
        return evaluation.rows(query.mask(evaluation, filters))

    return {
        "click_on_a_cell": milliseconds(lambda: evaluation.cell("blue_dress", "black_dress")),
        "all_wrong": milliseconds(lambda: evaluation.cell(which="wrong")),
        "question": milliseconds(ask),
        "colours_alone": milliseconds(lambda: evaluation.marginalised(0).confusion(), 5),
        "accuracy_by_200_decisions": milliseconds(lambda: evaluation.decided(decided).accuracy),
    }


def explained(evaluation: Evaluation, explanations: Explanations) -> dict[str, float]:
    """A photo with what lies behind its prediction, the map, the photos within an outline on it."""
    path, names = evaluation.photos["path"][0], np.array(CLASSES, dtype=object)
    points = explanations.embeddings[: len(evaluation), :2].astype(np.float32)
    outline = np.array([[0, 0], [1, 0], [1, 1], [0.5, 2], [0, 1]])

    def open_photo() -> tuple:
        maps = [explanations.map(path, name) for name in CLASSES[:2]]
        return explanations.nearest(path), explanations.duplicates(path), explanations.colour(path), maps

    def draw() -> str:
        return photo_map.map_figure(
            points, names[evaluation.truth], evaluation.photos["path"].tolist(), outline
        ).to_json()

    return {
        "open_a_photo": milliseconds(open_photo),
        "photos_in_a_drawn_area": milliseconds(lambda: evaluation.rows(points_in_poly(points, outline))),
        "draw_the_map": milliseconds(draw, 5),
    }


def made_once(evaluation: Evaluation, explanations: Explanations) -> dict[str, float]:
    """What is computed once, then kept."""
    return {
        "once_label_issues_of_the_test": milliseconds(lambda: label_issues.find_label_issues(evaluation), 2),
        "once_all_photos_cross_validated": milliseconds(lambda: label_issues.out_of_fold(explanations), 1),
        "once_outliers": milliseconds(lambda: label_issues.outliers(explanations), 1),
    }


def main(photos: int = PHOTOS) -> dict[str, float]:
    """Every figure, for so many test photos (400 at least) and as many training photos."""
    rng = np.random.default_rng(0)
    evaluation = made_up(rng, photos)
    explanations = seen(evaluation, rng)
    with TemporaryDirectory() as folder:
        file = evaluation.save(Path(folder) / "evaluation.parquet")
        loaded = milliseconds(lambda: Evaluation.load(file), 5)
    return {"load": loaded, **selections(evaluation), **explained(evaluation, explanations),
            **made_once(evaluation, explanations)}  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:2]))))
