"""The models that ship say of themselves what comes out when anyone asks them again."""

from pathlib import Path

import numpy as np
import pytest
from browser import ROOT

from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.models.card import ModelCard
from fashion_core.models.precision import FLOAT32
from fashion_core.models.predictor import Predictor
from fashion_core.photos import dataset, imaging, sample
from fashion_core.photos.pixels import decode_photos
from fashion_core.reports import model_readme
from fashion_core.stats import softmax

PUBLISHED = sorted(card.parent for card in (ROOT / "weights").glob("*/card.json"))
MB = 1_000_000
SOME = 120  # of the test photos that both engines are asked about: all of them take minutes on two cores


@pytest.fixture(params=PUBLISHED, ids=lambda folder: folder.name)
def model(request) -> Path:
    return request.param


def test_the_weights_fit_a_repository():
    files = [file for file in (ROOT / "weights").rglob("*") if file.is_file()]
    assert max(file.stat().st_size for file in files) <= 50 * MB
    assert sum(file.stat().st_size for file in files) <= 110 * MB


def test_the_card_says_what_the_stored_predictions_say(model):
    metrics, found = ModelCard.read(model).metrics, Evaluation.load(model / "evaluation.parquet")
    assert (metrics.test_n, metrics.test_accuracy) == (len(found), found.accuracy)
    assert metrics.macro_f1 == pytest.approx(found.macro_f1, abs=1e-9)


def test_the_readme_says_what_the_card_and_the_predictions_say(model):
    text = (model / "README.md").read_text("utf-8")
    about = text.split("\n\n## What it reaches")[0].split("\n\n", 2)[2]  # what a person wrote, below name and classes
    assert text == model_readme.markdown(ModelCard.read(model), Evaluation.load(model / "evaluation.parquet"), about)


def photos_of(model: Path, tmp_path: Path) -> tuple[dataset.Dataset, int]:
    """The photos that it was trained and tested on, as divided then, and its image size."""
    card = ModelCard.read(model)
    about = card.dataset
    if about.sample:
        root = tmp_path / about.name
        sample.render(root, **about.sample)
    else:
        root = ROOT.parent / "shared" / "data" / about.name
        if not root.is_dir():
            pytest.skip(f"the photos {about.name} are not in {root.parent}: they are no part of this project")
    data = dataset.load(root, card.recipe.split_seed, grouped=card.recipe.split_groups)
    assert data.fingerprint == about.fingerprint
    return data, card.image_size


def test_both_engines_say_the_same_and_repeat_the_stored_test(model, home, tmp_path):
    from fashion_core.engine.device import pick_device, predict_logits
    from fashion_core.engine.evaluate import load_network, rows_of

    data, size = photos_of(model, tmp_path)
    rows, stored, predictor = (
        rows_of(data, "test"),
        Evaluation.load(model / "evaluation.parquet"),
        Predictor(model, FLOAT32),
    )
    assert stored.photos["path"].tolist() == data.photos["path"].iloc[rows].tolist()
    some = np.linspace(0, len(rows) - 1, min(SOME, len(rows))).astype(int)
    rows, probabilities = rows[some], stored.probabilities[some]
    network, _ = load_network(model / "model.safetensors")
    flip = predictor.card.recipe.flip_at_test
    logits = predict_logits(network, decode_photos(data, size), rows, pick_device("cpu"), flip=flip).numpy()
    torchs = softmax(logits, predictor.card.temperature)
    irs = predictor([imaging.read(data.file(path)) for path in data.photos["path"].iloc[rows]])
    assert (torchs.argmax(1) == probabilities.argmax(1)).all()
    assert np.abs(torchs - probabilities).max() < 0.02
    assert np.abs(torchs - irs).max() < 0.02
    assert (torchs.argmax(1) == irs.argmax(1)).mean() >= 0.995
