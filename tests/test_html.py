"""One page to take along: whole without a network, small, and names cannot break it."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evaluations import eight, made_up, publish
from PIL import Image

from fashion_core import paper
from fashion_core.cli import main
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.meta import EvaluationMeta
from fashion_core.models.card import ModelCard
from fashion_core.reports import html


def test_the_page_needs_nothing_else_and_holds_the_worst_photos(home, tmp_path, capsys):
    publish(home, eight(tmp_path / "photos"))
    out = tmp_path / "page.html"
    assert main(["report", "by-hand", "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    page = out.read_text("utf-8")
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page) and "<script" not in page
    assert page.count("data:image/webp;base64,") == 3  # its three mistakes
    assert "62.50%" in page and "5 of 8 test photos" in page and "30.6% to 86.3%" in page
    assert out.stat().st_size < 1_000_000


def test_photos_that_are_not_here_and_names_that_are_no_text_are_told_plainly(home, tmp_path):
    evaluation = eight(tmp_path / "elsewhere")
    evaluation.photos.loc[2, "path"] = "coat/<script>alert(1)</script>.jpg"
    page = html.html(evaluation, ModelCard("<b>bold</b>", evaluation.classes, 32, 1.0), tmp_path / "nowhere")
    assert "3 of these photos are not on the machine" in page
    assert "<script>" not in page and "&lt;b&gt;bold&lt;/b&gt;" in page


def test_a_model_that_is_none_is_one_sentence(home, capsys):
    assert main(["report", "nobody"]) == 2
    assert "There is no model" in capsys.readouterr().err


@pytest.mark.parametrize("right", [True, False])
def test_a_run_with_its_log_has_curves(home, tmp_path, right):
    folder = publish(home, eight(tmp_path / "photos"))
    run = home / "runs" / "20260101-000000"
    run.mkdir(parents=True)
    folder.rename(run / "model")
    (run / "config.json").write_text("{}")
    if right:
        epoch = (
            '{"v":1,"seq":1,"t":1.0,"type":"step","step":1,"epoch":1,"loss":1.0,"accuracy":0.5,"learning_rate":0.1}\n'
            '{"v":1,"seq":2,"t":2.0,"type":"epoch","epoch":1,"step":1,"best":true,"train_loss":1.0,"train_accuracy":0.5,'
            '"validation_loss":0.9,"validation_accuracy":0.6}\n'
        )
        (run / "events.jsonl").write_text(epoch)
    assert ("How it learned" in html.of_model(run / "model")) == right


def test_drawn_photos_compare_with_no_paper(tmp_path):
    classes = paper.CLASSES
    photos = pd.DataFrame({"path": classes, "label": classes}, dtype=object)
    wrong = np.eye(10, dtype=np.float32)[[*range(1, 10), 0]]
    test, card = Evaluation(classes, photos, wrong), ModelCard("m", classes, 32, 1.0)
    real = html.html(test, card, tmp_path)
    assert "97.83%" in real and "do not compare directly" in real and "orse" not in real
    page = html.html(replace(test, meta=EvaluationMeta(sample={"per_class": 1, "seed": 0})), card, tmp_path)
    assert "drawn photos, not real ones" in page and "97.83%" not in page


def test_a_card_cannot_lead_the_report_elsewhere(home, tmp_path, monkeypatch, capsys):
    folder = publish(home, eight(tmp_path / "photos"))
    ModelCard("../../evil", ("coat", "hat"), 32, 1.0).write(folder)
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    assert main(["report", "by-hand"]) == 0
    assert capsys.readouterr().out.strip() == "-..-evil-report.html"
    assert [file.name for file in Path.cwd().iterdir()] == ["-..-evil-report.html"]
    assert main(["report", "by-hand", "--out", str(tmp_path / "photos" / "coat" / "0.jpg" / "x.html")]) == 2
    assert "Cannot write" in capsys.readouterr().err


def test_with_many_classes_every_one_has_its_row_and_the_page_stays_small(tmp_path, monkeypatch):
    monkeypatch.setattr(html.figures, "confusion_png", lambda evaluation: b"")  # drawn at length elsewhere
    classes = tuple(f"class {number:03}" for number in range(500))
    test = made_up(tmp_path, classes, n=2000)
    Image.effect_noise((2000, 2000), 80).save(tmp_path / "big.png")
    test.photos["path"] = "big.png"
    page = html.html(test, ModelCard("m", classes, 32, 1.0), tmp_path)
    assert all(f"<td>{name}</td>" in page for name in classes)
    assert page.count("<h3>") == html.MISTAKES and len(page) < 1_000_000
    assert html.MISTAKES <= page.count("data:image/webp") <= html.MISTAKES * html.EACH


def test_the_photos_people_took_come_first_and_classes_are_written_as_words(home, tmp_path):
    classes = ("blue_shoes", "black_shoes")
    photos = pd.DataFrame({"path": ["0.png", "1.png"], "label": ["blue_shoes"] * 2}, dtype=object)
    for name in photos["path"]:
        Image.effect_noise((40, 40), 80).save(tmp_path / name)
    test = Evaluation(classes, photos, np.array([[0.1, 0.9], [0.8, 0.2]], np.float32), str(tmp_path))
    page = html.html(test, ModelCard("m", classes, 32, 1.0), tmp_path, taken=test)
    assert page.index("Most common mistakes on photos people took") < page.index("mistakes on its test photos")
    assert "On photos people took<b>50.00%" in page and page.count("blue shoes called black") == 2
    assert page.count("data:image/webp") == 2 and "_shoes" not in page
