"""What is loaded is left out of the collections of garbage; what a rerun leaves behind is not, and is gone soon."""

import gc
import sys
import tomllib
import weakref

import pytest
from browser import ROOT

from fashion_core.ui import garbage


class Knot:
    def __init__(self):
        self.self = self


@pytest.fixture
def now(monkeypatch):
    for name in ("_modules", "_aside", "_collected"):
        monkeypatch.setattr(garbage, name, 0)
    gc.disable()  # Python's own, which comes when it comes
    yield [0.0]
    gc.enable()
    gc.unfreeze()


@pytest.fixture
def rerun(now):
    return lambda: garbage.collect(lambda: now[0])


def test_a_rerun_goes_through_little_and_what_it_leaves_behind_is_gone_in_a_few_seconds(rerun, now):
    gc.collect()
    before = len(gc.get_objects())
    rerun()
    assert len(gc.get_objects()) < before / 20
    left = weakref.ref(Knot())
    rerun()
    assert left() is not None, "a collection for every rerun is what made them slow"
    now[0] = garbage.EVERY
    rerun()
    assert left() is None


def test_streamlit_collects_after_no_rerun():
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert settings["runner"]["postScriptGC"] is False


def test_what_was_set_aside_and_died_since_is_collected_later(rerun, now):
    session = Knot()
    rerun()
    died = weakref.ref(session)
    del session
    now[0] = garbage.EVERY
    rerun()
    assert died() is not None
    now[0] = garbage.AGAIN
    rerun()
    assert died() is None


def test_what_is_loaded_later_is_set_aside_too(rerun, monkeypatch):
    rerun()
    later = [Knot()]
    monkeypatch.setitem(sys.modules, "loaded_later", later)
    rerun()
    assert not any(each is later[0] for each in gc.get_objects())
