"""What a model's card cannot say of itself, measured on photos that you have.

    python -m bench.model phone MODEL DIR     garment accuracy on other people's photos: DIR/dress, DIR/shoes, …
    python -m bench.model agree MODEL DIR     whether torch in float32 and OpenVINO (IR) say the same of DIR/CLASS/…
    python -m bench.model ood MODEL DIR OTHER…     whether photos of OTHER folders stand out from DIR's test photos

Each prints one JSON object.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from fashion_core.class_names import GARMENT, marginalise
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.models.precision import FLOAT32
from fashion_core.models.predictor import Predictor
from fashion_core.models.registry import resolve
from fashion_core.photos import dataset, garment_colour, imaging
from fashion_core.photos.pixels import decode_photos
from fashion_core.stats import softmax, wilson


def phone(model: str, folder: Path) -> dict:
    """Of the photos in folders named after the model's garments: how many it takes for that garment, in any colour."""
    predictor = Predictor(resolve(model))
    counts = {}
    for kind in sorted(path for path in folder.iterdir() if path.is_dir()):
        garments, _ = marginalise(np.zeros((1, len(predictor.classes)), np.float32), predictor.classes, GARMENT)
        if kind.name in garments:
            photos = [imaging.read(file) for file in sorted(kind.iterdir())]
            said = marginalise(predictor(photos), predictor.classes, GARMENT)[1].argmax(axis=1)
            counts[kind.name] = np.bincount(said, minlength=len(garments)).tolist()
    right, n = sum(row[garments.index(name)] for name, row in counts.items()), sum(map(sum, counts.values()))
    return {"garments": garments, "said": counts, "n": n, "accuracy": right / n, "interval": wilson(right, n)}


def agree(model: str, folder: Path) -> dict:
    """The share of photos with the same top class, and the largest difference of a probability."""
    from fashion_core.engine.device import pick_device
    from fashion_core.engine.evaluate import answered, load_network

    predictor = Predictor(resolve(model))
    size, temperature = predictor.card.image_size, predictor.card.temperature
    data = dataset.load_for_test(folder)
    pixels = decode_photos(data, size)
    network, about = load_network(predictor.folder / "model.safetensors")
    logits = answered(network, about, pixels, np.arange(len(pixels)), pick_device("cpu"))
    torchs = softmax(logits, temperature)
    ir = predictor([imaging.read(folder / path) for path in data.photos["path"]])
    same = torchs.argmax(axis=1) == ir.argmax(axis=1)
    largest = float(np.abs(torchs - ir).max())
    return {"precision": predictor.precision, "n": len(same), "same_top": float(same.mean()),
            "largest_difference": largest}  # fmt: skip


def ood(model: str, folder: Path, *others: Path) -> dict:
    """For each other folder the area under the ROC by which its photos stand out from the test photos of `folder`: by
    distance in the embedding, as Predict has it, by energy (Liu et al. 2020), by confidence and by measured colour. And
    the shares that Predict warns of: for the photo as a whole, or for its colour alone."""
    from scipy.special import logsumexp
    from sklearn.metrics import roc_auc_score

    predictor = Predictor(resolve(model), FLOAT32)
    evidence = Explanations.load(predictor.folder / FILE)

    def scores(files: Iterable[Path]) -> dict[str, np.ndarray]:
        photos = [imaging.read(file) for file in files]
        logits, embeddings = predictor.raw(photos)
        scaled = logits / predictor.card.temperature
        squares = [imaging.square(photo, predictor.card.image_size) for photo in photos]
        colours = np.array([garment_colour.measure(np.asarray(square)) for square in squares])
        return {
            "distance": evidence.ood_score(embeddings), "energy": -logsumexp(scaled, axis=1),
            "confidence": -softmax(scaled).max(axis=1), "colour": evidence.colour_ood_score(colours),
        }  # fmt: skip

    def warned(found: dict[str, np.ndarray]) -> dict[str, float]:
        whole = found["distance"] > evidence.ood_threshold
        odd = ~whole & (found["colour"] > evidence.colour_ood_threshold)
        return {"n": len(whole), "warned_whole": float(whole.mean()), "warned_colour": float(odd.mean())}

    own = scores(folder / path for path in evidence.photos["path"][evidence.photos["split"] == "test"])
    told = {folder.name: warned(own)}
    for other in others:
        theirs = scores(sorted(file for file in other.rglob("*") if file.is_file()))
        answer = np.repeat([0, 1], [len(own["distance"]), len(theirs["distance"])])
        areas = {name: roc_auc_score(answer, np.concatenate([own[name], theirs[name]])) for name in own}
        told[other.name] = warned(theirs) | {f"area_{name}": round(float(area), 3) for name, area in areas.items()}
    return told


if __name__ == "__main__":
    measure = {"phone": phone, "agree": agree, "ood": ood}[sys.argv[1]]
    print(json.dumps(measure(sys.argv[2], *map(Path, sys.argv[3:]))))
