"""Evaluations and explanations worked out by hand, which several tests share."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import Explanations
from fashion_core.evaluation.meta import EvaluationMeta, Unreadable
from fashion_core.stats import softmax

CLASSES = ("coat", "hat", "sock")


# Eight photos by hand: (label, probabilities of coat, hat, sock). Right: 0, 1, 3, 4, 6. Wrong: 2, 5, 7.
EIGHT = [
    ("coat", (0.8, 0.1, 0.1)),
    ("coat", (0.5, 0.3, 0.2)),
    ("coat", (0.2, 0.7, 0.1)),  # called hat at 0.7
    ("hat", (0.1, 0.6, 0.3)),
    ("hat", (0.05, 0.9, 0.05)),
    ("hat", (0.3, 0.25, 0.45)),  # called sock at 0.45
    ("sock", (0.1, 0.1, 0.8)),
    ("sock", (0.05, 0.9, 0.05)),  # called hat at 0.9
]


CONFUSION = [[2, 1, 0], [0, 2, 1], [0, 1, 1]]


def eight(root: Path | str = "/photos") -> Evaluation:
    """The eight photos: <label>/<number>.jpg under `root`."""
    paths = [f"{label}/{number}.jpg" for number, (label, _) in enumerate(EIGHT)]
    photos = pd.DataFrame({"path": paths, "label": [label for label, _ in EIGHT]}, dtype=object)
    bad = (Unreadable("hat/bad.jpg", "empty file"),)
    meta = EvaluationMeta("by-hand", 3, "test", created="2026-01-02T03:04:05+00:00", unreadable=bad)
    return Evaluation(CLASSES, photos, np.array([p for _, p in EIGHT], np.float32), str(root), meta)


def publish(home: Path, evaluation: Evaluation, name: str = "by-hand", draw: bool = True) -> Path:
    """A model folder in `home` with this evaluation and, where `draw`, its photos: a colour a class."""
    folder = home / "weights" / name
    evaluation.save(folder / "evaluation.parquet")
    card = {"v": 1, "name": name, "classes": list(evaluation.classes), "image_size": 32, "temperature": 1.0}
    (folder / "card.json").write_text(json.dumps(card))
    for number, (path, truth) in enumerate(zip(evaluation.photos["path"], evaluation.truth, strict=True)):
        if draw:
            file = Path(evaluation.root, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            colour = tuple(int(c) for c in np.random.default_rng(int(truth)).integers(40, 216, 3))
            Image.new("RGB", (60 + 7 * (number % 9), 60 + 5 * (number % 13)), colour).save(os.fsencode(file), "JPEG")
    return folder


def made_up(root: Path, classes: tuple[str, ...], n: int = 600, seed: int = 0) -> Evaluation:
    """A plausible evaluation of `n` photos that do not exist yet: mostly right, unsure where it is wrong."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, len(classes), n)
    logits = rng.normal(0, 1.1, (n, len(classes)))
    logits[np.arange(n), truth] += rng.normal(5, 1.6, n)
    paths = [f"{classes[t]}/photo {i:04}.jpg" for i, t in enumerate(truth)]
    photos = pd.DataFrame({"path": paths, "label": [classes[t] for t in truth]}, dtype=object)
    meta = EvaluationMeta("made-up", 8, "test", created="2026-01-02T03:04:05+00:00")
    return Evaluation(classes, photos, softmax(logits), str(root), meta)


GARMENTS = ("black_hat", "black_sock", "blue_hat", "blue_sock")


# Five photos by hand: (label, probabilities in the order above).
FIVE = [
    ("black_hat", (0.6, 0.1, 0.2, 0.1)),
    ("black_hat", (0.1, 0.2, 0.5, 0.2)),  # called blue_hat: the colour is wrong
    ("blue_sock", (0.3, 0.2, 0.4, 0.1)),  # called blue_hat: the garment is wrong; P(black) is P(blue)
    ("blue_sock", (0.7, 0.1, 0.1, 0.1)),  # called black_hat: both are wrong
    ("black_sock", (0.35, 0.40, 0.05, 0.2)),
]


def five() -> Evaluation:
    photos = pd.DataFrame({"path": [f"{i}.jpg" for i in range(5)], "label": [label for label, _ in FIVE]}, dtype=object)
    return Evaluation(GARMENTS, photos, np.array([p for _, p in FIVE], np.float32), "/photos")


SPACE = np.eye(2), np.zeros(2), 1.0  # of the embeddings, which count for nothing here


BLACK, BLUE = (10.0, 2.0, 0.0, 0.3, 0.1), (40.0, 40.0, 285.0, 0.3, 0.1)


UNSURE_BLACK = (*BLACK[:4], 0.6)


def explained(tested: list[tuple], trained: int = 30) -> Explanations:
    """Training photos of the two colours, labelled so, and the five test photos with these colours."""
    rng = np.random.default_rng(0)
    train = [("black_hat", BLACK)] * trained + [("blue_sock", BLUE)] * trained
    rows = [{"path": f"t{i}.jpg", "label": label, "split": "train", "group": -1} for i, (label, _) in enumerate(train)]
    photos = five().photos.assign(split="test", group=-1).to_dict("records") + rows
    colours = np.array([*tested, *(colour for _, colour in train)])
    colours[5:, :2] += rng.normal(0, 1, (2 * trained, 2))
    table = pd.DataFrame(photos, dtype=object).astype({"group": int})
    return Explanations(five().classes, table, np.zeros((len(photos), 2)), colours, *SPACE)


def planted(swapped: int = 10, n: int = 300) -> tuple[Evaluation, set[int]]:
    """A plausible evaluation in which the labels of some photos, that the model is sure of, are swapped."""
    evaluation = made_up("/photos", CLASSES, n)
    sure = np.flatnonzero(evaluation.right & (evaluation.confidence > 0.9))
    rows = np.random.default_rng(1).choice(sure, swapped, replace=False)
    labels = evaluation.photos["label"].to_numpy().copy()
    labels[rows] = [CLASSES[(CLASSES.index(label) + 1) % 3] for label in labels[rows]]
    return Evaluation(CLASSES, evaluation.photos.assign(label=labels), evaluation.probabilities), set(rows.tolist())


def clusters() -> Explanations:
    """Twelve photos of hats around one direction and twelve of socks around another; hat 0 lies among the socks, sock
    23 far from all. Photos 1 and 2 are near-duplicates by pixels."""
    rng = np.random.default_rng(0)
    centres = np.repeat([[1, 0, 0], [0, 1, 0]], 12, axis=0)
    embeddings = centres + rng.normal(0, 0.02, (24, 3))
    embeddings[0], embeddings[23] = [0.02, 1, 0.01], [0, 0, 1]
    labels = ["hat"] * 12 + ["sock"] * 12
    splits = ["train", "test", "train", "validation"] * 6
    photos = pd.DataFrame({"path": [f"{i}.jpg" for i in range(24)], "label": labels, "split": splits}, dtype=object)
    group = np.full(24, -1)
    group[[1, 2]] = 0
    return Explanations(("hat", "sock"), photos.assign(group=group), embeddings.astype(np.float16), np.zeros((24, 4)),
                    np.eye(3), np.zeros(3), 1.0)  # fmt: skip
