"""Damaged input of every kind ends in an answer or one sentence: 20 seconds of bench/fuzz.py."""

import random

import pytest

from bench import fuzz
from fashion_core import UserError

SECONDS = 20 / 6


@pytest.mark.parametrize("kind", ["photos", "archives", "cards", "events", "configs", "decisions"])
def test_no_damaged_input_is_a_fault(kind, tmp_path, home):
    *findings, summary = fuzz.run(kind, fuzz.targets(tmp_path)[kind], SECONDS, seed=7)
    assert findings == []
    assert summary["inputs"] > 20 and (kind == "events" or summary["refused"] > 0)


def test_a_number_gives_the_same_bytes_again():
    seeds = fuzz.archives()[:1]
    assert fuzz.mutated(seeds, random.Random("a")) == fuzz.mutated(seeds, random.Random("a")) != seeds[0]


def test_a_fault_and_a_stall_are_found(monkeypatch):
    def faulty(data: bytes) -> None:
        raise UserError("fine") if data[0] else IndexError("not fine")

    *findings, _ = fuzz.run("x", fuzz.Target([b"\0"], faulty), 0.05, seed=0)
    assert findings and findings[0]["fault"].startswith("IndexError")
    monkeypatch.setattr(fuzz, "SLOW", -1)
    assert len(list(fuzz.run("x", fuzz.Target([b"\1"], lambda data: None), 0.02, seed=0))) > 1
