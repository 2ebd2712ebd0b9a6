"""Curves: what is drawn of a run, of which part, and that a tick of a long run works on what is new alone."""

from dataclasses import replace

import numpy as np
import pytest

from fashion_core import runs
from fashion_core.reports import curves, thinning
from fashion_core.runs.config import TrainConfig
from fashion_core.runs.events import EventLog, LogSnapshot, Tail


@pytest.fixture
def tail(home) -> LogSnapshot:
    run = runs.create(TrainConfig(), home)
    with EventLog(run.folder / "events.jsonl") as log:
        for step in range(1, 5):
            log("step", step=step, loss=4.0 / step, accuracy=step / 4, learning_rate=0.1)
            if step % 2 == 0:
                log(
                    "epoch", epoch=step // 2, step=step, train_loss=1.5, train_accuracy=0.5,
                    validation_loss=step / 2, validation_accuracy=0.0,
                )  # fmt: skip
    return Tail(run.events_file).read()


def test_train_is_per_step_and_validation_sits_at_the_end_of_its_epoch(tail):
    assert curves.lines(tail, "loss", "step", 0.0) == {
        "train": [[1, 4.0], [2, 2.0], [3, pytest.approx(4 / 3, abs=1e-4)], [4, 1.0]],
        "validation": [[2, 1.0], [4, 2.0]],
    }
    assert curves.lines(tail, "loss", "epoch", 0.0) == {
        "train": [[1, 1.5], [2, 1.5]],
        "validation": [[1, 1.0], [2, 2.0]],
    }


def test_a_zoom_is_a_part_of_the_planned_run_and_shows_it_in_full_detail(tail):
    tail = planned(tail, 4)
    assert curves.lines(tail, "loss", "step", 0.0, curves.window([tail], "step", (0.5, 0.75))) == {
        "train": [[2, 2.0], [3, pytest.approx(4 / 3, abs=1e-4)]],
        "validation": [[2, 1.0]],
    }
    columns = {name: np.ones(100_000) for name in tail.columns} | {"step": np.arange(1.0, 100_001)}
    tail = replace(planned(tail, 100_000), columns=columns)
    zoomed = curves.lines(tail, "loss", "step", 0.0, curves.window([tail], "step", (0.5, 0.505)))["train"]
    assert [x for x, _ in zoomed] == list(range(50_000, 50_501))  # every iteration, where the whole run has 1 in 128


def planned(log: LogSnapshot, steps: int) -> LogSnapshot:
    return replace(log, latest={"start": {"total_steps": steps, "epochs": 2}})


def test_runs_of_different_length_are_zoomed_to_the_same_steps(tail):
    short, long = planned(tail, 4), planned(tail, 8)
    assert curves.window([short, long], "step", (0.25, 0.5)) == (2, 4)
    spec = curves.options([("a", short), ("b", long)], "loss", span=(0.25, 0.5))
    assert [[x for x, _ in line["data"]] for line in spec["series"]] == [[2, 3, 4], [2, 4]] * 2


@pytest.mark.parametrize(
    ("span", "part", "zoomed"),
    [
        ((0, 1), (0.25, 0.75), (0.125, 0.375)),  # of the 4 steps that are done, not of the 8 that are planned
        ((0, 1), (0.25, 1), (0.125, 1)),  # with the newest point in sight the end stays open
        ((0, 1), (-1, 2), (0, 1)),
        ((0.25, 0.5), (0.5, 1), (0.375, 0.5)),
        ((0.25, 0.5), (-0.5, 1.5), (0.125, 0.625)),
        ((0.25, 0.5), (-9, 9), (0, 1)),
        ((0.25, 0.5), (0.5, 0.5), (0.375, 0.375 + curves.LEAST)),
        ((0.99, 1), (1, 1), (0.5, 1)),
    ],
)
def test_a_part_of_what_is_shown_is_a_part_of_the_planned_run(tail, span, part, zoomed):
    assert curves.zoomed([planned(tail, 8)], "step", span, part) == pytest.approx(zoomed)


def test_the_axis_ends_where_a_part_is_taken_of(tail):
    tail = planned(tail, 8)
    for by, span in (("step", (0, 1)), ("step", (0.25, 0.375)), ("epoch", (0, 1))):
        axis = curves.options([("a", tail)], "loss", by, span=span)["xAxis"]
        assert (axis["min"], axis["max"]) == curves.extent([tail], by, span)
    assert curves.extent([tail], "step", (0, 1)) == (0, 4) and curves.extent([tail], "epoch", (0, 1)) == (1, 2)


def test_a_log_axis_leaves_out_what_has_no_logarithm(tail):
    spec = curves.options([("a", tail)], "accuracy", log=True)
    assert spec["yAxis"]["type"] == "log"
    assert [series["data"] for series in spec["series"] if series["name"] == "validation"] == [[]]


def test_several_runs_are_told_apart_by_name_and_colour(tail):
    spec = curves.options([("a", tail), ("b", tail)], "loss")
    assert [series["name"] for series in spec["series"]] == ["a, train", "a, validation", "b, train", "b, validation"]
    assert len({series["itemStyle"]["color"] for series in spec["series"]}) == 2


@pytest.mark.parametrize("runs_drawn", [1, 2])
def test_train_and_validation_differ_by_line_style_and_share_their_runs_colour(tail, runs_drawn):
    spec = curves.options([("a", tail), ("b", tail)][:runs_drawn], "loss")
    train, validation = spec["series"][:2]
    assert (train["lineStyle"]["type"], validation["lineStyle"]["type"]) == ("dotted", "solid")
    assert train["itemStyle"] == validation["itemStyle"]


def test_accuracy_is_drawn_in_percent(tail):
    spec = curves.options([("a", tail)], "accuracy")
    assert spec["series"][0]["data"] == [[1, 25.0], [2, 50.0], [3, 75.0], [4, 100.0]]
    assert spec["yAxis"]["max"] == 100 and spec["yAxis"]["axisLabel"]["formatter"] == "{value}%"


def logged(run: runs.Run, first: int, steps: int) -> None:
    with EventLog(run.events_file) as log:
        for step in range(first, first + steps):
            log("step", step=step, loss=4.0 / step, accuracy=0.5, learning_rate=0.1)


def test_a_tick_smooths_what_is_new_alone(home, monkeypatch):
    run, values = runs.create(TrainConfig(), home), []
    logged(run, 1, 3000)
    tail = Tail(run.events_file)
    whole = curves.lines(tail.read(), "loss", "step", 0.6)
    smoothed = thinning.carried_on
    monkeypatch.setattr(thinning, "carried_on", lambda new, *rest: values.append(len(new)) or smoothed(new, *rest))
    logged(run, 3001, 5)
    longer = curves.lines(tail.read(), "loss", "step", 0.6)
    assert sum(values) < 5 + 4, "the five, and the last bucket of four"
    again = curves.lines(Tail(run.events_file).read(), "loss", "step", 0.6)
    assert longer == again and len(longer["train"]) > len(whole["train"]) > 500


def test_a_resumed_run_is_drawn_with_what_it_logged_anew(home):
    run = runs.create(TrainConfig(), home)
    logged(run, 1, 3000)
    tail = Tail(run.events_file)
    curves.lines(tail.read(), "loss", "step", 0.6)
    with EventLog(run.events_file) as log:
        log("start", step=1000)
        for step in range(1001, 3001):
            log("step", step=step, loss=9.0, accuracy=0.5, learning_rate=0.1)
    drawn = curves.lines(tail.read(), "loss", "step", 0.6)["train"]
    assert drawn == curves.lines(Tail(run.events_file).read(), "loss", "step", 0.6)["train"]
    assert drawn[-1][1] == pytest.approx(9)
