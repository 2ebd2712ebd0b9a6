"""The panel of decisions: whatever people saved, the page opens, says what is wrong and asks what may be meant."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import ROOT
from evaluations import eight, publish
from streamlit.testing.v1 import AppTest

from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.photos import label_corrections
from fashion_core.ui import label_review
from fashion_core.ui.evaluate.state import Shown

CLASSES = ("001", "002")


@pytest.fixture
def photos(home, tmp_path) -> Path:
    """Two photos of classes that are numbers, tested by a model."""
    root = tmp_path / "photos"
    paths = [f"{name}/{name}.jpg" for name in CLASSES]
    table = pd.DataFrame({"path": paths, "label": CLASSES}, dtype=object)
    evaluation = Evaluation(CLASSES, table, np.array([[0.9, 0.1], [0.2, 0.8]], np.float32), str(root))
    publish(home, evaluation)
    return root


def opened() -> AppTest:
    return AppTest.from_file(ROOT / "pages/evaluate.py", default_timeout=60).run()


def said(app: AppTest) -> str:
    """Every notice on the page, without the signs that keep Markdown from reading names."""
    return "\n".join(each.value for kind in (app.error, app.warning, app.success) for each in kind).replace("\\", "")


def handed_in(content: bytes) -> AppTest:
    app = opened()
    return app.file_uploader(key="decisions-file").set_value(("theirs.csv", content, "text/csv")).run()


ZEROS = b"photo;label\r\n001/001.jpg;2\r\n002/002.jpg;\r\n"


def test_labels_that_lost_their_zeros_are_asked_about_and_taken_only_after_a_yes(photos):
    file = label_corrections.default_file(photos)
    app = handed_in(ZEROS)
    assert "Read **2** as **002**?" in said(app) and not file.exists()
    app.button(key="take-zeros").click().run()
    assert label_corrections.read(file) == {"001/001.jpg": "002", "002/002.jpg": ""}
    assert "2 of 2 decisions are new, and kept." in said(app) and "Read" not in said(app) and not app.exception


def test_a_no_imports_nothing(photos):
    app = handed_in(ZEROS)
    app.button(key="refuse-zeros").click().run()
    assert not label_corrections.default_file(photos).exists() and said(app) == ""


def test_a_file_of_which_a_spreadsheet_took_the_zeros_is_asked_about_by_line_and_corrected(photos):
    file = label_corrections.default_file(photos)
    file.write_bytes(ZEROS)
    app = opened()
    assert f"Line 2 of {file} says '2', which is no class here; it probably means '002'" in said(app)
    app.button(key="take-zeros").click().run()
    assert label_corrections.read(file) == {"001/001.jpg": "002", "002/002.jpg": ""}
    assert "no class" not in said(app) and not app.exception


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("photo,label\nauße/café.jpg,001\n".encode("cp1252"), ""),
        (b"photo,label\n001/001.jpg,umbrella\n", "says 'umbrella', which is no class"),
        (b"photo,label\n001/001.jpg\n", "Line 2 of"),
        (b"\x89PNG\r\n\x1a\n", "holds no decisions"),
        (b"", "holds no decisions"),
    ],
)
def test_whatever_lies_in_the_file_evaluate_opens_to_its_end_and_says_what_is_wrong(content, sentence, photos):
    label_corrections.default_file(photos).write_bytes(content)
    app = opened()
    assert not app.exception and sentence in said(app)
    assert bool(said(app)) == bool(sentence)
    assert app.get("file_uploader") and app.get("download_button"), "the page was drawn to its end"


def test_a_decision_on_a_photo_whose_name_is_no_utf8_is_shown_and_found_again(home, tmp_path):
    root, evaluation = tmp_path / "photos", eight(tmp_path / "photos")
    odd = os.fsdecode(b"coat/\xe9.jpg")
    paths = evaluation.photos["path"].replace("coat/0.jpg", odd)
    photos = evaluation.photos.assign(path=paths)
    publish(home, Evaluation(evaluation.classes, photos, evaluation.probabilities, str(root)))
    label_corrections.record(label_corrections.default_file(root), odd, "relabel", "hat")
    app = opened()
    table = next(frame.value for frame in app.dataframe if "Decided" in frame.value)
    assert table["Photo"].tolist() == ["coat/é.jpg"] and not app.exception
    content = label_corrections.default_file(root).read_bytes()
    label_corrections.default_file(root).unlink()
    app.file_uploader(key="decisions-file").set_value(("theirs.csv", content, "text/csv")).run()
    assert "1 of 1 decision is new, and kept." in said(app) and "not in" not in said(app)


def test_a_queue_goes_on_with_what_nobody_decided_on_and_ends():
    shown = Shown(pd.DataFrame({"path": ["a", "b", "c", "d"]}), "", True)
    assert label_review._following(shown, "a", {"a": "x"}) == "b"
    assert label_review._following(shown, "b", {"a": "x", "b": "", "c": "y"}) == "d"
    assert label_review._following(shown, "d", {"d": "x", "a": "x"}) == "b", "from the end on the first"
    assert label_review._following(shown, "d", {"a": "", "b": "", "c": ""}) is None
