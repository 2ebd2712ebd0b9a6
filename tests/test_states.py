"""Promises of an answer's three states: what is sure is chosen by measurement, and worth what it says."""

import csv
from pathlib import Path

import numpy as np
import pytest
from browser import ROOT
from model_folders import write_model
from PIL import Image

from fashion_core.evaluation.states import NO_APPAREL, RIGHT, State, States, counted, judge, limits_in_words, sure_limit
from fashion_core.models.card import ModelCard
from fashion_core.models.class_maps import ClassMaps
from fashion_core.models.precision import FLOAT32, native
from fashion_core.models.predictor import Predictor, load_explanations
from fashion_core.photos import examples, imaging
from fashion_core.stats import wilson
from fashion_core.ui.answers import Answer, as_csv, bad_photo, headline

CLASSES = ("blue_dress", "red_dress", "blue_pants", "red_pants")
SHIPPED = [ROOT / "weights" / name for name in ("apparel-lite", "apparel-resnet50")]


def test_sure_begins_where_the_interval_does():
    # Wilson's interval of n right in n begins at n / (n + 1.96²): 189 of 189 at 98.0%, 188 of 188 just below
    assert wilson(188, 188)[0] < RIGHT < wilson(189, 189)[0]
    confidence = np.linspace(1, 0.5, 300)
    right = np.arange(300) < 200
    limit = sure_limit(confidence, right)
    # n of n + 0 wrong up to 200; one mistake more needs 270 and more to be made up for
    assert limit == confidence[199]
    assert sure_limit(confidence[:188], right[:188]) is None and sure_limit(np.empty(0), np.empty(0, bool)) is None


def test_equal_confidences_are_sure_together_or_not_at_all():
    confidence, right = np.full(200, 0.9), np.arange(200) < 190
    assert sure_limit(confidence, right) is None


def test_without_limits_nothing_is_sure():
    certain = np.array([1.0, 0, 0, 0])
    assert judge(None, CLASSES, certain).state == State.CHECK
    assert judge(States(far=1.0), CLASSES, certain).state == State.CHECK


@pytest.mark.parametrize(
    ("shares", "distance", "strange", "state", "words"),
    [
        ((0.95, 0.05, 0, 0), 0.5, False, State.SURE, ""),
        ((0.85, 0, 0.1, 0.05), 0.5, False, State.CHECK, ""),  # its garment
        ((0.79, 0.21, 0, 0), 0.5, False, State.CHECK, ""),  # its colour
        ((0.95, 0.05, 0, 0), 1.1, False, State.OUTSIDE, NO_APPAREL),
        ((0.6, 0.4, 0, 0), 0.5, True, State.OUTSIDE, "Perhaps a dress, in a colour it was not trained on."),
        ((0, 0, 0.6, 0.4), 0.5, True, State.OUTSIDE, "Perhaps pants, in a colour it was not trained on."),
    ],
)
def test_three_states(shares, distance, strange, state, words):
    assert judge(States(0.9, 1.0, sure_colour=0.8), CLASSES, np.array(shares), distance, strange) == (state, words)


def test_where_names_do_not_come_apart_the_class_is_sure():
    for share, state in ((0.95, State.SURE), (0.85, State.CHECK)):
        assert judge(States(0.9), ("cat", "dog"), np.array([share, 1 - share])).state == state


def test_states_are_counted_with_what_is_right_and_what_no_class_fits():
    found = counted([State.SURE, State.SURE, State.CHECK], np.array([True, False, True]), np.array([True, False, True]))
    assert {state: tuple(vars(each).values()) for state, each in found.items()} == {
        "sure": (2, 1, 1), "check": (1, 1, 0), "outside": (0, 0, 0),
    }  # fmt: skip


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_what_a_shipped_model_calls_sure_is_right_on_photos_people_took(folder, precision):
    """Of the 275 photos in examples/, which took no part in choosing: 98% within the interval of so few photos; and
    the card counts what the model answers now."""
    predictor, explanations, root = Predictor(folder, precision), load_explanations(folder), examples.folder()
    if predictor.precision != precision:
        pytest.skip(predictor.why)
    if predictor.limits is None:
        pytest.skip(f"{folder.name} has no limits: python -m bench.states {folder.name} PHOTOS")
    table = examples.table()
    seen = [predictor.look([imaging.read(root / path)], explanations)[0] for path in table["path"]]
    states = [predictor.judge(each, explanations).state for each in seen]
    named = np.array(predictor.classes)[[int(each.probabilities.argmax()) for each in seen]]
    known = examples.known(table["label"], predictor.classes)
    found = counted(states, named == table["label"].to_numpy(str), known)
    counts = dict(predictor.limits.people)
    if precision == "float32" or set(predictor.card.precisions[precision].cpu.split()) == native():
        assert found == counts
    else:  # in bfloat16 another kind of CPU may put a photo at a limit on its other side
        assert all(abs(found[state].n - counts[state].n) <= 3 for state in found)
    sure = found["sure"]
    assert wilson(sure.right, sure.n)[1] >= RIGHT
    if predictor.limits.sure is None:
        assert sure.n == 0


@pytest.mark.parametrize(("folder", "there"), [*((each, True) for each in SHIPPED),
                                               (ROOT / "weights" / "sample-mobilenet", False)])  # fmt: skip
def test_heat_maps_of_new_photos_are_those_that_were_stored(folder, there):
    """What torch stored of a photo in examples/ OpenVINO gives; where the head does not average, there is none."""
    predictor, stored = Predictor(folder, FLOAT32), load_explanations(folder / "people")
    maps = ClassMaps(predictor)
    label = ModelCard.read(folder).classes[0]
    path = next(path for path in stored.photos["path"] if stored.tested(path))
    square = imaging.square(imaging.read(ROOT / "examples" / path), predictor.card.image_size)
    logits, _, features = predictor.with_features(square[None])
    heats, wanted = [maps.of(features, each) for each in predictor.classes], stored.map(path, label)
    if not there:
        assert set(heats) == {None} and wanted is None
    elif wanted is None:  # of two heads torch stores none; by place they add up to what a class scores above the mean
        assert int(np.argmax([heat.mean() for heat in heats])) == int(np.argmax(logits[0]))
    else:
        assert np.abs(heats[0][0] - wanted).max() <= 0.03 * np.abs(wanted).max() + 0.02


def test_scores_embedding_and_feature_map_come_of_one_pass():
    predictor, passes = Predictor(SHIPPED[0], FLOAT32), []
    request = predictor._request

    class Counted:
        def infer(self, inputs):
            passes.append(inputs)
            return request.infer(inputs)

        get_tensor = request.get_tensor

    predictor._request = Counted()
    square = np.zeros((1, *[predictor.card.image_size] * 2, 3), np.uint8)
    logits, embeddings, features = predictor.with_features(square)
    assert len(passes) == 1 and features.mean((2, 3)) == pytest.approx(embeddings, abs=1e-3)
    alone = predictor.predict_pixels(square)
    assert np.array_equal(alone[0], logits) and np.array_equal(alone[1], embeddings)


def test_a_model_without_a_feature_map_has_no_heat_map(tmp_path):
    predictor = Predictor(write_model(tmp_path / "m"))
    size = predictor.card.image_size
    features = predictor.with_features(np.zeros((1, size, size, 3), np.uint8))[2]
    assert features is None and ClassMaps(predictor).of(features, "red_shirt") is None


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("not a photo: text", "is a text file, not a photo."),
        ("not a photo: a web page", "is a web page, not a photo."),
        ("not a photo: unknown format", "is not a photo."),
        ("truncated JPEG", "is incomplete: the JPEG ends too early."),
        ("damaged PNG", "is a damaged PNG and cannot be read."),
        ("empty file", "is empty."),
        ("larger than 512 MB", "is too large: it is larger than 512 MB."),
        ("no such file", "cannot be used: no such file."),
    ],
)
def test_a_bad_file_is_a_sentence(reason, words):
    assert bad_photo("x.jpg", reason).replace("\\", "") == f"**x.jpg** {words}"


def test_the_table_has_every_photo_and_no_formula():
    good = Answer(b"", [("blue_dress", 0.954), ("red_dress", 0.046)], State.CHECK)
    lines = list(csv.DictReader(as_csv([("=1.jpg", good), ("b.jpg", "empty file")]).decode("utf-8-sig").splitlines()))
    assert [(line["file"], line["class"], line["confidence"], line["state"], line["problem"]) for line in lines] == [
        ("'=1.jpg", "blue_dress", "0.9540", "check", ""), ("b.jpg", "", "", "", "is empty"),
    ]  # fmt: skip


def test_an_answer_is_a_sentence_and_never_certain():
    assert headline(Answer(b"", [("blue_dress", 0.954)], State.SURE)) == "Blue dress, 95% sure"
    assert headline(Answer(b"", [("blue_dress", 0.9999)], State.SURE)) == "Blue dress, 99% sure"
    assert headline(Answer(b"", [("blue_dress", 0.954)], State.CHECK)) == "Blue dress, 95%"
    assert headline(Answer(b"", [("blue_dress", 0.9)], State.OUTSIDE, NO_APPAREL)) == NO_APPAREL


def test_the_script_counts_what_is_unlike_every_example(tmp_path, monkeypatch, home):
    """Photos used in training, examples and their near-duplicates are no part of what the limits are chosen on."""
    from bench import states as script

    photos = tmp_path / "photos"
    for number, name in enumerate(("used", "example", "copy", "held")):
        (photos / "train/dress").mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(1 if name == "copy" else number).integers(0, 256, (9, 9, 3), np.uint8)
        Image.fromarray(noise).resize((90, 90)).save(photos / f"train/dress/{name}.jpg")
    rows = {
        "home-photos.csv": [{"photo": "train/dress/used.jpg"}],
        "labels.csv": [{"source": "train/dress/example.jpg"}],
    }
    monkeypatch.setattr(script, "_rows", lambda file: iter(rows[Path(file).name]))
    predictor = Predictor(write_model(home / "weights" / "colour"))
    found = script.held_back(photos, predictor, [photos / "train/dress/example.jpg"])
    assert [file.stem for file in found] == ["held"]


def test_why_an_answer_is_not_sure_is_said_in_figures():
    classes, shares = ("black_hat", "blue_hat", "black_sock"), np.array([0.6, 0.3, 0.1])
    said = limits_in_words(States(sure=0.99, sure_colour=0.5), classes, shares)
    assert said == "Sure needs garment 99.0% and colour 50.0%; this photo: 90.0% and 70.0%."
    assert limits_in_words(States(sure=0.8), ("hat", "sock", "shoe"), shares) == "Sure needs 80.0%; this photo: 60.0%."
    assert limits_in_words(States(), classes, shares) == limits_in_words(None, classes, shares) == ""
