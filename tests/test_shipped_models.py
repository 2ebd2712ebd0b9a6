"""The models that ship answer anew what their cards say, on photos that ship with them or that someone names.

The photos that people took ship in examples/, and every model is asked about those. Photos of the sample set are drawn
again. Other test photos are no part of this project: where the environment variable BUSANA_TEST_PHOTOS names the folder
that holds them (`$BUSANA_TEST_PHOTOS/apparel10/…`), their model is asked about these too.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from browser import ROOT

from fashion_core.cli import main
from fashion_core.evaluation import people
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.models.card import ModelCard
from fashion_core.models.precision import FLOAT32
from fashion_core.models.predictor import Predictor
from fashion_core.photos import imaging, sample

pytestmark = pytest.mark.timeout(900)  # drawing the sample set takes half a minute of a processor of one's own
PUBLISHED = sorted(card.parent for card in (ROOT / "weights").glob("*/card.json"))


@pytest.fixture(scope="module", params=PUBLISHED, ids=lambda folder: folder.name)
def model(request) -> Path:
    return request.param


@pytest.fixture(scope="module")
def photos(model, tmp_path_factory) -> Path:
    """The folder that the model was trained and tested on."""
    about = json.loads((model / "card.json").read_text())["dataset"]
    if about.get("sample"):
        root = tmp_path_factory.mktemp("photos") / about["name"]
        sample.render(root, **about["sample"])
        return root
    if not (named := os.environ.get("BUSANA_TEST_PHOTOS")):
        pytest.skip(
            f"BUSANA_TEST_PHOTOS is not set: {about['name']}, which this model learned from, is no part of this"
        )
    if not (root := Path(named) / about["name"]).is_dir():
        pytest.skip(f"BUSANA_TEST_PHOTOS is {named}, where there is no folder {about['name']}")
    return root


def test_the_sample_model_ships():
    """Without it the tests below would ask nothing where no photos are named."""
    assert ROOT / "weights" / "sample-mobilenet" in PUBLISHED


def test_evaluate_repeats_the_card_to_four_digits(model, photos, home, capsys):
    assert main(["evaluate", str(model), str(photos), "--split", "test", "--json"]) == 0
    found, card = json.loads(capsys.readouterr().out), json.loads((model / "card.json").read_text())
    metrics = card["metrics"]
    assert (found["n"], found["classes"]) == (metrics["test_n"], card["classes"]) and not found["unreadable"]
    assert round(found["accuracy"], 4) == round(metrics["test_accuracy"], 4)
    assert round(found["macro_f1"], 4) == round(metrics["macro_f1"], 4)


def test_openvino_repeats_the_stored_probabilities(model, photos):
    stored = Evaluation.load(model / "evaluation.parquet")
    predictor = Predictor(model, FLOAT32)
    answers = predictor([imaging.read(photos / path) for path in stored.photos["path"]])
    drawn = predictor.card.dataset.sample  # tested by torch in float32, which other devices compute otherwise
    assert np.abs(answers - stored.probabilities).max() < (1e-4 if drawn else 0.02)
    assert (answers.argmax(1) == stored.predicted).mean() >= 0.995


def test_evaluate_repeats_the_card_on_photos_people_took(model, home, capsys):
    assert main(["evaluate", str(model), str(ROOT / "examples"), "--known", "--json"]) == 0
    found, figures = json.loads(capsys.readouterr().out), ModelCard.read(model).metrics.people
    assert figures, "no figures: python -m fashion_core evaluate NAME examples --store"
    assert (found["n"], found["garment"]["n"]) == (figures.n, figures.garment_n) and not found["unreadable"]
    assert round(found["accuracy"], 4) == round(figures.right / figures.n, 4)
    assert round(found["macro_f1"], 4) == round(figures.macro_f1, 4)
    assert round(found["garment"]["accuracy"], 4) == round(figures.garment_right / figures.garment_n, 4)


def test_openvino_repeats_the_stored_probabilities_on_photos_people_took(model):
    stored = Evaluation.load(model / people.FOLDER / people.KNOWN)
    rows = slice(None, None, 4)  # evenly spread; all are asked for the figures of the card, above
    answers = Predictor(model, FLOAT32)(
        [imaging.read(ROOT / "examples" / path) for path in stored.photos["path"][rows]]
    )
    assert np.abs(answers - stored.probabilities[rows]).max() < 0.02
    assert (answers.argmax(1) == stored.predicted[rows]).mean() >= 0.97


def test_what_lies_behind_those_answers_ships_too(model):
    folder = model / people.FOLDER
    own, learned = Explanations.load(folder / FILE), Explanations.load(model / FILE)
    assert set(own.photos["path"]) == set(Evaluation.load(folder / people.GARMENTS).photos["path"])
    assert (own.maps is None) == (learned.maps is None) and (own.maps is None or len(own.maps) == len(own.photos))
