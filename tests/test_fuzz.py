"""Damaged input of every kind ends in an answer or one sentence: a minute of bench/fuzz.py."""

import os
import random
import signal

import pytest

from bench import fuzz
from fashion_core import UserError

SECONDS = 60 / 6

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")


@pytest.mark.parametrize("kind", ["photos", "archives", "cards", "events", "configs", "decisions"])
def test_no_damaged_input_is_a_fault(kind, tmp_path, home):
    *findings, summary = fuzz.watched(kind, fuzz.targets(tmp_path)[kind], SECONDS, seed=7)
    assert findings == []
    assert summary["inputs"] > 20 and (kind == "events" or summary["refused"] > 0)


def test_a_number_gives_the_same_bytes_again():
    seeds = fuzz.archives()[:1]
    assert fuzz.mutated(seeds, random.Random("a")) == fuzz.mutated(seeds, random.Random("a")) != seeds[0]


def test_a_fault_and_what_takes_long_are_found(monkeypatch):
    def faulty(data: bytes) -> None:
        raise UserError("fine") if data[0] else IndexError("not fine")

    *findings, _ = fuzz.watched("x", fuzz.Target([b"\0"], faulty), 60, seed=0, inputs=99)
    assert findings and findings[0]["fault"].startswith("IndexError")
    monkeypatch.setattr(fuzz, "SLOW", -1)
    assert len(list(fuzz.watched("x", fuzz.Target([b"\1"], lambda data: None), 60, seed=0, inputs=2))) == 3


def test_what_crashes_or_stalls_the_process_is_found_and_the_next_input_is_read(monkeypatch):
    asked = iter(range(9))  # each process counts its own

    def faulty(data: bytes) -> None:
        match next(asked):
            case 1:
                os.kill(os.getpid(), signal.SIGKILL)
            case 2:
                while True:
                    pass

    monkeypatch.setattr(fuzz, "STALLED", 0.05)
    target = fuzz.Target([b"\1"], faulty)
    *findings, summary = fuzz.watched("x", target, 60, seed=0, inputs=5, first=100)
    assert [(each["number"], each["fault"]) for each in findings] == [
        (101, "the process ended: SIGKILL"), (103, "the process ended: SIGKILL")]  # fmt: skip
    assert summary["inputs"] == 5
    asked = iter(range(2, 9))
    *findings, summary = fuzz.watched("x", target, 60, seed=0, inputs=1)
    assert [each["fault"] for each in findings] == ["the process ended: SIGPROF"] and summary["inputs"] == 1
