"""What a model's card cannot say of itself, measured on photos that you have.

    python -m bench.model phone MODEL DIR     garment accuracy on other people's photos: DIR/dress, DIR/shoes, …
    python -m bench.model agree MODEL DIR     whether torch (safetensors) and OpenVINO (IR) say the same of DIR/CLASS/…
    python -m bench.model strange MODEL DIR OTHER…     whether photos of OTHER folders stand out from DIR's test photos

Each prints one JSON object.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from fashion_core import dataset, imaging
from fashion_core.evaluation import softmax, wilson
from fashion_core.evidence import FILE, Evidence
from fashion_core.factors import GARMENT, fold
from fashion_core.predictor import Predictor, resolve


def phone(model: str, folder: Path) -> dict:
    """Of the photos in folders named after the model's garments: how many it takes for that garment, in any colour."""
    predictor = Predictor(resolve(model))
    counts = {}
    for kind in sorted(path for path in folder.iterdir() if path.is_dir()):
        garments, _ = fold(np.zeros((1, len(predictor.classes)), np.float32), predictor.classes, GARMENT)
        if kind.name in garments:
            photos = [imaging.read(file) for file in sorted(kind.iterdir())]
            said = fold(predictor(photos), predictor.classes, GARMENT)[1].argmax(axis=1)
            counts[kind.name] = np.bincount(said, minlength=len(garments)).tolist()
    right, n = sum(row[garments.index(name)] for name, row in counts.items()), sum(map(sum, counts.values()))
    return {"garments": garments, "said": counts, "n": n, "accuracy": right / n, "interval": wilson(right, n)}


def agree(model: str, folder: Path) -> dict:
    """The share of photos with the same top class, and the largest difference of a probability."""
    from fashion_core.engine.evaluate import load_network
    from fashion_core.engine.training import pick_device, predict_logits

    predictor = Predictor(resolve(model))
    size, temperature = predictor.card["image_size"], predictor.card["temperature"]
    data = dataset.load_for_test(folder)
    pixels = dataset.arrays(data, size)
    network, _ = load_network(predictor.folder / "model.safetensors")
    logits = predict_logits(network, pixels, np.arange(len(pixels)), pick_device("cpu")).numpy()
    torchs = softmax(logits, temperature)
    ir = predictor([imaging.read(folder / path) for path in data.photos["path"]])
    same = torchs.argmax(axis=1) == ir.argmax(axis=1)
    return {"n": len(same), "same_top": float(same.mean()), "largest_difference": float(np.abs(torchs - ir).max())}


def strange(model: str, folder: Path, *others: Path) -> dict:
    """Area under the ROC by which each other folder's photos are stranger than the test photos of `folder`."""
    from sklearn.metrics import roc_auc_score

    predictor = Predictor(resolve(model))
    evidence = Evidence.load(predictor.folder / FILE)
    tested = evidence.photos["path"][evidence.photos["split"] == "test"]

    def strangeness(files: Iterable[Path]) -> np.ndarray:
        return evidence.strangeness(predictor.looked([imaging.read(file) for file in files])[1])

    own = strangeness(folder / path for path in tested)
    found = {"n": len(own), "own_photos_flagged": float((own > evidence.limit).mean()), "others": {}}
    for other in others:
        theirs = strangeness(sorted(file for file in other.rglob("*") if file.is_file()))
        area = roc_auc_score(np.repeat([0, 1], [len(own), len(theirs)]), np.concatenate([own, theirs]))
        flagged = float((theirs > evidence.limit).mean())
        found["others"][other.name] = {"n": len(theirs), "area": float(area), "flagged": flagged}
    return found


if __name__ == "__main__":
    measure = {"phone": phone, "agree": agree, "strange": strange}[sys.argv[1]]
    print(json.dumps(measure(sys.argv[2], *map(Path, sys.argv[3:]))))
