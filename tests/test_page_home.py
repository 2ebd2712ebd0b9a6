"""Promises of the front door: a photo is answered in place, and the model is measured honestly; or the first steps."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import ROOT, SOON, Server, cell_place, hover_click, name_place, steady_box
from evaluations import eight, publish
from model_folders import CLASSES as NAMES
from model_folders import plain, write_model
from playwright.sync_api import Browser, Page, expect
from streamlit.testing.v1 import AppTest

from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.paper import CLASSES

COLOURS = ("red", "lime", "blue")


def opened() -> AppTest:
    app = AppTest.from_file(ROOT / "pages/home.py", default_timeout=60).run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    return " ".join(e.value for kind in (app.markdown, app.caption, app.header) for e in kind).replace("\\", "")


def trained(home, name: str, right: int, n: int, classes=("a", "b", "c")) -> None:
    metrics = {"test_accuracy": right / n, "test_n": n}
    write_model(home / "weights" / name, metrics=metrics, classes=list(classes))


def test_without_a_model_it_shows_the_first_steps_and_the_sample_set(home):
    app = opened()
    assert "Four steps" in said(app)
    assert len(app.get("image")) == 10


def boxes(app: AppTest) -> dict[str, str]:
    return {box.label: box.value for box in app.metric}


def test_without_a_default_model_it_opens_on_the_one_with_the_highest_test_accuracy(home):
    trained(home, "better", 19, 20)
    trained(home, "good", 18, 20)
    assert boxes(opened()) == {"On its own test photos": "95.0%", "The paper": "97.8%"}


def test_an_accuracy_stands_with_its_photos_and_wilsons_interval(home):
    trained(home, "m", 18, 20)
    assert "Right on 18 of 20 test photos (95% interval 69.9% to 97.2%); it was trained on none of them." in said(
        opened()
    )


def test_photos_that_people_took_have_a_sentence_of_their_own(home):
    people = {"right": 9, "n": 12, "macro_f1": 0.5, "garment_right": 15, "garment_n": 16}
    metrics = {"test_accuracy": 0.9, "test_n": 20, "people": people}
    write_model(home / "weights" / "m", metrics=metrics, classes=list(CLASSES), dataset={"name": "paper-colours"})
    app = opened()
    assert list(boxes(app)) == ["On the paper's kind of photos", "On photos people took", "Against the paper"]
    assert boxes(app)["On photos people took"] == "75.0%"
    # Wilson's interval of 9 in 12: 46.8% to 91.1%
    sentence = (
        "Right on 9 of 12 photos (95% interval 46.8% to 91.1%), labelled by eye. The garment alone: 93.8% (15 of 16)."
    )
    assert sentence in said(app)


@pytest.mark.parametrize(
    ("right", "n", "verdict"),
    [
        (587, 600, "A difference this small can be chance."),  # the paper's own figure
        (60, 60, "A difference this small can be chance."),  # all right, but of too few to tell
        (600, 600, "the test photos are not, so the two do not compare directly."),
        (560, 600, "the test photos are not, so the two do not compare directly."),
    ],
)
def test_the_sentence_on_the_paper_is_honest(home, right, n, verdict):
    trained(home, "m", right, n, CLASSES)
    app = opened()
    assert verdict in said(app) and "worse" not in said(app).lower()
    assert boxes(app)["Against the paper"] == f"{right / n:.1%} against 97.8%"
    assert f"Right on {right} of {n} photos of the paper's ten classes. The paper reports 587 of 600" in said(app)


def test_a_model_with_more_classes_is_compared_on_the_papers_ten(home, tmp_path):
    classes = (*CLASSES, "green_hat")
    photos = pd.DataFrame({"path": [f"{n}.png" for n in range(12)], "label": [*classes, "green_hat"]}, dtype=object)
    guesses = np.eye(11, dtype=np.float32)[[1, *range(1, 11), 0]]  # of the ten the first is wrong, and a hat
    folder = home / "weights" / "m"
    write_model(folder, metrics={"test_accuracy": 10 / 12, "test_n": 12}, classes=list(classes))
    Evaluation(classes, photos, guesses, str(tmp_path)).save(folder / "evaluation.parquet")
    assert boxes(opened())["Against the paper"] == "90.0% against 97.8%"
    assert "Right on 9 of 10 photos of the paper's ten classes." in said(opened())


def test_other_classes_are_not_compared(home):
    trained(home, "m", 20, 20)
    assert "This model has other classes, so the two do not compare." in said(opened())
    assert "Against the paper" not in boxes(opened())


def test_it_says_what_the_model_tells_apart(home):
    trained(home, "m", 20, 20, CLASSES)
    line = "Names the garment and its colour in a photo: dress, pants, shirt, shoes or shorts, in black or blue."
    assert line in said(opened())


def test_classes_that_do_not_come_apart_are_listed(home):
    trained(home, "m", 20, 20, [f"k{n}" for n in range(10)])
    assert "Tells 10 classes apart: k0, k1, k2, k3, k4, k5, k6, k7 and 2 more." in said(opened())


def test_notes_on_how_it_was_made_are_left_to_its_card(home):
    write_model(home / "weights" / "m", metrics={"test_accuracy": 0.9, "test_n": 20}, notes=["It was cold that day."])
    assert "cold" not in said(opened())


def test_a_model_without_a_test_does_not_count(home):
    write_model(home / "weights" / "untested")
    assert "Four steps" in said(opened())


def test_a_broken_model_does_not_close_the_front_door(home):
    trained(home, "m", 18, 20)
    (write_model(home / "weights" / "broken") / "card.json").write_text("{")
    assert opened().metric[0].value == "90.0%"


def test_the_first_paint_loads_neither_openvino_nor_scikit_learn(home):
    trained(home, "m", 18, 20)
    code = (
        "import sys; from streamlit.testing.v1 import AppTest;"
        f"assert not AppTest.from_file({str(ROOT / 'pages/home.py')!r}, default_timeout=60).run().exception;"
        "print([n for n in ('torch', 'openvino', 'sklearn', 'matplotlib') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_drawn_photos_are_called_so_and_not_compared(home):
    metrics = {"test_accuracy": 1.0, "test_n": 60}
    write_model(home / "weights" / "m", metrics=metrics, classes=list(CLASSES), dataset={"sample": {"seed": 0}})
    assert "drawn photos, not real ones" in said(opened()) and "chance" not in said(opened())
    assert boxes(opened()) == {"On drawn photos": "100.0%", "The paper": "97.8%"}


def test_a_model_of_real_photos_comes_before_one_of_drawn_ones(home):
    metrics = {"test_accuracy": 1.0, "test_n": 60}
    write_model(home / "weights" / "drawn", metrics=metrics, dataset={"sample": {"seed": 0}})
    trained(home, "real", 18, 20)
    assert boxes(opened())["On its own test photos"] == "90.0%"


def test_what_a_review_found_is_said_with_its_interval(home):
    metrics = {"test_accuracy": 0.9, "test_n": 20, "review": {"clear": {"n": 10, "accuracy": 1.0, "macro_f1": 1.0}}}
    write_model(home / "weights" / "m", metrics=metrics, classes=list(CLASSES))
    sentence = (
        "Where the label is clear by eye, it is right on 100.00% (10 of 10 photos), 95% interval 72.2% to 100.0%."
    )
    assert sentence in said(opened())


def evaluated(home, photos) -> None:
    """A model with the evaluation of eight photos: two hats called sock, a coat called hat."""
    folder = publish(home, eight(photos))
    card = json.loads((folder / "card.json").read_text()) | {"metrics": {"test_accuracy": 5 / 8, "test_n": 8}}
    (folder / "card.json").write_text(json.dumps(card))


def test_the_matrix_and_a_photo_of_each_of_the_most_common_mistakes_are_shown(home, tmp_path):
    evaluated(home, tmp_path / "photos")
    app = opened()
    assert [title.value for title in app.header] == [
        "How often it is right", "Confusion matrix", "Most common mistakes",
    ]  # fmt: skip
    links = {button.proto.label: button.proto.url for button in app.get("link_button")}
    assert "predicted=hat" in links["1 coat called hat"] and "true=coat" in links["1 coat called hat"]
    (tmp_path / "photos").rename(tmp_path / "gone")
    assert "only the pictures are missing" in said(opened())


def answering(home, photos: Path) -> None:
    """A model that names a photo's colour, with three photos of its test."""
    folder = write_model(home / "weights" / "colour", metrics={"test_accuracy": 1.0, "test_n": 3})
    photos.mkdir()
    for name in COLOURS:
        (photos / f"{name}.png").write_bytes(png(name))
    table = pd.DataFrame({"path": [f"{name}.png" for name in COLOURS], "label": NAMES}, dtype=object)
    Evaluation(tuple(NAMES), table, np.eye(3, dtype=np.float32), str(photos)).save(folder / "evaluation.parquet")


def press(app: AppTest, place: int) -> AppTest:
    return app.button(key=f"example-{place}").click().run()


def test_an_example_is_answered_in_place(home, tmp_path):
    answering(home, tmp_path / "photos")
    app = opened()
    before = len(app.get("progress"))
    app = press(app, 0)
    assert not app.exception and len(app.get("progress")) == before + 3


def test_dropped_photos_take_the_place_of_the_example(home, tmp_path):
    answering(home, tmp_path / "photos")
    app = press(opened(), 0)
    files = [(f"{name}.png", png(name), "image/png") for name in ("red", "blue")]
    app = app.file_uploader(key="photos").set_value(files).run()
    answered = [caption.value.replace("\\", "") for caption in app.caption if ".png" in caption.value]
    assert answered == ["red.png", "blue.png"] and not app.exception


def test_a_model_that_cannot_answer_is_one_sentence_and_the_page_goes_on(home, tmp_path):
    evaluated(home, tmp_path / "photos")
    app = press(opened(), 0)  # its folder has no network
    assert not app.exception and "missing" in app.error[0].value and "Confusion matrix" in said(app)


def png(colour: str) -> bytes:
    out = io.BytesIO()
    plain(colour).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def fresh(server, tmp_path_factory) -> Server:
    """A fresh clone: the models and photos that ship."""
    home = tmp_path_factory.mktemp("clone")
    (home / "weights").symlink_to(ROOT / "weights")
    return server(home)


def test_on_a_phone_the_answer_to_an_example_is_under_the_drop_zone_without_scrolling(fresh, browser: Browser):
    with browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True) as context:
        page = context.new_page()
        page.goto(fresh.url)
        examples = page.locator("[class*=st-key-tile-example-]")
        expect(examples).to_have_count(6, timeout=SOON)
        page.wait_for_timeout(1000)  # a tap on a skeleton is lost
        assert steady_box(page, examples.last)["y"] < 844, "all of what one can do first is on the first screen"
        examples.first.tap(position={"x": 20, "y": 20})  # on the picture, not on the words below it
        answer = page.locator(".st-key-try-answer [data-testid=stImage]")
        expect(answer).to_be_visible(timeout=SOON)
        top = steady_box(page, page.get_by_test_id("stFileUploaderDropzone"))
        shown = steady_box(page, answer)
        for part in ("button", "[data-testid=stFileUploaderDropzoneInstructions] > *"):
            box = steady_box(page, page.get_by_test_id("stFileUploaderDropzone").locator(part))
            assert abs(box["x"] + box["width"] / 2 - top["x"] - top["width"] / 2) < 2, f"{part} is in the middle"
        assert top["y"] + top["height"] < shown["y"] < 844 < steady_box(page, examples.last)["y"] + 400
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_an_answer_moves_neither_the_drop_zone_nor_the_examples_of_a_wide_window(fresh, page: Page):
    page.goto(fresh.url)
    examples = page.locator("[class*=st-key-tile-example-]")
    expect(examples).to_have_count(6, timeout=SOON)
    parts = (page.get_by_test_id("stFileUploaderDropzone"), examples.first)
    before = [steady_box(page, part) for part in parts]
    examples.nth(1).get_by_role("button").last.press("Enter")  # the keyboard's way
    expect(page.locator(".st-key-try-answer [data-testid=stImage]")).to_be_visible(timeout=SOON)
    assert [steady_box(page, part) for part in parts] == before


def test_a_mistakes_picture_opens_its_cell_on_evaluate(fresh, page: Page):
    page.goto(fresh.url)
    tile = page.locator(".st-key-tile-mistakes-0")
    words = tile.get_by_role("link").inner_text()
    hover_click(page, tile, lambda box: (box["width"] / 2, 20))
    expect(page).to_have_url(re.compile("/evaluate.*true=.*predicted="), timeout=SOON)
    expect(page.locator("[class*=st-key-tile-photos-]")).to_have_count(int(words.split()[0]), timeout=SOON)


def test_a_click_on_the_matrix_opens_the_photos_of_that_cell(home, tmp_path, server, page: Page):
    evaluated(home, tmp_path / "photos")
    page.goto(server(home).url)
    chart = page.locator(".st-key-matrix").get_by_test_id("stEChartsChart")
    expect(chart.locator("canvas").first).to_be_visible(timeout=SOON)
    hover_click(page, chart, lambda box: cell_place(box, ("coat", "hat", "sock"), 0, 1))
    expect(page).to_have_url(re.compile("/evaluate.*true=coat.*predicted=hat"), timeout=SOON)
    expect(page.locator("[class*=st-key-tile-]")).to_have_count(1, timeout=SOON)


def test_a_click_on_a_name_of_the_matrix_opens_the_photos_of_that_class(home, tmp_path, server, page: Page):
    evaluated(home, tmp_path / "photos")
    page.goto(server(home).url)
    chart = page.locator(".st-key-matrix").get_by_test_id("stEChartsChart")
    expect(chart.locator("canvas").first).to_be_visible(timeout=SOON)
    expect(page.locator("body[data-matrix-names=heard]")).to_be_attached(timeout=SOON)
    hover_click(page, chart, lambda box: name_place(box, ("coat", "hat", "sock"), "true", 0))
    expect(page).to_have_url(re.compile("evaluate.*true=coat"), timeout=SOON)
