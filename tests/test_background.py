"""Work off the page's thread: shown while it goes on, stopped and begun again, and a fault is one sentence."""

import re
import threading

import pytest
from evaluate_page import eight_explained, opened, tiles, words

from fashion_core import UserError
from fashion_core.evaluation import label_issues
from fashion_core.ui import background, stored
from fashion_core.ui.background import Job


@pytest.fixture
def root(home, tmp_path):
    return eight_explained(home, tmp_path / "photos")


@pytest.fixture
def gate(monkeypatch):
    """Work waits behind it, and pages are impatient."""
    monkeypatch.setattr(background, "PATIENCE", 0.01)
    opens = threading.Event()
    yield opens
    opens.set()


def behind(gate, monkeypatch, name: str) -> None:
    """This function of label_issues waits for the gate."""
    work = getattr(label_issues, name)
    monkeypatch.setattr(label_issues, name, lambda *given: gate.wait(60) and work(*given))


def test_what_the_work_returns_is_the_result_and_it_is_done_once():
    calls = []
    job = Job("Counting", lambda progress: calls.append(1) or 7)
    assert job.result() == 7 and job.wait(0) and not job.running
    job.start()
    assert job.result() == 7 and calls == [1]


def test_work_that_reports_is_stopped_at_its_next_report_and_begins_again():
    reported, goes_on = threading.Event(), threading.Event()

    def work(progress) -> str:
        progress(1, 2, "of two")
        reported.set()
        goes_on.wait(60)
        progress(2, 2, "of two")
        return "all"

    job = Job("Counting", work)
    assert reported.wait(60) and job.progress == (1, 2) and not job.wait(0)
    job.stop()
    goes_on.set()
    assert not job.wait(60) and job.stopped
    with pytest.raises(UserError, match="stopped"):
        job.result()
    job.start()
    assert job.result() == "all" and not job.stopped


@pytest.mark.parametrize("fault", [ZeroDivisionError("by zero"), UserError("by zero")])
def test_a_fault_is_a_sentence_and_nobody_waits(fault):
    def work(progress) -> None:
        raise fault

    job = Job("Counting", work)
    assert not job.wait(60)
    with pytest.raises(UserError, match="by zero"):
        job.result()


def test_all_photos_are_judged_off_the_pages_thread_and_then_shown(root, gate, monkeypatch):
    behind(gate, monkeypatch, "out_of_fold")
    app = opened(of="all", view="Labels")
    assert "Judging each photo by its neighbours, this once" in words(app) and not tiles(app) and not app.exception
    key = stored.evaluation_key(root.parent / "home" / "weights/by-hand/evaluation.parquet")
    gate.set()
    stored.cross_validation_of(key.file, key.explanations_mtime).wait(60)
    monkeypatch.setattr(background, "PATIENCE", 240.0)
    app.run()
    assert re.search("labels? looks? wrong", words(app))
    assert app.query_params["view"] == "Labels" and not app.exception


def test_an_open_photo_does_not_wait_for_label_issues(root, gate, monkeypatch):
    monkeypatch.setattr(stored, "FEW_NUMBERS", 0)
    monkeypatch.setattr(background, "PATIENCE", 240.0)
    behind(gate, monkeypatch, "find_label_issues")
    app = opened(photo="2")
    assert "called **hat**, is **coat**" in words(app) and not app.warning and not app.exception


def test_labels_show_all_photos_until_the_label_issues_are_known(root, gate, monkeypatch):
    behind(gate, monkeypatch, "find_label_issues")
    app = opened(view="Labels")
    assert "Looking for labels that look wrong, this once" in words(app) and len(tiles(app)) == 8


def test_a_comparison_that_fails_is_one_sentence_and_the_other_kinds_are_there(root, monkeypatch):
    monkeypatch.setattr(background, "PATIENCE", 240.0)
    monkeypatch.setattr(label_issues, "outliers", lambda *_: 1 / 0)
    app = opened(view="Oddities", odd="near-duplicates")
    assert "division by zero" in app.error[0].value and tiles(app) and not app.exception


def test_what_was_chosen_before_all_photos_were_judged_is_there_after(root, gate, monkeypatch):
    behind(gate, monkeypatch, "out_of_fold")
    app = opened(view="Labels", q="wrong", true="coat")
    app.segmented_control(key="of").set_value("all").run()
    assert "Judging each photo by its neighbours, this once" in words(app) and not app.exception
    gate.set()
    monkeypatch.setattr(background, "PATIENCE", 240.0)
    app.run()
    assert (app.text_input(key="q").value, app.selectbox(key="true").value) == ("wrong", "coat")
    assert app.session_state["view"] == "Labels" and re.search("labels? looks? wrong", words(app))
