"""A run is a folder whose truth is on disk: its log, its lock, its state."""

import json
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from fashion_core import UserError, runs
from fashion_core.runs.config import TrainConfig
from fashion_core.runs.events import EventLog, Tail


@pytest.fixture
def run(home):
    return runs.create(TrainConfig(), home / "photos")


def test_a_run_keeps_its_recipe_and_its_photos(run, home):
    assert runs.get(run.id).config == TrainConfig(decisions="")  # there are none beside its photos: settled now
    assert run.dataset == (home / "photos").resolve()


def test_two_runs_in_the_same_second_get_folders_of_their_own(home):
    assert len({runs.create(TrainConfig(), home).id for _ in range(3)}) == 3


def test_readers_ignore_an_unfinished_last_line_and_what_is_no_event(run):
    file = run.folder / "events.jsonl"
    file.write_bytes(
        b'{"seq":0,"t":1,"type":"step","step":1,"loss":2.0,"accuracy":0.5,"learning_rate":0.1}\nnonsense\n{"seq":1,"t"'
    )
    tail = Tail(run.events_file)
    assert tail.update() == 1
    with file.open("ab") as stream:
        stream.write(b':2,"type":"future","x":1}\n')
    assert tail.update() == 1
    assert tail.read().steps()["loss"].tolist() == [2.0]


def test_a_reader_reads_only_what_is_new(run):
    tail = Tail(run.events_file)
    with EventLog(run.folder / "events.jsonl") as log:
        log("step", step=1, loss=1.0, accuracy=0.0, learning_rate=0.1)
        assert (tail.update(), tail.offset) == (1, (run.folder / "events.jsonl").stat().st_size)
        log("step", step=2, loss=float("nan"), accuracy=0.0, learning_rate=0.1)
        assert tail.update() == 1
    assert tail.read().steps()["loss"].isna().tolist() == [False, True]


def test_a_writer_after_a_kill_cuts_off_the_half_line_and_counts_on(run):
    file = run.folder / "events.jsonl"
    file.write_bytes(b'{"seq":7,"t":1,"type":"note","text":"a"}\n{"seq":8,"t":1,"ty')
    with EventLog(file) as log:
        log("note", text="b")
    assert [(event["seq"], event["text"]) for event in run.events()] == [(7, "a"), (8, "b")]


def test_after_a_resume_no_step_is_seen_twice(run):
    tail = Tail(run.events_file)
    with EventLog(run.folder / "events.jsonl") as log:
        for step in (1, 2, 3):
            log("step", step=step, loss=float(step), accuracy=0.0, learning_rate=0.1)
        log("start", step=1)
        log("step", step=2, loss=20.0, accuracy=0.0, learning_rate=0.1)
    tail.update()
    assert tail.read().steps()[["step", "loss"]].values.tolist() == [[1, 1], [2, 20]]


def test_states_follow_the_lock_and_the_last_event(run):
    assert run.state == "crashed"  # nobody holds it and it never ended
    with runs.claim(run) as log:
        assert _state_seen_by_another_process(run) == "running"
        run.stop()
        assert _state_seen_by_another_process(run) == "stopping"
        log("end", reason="stopped")
    assert run.state == "stopped"
    with runs.claim(run) as log:
        log("error", text="no")
    assert run.state == "failed"
    (run.folder / "launched").touch()
    assert run.state == "starting"


def test_a_wish_to_stop_is_heard_even_while_the_worker_is_starting(run):
    (run.folder / "launched").touch()
    run.stop()
    with runs.claim(run):
        assert run.state == "stopping"
    with runs.claim(run):  # resumed from the terminal: the old wish is over
        assert run.state == "running"


def test_a_second_start_is_refused_in_a_sentence_that_names_the_busy_run(run, home):
    other = runs.create(TrainConfig(), home)
    with runs.claim(run), pytest.raises(UserError, match=f"Run {run.id} is training now"), runs.claim(other):
        pass
    with runs.claim(other):
        pass


def _state_seen_by_another_process(run) -> str:
    script = f"from pathlib import Path; from fashion_core.runs import Run; print(Run(Path({str(run.folder)!r})).state)"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()


# ---- a recipe that changes on the way


def test_a_changed_recipe_holds_from_the_checkpoint_on_and_the_earlier_ones_are_kept(run):
    checkpoint(run, step=40)
    run.amended({"learning_rate": "0.0001"})
    checkpoint(run, step=70)
    changed = run.amended({"learning_rate": 1e-5, "epochs": 12})
    assert (changed.config.learning_rate, changed.config.epochs) == (1e-5, 12)
    history = changed.record.history
    assert [(one["from_step"], one["train"]["learning_rate"]) for one in history] == [(0, 0.001), (40, 0.0001)]
    assert history[0]["time"] < history[1]["time"]
    assert run.amended({"epochs": 12}).record.history == history  # nothing new: nothing written


@pytest.mark.parametrize(
    "changes",
    [{"architecture": "vgg16"}, {"image_size": 96}, {"seed": 3}, {"split_seed": 3}, {"split_groups": False},
     {"batch_size": 8}, {"optimizer": "adamw"}, {"ema_decay": 0.9}, {"extra": "more"}],
)  # fmt: skip
def test_a_change_that_makes_the_checkpoint_unusable_is_refused_and_nothing_is_written(run, changes):
    before = (run.folder / "config.json").read_bytes()
    with pytest.raises(UserError, match=f"{next(iter(changes))} cannot change in a run that has begun"):
        run.amended({"learning_rate": 0.1} | changes)
    assert (run.folder / "config.json").read_bytes() == before


def test_a_run_that_trains_or_is_finished_keeps_its_recipe_and_its_photos(run, home):
    with runs.claim(run) as log:
        with pytest.raises(UserError, match="stop it first"):
            run.amended({"learning_rate": 0.1})
        with pytest.raises(UserError, match="stop it first"):
            run.move_photos(home)
        log("end", reason="finished")
    with pytest.raises(UserError, match="is finished"):
        run.amended({"learning_rate": 0.1})


def test_photos_that_moved_are_written_down(run, home):
    with pytest.raises(UserError, match="There is no folder"):
        run.move_photos(home / "nowhere")
    (home / "new place").mkdir()
    assert run.move_photos(f"'{home / 'new place'}'").dataset == (home / "new place").resolve()


def checkpoint(run, step: int) -> None:
    """A checkpoint that says how far it came, and holds one number."""
    save_file({"x": np.zeros(1)}, run.folder / "last.safetensors", {"about": json.dumps({"progress": {"step": step}})})
