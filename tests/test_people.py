"""Photos that people took: what of them a model can know, its answers beside it, and the pages that open on them."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import ROOT, SOON
from evaluate_page import figure, opened, tiles, words
from evaluations import GARMENTS, five, publish
from model_folders import plain
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from fashion_core.cli import main
from fashion_core.evaluation import people
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.evaluation.label_issues import find_label_issues
from fashion_core.evaluation.meta import EvaluationMeta
from fashion_core.evaluation.people import PeopleFigures
from fashion_core.models.card import Metrics, ModelCard
from fashion_core.models.registry import default_model, photo_folder
from fashion_core.photos import examples, sample
from fashion_core.reports import model_readme
from fashion_core.ui import stored

# The answers of `five`: black_hat, blue_hat, blue_hat, black_hat, black_sock. By class photos 0 and 4 are right of the
# three whose class the model has; by garment 0, 1 and 4 of all five.
LABELS = ["black_hat", "red_hat", "blue_sock", "grey_sock", "black_sock"]
FIGURES = PeopleFigures(2, 3, 0.5, 3, 5)  # F1: two of 1, two of 0


@pytest.fixture
def shipped(tmp_path, monkeypatch) -> Path:
    """Five photos in a folder examples/, and one that no model here knows."""
    root = tmp_path / "examples"
    for number, label in enumerate([*LABELS, "blue_coat"]):
        (root / label).mkdir(parents=True, exist_ok=True)
        plain("blue", (50, 60 + number)).save(root / label / f"{number}.jpg")
    (root / "labels.csv").write_text("id,source\n")
    monkeypatch.setattr(examples, "folder", lambda: root)
    return root


def whole(root: Path | str) -> Evaluation:
    """The five answers under the labels of the five photos."""
    answers = five()
    photos = answers.photos.assign(path=[f"{label}/{number}.jpg" for number, label in enumerate(LABELS)])
    return people.under_labels(replace(answers, photos=photos, root=str(root), meta=EvaluationMeta("parts", 2)), LABELS)


@pytest.fixture
def parts(home, shipped) -> Path:
    """A model of hats and socks with its own five test photos, which are not here, and its answers to the shipped."""
    folder = publish(home, replace(five(), root="elsewhere"), "parts", draw=False)
    people.save(folder, whole(shipped), GARMENTS, None)
    card = replace(ModelCard.read(folder), metrics=Metrics(0.4, None, 5, 0.4, people=FIGURES))
    card.write(folder)
    return folder


# What a model can know ------------------------------------------------------------------------------------------------


def test_the_table_names_each_photo_by_its_folder(shipped):
    table = examples.table()
    assert len(table) == 6 and not (set(table["path"]) & {"labels.csv"})
    assert table.iloc[0].to_list() == ["black_hat/0.jpg", "black_hat", "black", "hat"]


def test_they_are_found_wherever_the_home_is(home):
    assert (examples.folder() or ROOT / "examples") == ROOT / "examples"


def test_a_class_is_known_or_its_garment_is_or_neither():
    labels = ["black_hat", "red_hat", "blue_coat", "hat"]
    assert examples.known(labels, GARMENTS).tolist() == [True, False, False, False]
    assert examples.garment_known(labels, GARMENTS).tolist() == [True, True, False, False]
    assert not examples.garment_known(labels, ("black_hat", "coat")).any(), "class names that do not come apart"


def test_the_figures_are_those_worked_out_by_hand():
    assert people.figures(whole("examples"), GARMENTS) == FIGURES


def test_what_is_stored_says_the_same_and_leads_to_the_photos_that_ship(parts, shipped):
    known = Evaluation.load(parts / "people" / "evaluation.parquet")
    assert known.classes == GARMENTS and (int(known.right.sum()), len(known), known.macro_f1) == (2, 3, 0.5)
    assert (known.root, known.meta.split, known.meta.leaked) == ("examples", "people", None)
    garments = people.by_garment(Evaluation.load(parts / "people" / "garments.parquet"))
    assert garments.classes == ("hat", "sock") and (int(garments.right.sum()), len(garments)) == (3, 5)
    assert photo_folder(known) == shipped


def test_a_label_that_the_model_cannot_give_is_no_label_that_looks_wrong(tmp_path):
    labels = np.resize(["black_hat", "black_sock", "blue_hat", "blue_sock"], 40)
    sure = np.eye(4, dtype=np.float32)[np.resize(range(4), 40)] * 0.9 + 0.025
    photos = pd.DataFrame({"path": [f"{i}.jpg" for i in range(40)], "label": labels}, dtype=object)
    named = [("red_hat" if label == "blue_hat" else label) for label in labels]
    named[0] = "blue_sock"  # the one that is wrong
    found = find_label_issues(people.under_labels(Evaluation(GARMENTS, photos, sure / sure.sum(1)[:, None]), named))
    assert found["path"].tolist() == ["0.jpg"]


def test_the_default_is_one_of_the_published_where_it_is_here():
    assert default_model(["a", "apparel-resnet50", "apparel-lite"]) == "apparel-lite"
    assert default_model(["a", "apparel-resnet50"]) == "apparel-resnet50" and default_model(["b", "a"]) == "b"


# The card and its README.md -------------------------------------------------------------------------------------------


def test_the_card_keeps_the_figures(parts):
    assert ModelCard.read(parts).metrics.people == FIGURES


def test_the_readme_gives_the_figures_with_their_intervals():
    card = ModelCard("parts", GARMENTS, 32, 1.0, metrics=Metrics(people=FIGURES))
    text = model_readme.markdown(card, five())
    assert "## On photos people took" in text
    # Wilson: 2 of 3 20.8 to 93.9, 3 of 5 23.1 to 88.2
    assert "| accuracy | 66.67% (2 of 3) | 20.8% to 93.9% |" in text
    assert "| garment alone, whatever the colour | 60.00% (3 of 5) | 23.1% to 88.2% |" in text
    assert "photos people took" not in model_readme.markdown(replace(card, metrics=Metrics()), five())


@pytest.mark.parametrize("about", ["Hats, by hand.\n\n- and socks\n\n## Licence\n\nNone.", ""])
def test_a_readme_written_anew_keeps_what_a_person_wrote(parts, about):
    card, test = ModelCard.read(parts), Evaluation.load(parts / "evaluation.parquet")
    text = model_readme.markdown(card, test, about)
    (parts / "README.md").write_text(text)
    assert model_readme.rewritten(parts) == text


# The command line, with the model that ships --------------------------------------------------------------------------


@pytest.fixture
def drawn(home, tmp_path, monkeypatch) -> tuple[Path, Path]:
    """The sample model in this home; and a folder examples/ of drawn photos, one with a label it does not have."""
    model = shutil.copytree(ROOT / "weights" / "sample-mobilenet", home / "weights" / "sample-mobilenet")
    shutil.rmtree(model / "people", ignore_errors=True)
    root = tmp_path / "examples"
    for place, label in (("blue_dress", "blue_dress"), ("black_pants", "black_pants"), ("red_dress", "blue_dress")):
        (root / place).mkdir(parents=True)
        sample.draw(label, 0, 0).save(root / place / "1.jpg", quality=90)
    (root / "red_hat").mkdir()
    plain("red").save(root / "red_hat" / "1.jpg")
    monkeypatch.setattr(examples, "folder", lambda: root)
    monkeypatch.chdir(tmp_path / "home")
    return model, root


def test_evaluate_leaves_out_what_the_model_does_not_know_when_asked_to_and_says_how_many(drawn, capsys):
    _, root = drawn
    assert main(["evaluate", "sample-mobilenet", str(root), "--json"]) == 2
    assert "does not know the class red_dress, red_hat" in capsys.readouterr().err
    assert main(["evaluate", "sample-mobilenet", "examples", "--known", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n"], found["left_out"], len(found["classes"])) == (2, 2, 10)
    assert found["garment"]["n"] == 3 and found["garment"]["accuracy"] == found["garment"]["right"] / 3
    assert main(["evaluate", "sample-mobilenet", "examples", "--known"]) == 0
    told = capsys.readouterr()
    assert "2 photos of classes that the model does not have are left out" in told.err
    assert "garment alone: accuracy" in told.out


def test_store_keeps_answers_figures_and_what_lies_behind_them(drawn, capsys):
    model, _ = drawn
    before = (model / "README.md").read_text()
    assert main(["evaluate", "sample-mobilenet", "examples", "--store", "--json"]) == 0
    found, card = json.loads(capsys.readouterr().out), ModelCard.read(model)
    stored_answers = Evaluation.load(model / "people" / "evaluation.parquet")
    assert card.metrics.people.n == found["n"] == len(stored_answers) == 2
    assert card.metrics.people.right / 2 == found["accuracy"] == stored_answers.accuracy
    assert card.metrics.people.garment_n == 3 == len(Evaluation.load(model / "people" / "garments.parquet"))
    after = (model / "README.md").read_text()
    assert "## On photos people took" in after and before.split("## What it reaches")[0] in after
    own, learned = Explanations.load(model / "people" / FILE), Explanations.load(model / FILE)
    place = learned.places["blue_dress/blue_dress_000.jpg"]  # the same drawing, as its own set has it
    assert np.abs(own.embeddings[own.places["blue_dress/1.jpg"]] - learned.embeddings[place]).max() < 0.02
    assert not own.photos["path"].str.startswith("red_hat").any()


def test_store_takes_the_photos_that_ship_alone(drawn, tmp_path, capsys):
    model, root = drawn
    other = shutil.copytree(root, tmp_path / "other")
    assert main(["evaluate", "sample-mobilenet", str(other), "--store"]) == 2
    assert "give examples as DIR" in capsys.readouterr().err and not (model / "people").exists()


def test_a_model_that_knows_none_of_the_photos_says_so(drawn, tmp_path, capsys):
    (tmp_path / "coats" / "red_coat").mkdir(parents=True)
    plain("red").save(tmp_path / "coats" / "red_coat" / "1.jpg")
    assert main(["evaluate", "sample-mobilenet", str(tmp_path / "coats"), "--known"]) == 2
    assert "knows none of the classes" in capsys.readouterr().err


# The pages ------------------------------------------------------------------------------------------------------------


def of(app: AppTest) -> str:
    return app.segmented_control(key="of").value


def test_evaluate_opens_on_them_with_a_photo_behind_every_number(parts):
    app = opened()
    assert not app.exception and not app.warning
    assert of(app) == "people" and "of" not in app.query_params
    assert (figure(app, "Photos"), figure(app, "Accuracy")) == ("3", "66.67%")
    assert len(app.get("image")) == 3 and "not on this machine" not in words(app)
    assert "photos people took, in examples" in app.caption[0].value
    assert "60.00% (3 of 5 photos in any colour)" in words(app)


def test_by_garment_photos_of_other_colours_count_too(parts):
    app = opened()
    app.button(key="select-garment").click().run()
    assert not app.exception and app.segmented_control(key="by").value == "garment"
    assert (figure(app, "Photos"), figure(app, "Wrong")) == ("5", "2") and len(app.get("image")) == 5
    assert tiles(opened(of="people", by="garment", which="wrong")) == ["3.jpg", "2.jpg"]
    app = opened(of="people", by="garment", view="Labels", photo=stored.photo_id("red_hat/1.jpg"))
    assert not app.exception and "red hat" in words(app).replace("\\", "")


def test_the_test_photos_stay_beside_them_with_a_way_to_get_these(parts, home):
    app = opened(of="test")
    assert figure(app, "Photos") == "5" and "not on this machine" in app.warning[0].value
    publish(home, replace(five(), root="paper"), "parts", draw=False)
    assert "python -m fashion_core fetch paper data/paper" in opened(of="test").warning[0].value


def test_a_link_that_says_not_of_which_photos_means_those_that_the_model_opens_on(parts):
    for link in ({}, {"true": "black_hat"}, {"photo": "2"}, {"which": "wrong"}, {"q": "hats"}):
        assert of(opened(model="parts", **link)) == "people", link
        assert of(opened(model="parts", of="test", **link)) == "test", link


def test_a_model_of_drawn_photos_opens_on_its_own(parts, home):
    answers = five()
    meta = replace(answers.meta, sample={"per_class": 1, "seed": 3})
    folder = publish(home, replace(answers, root="sample", meta=meta), "drawings", draw=False)
    people.save(folder, whole("examples"), GARMENTS, None)
    assert [stored.opens_on(each / "evaluation.parquet") for each in (folder, parts)] == ["test", "people"]
    app = opened(model="parts")
    app.selectbox(key="model").select("drawings").run()
    assert of(app) == "test" and app.segmented_control(key="of").options == ["Photos people took", "Test photos"]
    app.selectbox(key="model").select("parts").run()
    assert of(app) == "people" and not app.exception


def test_without_their_folder_the_test_photos_are_opened(parts, monkeypatch):
    monkeypatch.setattr(examples, "folder", lambda: None)
    assert of(opened()) == "test"


def test_home_says_which_photos_each_figure_is_about(parts):
    app = AppTest.from_file(ROOT / "pages/home.py", default_timeout=60).run()
    assert not app.exception
    measured = {each.label: each.value for each in app.metric}
    assert measured["On photos people took"] == "66.7%" and "40.0%" in measured.values()
    assert "2 of 3 photos" in words(app) and "60.0% (3 of 5)" in words(app)
    assert len(app.get("image")) == 3 + 1, "three examples and the one mistake"
    links = [button.proto.url for button in app.get("link_button")]
    assert any("true=blue+sock" in link for link in links), links


def test_predict_offers_them_as_examples_and_as_nine(parts):
    app = AppTest.from_file(ROOT / "pages/predict.py", default_timeout=60).run()
    assert not app.exception and "(2 of 3 photos people took)" in words(app)
    labels = {button.label.replace("\\", "") for button in app.button if (button.key or "").startswith("example-")}
    assert labels == {"Black hat", "Blue sock", "Black sock"}
    app.query_params["view"] = "Nine photos"
    app = app.run()
    assert len(tiles(app)) == 3 and "not on this machine" not in words(app)
    assert any("of=people" in button.proto.url for button in app.get("link_button"))


# In a fresh clone, with the models and the photos that ship -----------------------------------------------------------


@pytest.fixture(scope="module")
def clone(server, tmp_path_factory) -> str:
    """The app with nothing here but what ships."""
    home = tmp_path_factory.mktemp("clone")
    (home / "weights").symlink_to(ROOT / "weights", target_is_directory=True)
    return server(home).url


def expect_photos(page: Page, count: int) -> None:
    """So many tiles, each with a photo that has arrived; none that says that there is none."""
    photos = page.locator("[class*=st-key-tile-] img")
    expect(photos).to_have_count(count, timeout=SOON)
    page.wait_for_function(
        "n => [...document.querySelectorAll('[class*=st-key-tile-] img')].filter(i => i.naturalWidth).length == n",
        arg=count, timeout=SOON,
    )  # fmt: skip
    expect(page.locator("[class*=st-key-absent-]")).to_have_count(0)


def test_in_a_fresh_clone_evaluate_opens_on_photos_without_a_grey_tile(clone, page: Page):
    page.goto(f"{clone}/evaluate")
    expect_photos(page, 12)
    expect(page).not_to_have_url(re.compile("of="))  # writing it there would be a step that Back has to undo
    expect(page.get_by_test_id("stMain")).not_to_contain_text("not on this machine")
    page.locator(".st-key-by").get_by_text("garment", exact=True).click()
    expect(page.get_by_test_id("stMain")).to_contain_text("249 photos")
    expect_photos(page, 12)
    page.locator(".st-key-of").get_by_text("Test photos", exact=True).click()
    expect(page).to_have_url(re.compile("of=test"))
    page.reload()
    expect(page.get_by_test_id("stMain")).to_contain_text("are not on this machine")
    expect(page).to_have_url(re.compile("of=test"))
    page.go_back()
    expect_photos(page, 12)
    expect(page).not_to_have_url(re.compile("of="))


def test_in_a_fresh_clone_home_shows_photos_of_mistakes(clone, page: Page):
    page.goto(clone)
    expect_photos(page, 6 + 6)  # examples and mistakes


def test_in_a_fresh_clone_an_example_is_answered_at_a_click(clone, page: Page):
    page.goto(f"{clone}/predict")
    expect_photos(page, 6)
    page.locator(".st-key-example-0 button").click()
    expect(page.locator(".st-key-answer-0").get_by_test_id("stProgress")).to_have_count(
        3 + 2, timeout=SOON
    )  # classes, colour and garment


def test_in_a_fresh_clone_the_grid_of_nine_has_nine_photos(clone, page: Page):
    page.goto(f"{clone}/predict?view=Nine+photos")
    expect(page.locator(".st-key-nine-grid img")).to_have_count(9, timeout=SOON)
    expect(page.locator("[class*=st-key-absent-]")).to_have_count(0)
