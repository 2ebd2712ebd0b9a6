"""Promises of the Predict page, on a model whose answers can be worked out by hand: it names a photo's colour."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import ROOT
from model_folders import CLASSES, plain, write_model
from PIL import Image
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from fashion_core import runs
from fashion_core.class_names import answer_in_words
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import FILE, ID_PHOTOS, Explanations
from fashion_core.models.registry import models, titles
from fashion_core.photos import examples, sample
from fashion_core.runs import shelf
from fashion_core.runs.config import TrainConfig

METRICS = {"test_accuracy": 0.9, "test_n": 20}
COLOURS = ("red", "lime", "blue")


def png(colour: str) -> bytes:
    out = io.BytesIO()
    plain(colour).save(out, "PNG")
    return out.getvalue()


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(ROOT / "pages/predict.py", default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def drop(app: AppTest, **files: bytes) -> AppTest:
    named = [(f"{name}.png", data, "image/png") for name, data in files.items()]
    return app.file_uploader(key="photos").set_value(named).run()


def bars(app: AppTest) -> list[str]:
    return [bar.proto.text.replace("\\", "").replace("*", "") for bar in app.get("progress")]


def words(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.button)
    shown = [e.label if e.type == "button" else e.value for kind in kinds for e in kind]
    return " ".join(shown).replace("\\", "")


def told(app: AppTest) -> str:
    """The answers in words and the states: what is drawn as HTML."""
    return " ".join(block.proto.body for block in app.get("html"))


def evaluate(folder: Path, root: Path, photos: int = 12) -> None:
    """A stored evaluation of photos of one colour each; every fourth is called by the next class's name."""
    rows = []
    for number in range(photos):
        label = number % 3
        file = root / CLASSES[label] / f"{number:02d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        plain(COLOURS[label]).save(file)
        rows.append({"path": f"{CLASSES[label]}/{file.name}", "label": CLASSES[label]})
    said = [(number + (number % 4 == 3)) % 3 for number in range(photos)]
    probabilities = (np.eye(3)[said] * 0.7 + 0.1).astype(np.float32)
    Evaluation(tuple(CLASSES), pd.DataFrame(rows), probabilities, str(root)).save(folder / "evaluation.parquet")


@pytest.fixture
def folder(home) -> Path:
    return write_model(home / "weights" / "colour", metrics=METRICS, notes=["trained from random weights"])


def test_without_a_model_the_page_says_to_train_one(home):
    app = opened()
    assert "There is no model yet" in words(app)
    assert not app.exception and not app.file_uploader


def test_the_model_shows_its_accuracy_with_the_number_of_photos_and_its_notes(folder):
    # Wilson's interval of 18 in 20: 69.9% to 97.2%
    assert "Right on 90.00% (18 of 20 test photos), 95% interval 69.9% to 97.2%" in words(opened())
    assert "trained from random weights" in words(opened())


def test_dropped_photos_are_answered_with_their_likeliest_classes_first(folder):
    app = drop(opened(k="2"), a=png("red"), b=png("blue"))
    assert [bar.split(" · ")[0] for bar in bars(app)] == ["red shirt", "green shirt", "blue shirt", "red shirt"]
    # logits 4, 0, 0: e⁴ of e⁴ + 2
    assert bars(app)[0] == "red shirt · 96.5%"


def test_a_photo_unlike_the_training_photos_is_said_to_be_so(folder):
    photos = pd.DataFrame({"path": list(COLOURS), "label": CLASSES, "split": "train", "group": -1})
    pure = np.eye(3, dtype=np.float32)  # red, lime and blue as unit embeddings; grey is far from all of them
    Explanations(tuple(CLASSES), photos, pure, np.zeros((3, 4)), pure, np.zeros(3), 1.5).save(folder / FILE)
    # to the third nearest of three: √2 from a pure colour, √(2 - 2/√3) from grey
    assert "Looks different" not in told(drop(opened(), a=png("red")))
    Explanations(tuple(CLASSES), photos[:1], pure[:1], np.zeros((1, 4)), pure, np.zeros(3), 0.5).save(folder / FILE)
    app = drop(opened(), a=png("red"), b=png("grey"))
    assert told(app).count("Looks different from the photos it was trained on.") == 1
    assert told(app).count("Outside what it knows") == 1
    assert "Check this" not in told(app), "a model that is never sure would say so of every photo"
    assert not app.exception


def test_a_garment_of_a_colour_that_was_not_learned_is_said_to_be_so(folder):
    n = 3 + ID_PHOTOS
    photos = pd.DataFrame({"path": [f"{i}.png" for i in range(n)], "label": "red_shirt", "split": "train", "group": -1})
    photos.loc[3:, "split"] = "validation"
    red = [53.2, 104.6, 40.0, 1.0]  # as measured of a pure red, and nearly so
    colours = np.array([red, red, [50, 100, 40, 1], *[[56, 108, 40, 1]] * ID_PHOTOS])
    pure = np.eye(3, dtype=np.float32)
    classes = ("red_shirt", "green_shirt", "red_hat", "green_hat")
    Explanations(classes, photos, pure[[0, 1, 2, *[0] * ID_PHOTOS]], colours, pure, np.zeros(3), 9.0).save(
        folder / FILE
    )
    (folder / "card.json").write_text((folder / "card.json").read_text().replace("blue_shirt", "red_hat"))
    assert "not trained on" not in told(drop(opened(), a=png("red")))
    app = drop(opened(), b=png("lime"))
    assert "Perhaps a shirt, in a colour it was not trained on." in told(app) and not app.exception


def test_confidence_is_never_called_accuracy(folder):
    said = words(drop(opened(), a=png("red"))).lower()
    assert "confidence" in said and "accura" not in said


def test_a_bad_file_among_good_ones_gets_its_own_message(folder):
    app = drop(opened(k="1"), a=png("red"), b=b"", c=b"<html>", d=png("lime"))
    assert [e.value.replace("\\", "") for e in app.error] == [
        "**b.png** is empty.",
        "**c.png** is a web page, not a photo.",
    ]
    assert [bar.split(" · ")[0] for bar in bars(app)] == ["red shirt", "green shirt"]


def test_names_that_look_like_markdown_are_shown_as_they_are(folder):
    app = drop(opened(), **{"**:red[x]** <b>": b""})
    assert app.error[0].value == r"**\*\*\:red\[x\]\*\* \<b\>\.png** is empty."


def test_many_photos_come_a_page_at_a_time(folder):
    app = drop(opened(k="1"), **{f"photo{n}": png("red") for n in range(13)})
    assert len(bars(app)) == 12
    app.get("pagination")[0].set_value(2).run()
    assert len(bars(app)) == 1


def test_model_and_number_of_classes_come_from_the_address(folder, home):
    write_model(home / "runs" / "r1" / "model")
    app = opened(model="r1", k="2")
    assert app.selectbox(key="model").value == "r1"
    assert app.selectbox(key="model").options == ["colour", "r1"]
    assert len(bars(drop(app, a=png("red")))) == 2


def test_an_unknown_model_in_the_address_is_said(folder):
    app = opened(model="hat")
    assert "There is no model called hat here: this is colour" in words(app)


def test_a_broken_model_is_one_sentence(folder):
    (folder / "card.json").write_text("{")
    app = opened()
    assert "card.json cannot be read" in app.error[0].value and not app.exception


def test_a_model_without_its_network_is_one_sentence(folder):
    (folder / "model.xml").unlink()
    app = drop(opened(), a=png("red"))
    assert "model.xml is missing" in app.error[0].value and not app.exception


def test_an_example_of_the_models_test_photos_is_one_click_away(folder, tmp_path):
    evaluate(folder, tmp_path / "photos")
    app = opened(k="1")
    labels = [app.button(key=f"example-{place}").label.replace("\\", "") for place in range(3)]
    assert sorted(labels) == sorted(map(answer_in_words, CLASSES))
    for place, label in enumerate(labels):
        app.button(key=f"example-{place}").click().run()
        assert [bar.split(" · ")[0] for bar in bars(app)] == [label.lower()]


def test_without_any_photo_the_sample_set_is_offered_and_drawn(folder, home, monkeypatch):
    drawn = home / "data" / "sample" / "blue_dress" / "0.jpg"

    def ensure(progress):
        progress(1, 1, "photos drawn")
        drawn.parent.mkdir(parents=True)
        plain("blue").save(drawn)

    monkeypatch.setattr(sample, "ensure", ensure)
    monkeypatch.setattr(examples, "folder", lambda: None)
    app = opened(k="1")
    next(b for b in app.button if b.label == "Draw the sample photos").click().run()
    app.button(key="example-0").click().run()
    assert bars(app)[0].startswith("blue shirt")


def nine(seed: str, view: str = "Nine photos") -> AppTest:
    return opened(view=view, seed=seed)


def verdicts(app: AppTest) -> list[str]:
    return [c.value.replace("\\", "") for c in app.caption if ".png" in c.value]


def test_nine_test_photos_follow_from_the_seed(folder, tmp_path):
    evaluate(folder, tmp_path / "photos", 40)
    first, again, other = (verdicts(nine(seed)) for seed in "112")
    assert len(first) == 9 and first == again != other


def test_a_link_by_the_views_old_name_opens_it(folder, tmp_path):
    evaluate(folder, tmp_path / "photos", 9)
    assert len(verdicts(nine("1", "Nine test photos"))) == 9


def test_another_nine_is_the_next_seed(folder, tmp_path):
    evaluate(folder, tmp_path / "photos", 40)
    app = nine("1")
    next(b for b in app.button if b.label == "Another nine").click().run()
    assert app.number_input(key="seed").value == 2
    assert verdicts(app) == verdicts(nine("2"))


def test_the_wrong_ones_are_marked_in_words_and_counted(folder, tmp_path):
    evaluate(folder, tmp_path / "photos", 9)  # numbers 3 and 7 are wrong
    app = nine("0")
    wrong = [text for text in verdicts(app) if "wrong" in text]
    assert sorted(text[-6:] for text in wrong) == ["03.png", "07.png"]
    assert "7 of 9** right" in words(app)


def test_test_photos_that_are_not_on_this_machine_are_said_to_be_so(folder, tmp_path):
    evaluate(folder, tmp_path / "photos", 9)
    (tmp_path / "photos" / CLASSES[0] / "00.png").unlink()
    assert "1 of these photos are not on this machine" in words(nine("0"))


def test_a_model_without_evaluation_says_how_to_get_nine_photos(folder):
    assert "came without its evaluation" in words(nine("0"))


def test_in_a_browser_photos_are_dropped_and_nine_are_saved(server, tmp_path, page: Page):
    folder = write_model(tmp_path / "home" / "weights" / "colour", metrics=METRICS)
    evaluate(folder, tmp_path / "photos", 9)
    page.goto(f"{server(tmp_path / 'home').url}/predict?k=1")
    (tmp_path / "bad.jpg").write_bytes(b"")
    plain("red").save(tmp_path / "one.png")
    plain("blue").save(tmp_path / "two.png")
    files = [tmp_path / name for name in ("one.png", "bad.jpg", "two.png")]
    page.locator("input[type=file]").first.set_input_files(files)
    expect(page.get_by_text("red shirt · 96.5%")).to_be_visible()
    expect(page.get_by_text("blue shirt · 96.5%")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("bad.jpg is empty.")
    page.get_by_role("tab", name="Nine photos").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as PNG").click()
    assert saved.value.suggested_filename == "colour-seed-0.png"
    picture = Image.open(saved.value.path())
    assert picture.format == "PNG" and min(picture.size) > 600


def test_a_run_is_called_as_its_owner_called_it_and_the_address_holds_its_id(home):
    named, other = (runs.create(TrainConfig(), home / "data") for _ in range(2))
    for run in (named, other):
        write_model(run.folder / "model")
        shelf.rename(run, "Sixty photos")
    write_model(home / "weights" / "shipped")
    assert set(titles([named.id, "shipped"]).items()) == {(named.id, "Sixty photos"), ("shipped", "shipped")}
    app = opened(model=named.id)
    assert app.selectbox(key="model").value == named.id and app.query_params["model"] in (named.id, [named.id])
    assert set(app.selectbox(key="model").options) == {
        "shipped", f"Sixty photos ({named.id})", f"Sixty photos ({other.id})"}  # fmt: skip
    assert {model.title for model in models() if not model.published} == {"Sixty photos"}
