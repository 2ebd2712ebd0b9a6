"""The Train page: a form that refuses in sentences, runs told as they are on disk."""

from pathlib import Path

import pytest
from datasets import colours
from streamlit.testing.v1 import AppTest

from fashion_core import runs
from fashion_core.runs.config import TrainConfig
from fashion_core.runs.events import EventLog

PAGE = str(Path(__file__).resolve().parents[1] / "pages" / "train.py")


@pytest.fixture
def launched(monkeypatch) -> list:
    """Runs that the page launched; no worker is started."""
    seen = []
    monkeypatch.setattr(runs, "launch", lambda run: (seen.append(run), (run.folder / "launched").touch()))
    return seen


def page() -> AppTest:
    return AppTest.from_file(PAGE, default_timeout=30).run()


def start(at: AppTest) -> AppTest:
    return next(button for button in at.button if button.label == "Start training").click().run()


def test_with_no_run_yet_the_page_says_what_to_do(home):
    at = page()
    assert not at.exception and "press **Start training**" in at.info[0].value


def test_start_launches_the_recipe_that_the_form_shows(home, tmp_path, launched):
    at = page()
    at.text_input(key="folder").set_value(str(colours(tmp_path / "photos", per_class=3)))
    at.number_input(key="quick.epochs").set_value(4)
    start(at)
    assert not at.exception and not at.error
    assert (launched[0].config.epochs, launched[0].config.preset) == (4, "quick")
    assert at.selectbox(key="run").value == launched[0].id


@pytest.mark.parametrize(
    ("key", "value", "part"),
    [
        ("quick.epochs", 0, "epochs is whole passes"),
        ("quick.learning_rate", -1.0, "learning_rate"),
        ("folder", "/nowhere", "no folder"),
    ],
)
def test_a_bad_value_is_a_sentence_and_nothing_starts(home, tmp_path, launched, key, value, part):
    at = page()
    at.text_input(key="folder").set_value(str(tmp_path))
    (at.text_input if key == "folder" else at.number_input)(key=key).set_value(value)
    start(at)
    assert not at.exception and part in at.error[0].value and launched == [] and runs.find() == []


def test_a_second_start_is_refused_and_names_the_busy_run(home, tmp_path, launched):
    busy = runs.create(TrainConfig(), tmp_path)
    (busy.folder / "launched").touch()
    at = page()
    at.text_input(key="folder").set_value(str(tmp_path))
    start(at)
    assert f"Run {busy.id} is training now" in at.error[0].value and launched == []


def test_a_stopped_run_shows_how_far_it_came_and_offers_resume(home, tmp_path, launched):
    run = runs.create(TrainConfig(epochs=2), tmp_path)
    with EventLog(run.folder / "events.jsonl") as log:
        log("start", step=0, total_steps=4, steps_per_epoch=2, epochs=2, device="cpu (2 threads)")
        log("note", text="Random weights: said out loud.")
        log("step", step=1, epoch=1, loss=1.0, accuracy=0.5, learning_rate=0.1)
        log("end", reason="stopped")
    at = page()
    assert not at.exception and any("Random weights: said out loud." in caption.value for caption in at.caption)
    next(button for button in at.button if button.label == "Resume").click().run()
    assert [one.id for one in launched] == [run.id]


def test_a_crash_shows_the_end_of_the_workers_own_words(home, tmp_path):
    run = runs.create(TrainConfig(), tmp_path)
    (run.folder / "worker.log").write_text("Killed: 9")
    at = page()
    assert "died without a word" in at.error[0].value and at.code[0].value == "Killed: 9"


def test_a_failure_shows_its_sentence(home, tmp_path):
    run = runs.create(TrainConfig(), tmp_path)
    with EventLog(run.folder / "events.jsonl") as log:
        log("error", text="The loss is not a number at step 9.")
    assert page().error[0].value == "The loss is not a number at step 9."
