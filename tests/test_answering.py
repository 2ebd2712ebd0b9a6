"""Strangers' photos: one that crashes or stalls its reader gets a sentence, the next is answered; all wait in turn."""

import io
import os
import signal
import sys
import threading
from pathlib import Path

import pytest
from browser import ROOT
from model_folders import plain, write_model

from fashion_core import UserError
from fashion_core.models.answering import Answers, Busy, Limits, Question, Rate, Turns
from fashion_core.photos import imaging

LIMITS = Limits(seconds=2, patience_seconds=300, memory_gigabytes=4, waiting=3)


def jpeg(colour: str = "red", size: tuple[int, int] = (20, 30), kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    plain(colour, size).save(out, kind)
    return out.getvalue()


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "colours")


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
        patch.setenv("BUSANA_SECRET", "hush")
        answers = Answers(LIMITS, (sys.executable, str(ROOT / "tests" / "faulty_process.py")))
        yield answers
        answers.worker.close()


def test_a_photo_is_answered_as_predict_says_it(faulty, model):
    answer, thumbnail = faulty.ask(Question(model, "a.png", jpeg("blue"), 2, 16), "ann")
    assert [top["label"] for top in answer["top"]] == ["blue_shirt", "red_shirt"]
    assert (answer["path"], answer["error"], answer["warning"]) == ("a.png", None, None)
    assert imaging.read(thumbnail).size == (11, 16)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limits")
@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"crash", "stops the program that reads photos"),
        (b"stall", "takes longer than 2 seconds to read"),
        (b"memory", "no memory"),
        (b"write", "stops the program that reads photos"),
        (b"text", "not a photo: text"),
        (b"", "empty file"),
    ],
)
def test_a_photo_that_breaks_its_reader_gets_a_sentence_and_the_next_is_answered(data, error, faulty, model):
    answer, _ = faulty.ask(Question(model, "bad", data), "ann")
    assert (answer["error"], answer["top"]) == (error, [])
    assert faulty.ask(Question(model, "good", jpeg("green")), "ann")[0]["top"][0]["label"] == "green_shirt"


@pytest.mark.skipif(os.name == "nt", reason="Windows counts by the clock alone")
def test_a_busy_machine_costs_no_photo_its_answer(faulty, model):
    """The process has no processor for longer than a photo may take of it."""
    faulty.ask(Question(model, "a.png", jpeg()), "ann")
    process = faulty.worker._process
    os.kill(process.pid, signal.SIGSTOP)
    threading.Timer(LIMITS.seconds + 1, lambda: os.kill(process.pid, signal.SIGCONT)).start()
    answer, _ = faulty.ask(Question(model, "a.png", jpeg("green")), "ann")
    assert (answer["error"], answer["top"][0]["label"]) == (None, "green_shirt")
    assert faulty.worker._process is process, "the same process goes on"


def test_a_photo_that_gets_no_processor_at_all_is_asked_to_come_back(faulty, model):
    faulty.worker.close()
    hasty = Answers(LIMITS._replace(patience_seconds=2), faulty.worker._command)
    try:
        with pytest.raises(Busy, match="too busy to read the photo: try again in a minute"):
            hasty.ask(Question(model, "slow", b"sleep600"), "ann")
        assert not hasty.worker.running, "the next photo gets a new process"
    finally:
        hasty.worker.close()


def test_a_page_waits_where_too_many_wait_and_the_process_is_there_before_the_first_photo(faulty, model):
    faulty.worker.close()
    small = Answers(LIMITS._replace(waiting=1), faulty.worker._command)
    found, told = [], []
    try:
        small.warm(model)
        with small.turns.turn("ann"):
            assert small.worker.running, "ann is behind the start of the process"
            threads = [threading.Thread(target=lambda who=who: found.append(
                small.ask(Question(model, who, jpeg()), who, told.append, patient=True)[0]["error"]
            )) for who in ("bob", "cat", "dan")]  # fmt: skip
            for thread in threads:
                thread.start()
            while len(told) < 3:
                pass
            with pytest.raises(Busy, match="1 photos are waiting already"):
                small.ask(Question(model, "", jpeg()), "eve")
        for thread in threads:
            thread.join()
        assert found == [None] * 3 and set(told) <= {1, 2}
    finally:
        small.worker.close()


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (jpeg(size=(2000, 1001)), "has 2 megapixels; at most 1 are taken here"),
        (jpeg() + bytes(2 << 20), "larger than 1 MB"),
    ],
)
def test_what_is_too_large_is_refused_before_it_is_decoded(data, error, faulty, model):
    faulty.worker.close()
    small = Answers(LIMITS._replace(megabytes=1, megapixels=1), faulty.worker._command)
    try:
        assert small.ask(Question(model, "big", data), "ann")[0]["error"].startswith(error.split(" mega")[0])
    finally:
        small.worker.close()


def test_an_animation_of_too_many_frames_is_refused():
    out = io.BytesIO()
    plain("red").save(out, "GIF", save_all=True, append_images=[plain(each) for each in ("blue", "green", "black")])
    imaging.refuse_large(out.getvalue(), 1, 4)
    with pytest.raises(imaging.BadPhoto, match="has 4 frames; at most 3"):
        imaging.refuse_large(out.getvalue(), 1, 3)


def test_a_model_that_cannot_be_loaded_is_one_sentence(faulty, tmp_path, model):
    with pytest.raises(UserError, match=r"card\.json"):
        faulty.ask(Question(tmp_path, "a.png", jpeg()), "ann")
    assert faulty.ask(Question(model, "a.png", jpeg()), "ann")[0]["error"] is None


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux shows a process's environment")
def test_the_process_knows_no_secrets(faulty, model):
    faulty.ask(Question(model, "a.png", jpeg()), "ann")
    environment = Path(f"/proc/{faulty.worker._process.pid}/environ").read_bytes()
    assert b"BUSANA_HOME" in environment and b"hush" not in environment


def test_visitors_take_turns_and_see_their_place():
    turns, served, places = Turns(10), [], {}
    first = turns.turn("ann")
    first.__enter__()
    threads = []

    def ask(visitor: str, photo: str) -> None:
        with turns.turn(visitor, lambda before: places.setdefault(photo, before)):
            served.append(photo)

    for visitor, photo in (("ann", "ann-1"), ("ann", "ann-2"), ("bob", "bob-1")):
        threads.append(threading.Thread(target=ask, args=(visitor, photo)))
        threads[-1].start()
        while photo not in places:
            pass
    first.__exit__(None, None, None)
    for thread in threads:
        thread.join()
    assert served == ["ann-1", "bob-1", "ann-2"], "bob need not wait for all of ann's"
    assert places == {"ann-1": 1, "ann-2": 2, "bob-1": 2}
    assert turns.waiting == 0


def test_one_who_leaves_frees_the_place_and_too_many_are_asked_to_come_back():
    turns = Turns(1)

    def leave(before: int) -> None:
        with pytest.raises(Busy, match="1 photos are waiting"), turns.turn("cat"):
            pass
        raise KeyboardInterrupt

    with turns.turn("ann"), pytest.raises(KeyboardInterrupt), turns.turn("bob", leave):
        pass
    with turns.turn("bob"):
        assert turns.waiting == 0


def test_each_visitor_has_a_rate_of_their_own():
    now = [0.0]
    rate = Rate(Limits(per_minute=60, at_once=2), lambda: now[0])
    assert [rate.take("ann"), rate.take("ann"), rate.take("ann")] == [0, 0, 1.0]
    assert rate.take("bob") == 0
    now[0] = 1.0
    assert [rate.take("ann"), rate.take("ann")] == [0, 1.0]
