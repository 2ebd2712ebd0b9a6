"""What one rerun of the Evaluate page costs on 44,000 predictions: python -m bench.reruns [--classes N] [--only WORDS]

Server time of the whole script, each view by itself, then an epoch, an open photo and all photos: the first run and
the median of ROUNDS reruns after two that fill caches, by the clock and as processor time, which a busy machine leaves
as it is. Then a click on the matrix: each on another cell, with photos that nobody saw before, those of `examples/`; no
other photo exists. Prints one JSON object in milliseconds.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

from bench.looking import PHOTOS, made_up, seen
from fashion_core.evaluation.evaluation import EPOCHS, Evaluation
from fashion_core.evaluation.explanations import FILE
from fashion_core.evaluation.meta import EvaluationMeta
from fashion_core.files import write_json
from fashion_core.photos import label_corrections
from fashion_core.stats import softmax
from fashion_core.ui import background, keys

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 5
CLICK = "a click on the matrix, to photos"
VIEWS = ("Matrix", "Report", "Confidence", "Labels", "Colours", "Oddities", "Map")


def of_many(rng: np.random.Generator, count: int, n: int) -> Evaluation:
    """`n` photos of `count` classes without factors, nine of ten right."""
    classes = tuple(f"class {number:03}" for number in range(count))
    truth = rng.integers(0, count, n)
    logits = rng.normal(0, 1.0, (n, count))
    logits[np.arange(n), truth] += rng.normal(6, 1.6, n)
    paths = [f"{classes[place]}/{number}.jpg" for number, place in enumerate(truth)]
    photos = pd.DataFrame({"path": paths, "label": [classes[place] for place in truth]}, dtype=object)
    return Evaluation(classes, photos, softmax(logits), "/photos")


def furnish(home: Path, evaluation: Evaluation, rng: np.random.Generator) -> None:
    """A model with its evaluation and two epochs; of the paper's classes also its explanations, and 200 decisions."""
    model = home / "weights" / "bench"
    evaluation = replace(evaluation, root=str(home / "data" / "photos"))
    evaluation.save(model / "evaluation.parquet")
    for epoch in (1, 2):
        replace(evaluation, meta=EvaluationMeta("bench", epoch, "validation", probabilities="uncalibrated")).save(
            model / EPOCHS / f"{epoch:04}.parquet"
        )
    card = {"v": 1, "name": "bench", "classes": list(evaluation.classes), "image_size": 224, "temperature": 1.0}
    write_json(model / "card.json", card)
    if len(evaluation.classes) == 10:
        explanations = seen(evaluation, rng)
        colours = np.stack([rng.uniform(10, 90, len(explanations.photos)), *rng.uniform(0, 60, (2, len(
            explanations.photos))), np.full(len(explanations.photos), 0.4)], axis=1)  # fmt: skip
        # Few dimensions: what compares all photos with all is made once, and `bench.looking` tells what it takes.
        few = {"embeddings": explanations.embeddings[:, :8], "axes": np.eye(8), "centre": np.zeros(8)}
        replace(explanations, colours=colours.astype(np.float32), **few).save(model / FILE)
    decided = dict(zip(evaluation.photos["path"][:200], evaluation.photos["label"][200:400], strict=True))
    label_corrections.merge(label_corrections.default_file(home / "data" / "photos"), decided)


def put_photos(folder: Path, evaluation: Evaluation, cells: list[tuple[str, str]]) -> None:
    """Files for the photos of these cells, a page of each or more."""
    photos = sorted((ROOT / "examples").rglob("*.jpg"))
    for true, predicted in cells:
        for path in evaluation.cell(true, predicted)["path"]:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).symlink_to(photos[int(Path(path).stem) % len(photos)])


def reruns(clicks: Sequence[tuple[str, str]] = (), **address: str) -> dict[str, float]:
    """Milliseconds of the first run at this address, and of the reruns that follow; of clicks on these cells."""
    app = AppTest.from_file(ROOT / "pages/evaluate.py", default_timeout=1200)
    for name, value in address.items():
        app.query_params[name] = value
    background.PATIENCE = 600.0  # reruns are measured, not what is made once in the background
    wall, cpu = [], []
    for turn in range(ROUNDS + 2):
        if clicks and turn:
            for key, label in zip((keys.TRUE, keys.PREDICTED), clicks[turn], strict=True):
                app.selectbox(key=key).set_value(label)
        began, worked = time.perf_counter(), time.process_time()
        app.run()
        wall.append((time.perf_counter() - began) * 1000)
        cpu.append((time.process_time() - worked) * 1000)
        if app.exception:
            raise RuntimeError(app.exception[0].message)
    return {"first": round(wall[0]), "rerun": round(statistics.median(wall[2:])),
            "rerun_cpu": round(statistics.median(cpu[2:]))}  # fmt: skip


def main() -> dict[str, dict[str, float]]:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--classes", type=int, default=10)
    options.add_argument("--photos", type=int, default=PHOTOS, help="of the test, 400 at least; as many of training")
    options.add_argument("--only", default="", help="what the measured addresses are called, or a part of it")
    given = options.parse_args()
    count, rng = given.classes, np.random.default_rng(0)
    evaluation = made_up(rng, given.photos) if count == 10 else of_many(rng, count, given.photos)
    with TemporaryDirectory() as folder:
        os.environ["BUSANA_HOME"] = folder
        furnish(Path(folder), evaluation, rng)
        addresses = {view: {"view": view} for view in VIEWS}
        addresses |= {"epochs": {"of": "epochs"}, "photo": {"photo": "0"}, "question": {"q": "wrong below 60%"}}
        if count == 10:
            addresses |= {f"all photos, {view}": {"of": "all", "view": view} for view in VIEWS}
            addresses |= {"by colour": {"by": "colour"}, "all photos, one open": {"of": "all", "photo": "0"}}
        found = {}
        for what, address in addresses.items():
            if given.only in what:
                found[what] = reruns(**address)
                print(what, found[what], file=sys.stderr, flush=True)
        if count == 10 and given.only in CLICK:
            cells = list(zip(evaluation.classes, evaluation.classes[1:] + evaluation.classes[:1], strict=True))
            put_photos(Path(folder) / "data" / "photos", evaluation, cells)
            found[CLICK] = reruns(cells)
            print(CLICK, found[CLICK], file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    print(json.dumps(main(), indent=1))
