"""Paths as people type and paste them."""

import os
from pathlib import Path

import pytest

from fashion_core import UserError
from fashion_core.files import given_path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("photos/a b", "photos/a b"),
        ("  /data/photos \n", "/data/photos"),
        ('"/data/my photos"', "/data/my photos"),
        ("'/data/my photos'", "/data/my photos"),
        ("'~/photos'", "/home/me/photos"),
        ("~", "/home/me"),
        ("~no-such-user-here/x", "~no-such-user-here/x"),
        ("it's", "it's"),
        ("file:///data/my%20photos", "/data/my photos"),
        ("'file:///data/robe%20d%27%C3%A9t%C3%A9'", "/data/robe d'été"),
        ("FILE://localhost/data/a#1?", "/data/a#1?"),
        ("file:/data/x", "/data/x"),
        ("file:///data/%FF.jpg", os.fsdecode(b"/data/\xff.jpg")),
    ],
)
def test_a_path_is_taken_as_it_was_typed_or_pasted(text, path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert given_path(text) == Path(path)
    assert given_path(Path("/data/photos")) == Path("/data/photos")


@pytest.mark.parametrize("text", ["", "  ", "''", '" "', "file://", "a\0b", "file:///a%00b"])
def test_no_path_at_all_is_a_sentence_not_the_folder_one_stands_in(text):
    with pytest.raises(UserError, match="give the path"):
        given_path(text)


def test_files_of_another_machine_are_a_sentence():
    with pytest.raises(UserError, match="files of server are not on this machine"):
        given_path("file://server/share/photos")
