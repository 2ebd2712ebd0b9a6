"""The clock of day is set back an hour: nothing is lost, nothing counts below zero, what came last stays last."""

import time
from datetime import datetime, timedelta

import pytest

from fashion_core import UserError, runs
from fashion_core.engine.stopping import Report
from fashion_core.models.answering import Limits, Rate
from fashion_core.photos import label_corrections
from fashion_core.runs import Run, config, run
from fashion_core.runs.events import EventLog, Tail
from fashion_core.runs.lock import is_held
from fashion_core.runs.process import claim

HOUR = 3600


class Clock:
    """The clock of day; `set(seconds)` moves it against the real one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self._time, self._by = time.time, 0.0
        clock = self

        class Day(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.fromtimestamp(clock(), tz)

        monkeypatch.setattr(time, "time", self)
        for module in (run, label_corrections):
            monkeypatch.setattr(module, "datetime", Day)

    def __call__(self) -> float:
        return self._time() + self._by

    def set(self, by: float) -> None:
        self._by = by


@pytest.fixture
def clock(monkeypatch) -> Clock:
    return Clock(monkeypatch)


def test_the_age_of_a_log_goes_on_and_a_new_event_is_new(tmp_path, clock):
    file = tmp_path / "events.jsonl"
    with EventLog(file) as log:
        log("step", step=1)
        tail = Tail(file)
        assert 0 <= tail.read().age < 30
        clock.set(-HOUR)
        assert 0 <= tail.read().age < 30
        log("step", step=2)
        assert 0 <= tail.read().age < 30 and tail.read().columns["step"].tolist() == [1, 2]
        clock.set(HOUR)
        log("step", step=3)
        clock.set(3 * HOUR)
        assert 0 <= tail.read().age < 30, "it came since the last look"
    assert [event["seq"] for event in tail.read().latest.values()] == [2]


def test_a_log_from_the_future_is_new_and_grows_older(tmp_path, clock, monkeypatch):
    file = tmp_path / "events.jsonl"
    with EventLog(file) as log:
        log("step", step=1)
    clock.set(-HOUR)
    log_now, now = Tail(file).read(), time.monotonic()
    assert 0 <= log_now.age < 30
    monkeypatch.setattr(time, "monotonic", lambda: now + 100)
    assert log_now.age == pytest.approx(100, abs=30), "a worker that hangs is told, whatever the clock says"


def test_runs_keep_their_order_and_their_folders(home, clock):
    (home / "data").mkdir()
    made = []
    for by in (0, -HOUR, -HOUR, -HOUR / 2):
        clock.set(by)
        made.append(runs.create(config.preset("quick"), home / "data").id)
    assert len(set(made)) == 4
    assert [each.id for each in runs.find()] == made[::-1]
    created = [Run(home / "runs" / name).record.created for name in made]
    assert created == sorted(created) and created[-1] - created[0] < timedelta(minutes=5)


def test_a_run_of_a_wholly_wrong_clock_pulls_no_other_along(home, clock):
    (home / "data").mkdir()
    clock.set(300 * 24 * HOUR)
    runs.create(config.preset("quick"), home / "data")
    clock.set(0)
    later = runs.create(config.preset("quick"), home / "data")
    assert abs(later.record.created.timestamp() - time.time()) < 60


def test_two_workers_never_hold_one_run_and_a_start_that_failed_is_told(home, clock):
    (home / "data").mkdir()
    one = runs.create(config.preset("quick"), home / "data")
    (one.folder / "launched").touch()
    assert one.state == "starting"
    clock.set(-HOUR)
    assert one.state == "crashed", "it is not said to start for an hour"
    with claim(one) as log:
        log("step", step=1)
        assert one.state == "running" and is_held(one.folder / "lock")
        clock.set(-2 * HOUR)
        assert one.state == "running"
        with pytest.raises(UserError, match="is training already"), claim(one):
            pass
    assert not is_held(one.folder / "lock")


def test_progress_goes_on_being_told(clock, monkeypatch):
    told, now = [], [5.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    report = Report(lambda type, **fields: told.append(fields["done"]), lambda: False)
    for done in range(1, 5):
        report(done, 100, "Reading photos")
        now[0] += 1
        clock.set(-HOUR * done)
    assert told == [1, 2, 3, 4]


def test_the_later_decision_wins_though_its_time_is_earlier(tmp_path, clock):
    file = tmp_path / "photos.decisions.csv"
    label_corrections.record(file, "a.png", "relabel", "red_hat")
    clock.set(-HOUR)
    label_corrections.record(file, "a.png", "relabel", "blue_hat")
    assert label_corrections.read(file) == {"a.png": "blue_hat"}
    label_corrections.record(file, "a.png", "undo")
    assert label_corrections.read(file) == {"a.png": "red_hat"}


def test_who_asked_too_often_waits_a_second_and_not_an_hour(clock):
    rate = Rate(Limits(at_once=1, per_minute=60))
    assert rate.take("ann") == 0
    clock.set(-HOUR)
    assert 0 < rate.take("ann") <= 1
