"""A model on photos of which it knows the label, or at least the garment: its answers, and what lies behind them."""

from dataclasses import replace
from pathlib import Path

from fashion_core.class_names import GARMENT, factors
from fashion_core.engine.device import pick_device
from fashion_core.engine.evaluate import evaluate, load_network, rows_of
from fashion_core.engine.explanations import projected_explanations
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.evaluation.people import under_labels
from fashion_core.files import Progress
from fashion_core.models.card import ModelCard
from fashion_core.photos.dataset import Dataset
from fashion_core.photos.pixels import decode_photos
from fashion_core.runs.config import predict_size


def answer(folder: Path, data: Dataset, split: str = "all", progress: Progress = None) -> Evaluation:
    """What the model in `folder` answers to the test photos of `data`, as of `examples.answerable`, under their own
    labels (`under_labels`)."""
    card, labels = ModelCard.read(folder), data.photos["label"]
    network, about = load_network(folder / "model.safetensors")
    # Any class of the garment stands in for a label that the model does not have, until it has answered.
    of_garment = {pair[GARMENT]: name for name, pair in zip(card.classes, factors(card.classes) or (), strict=False)}
    known = [label if label in card.classes else of_garment[label.partition("_")[2]] for label in labels]
    standing_in, rows = replace(data, photos=data.photos.assign(label=known)), rows_of(data, "test")
    pixels = decode_photos(data, card.image_size, progress)
    answers = evaluate(network, about, standing_in, rows, card.temperature, card.name, split, pixels)
    answers = replace(answers, meta=replace(answers.meta, fingerprint=data.fingerprint))
    return under_labels(answers, labels.iloc[rows].tolist())


def explain(folder: Path, data: Dataset) -> Explanations | None:
    """Of all photos of `data`, in the space of the embeddings of the model in `folder`; None where it kept none."""
    if not (folder / FILE).is_file():
        return None
    network, about = load_network(folder / "model.safetensors")
    pixels = decode_photos(data, predict_size(about["config"]))
    return projected_explanations(network, Explanations.load(folder / FILE), data, pixels, pick_device("auto"))
