"""What is loaded is left out of the collection after each rerun; what a rerun leaves behind is not."""

import gc
import sys
import weakref

import pytest

from fashion_core.ui import garbage


class Knot:
    def __init__(self):
        self.self = self


@pytest.fixture
def fresh(monkeypatch):
    monkeypatch.setattr(garbage, "_modules", 0)
    monkeypatch.setattr(garbage, "_when", 0.0)
    yield
    gc.unfreeze()


def test_a_rerun_goes_through_little_and_leaves_nothing_behind(fresh):
    gc.collect()
    before = len(gc.get_objects())
    garbage.set_aside()
    assert len(gc.get_objects()) < before / 20
    left = weakref.ref(Knot())
    gc.collect()
    assert left() is None


def test_what_was_set_aside_and_died_since_is_collected_later(fresh):
    now = [0.0]
    session = Knot()
    garbage.set_aside(lambda: now[0])
    died = weakref.ref(session)
    del session
    garbage.set_aside(lambda: now[0])
    assert died() is not None, "nothing new was loaded: that rerun is as cheap as any"
    now[0] = garbage.AGAIN
    garbage.set_aside(lambda: now[0])
    assert died() is None


def test_what_is_loaded_later_is_set_aside_too(fresh, monkeypatch):
    garbage.set_aside(lambda: 0.0)
    later = [Knot()]
    monkeypatch.setitem(sys.modules, "loaded_later", later)
    garbage.set_aside(lambda: 0.0)
    assert not any(each is later[0] for each in gc.get_objects())
