"""The Train page: a form that refuses in sentences, runs told as they are on disk."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

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


def choose(at: AppTest, folder: Path | str) -> None:
    """Type the path of a folder of photos."""
    box = at.selectbox(key="folder")
    box.options.append(str(folder))  # what is typed joins the list in a browser
    box.set_value(str(folder))


def start(at: AppTest) -> AppTest:
    return next(button for button in at.button if button.label == "Start training").click().run()


def test_with_no_run_yet_the_page_says_what_to_do(home):
    at = page()
    assert not at.exception and "press **Start training**" in at.info[0].value


def test_start_launches_the_recipe_that_the_form_shows(home, tmp_path, launched):
    at = page()
    choose(at, colours(tmp_path / "photos", per_class=3))
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
    choose(at, value if key == "folder" else tmp_path)
    if key != "folder":
        at.number_input(key=key).set_value(value)
    start(at)
    assert not at.exception and part in text(at.error[0]) and launched == [] and runs.find() == []


def test_a_second_start_is_refused_and_names_the_busy_run(home, tmp_path, launched):
    busy = runs.create(TrainConfig(), tmp_path)
    (busy.folder / "launched").touch()
    at = page()
    choose(at, tmp_path)
    start(at)
    assert f"Run {busy.id} is training now" in text(at.error[0]) and launched == []


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


def logged(run: runs.Run, *events: dict) -> runs.Run:
    """`run` with these events in its log."""
    with EventLog(run.events_file) as log:
        for event in events:
            log(**event)
    return run


BEGUN = {"type": "start", "step": 0, "total_steps": 4, "steps_per_epoch": 2, "epochs": 2, "device": "cpu (2 threads)"}
END = {"type": "end", "reason": "finished"}


def links(at: AppTest) -> dict[str, str]:
    """What each link says, and where it leads."""
    return {link.proto.label: link.proto.url for link in at.get("link_button")}


def test_a_running_run_says_its_stage_and_how_far_that_is(home, tmp_path):
    run = runs.create(TrainConfig(), tmp_path)
    with runs.claim(run) as log:
        log("stage", stage="warming up")
        at = page()
        html = " ".join(each.proto.body for each in at.get("html"))
        assert 'aria-current="step"><span aria-hidden="true">●</span> Warm up' in html and "stage-moves" in html
        assert [each.value for each in at.metric] == ["–"] * 5, "there before the figures are, so that nothing moves"
        log(**BEGUN)
        log("step", step=3, loss=1.0, accuracy=0.5, learning_rate=0.1)
        at.run()
        assert not at.exception and [bar.proto.text for bar in at.get("progress")] == ["Epoch 2 of 2, step 3 of 4"]
        assert "Epoch 2 of 2" in " ".join(each.proto.body for each in at.get("html"))


@pytest.mark.parametrize(
    ("accuracy", "n", "words", "which"),
    [(0.972, 600, "97.2%: see its 17 mistakes", "wrong"), (0.9, 10, "90.0%: see its one mistake", "wrong"),
     (1.0, 10, "100.0%: all 10 test photos right", None)],
)  # fmt: skip
def test_at_the_end_one_link_says_the_accuracy_and_opens_the_mistakes(home, tmp_path, accuracy, n, words, which):
    run = runs.create(TrainConfig(), tmp_path)
    logged(run, BEGUN, {"type": "evaluate", "accuracy": accuracy, "macro_f1": 0.9, "n": n}, END)
    assert words not in links(page())  # nothing to look at yet
    (run.folder / "evaluation.parquet").touch()
    query = parse_qs(urlsplit(links(page())[words]).query)
    assert query == {"model": [run.id], "of": ["test"], **({"which": [which]} if which else {})}


def test_a_wrong_folder_is_a_sentence_in_the_form_and_the_running_run_stays_in_sight(home, tmp_path, launched):
    ended = logged(runs.create(TrainConfig(), tmp_path), END)
    at = page()
    choose(at, "/nowhere")
    start(at)
    assert "There is no folder" in text(at.error[0]) and not at.exception
    assert at.selectbox(key="run").value == ended.id and len(at.dataframe) == 1


def test_the_form_folds_away_after_a_start(home, tmp_path, launched):
    at = page()
    assert at.session_state["new-run"]
    choose(at, colours(tmp_path / "photos", per_class=3))
    start(at)
    assert not at.exception and not at.session_state["new-run"]


@pytest.mark.parametrize("link", ["mine", "{home}/data/mine"])
def test_photos_are_chosen_by_short_names_and_no_path_stays_in_the_address(home, link, launched):
    colours(home / "data" / "mine", per_class=3)
    at = AppTest.from_file(PAGE, default_timeout=30)
    at.query_params["folder"] = link.format(home=home)
    at.run()
    assert not at.exception and at.selectbox(key="folder").value == "mine" and "folder" not in at.query_params
    assert at.selectbox(key="folder").options == ["sample", "mine"] and at.session_state["new-run"]
    start(at)
    assert launched[0].dataset == home / "data" / "mine" and str(home) not in str(dict(at.query_params))


def test_an_old_link_to_photos_elsewhere_fills_the_form_and_leaves_the_address(home, tmp_path):
    at = AppTest.from_file(PAGE, default_timeout=30)
    at.query_params["folder"] = str(tmp_path)
    at.run()
    assert not at.exception and at.selectbox(key="folder").value == str(tmp_path) and not at.query_params


def test_a_run_is_named_deleted_and_brought_back(home, tmp_path):
    other, run = (logged(runs.create(TrainConfig(), tmp_path), END) for _ in range(2))
    at = page()
    assert at.selectbox(key="run").value == run.id
    at.text_input(key=f"run-name-{run.id}").set_value("Flat shoes").run()
    assert not at.exception and run.name == "Flat shoes" and "Flat shoes" in at.selectbox(key="run").options
    press(at, "Delete this run")
    assert [one.id for one in runs.find()] == [other.id] and at.selectbox(key="run").value == other.id
    assert any("Flat shoes was deleted." in each.value for each in at.markdown)
    press(at, "Undo")
    assert not at.exception and at.selectbox(key="run").value == run.id and run.name == "Flat shoes"


def test_a_running_run_cannot_be_deleted_from_the_page(home, tmp_path):
    run = runs.create(TrainConfig(), tmp_path)
    with runs.claim(run):
        at = page()
        assert next(button for button in at.button if button.label == "Delete this run").disabled


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


def test_a_run_that_could_not_begin_says_why_first_and_offers_no_learning_rate(home, tmp_path):
    run = runs.create(TrainConfig(), tmp_path)
    with EventLog(run.events_file) as log:
        log("error", text="Each class needs 3 photos that can be read.")
    at = page()
    assert "Resume with this learning rate" not in {button.label for button in at.button}
    assert any("Each class needs 3 photos" in error.value for error in at.error)
    assert not any(caption.value == "**Loss**" for caption in at.markdown), "no empty charts below"


def test_a_form_opened_by_a_link_stays_open_while_it_is_filled_in(home, tmp_path):
    runs.create(TrainConfig(), tmp_path)
    at = AppTest.from_file(PAGE, default_timeout=30)
    at.query_params["folder"] = "sample"
    assert at.run().session_state["new-run"]
    at.segmented_control(key="preset").set_value("frozen").run()
    assert at.session_state["new-run"] and not at.exception


def test_a_failed_run_is_resumed_with_another_learning_rate_or_as_it_is(home, tmp_path, launched):
    run = runs.create(TrainConfig(learning_rate=0.5), tmp_path)
    with EventLog(run.events_file) as log:
        log("error", text="The loss is not a number at step 9.", diverged=run.config.as_dict())
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
        log("error", text="no", diverged=run.config.as_dict())
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
    assert table.loc[good.id, "name"] == good.name
    assert table.loc["bad-run", "state"] == "unreadable" and "config.json" in table.loc["bad-run", "result"]
    assert table.loc[good.id, "recipe"] == "resnet50, 224 px, 10 epochs"
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


def test_a_rerun_parses_nothing_that_has_not_changed_and_asks_each_run_twice_for_its_state(home, tmp_path, monkeypatch):
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
    assert shown in asked and max(map(asked.count, asked)) <= 2  # the page, and the live part that goes on alone


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


def test_browsers_that_look_at_a_run_in_the_same_way_share_its_charts(home, tmp_path):
    run, same = runs.create(TrainConfig(), tmp_path), live.CurveOptions()
    with EventLog(run.events_file) as log:
        log("step", step=1, loss=1.0, accuracy=0.5, learning_rate=0.1)
        first = live.tick([(run.id, live.read(run))], same)
        assert live.tick([(run.id, live.read(run))], live.CurveOptions()) is first
        others = [live.tick([(run.id, live.read(run))], live.CurveOptions(log=True)),
                  live.tick([("named anew", live.read(run)), ("beside", live.read(run))], same)]  # fmt: skip
        assert live.tick([(run.id, live.read(run))], same) is first and all(other != first for other in others)
        log("step", step=2, loss=0.5, accuracy=0.5, learning_rate=0.1)
    assert live.tick([(run.id, live.read(run))], same)[0]["series"][0]["data"][-1][0] == 2


def test_an_idle_page_looks_for_other_runs_and_draws_anew_only_when_one_changed(home, tmp_path, monkeypatch):
    run = logged(runs.create(TrainConfig(), tmp_path), BEGUN, END)
    looks, drawn = [], []
    monkeypatch.setattr(streamlit, "fragment", lambda look, **options: (looks.append(look), look)[1])
    monkeypatch.setattr(streamlit, "rerun", lambda: drawn.append(1))
    live.poll({run.id: "finished"})
    looks[0]()
    assert drawn == []
    logged(run, {"type": "end", "reason": "stopped"})
    looks[0]()
    assert drawn == [1]
    runs.create(TrainConfig(), tmp_path)
    looks[0]()
    assert drawn == [1, 1]
