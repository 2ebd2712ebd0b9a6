"""A file is written whole or not at all, a name that people gave leads nowhere else, a path is taken as typed."""

import errno
import os
import stat
from pathlib import Path

import pytest

from fashion_core import UserError
from fashion_core.files import atomic_folder, atomic_write, given_path, safe_name, write_json, write_text


def test_a_file_is_there_whole_and_nothing_beside_it(tmp_path):
    file = tmp_path / "new" / "a.json"
    assert write_json(file, {"a": "é"}) == file and file.read_text("utf-8") == '{\n "a": "\\u00e9"\n}'
    write_text(file, "b\n")
    assert file.read_bytes() == b"b\n" and list(file.parent.iterdir()) == [file]


def test_what_fails_half_way_leaves_the_old_file(tmp_path):
    write_text(tmp_path / "a", "old")

    def half() -> None:
        with atomic_write(tmp_path / "a") as partial:
            partial.write_text("ne")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert (tmp_path / "a").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no modes")
def test_others_may_read_it_as_far_as_the_umask_lets_them_whatever_wrote_it(tmp_path):
    before = os.umask(0o027)
    try:
        with atomic_write(tmp_path / "a") as partial:
            partial.unlink()
            os.close(os.open(partial, os.O_CREAT | os.O_WRONLY, 0o600))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_the_content_is_on_the_disk_before_the_name(tmp_path, monkeypatch):
    steps = []
    monkeypatch.setattr(os, "fsync", lambda number: steps.append(os.fstat(number).st_ino))
    file = write_text(tmp_path / "a", "b")
    assert steps == [file.stat().st_ino, tmp_path.stat().st_ino]


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    write_text(tmp_path / "file", "x")
    with pytest.raises(UserError, match=r"Cannot write .*inside\.txt \(File exists\): choose a folder"):
        write_text(tmp_path / "file" / "inside.txt", "y")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=r"Cannot write .*folder"):
        write_text(tmp_path / "folder", "y")


def test_a_full_disk_is_named_with_what_is_free(tmp_path):
    def fill() -> None:
        with atomic_write(tmp_path / "a"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(UserError, match=r"Cannot write .*a \(No space left on device\): free some disk space"):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_a_photo_that_cannot_be_read_meanwhile_is_no_fault_of_the_file(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "a"):
        (tmp_path / "missing.jpg").read_bytes()


def test_a_folder_is_there_whole_or_not_at_all(tmp_path):
    with atomic_folder(tmp_path / "new") as partial:
        (partial / "a").write_text("b")
        assert partial.name.startswith(".") and not (tmp_path / "new").exists()
    assert (tmp_path / "new" / "a").read_text() == "b"
    with pytest.raises(UserError, match=r"Cannot write .*new"), atomic_folder(tmp_path / "new") as partial:
        (partial / "a").write_text("c")
    assert (tmp_path / "new" / "a").read_text() == "b" and [each.name for each in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("apparel-resnet50", "apparel-resnet50"),
        ("../../x", "-..-x"),
        ("a/b\\c", "a-b-c"),
        ("..", "unnamed"),
        ("", "unnamed"),
        (".hidden", "hidden"),
        ("kémeja wanita", "kémeja wanita"),
        ("tab\there\x00", "tab-here-"),
        ("\ud83d", "-"),
        ("x" * 300, "x" * 100),
    ],
)
def test_a_name_is_the_name_of_one_file(text, name):
    assert safe_name(text) == name and safe_name(name) == name


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
