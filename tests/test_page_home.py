"""Promises of the front door: the best model beside the paper, honestly; or the first steps."""

import json
import re
import subprocess
import sys

import pytest
from browser import ROOT, SOON, cell_place, hover_click
from evaluations import eight, publish
from model_folders import write_model
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from fashion_core.paper import CLASSES


def opened() -> AppTest:
    app = AppTest.from_file(ROOT / "pages/home.py", default_timeout=60).run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    return " ".join(e.value for kind in (app.markdown, app.caption, app.subheader) for e in kind).replace("\\", "")


def trained(home, name: str, right: int, n: int, classes=("a", "b", "c")) -> None:
    metrics = {"test_accuracy": right / n, "test_n": n}
    write_model(home / "weights" / name, metrics=metrics, classes=list(classes))


def test_without_a_model_it_shows_the_first_steps_and_the_sample_set(home):
    app = opened()
    assert "Four steps" in said(app)
    assert len(app.get("image")) == 10


def test_without_a_default_model_it_opens_on_the_one_with_the_highest_test_accuracy(home):
    trained(home, "better", 19, 20)
    trained(home, "good", 18, 20)
    app = opened()
    assert [m.label.replace("\\", "") for m in app.metric] == [
        "better · its test photos",
        "The paper · ResNet-50, 10 epochs",
    ]
    assert [m.value for m in app.metric] == ["95.00%", "97.83%"]


def test_both_numbers_stand_with_their_photos_and_wilson_intervals(home):
    trained(home, "m", 18, 20)
    assert "of 20 test photos right · 95% interval 69.9% to 97.2%" in said(opened())
    assert "of 600 test photos right · 95% interval 96.3% to 98.7%" in said(opened())


@pytest.mark.parametrize(
    ("right", "n", "verdict"),
    [
        (587, 600, "Indistinguishable"),  # the paper's own figure
        (60, 60, "Indistinguishable"),  # all right, but of too few to tell
        (600, 600, "Better"),
        (560, 600, "Worse"),
    ],
)
def test_the_sentence_on_the_paper_is_honest(home, right, n, verdict):
    trained(home, "m", right, n, CLASSES)
    assert f"**{verdict}" in said(opened())


def test_a_difference_comes_with_its_interval(home):
    # 560/600 = 93.33 %, Wilson 91.05 to 95.07; the paper 96.32 to 98.73; so 4.5 points, by Newcombe 2.2 to 7.0
    trained(home, "m", 560, 600, CLASSES)
    assert "Worse than the paper's figure, by 2.2 to 7.0 points." in said(opened())


def test_other_classes_are_not_compared(home):
    trained(home, "m", 20, 20)
    assert "not comparable" in said(opened()) and "Better" not in said(opened())


def test_a_model_without_a_test_does_not_count(home):
    write_model(home / "weights" / "untested")
    assert "Four steps" in said(opened())


def test_a_broken_model_does_not_close_the_front_door(home):
    trained(home, "m", 18, 20)
    (write_model(home / "weights" / "broken") / "card.json").write_text("{")
    assert opened().metric[0].value == "90.00%"


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
    assert "drawn photos, not real ones" in said(opened()) and "Indistinguishable" not in said(opened())


def test_a_model_of_real_photos_comes_before_one_of_drawn_ones(home):
    metrics = {"test_accuracy": 1.0, "test_n": 60}
    write_model(home / "weights" / "drawn", metrics=metrics, dataset={"sample": {"seed": 0}})
    trained(home, "real", 18, 20)
    assert opened().metric[0].label == "real · its test photos"


def test_what_a_review_found_is_said_with_its_interval(home):
    metrics = {"test_accuracy": 0.9, "test_n": 20, "review": {"clear": {"n": 10, "accuracy": 1.0, "macro_f1": 1.0}}}
    write_model(home / "weights" / "m", metrics=metrics, classes=list(CLASSES))
    assert "the label is clear by eye, it is right on 100.00% (10 of 10 test photos), 95% interval 72.2%" in said(
        opened()
    )


def test_the_matrix_and_the_worst_mistakes_of_the_best_model_are_shown(home, tmp_path):
    folder = publish(home, eight(tmp_path / "photos"))
    card = json.loads((folder / "card.json").read_text()) | {"metrics": {"test_accuracy": 5 / 8, "test_n": 8}}
    (folder / "card.json").write_text(json.dumps(card))
    app = opened()
    assert [title.value for title in app.subheader] == [
        "Confusion matrix · test photos", "Largest confusions", "Most confident mistakes",
    ]  # fmt: skip
    labels = [button.proto.label for button in app.get("link_button")]
    assert "1 × coat called hat" in labels
    assert len(app.get("image")) == 3
    (tmp_path / "photos").rename(tmp_path / "gone")
    assert "not on this machine" in said(opened()) and not opened().get("image")


def test_a_click_on_the_matrix_opens_the_photos_of_that_cell(home, tmp_path, server, page: Page):
    folder = publish(home, eight(tmp_path / "photos"))
    card = json.loads((folder / "card.json").read_text()) | {"metrics": {"test_accuracy": 5 / 8, "test_n": 8}}
    (folder / "card.json").write_text(json.dumps(card))
    page.goto(server(home).url)
    chart = page.locator(".st-key-matrix").get_by_test_id("stEChartsChart")
    expect(chart.locator("canvas").first).to_be_visible(timeout=SOON)
    hover_click(page, chart, lambda box: cell_place(box, ("coat", "hat", "sock"), 0, 1))
    expect(page).to_have_url(re.compile("/evaluate.*true=coat.*predicted=hat"), timeout=SOON)
    expect(page.locator("[class*=st-key-tile-]")).to_have_count(1, timeout=SOON)
