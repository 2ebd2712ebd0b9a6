"""The Train page: a form that refuses in sentences, runs told as they are on disk."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import streamlit
from datasets import colours
from streamlit.testing.v1 import AppTest

from fashion_core import runs
from fashion_core.runs.config import TrainConfig
from fashion_core.runs.events import EventLog
from fashion_core.ui import live

PAGE = str(Path(__file__).resolve().parents[1] / "pages" / "train.py")


@pytest.fixture
def launched(monkeypatch) -> list:
    """Runs that the page launched; no worker is started."""
    seen = []
    monkeypatch.setattr(runs, "launch", lambda run, finish=False: (seen.append(run), (run.folder / "launched").touch()))
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
    assert "Training stopped unexpectedly" in at.error[0].value and at.code[0].value == "Killed: 9"


def test_a_failure_shows_its_sentence(home, tmp_path):
    run = runs.create(TrainConfig(), tmp_path)
    with EventLog(run.folder / "events.jsonl") as log:
        log("error", text="The loss is not a number at step 9.")
    assert page().error[0].value == "The loss is not a number at step 9."


def test_a_failed_run_is_resumed_with_another_learning_rate_or_as_it_is(home, tmp_path, launched):
    run = runs.create(TrainConfig(learning_rate=0.5), tmp_path)
    with EventLog(run.events_file) as log:
        log("error", text="The loss is not a number at step 9.")
    at = page()
    assert {"Resume", "Resume with this learning rate"} <= {button.label for button in at.button}
    rate = at.number_input(key=f"learning-rate-{run.id}")
    assert rate.value == 0.05  # a tenth, to begin with
    rate.set_value(0.02).run()
    press(at, "Resume with this learning rate")
    assert not at.exception and [one.id for one in launched] == [run.id]
    assert run.config.learning_rate == 0.02
    assert any("learning_rate 0.5 → 0.02" in text(caption) for caption in at.caption)


def test_the_best_epoch_of_a_run_that_ended_early_can_be_kept(home, tmp_path, monkeypatch):
    run, asked = runs.create(TrainConfig(), tmp_path), []
    monkeypatch.setattr(runs, "launch", lambda run, finish=False: asked.append((run.id, finish)))
    assert "Keep the best epoch" not in [button.label for button in page().button]  # none has ended yet
    (run.folder / "best.safetensors").touch()
    press(page(), "Keep the best epoch")
    assert asked == [(run.id, True)]


def test_a_resume_that_another_run_refuses_changes_nothing(home, tmp_path, launched):
    run = runs.create(TrainConfig(), tmp_path)
    with EventLog(run.events_file) as log:
        log("error", text="no")
    at = page()
    busy = runs.create(TrainConfig(), tmp_path)
    with runs.claim(busy):
        press(at, "Resume with this learning rate")
    assert f"Run {busy.id} is training now" in at.error[0].value
    assert launched == [] and run.config == TrainConfig(decisions="")


def test_photos_that_moved_are_asked_for_and_the_run_goes_on_with_them(home, tmp_path, launched):
    run = runs.create(TrainConfig(), tmp_path / "gone")
    (tmp_path / "here").mkdir()
    at = page()
    assert "Resume" not in [button.label for button in at.button]
    at.text_input(key=f"moved-{run.id}").set_value(str(tmp_path / "nowhere")).run()
    press(at, "Resume with these photos")
    assert "There is no folder" in at.error[0].value and launched == []
    at.text_input(key=f"moved-{run.id}").set_value(f'"{tmp_path / "here"}"').run()
    press(at, "Resume with these photos")
    assert [one.id for one in launched] == [run.id] and run.dataset == tmp_path / "here"


@pytest.mark.parametrize("broken", [{"train": {"hue": 1}, "dataset": "/p"}, {}, None])
def test_a_run_that_cannot_be_read_is_a_row_that_says_why_and_the_others_are_shown(home, tmp_path, launched, broken):
    good = runs.create(TrainConfig(), tmp_path)
    bad = home / "runs" / "bad-run"
    bad.mkdir()
    (bad / "worker.log").touch()
    if broken is not None:
        (bad / "config.json").write_text(json.dumps(broken))
    at = page()
    assert not at.exception
    table = at.dataframe[0].value.set_index("run")
    assert table.loc["bad-run", "state"] == "unreadable" and "config.json" in table.loc["bad-run", "result"]
    assert table.loc[good.id, "architecture"] == "resnet50"
    at.selectbox(key="run").set_value("bad-run").run()
    assert not at.exception and "cannot be shown" in at.error[0].value
    assert "Resume" not in [button.label for button in at.button]
    at.selectbox(key="run").set_value(good.id).run()
    at.multiselect(key="beside").set_value(["bad-run"]).run()
    assert not at.exception


def test_a_click_on_a_row_opens_the_run_that_was_drawn_there(home, tmp_path, monkeypatch):
    seen, old = runs.create(TrainConfig(), tmp_path), {}
    with monkeypatch.context() as patch:
        patch.setattr(streamlit, "dataframe", lambda *_, **options: old.update(options))
        assert not page().exception
    runs.create(TrainConfig(), tmp_path)  # while the table was on the screen
    session = {"runs-table": {"selection": {"rows": [0]}}}
    monkeypatch.setattr(streamlit, "session_state", session)
    old["on_select"]()
    assert session["run"] == seen.id


def test_a_rerun_parses_nothing_that_has_not_changed_and_asks_each_run_once_for_its_state(home, tmp_path, monkeypatch):
    for _ in range(4):
        with EventLog(runs.create(TrainConfig(), tmp_path).events_file) as log:
            log("end", reason="stopped")
    at = page()
    parsed, asked = [], []
    monkeypatch.setattr(json, "loads", lambda text, **options: parsed.append(text))
    state = runs.Run.state.fget
    monkeypatch.setattr(runs.Run, "state", property(lambda run: (asked.append(run.id), state(run))[1]))
    at.run()
    assert not at.exception and parsed == []
    shown = at.selectbox(key="run").value
    assert sorted(asked) == sorted([*(run.id for run in runs.find()), shown])  # the live part asks for its own


def test_many_viewers_of_one_run_read_whole_rows_while_it_is_written(home, tmp_path):
    run, done = runs.create(TrainConfig(), tmp_path), threading.Event()

    def view() -> int:
        lengths = [0]
        while not done.is_set():
            snapshot = live.read(run)
            live.tick([(run.id, snapshot)], live.CurveOptions())
            lengths.append(len(snapshot.steps()))
        assert lengths == sorted(lengths)
        return len(live.read(run).steps())

    with ThreadPoolExecutor(8) as pool, EventLog(run.events_file) as log:
        viewers = [pool.submit(view) for _ in range(8)]
        for step in range(1, 3001):
            log("step", step=step, loss=1.0, accuracy=0.5, learning_rate=0.1)
        done.set()
    assert [viewer.result() for viewer in viewers] == [3000] * 8


def press(at: AppTest, label: str) -> None:
    next(button for button in at.button if button.label == label).click().run()


def text(element) -> str:
    """What an element says, without the marks that keep Markdown from reading it."""
    return element.value.replace("\\", "")
