"""A run is a folder whose truth is on disk: its log, its lock, its state."""

import errno
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from filelock import FileLock
from safetensors.numpy import save_file

from fashion_core import UserError, access, runs
from fashion_core.runs import events, lock, process, record, shelf
from fashion_core.runs import run as run_module
from fashion_core.runs.config import TrainConfig
from fashion_core.runs.events import EventLog, Tail
from fashion_core.runs.lock import one_start_at_a_time


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


def test_a_run_of_ones_own_that_was_just_launched_does_not_hide_an_older_one_that_trains(run, home):
    own = runs.create(TrainConfig(), home)
    with runs.claim(run):
        (own.folder / "launched").touch()
        with pytest.raises(UserError, match=f"Run {run.id} is training now"):
            runs.refuse_if_busy(apart_from=own)
    assert runs.busy(apart_from=own) is None


NOBODY = SimpleNamespace(pid=2**22 + 1)  # above the highest number of a process


def test_of_two_launches_at_once_one_is_refused(run, home, monkeypatch):
    started = []
    monkeypatch.setattr(process.subprocess, "Popen", lambda command, **_: started.append(command) or NOBODY)
    both = [run, runs.create(TrainConfig(), home)]
    with ThreadPoolExecutor() as pool:
        refused = [future.exception() for future in [pool.submit(runs.launch, one) for one in both]]
    assert len(started) == 1 and [type(one) for one in refused if one] == [UserError]
    with pytest.raises(UserError, match="training"):
        runs.launch(next(one for one, error in zip(both, refused, strict=True) if not error))


def test_a_worker_is_started_by_the_command_that_a_terminal_takes(run, monkeypatch):
    commands = []
    monkeypatch.setattr(process.subprocess, "Popen", lambda command, **_: commands.append(command[2:]) or NOBODY)
    run.stop()
    runs.launch(run)
    assert run.state == "starting" and not (run.folder / "stop").exists()  # an old wish to stop is over
    (run.folder / "launched").unlink()
    runs.launch(run, finish=True)
    resume = ["fashion_core", "train", "--resume", str(run.folder)]
    assert commands == [resume, [*resume, "--finish"]]


@pytest.mark.skipif(not hasattr(os, "setpriority"), reason="Windows has no such priorities")
def test_a_worker_leaves_the_processor_to_pages_first(run, monkeypatch):
    with subprocess.Popen(["sleep", "60"]) as worker:
        monkeypatch.setattr(process.subprocess, "Popen", lambda command, **_: worker)
        runs.launch(run)
        priority = os.getpriority(os.PRIO_PROCESS, worker.pid)
        worker.kill()
    assert priority == process.NICENESS > os.getpriority(os.PRIO_PROCESS, 0)


# ---- many who look


def test_however_many_look_at_once_a_finished_run_is_finished_and_can_be_claimed(run):
    with runs.claim(run) as log:
        log("end", reason="finished")
    with ThreadPoolExecutor(16) as pool:
        seen = [pool.submit(lambda: {run.state for _ in range(200)}) for _ in range(16)]
        with runs.claim(run):  # a worker gets its lock while they look
            pass
        for future in seen:
            assert future.result() <= {"finished", "running"}
        settled = [pool.submit(lambda: {run.state for _ in range(200)}) for _ in range(16)]
    assert [future.result() for future in settled] == [{"finished"}] * 16


def test_to_look_at_a_run_makes_no_lock(run):
    assert run.state == "crashed" and not (run.folder / "lock").exists()


def test_where_locks_cannot_be_shared_those_who_look_try_again(run, monkeypatch):
    monkeypatch.setattr(lock, "fcntl", None)
    with runs.claim(run) as log:
        assert run.state == "running"
        log("end", reason="finished")
    held = FileLock(run.folder / "lock", thread_local=False)
    with held:  # another who looks, by taking it for a moment
        threading.Timer(0.05, held.release).start()
        assert run.state == "finished"


def test_readers_in_many_threads_see_whole_rows_while_the_log_grows(run):
    tail, done = Tail(run.events_file), threading.Event()

    def read() -> set[bool]:
        seen = set()
        while not done.is_set():
            columns = tail.read().columns
            seen.add(len({len(column) for column in columns.values()}) == 1)
            seen.add(columns["loss"].tolist() == list(range(1, len(columns["loss"]) + 1)))
        return seen

    with ThreadPoolExecutor(8) as pool, EventLog(run.events_file) as log:
        readers = [pool.submit(read) for _ in range(8)]
        for step in range(1, 2001):
            log("step", step=step, loss=float(step), accuracy=0.5, learning_rate=0.1)
        done.set()
    assert [reader.result() for reader in readers] == [{True}] * 8
    assert len(tail.read().steps()) == 2000


def test_what_was_read_does_not_change_when_the_log_grows(run):
    tail = Tail(run.events_file)
    with EventLog(run.events_file) as log:
        log("step", step=1, loss=1.0, accuracy=0.0, learning_rate=0.1)
        before = tail.read()
        assert tail.read() is before  # nothing new, nothing made
        log("step", step=2, loss=2.0, accuracy=0.0, learning_rate=0.1)
        assert np.shares_memory(before.columns["loss"], tail.read().columns["loss"])  # nor is the old copied
        log("start", step=0)
        log("step", step=1, loss=3.0, accuracy=0.0, learning_rate=0.1)
    assert tail.read().steps()["loss"].tolist() == [3.0] and before.steps()["loss"].tolist() == [1.0]
    with pytest.raises(ValueError, match="read-only"):
        before.columns["loss"][0] = 3


def test_another_log_in_the_same_place_is_read_from_its_start(run):
    tail = Tail(run.events_file)
    run.events_file.write_text('{"seq":0,"t":1,"type":"step","step":1,"loss":1}\n{"seq":1,"t":2,"type":"x"}\n')
    tail.read()
    run.events_file.write_text('{"seq":0,"t":1,"type":"step","step":1,"loss":7}\n')
    assert tail.read().steps()["loss"].tolist() == [7.0]


@pytest.mark.parametrize("kind", ["step", "epoch", "start", "note", "error", "end", "evaluate", "progress"])
def test_an_event_that_lacks_its_values_stops_nobody(run, kind):
    run.events_file.write_text(json.dumps({"seq": 0, "t": 1, "type": kind}) + "\n[1]\n{}\n")
    assert len(Tail(run.events_file).read().steps()) == 0
    assert run.state in ("crashed", "failed") and run.result == "–"


def test_how_far_a_run_came_is_found_however_long_its_epochs_are(run):
    with EventLog(run.events_file) as log:
        log("epoch", epoch=1, step=1, validation_accuracy=0.5)
        for step in range(2000):
            log("step", step=step + 2, loss=1.0, accuracy=0.5, learning_rate=0.1)
        log("end", reason="stopped")
    assert run.result == "validation 50.0% after epoch 1" and run.state == "stopped"


def test_an_epoch_far_back_is_found_as_a_log_grows_and_another_log_begins_anew(run):
    with EventLog(run.events_file) as log:
        for epoch in (1, 2):
            log("epoch", epoch=epoch, step=epoch, validation_accuracy=0.5)
            for lines in (1000, 1):
                for step in range(lines):
                    log("step", step=step + 2, loss=1.0, accuracy=0.5, learning_rate=0.1)
                assert run.result == f"validation 50.0% after epoch {epoch}"
                searched = events._looked_through[str(run.events_file)][0]
                assert searched == run.events_file.stat().st_size  # so that the next time only what is new is read
    run.events_file.write_bytes(run.events_file.read_bytes()[-70_000:])
    assert run.result == "–"


# ---- folders that are no runs of this version


def _folder(home, name="foreign", **files):
    folder = home / "runs" / name
    folder.mkdir(parents=True)
    for file, text in files.items():
        (folder / file.replace("_", ".")).write_text(text)
    return folder


WHOLE = {"v": 1, "created": "2025-01-01T10:00:00+00:00", "dataset": "/photos", "train": TrainConfig().as_dict()}


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (WHOLE | {"train": WHOLE["train"] | {"hue": 0.1, "mixup": 2}}, "does not know the settings hue, mixup"),
        (WHOLE | {"train": WHOLE["train"] | {"epochs": "many"}}, "epochs takes a whole number"),
        (WHOLE | {"train": WHOLE["train"] | {"epochs": 0}}, "epochs is whole passes"),
        (WHOLE | {"train": [1]}, "no table of settings"),
        (WHOLE | {"train": {}}, "has no train"),
        (WHOLE | {"dataset": None}, "has no dataset"),
        (WHOLE | {"dataset": 7}, "damaged"),
        (WHOLE | {"history": [{"step": 1}]}, "damaged"),
        ({}, "has no dataset and no train"),
        ([], "no record of a run"),
        ("{", "damaged"),
        ("", "damaged"),
        ("\udcff", "damaged"),
        (None, "is missing"),
        ("folder", "cannot be read"),
    ],
)
def test_a_foreign_run_folder_says_what_is_wrong_and_stops_nobody(home, run, config, problem):
    folder = _folder(home, events_jsonl='{"seq":0,"t":1,"type":"end","reason":"finished"}\n')
    if config == "folder":
        (folder / "config.json").mkdir()
    elif config is not None:
        text = config if isinstance(config, str) else json.dumps(config)
        (folder / "config.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    foreign = runs.get("foreign")
    assert foreign in runs.find() and run in runs.find()
    assert problem in foreign.problem and foreign.state == "finished"
    for needs_it in (lambda: foreign.config, lambda: foreign.title, lambda: runs.launch(foreign)):
        with pytest.raises(UserError, match=re.escape(problem)):
            needs_it()
    assert run.problem is None and runs.busy() is None
    with runs.claim(run):
        pass


def test_a_mended_record_is_read_again(home):
    folder = _folder(home, config_json="{", events_jsonl="")
    assert runs.get("foreign").problem
    (folder / "config.json").write_text(json.dumps(WHOLE))
    assert runs.get("foreign").problem is None and runs.get("foreign").config == TrainConfig()


def test_what_is_no_run_at_all_is_not_listed(home, run):
    (home / "runs" / "notes").mkdir()
    (home / "runs" / ".start.lock").touch()
    (home / "runs" / "readme.txt").write_text("mine")
    assert runs.find() == [run]
    with pytest.raises(UserError, match="There is no run 'notes'"):
        runs.get("notes")


@pytest.fixture
def another_user(tmp_path_factory, monkeypatch):
    """A home that everybody may write to, with a run of root's; inside `become`, the test is another user."""
    if os.geteuid():
        pytest.skip("only root can become another user")
    with tempfile.TemporaryDirectory() as name:
        shared = Path(name)
        (shared / "runs").mkdir()
        for folder in (shared, shared / "runs"):
            folder.chmod(0o777)
        monkeypatch.setenv("BUSANA_HOME", name)

        @contextmanager
        def become():
            os.seteuid(65534)
            try:
                yield
            finally:
                os.seteuid(0)

        yield shared, become


@pytest.mark.parametrize("hidden", ["", "lock", "config.json", "events.jsonl"])
def test_a_run_of_another_users_is_a_row_and_blocks_nobody(another_user, hidden):
    shared, become = another_user
    theirs = runs.create(TrainConfig(), shared)
    with runs.claim(theirs) as log:
        log("end", reason="stopped")
    (theirs.folder / hidden).chmod(0)
    (shared / "runs" / ".start.lock").chmod(0o600)  # as earlier versions made it
    with become():
        assert [run.id for run in runs.find()] == [theirs.id]
        assert "cannot be read (Permission denied)" in theirs.problem
        assert theirs.state == (runs.UNREADABLE if hidden != "config.json" else "stopped")
        for refused in (theirs.stop, lambda: runs.launch(theirs), lambda: theirs.amended({"epochs": 3})):
            with pytest.raises(UserError):
                refused()
        own = runs.create(TrainConfig(), shared)
        with runs.claim(own):
            assert own.state == "running"


def test_a_run_of_another_users_that_trains_is_seen_and_cannot_be_stopped(another_user):
    shared, become = another_user
    theirs = runs.create(TrainConfig(), shared)
    with runs.claim(theirs), become():
        assert theirs.state == "running" and runs.busy() == theirs
        with pytest.raises(UserError, match="cannot be stopped from here"):
            theirs.stop()


# ---- older runs, their order and their names


def test_a_run_of_the_first_version_opens_and_can_be_resumed(home):
    recipe = TrainConfig(seed=3).as_dict()
    for newer in ("split_seed", "split_groups", "extra", "decisions"):
        del recipe[newer]
    record = {"v": 1, "created": "2025-01-02T10:00:00+00:00", "dataset": "/photos", "train": recipe}
    log = [
        {"type": "start", "step": 0, "total_steps": 4, "steps_per_epoch": 2, "epochs": 2, "device": "cpu"},
        {"type": "step", "step": 1, "epoch": 1, "loss": 2.0, "accuracy": 0.5, "learning_rate": 0.1},
        {"type": "epoch", "epoch": 1, "step": 2, "validation_loss": 1.0, "validation_accuracy": 0.25},
        {"type": "end", "reason": "stopped"},
    ]
    text = "".join(json.dumps({"v": 1, "seq": i, "t": 100.0 + i} | event) + "\n" for i, event in enumerate(log))
    folder = _folder(home, "20250102-100000-paper", config_json=json.dumps(record), events_jsonl=text, lock="")
    (run,) = runs.find()
    assert (run.folder, run.problem, run.state) == (folder, None, "stopped")
    assert run.result == "validation 25.0% after epoch 1" and "resnet50 224 px on photos" in run.title
    # Then the split was drawn with the run's own seed, and nobody had decided on labels.
    assert (run.config.split_seed, run.config.decisions, run.config.split_groups) == (3, "", True)
    assert Tail(run.events_file).read().steps()["loss"].tolist() == [2.0]
    with runs.claim(run) as going_on:
        going_on("end", reason="finished")
    assert run.state == "finished"


def test_runs_are_in_order_of_time_whatever_the_zone_they_were_created_in(home):
    for name, created in (
        ("20250601-120000-east", "2025-06-01T12:00:00+09:00"),  # 03:00 UTC
        ("20250601-060000-west", "2025-06-01T06:00:00-05:00"),  # 11:00 UTC
        ("20250601-100000-here", "2025-06-01T10:00:00+00:00"),
    ):
        _folder(home, name, config_json=json.dumps(WHOLE | {"created": created}))
    assert [run.id[-4:] for run in runs.find()] == ["west", "here", "east"]


def test_however_many_runs_one_second_has_none_is_overwritten(home, monkeypatch):
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2025, 1, 1, tzinfo=tz)

    monkeypatch.setattr(run_module, "datetime", Clock)
    first = runs.create(TrainConfig(epochs=7), home)
    assert len({runs.create(TrainConfig(), home).id for _ in range(120)} | {first.id}) == 121
    assert first.config.epochs == 7


def test_a_new_worker_removes_what_a_killed_one_had_half_written(run):
    (run.folder / "epochs").mkdir()
    old, deep, new = (run.folder / name for name in (".1.partial", "epochs/.2.partial", ".3.partial"))
    for half in (old, deep, new):
        half.write_bytes(b"half a checkpoint")
    for half in (old, deep):
        os.utime(half, (1e9, 1e9))
    with runs.claim(run):
        assert [half.exists() for half in (old, deep, new)] == [False, False, True], "a page may be writing the new one"


def test_a_run_that_cannot_be_written_leaves_nothing(home, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(record, "write_json", full)
    with pytest.raises(UserError, match="No space left on device"):
        runs.create(TrainConfig(), home)
    assert list((home / "runs").iterdir()) == []


def test_a_run_resumed_from_another_folder_finds_what_was_given_relative_to_the_first(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    recipe = TrainConfig(extra="more", pretrained="'weights/own.safetensors'", decisions="~/labels.csv")
    run = runs.create(recipe, Path("photos"), tmp_path / "runs")
    monkeypatch.chdir(home)
    assert run.dataset == tmp_path / "photos"
    assert run.config.extra == str(tmp_path / "more")
    assert run.config.pretrained == str(tmp_path / "weights" / "own.safetensors")
    assert run.config.decisions == str(tmp_path / "labels.csv")
    assert runs.create(TrainConfig(extra=""), home).config.pretrained == "imagenet"  # a word, no path


def test_each_file_is_parsed_once_for_each_content(home):
    made = [runs.create(TrainConfig(), home) for _ in range(5)]
    for run in made:
        with EventLog(run.events_file) as log:
            log("end", reason="stopped")
    for counted in (record._parsed, events._newest):
        counted.cache_clear()
    for _ in range(3):
        assert {(run.state, run.result, run.config.preset, run.problem) for run in runs.find()}
    assert [counted.cache_info().misses for counted in (record._parsed, events._newest)] == [5, 5]
    with EventLog(made[0].events_file) as log:
        log("error", text="no")
    assert made[0].state == "failed"


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


def test_a_run_has_a_name_of_its_own_and_two_of_one_name_are_told_apart(run, home):
    assert run.name.startswith("Paper, ")
    other = runs.create(TrainConfig(), home)
    for one in (run, other):
        shelf.rename(one, "  Flat   shoes ")
    assert run.name == "Flat shoes" and runs.get(run.id).config == run.config
    assert shelf.names([run]) == {run.id: "Flat shoes"}
    assert shelf.names([run, other]) == {one.id: f"Flat shoes ({one.id})" for one in (run, other)}
    shelf.rename(run, "")
    assert run.name.startswith("Paper, ")
    with pytest.raises(UserError, match="at most"):
        shelf.rename(run, "x" * 61)


def test_a_deleted_run_is_in_the_trash_and_comes_back_whole(run):
    before = sorted(file.name for file in run.folder.iterdir())
    trashed = shelf.delete(run)
    assert runs.find() == [] and trashed.is_dir() and not run.folder.exists()
    assert shelf.restore(run.id) == runs.get(run.id) and sorted(f.name for f in run.folder.iterdir()) == before
    with pytest.raises(UserError, match="not in the trash any more"):
        shelf.restore(run.id[:-1])


def test_a_deleted_run_comes_back_only_while_no_start_is_looking(run):
    shelf.delete(run)
    with ThreadPoolExecutor(1) as pool:
        with one_start_at_a_time(run.folder.parent):
            back = pool.submit(shelf.restore, run.id)
            time.sleep(0.5)
            assert not back.done() and not run.folder.exists()
        assert back.result(timeout=60).id == run.id
    with pytest.raises(UserError, match="not in the trash any more"):
        shelf.restore(run.id)


@pytest.mark.parametrize("name", ["", "..", "../photos", "/etc"])
def test_nothing_but_a_deleted_run_is_brought_back(run, name):
    with pytest.raises(UserError, match="no deleted run"):
        shelf.restore(name)


def test_a_run_that_trains_or_begins_to_is_never_deleted(run):
    with runs.claim(run), pytest.raises(UserError, match="stop it first"):
        shelf.delete(run)
    (run.folder / "launched").touch()
    with pytest.raises(UserError, match="stop it first"):
        shelf.delete(run)
    assert run.folder.is_dir()


def test_a_stranger_on_a_shared_server_names_deletes_and_restores_nothing(run):
    access.share(lambda: access.Role.VIEWER)
    try:
        for act in (lambda: shelf.rename(run, "x"), lambda: shelf.delete(run), lambda: shelf.restore(run.id)):
            with pytest.raises(UserError, match="shared server"):
                act()
    finally:
        access.unshare()
    assert run.folder.is_dir() and run.name != "x"
