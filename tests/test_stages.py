"""What a worker is doing, by the newest event of each type: worked out by hand."""

import pytest

from fashion_core.runs.events import EventLog, Tail
from fashion_core.runs.stages import (
    DECODING,
    EXPLAINING,
    GATHERING,
    READING,
    STARTING,
    TESTING,
    TRAINING,
    WARMING,
    Stage,
    current,
)

START = {"type": "start", "step": 0, "epochs": 3, "steps_per_epoch": 4, "total_steps": 12}


def counted(what: str, done: int, total: int) -> dict:
    return {"type": "progress", "what": what, "done": done, "total": total}


def seen(*events: dict) -> Stage:
    """The stage after these events, in their order."""
    return current({event["type"]: {"seq": place, **event} for place, event in enumerate(events)})


@pytest.mark.parametrize(
    ("events", "stage"),
    [
        ([], Stage(STARTING)),
        ([{"type": "stage", "stage": "starting"}], Stage(STARTING)),
        ([counted("Reading photos", 5, 20)], Stage(READING, 5, 20, "Reading photos")),
        ([counted("Looking for near-duplicates", 1, 20)], Stage(READING, 1, 20, "Looking for near-duplicates")),
        ([counted("Decoding photos", 20, 20)], Stage(DECODING, 20, 20, "Decoding photos")),
        ([counted("Decoding photos", 20, 20), {"type": "stage", "stage": "warming up"}], Stage(WARMING)),
        ([{"type": "stage", "stage": "warming up"}, START], Stage(WARMING)),
        ([START, {"type": "step", "step": 1}], Stage(TRAINING, 1, 4, "", 1)),
        ([START, {"type": "step", "step": 4}], Stage(TRAINING, 4, 4, "validating", 1)),
        ([START, {"type": "step", "step": 4}, {"type": "epoch", "step": 4}], Stage(TRAINING, 0, 4, "", 2)),
        ([START, {"type": "step", "step": 6}], Stage(TRAINING, 2, 4, "", 2)),
        ([START, {"type": "step", "step": 12}, {"type": "epoch", "step": 12}], Stage(TESTING)),
        ([START, {"type": "stage", "stage": "testing", "detail": "test photos"}], Stage(TESTING, detail="test photos")),
        ([{"type": "stage", "stage": "testing"}, counted("Decoding photos", 1, 9)],
         Stage(TESTING, 1, 9, "Decoding photos")),
        ([{"type": "stage", "stage": "testing"}, {"type": "evaluate"}], Stage(TESTING, detail="writing the model")),
        ([{"type": "evaluate"}, counted(GATHERING, 3, 9)], Stage(EXPLAINING, 3, 9)),
    ],
)  # fmt: skip
def test_the_stage_follows_the_newest_event(events, stage):
    assert seen(*events) == stage


def test_a_resumed_worker_begins_anew_whatever_was_logged_before():
    before = [START, {"type": "step", "step": 6}, counted(GATHERING, 3, 9)]
    assert seen(*before, {"type": "stage", "stage": "starting"}) == Stage(STARTING)


def test_what_is_not_known_hides_no_stage():
    assert seen({"type": "stage", "stage": "dancing"}) == Stage(STARTING)
    assert seen({"type": "stage", "stage": "warming up"}, counted("Polishing", 1, 2)) == Stage(
        WARMING, 1, 2, "Polishing"
    )
    assert seen({"type": "step", "step": 3}) == Stage(TRAINING)
    assert seen(START | {"steps_per_epoch": 0}, {"type": "step", "step": 3}) == Stage(TRAINING)
    assert seen({"type": "progress", "what": "Reading photos"}) == Stage(READING, detail="Reading photos")


def test_a_share_stays_between_nothing_and_all():
    assert [stage.share for stage in (Stage(READING), Stage(READING, 1, 4), Stage(READING, 9, 4))] == [None, 0.25, 1.0]


def test_a_real_log_is_followed_from_its_first_line_to_its_last(tmp_path):
    names, tail = [], Tail(tmp_path / "events.jsonl")
    with EventLog(tail.file) as log:
        for event in [
            {"type": "stage", "stage": "starting"}, counted("Reading photos", 1, 2), counted("Decoding photos", 1, 2),
            {"type": "stage", "stage": "warming up"}, START, {"type": "step", "step": 1},
            {"type": "epoch", "epoch": 3, "step": 12}, {"type": "stage", "stage": "testing"}, {"type": "evaluate"},
            counted(GATHERING, 1, 2),
        ]:  # fmt: skip
            log(**event)
            names.append(current(tail.read().latest).name)
    assert names == [STARTING, READING, DECODING, WARMING, WARMING, TRAINING, *[TESTING] * 3, EXPLAINING]
