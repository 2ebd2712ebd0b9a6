"""Folders of photos by short names: in data/, and those that somebody opened."""

from pathlib import Path

import pytest

from fashion_core import access
from fashion_core.photos import known


def made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def test_folders_in_data_and_those_that_were_opened_are_known_by_short_names(home, tmp_path):
    inside, outside, same = (
        made(home / "data" / "clothes"),
        made(tmp_path / "a" / "hats"),
        made(tmp_path / "b" / "hats"),
    )
    for folder in (inside, outside, same, outside):
        known.remember(folder)
    assert known.remembered() == [same, outside], "those in data/ need not be remembered, and none is twice"
    assert known.folders() == {
        "sample": home / "data" / "sample",
        "clothes": inside,
        "hats": same,
        "hats in a": outside,
    }
    assert known.name(outside) == "hats in a" and known.name(tmp_path) is None


def test_folders_of_one_name_below_folders_of_one_name_are_told_apart_and_none_is_written_twice(home, tmp_path):
    several = [made(tmp_path / place / "shop" / "hats") for place in "abc"]
    for folder in several * 2:
        known.remember(folder)
    assert sorted(known.remembered()) == several
    assert set(known.folders()) == {"sample", "hats", "hats in shop", "hats 2"}


def test_what_is_gone_or_out_of_reach_is_not_known(home, tmp_path, monkeypatch):
    gone, here = made(tmp_path / "gone"), made(tmp_path / "here")
    known.remember(gone)
    known.remember(here)
    gone.rmdir()
    assert known.remembered() == [here]
    monkeypatch.setattr(access, "reaches", lambda path: False)
    assert known.remembered() == []


def test_the_last_ones_are_remembered(home, tmp_path):
    for number in range(known.MOST + 1):
        known.remember(made(tmp_path / f"{number:02}"))
    assert [folder.name for folder in known.remembered()] == [f"{n:02}" for n in range(known.MOST, 0, -1)]


@pytest.mark.parametrize("text", ["", "{", "[1, null]", "3"])
def test_a_list_that_cannot_be_read_is_none(home, tmp_path, text):
    known.remember(made(tmp_path / "one"))
    next((home / "data" / ".cache").glob("opened.json")).write_text(text)
    assert known.remembered() == []
    known.remember(tmp_path / "one")
    assert known.remembered() == [tmp_path / "one"]
