"""One page to take along: whole without a network, small, and names cannot break it."""

import re

import pytest
from test_evaluation import eight, publish

from fashion_core.cli import main
from fashion_core.models.card import ModelCard
from fashion_core.reports import html


def test_the_page_needs_nothing_else_and_holds_the_worst_photos(home, tmp_path, capsys):
    publish(home, eight(tmp_path / "photos"))
    out = tmp_path / "page.html"
    assert main(["report", "by-hand", "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    page = out.read_text("utf-8")
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page) and "<script" not in page
    assert page.count("data:image/jpeg;base64,") == 3  # its three mistakes
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
