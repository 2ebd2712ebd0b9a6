"""Decided labels change what is learned and never what is tested; the photos stay where they are."""

import csv
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from datasets import colours

from fashion_core import UserError, runs
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.photos import dataset, label_corrections
from fashion_core.runs import experiment
from fashion_core.runs.config import TrainConfig


@pytest.fixture
def data(home, tmp_path) -> dataset.Dataset:
    root = colours(tmp_path / "photos")
    (root / "white_glove").rename(root / "white_hat")  # red_hat beside it: "hat" is a garment of two classes
    return dataset.load(root)


def of(data: dataset.Dataset, split: str, label: str) -> list[str]:
    photos = data.photos
    return photos["path"][(photos["split"] == split) & (photos["label"] == label)].tolist()


def write(file, rows: dict[str, str]):
    file.write_text("photo,label\n" + "".join(f"{photo},{label}\n" for photo, label in rows.items()))
    return file


def test_a_photo_is_relabelled_kept_for_a_part_or_left_out(data, tmp_path):
    first, second, third = of(data, "train", "red_hat")[:3]
    tested = of(data, "test", "red_hat")[0]
    file = write(tmp_path / "decisions.csv", {first: "green_sock", second: "hat", third: "", tested: "green_sock"})
    matrix, notes = label_corrections.candidate_labels(data, label_corrections.read(file))
    rows = data.photos["path"].tolist()
    assert data.classes == ("green_sock", "red_hat", "white_hat")
    assert matrix[rows.index(first)].tolist() == [True, False, False]
    assert matrix[rows.index(second)].tolist() == [False, True, True]
    assert matrix[rows.index(third)].tolist() == [False, False, False]
    assert matrix[rows.index(tested)].tolist() == [False, True, False]  # the test is as it was
    assert matrix.sum() == len(rows)  # one more for the part, one less for the photo left out
    assert "corrected: 1; used for colour or garment only: 1; left out: 1; confirmed: 0." in notes[0]


def test_label_corrections_of_test_photos_are_counted_and_change_nothing(data):
    path = data.photos["path"][data.photos["split"] == "test"].iloc[0]
    matrix, notes = label_corrections.candidate_labels(data, {path: ""})
    assert matrix.sum() == len(data.photos) and "1 decisions are of test photos" in notes[1]


def test_label_corrections_of_photos_that_are_not_here_are_counted(data):
    matrix, notes = label_corrections.candidate_labels(
        data, {"elsewhere/1.png": "red_hat", of(data, "train", "red_hat")[0]: "hat"}
    )
    assert "1 decisions are of photos that are not here, such as elsewhere/1.png" in notes[1]
    assert matrix.sum() == len(matrix) + 1


def test_without_decisions_every_photo_is_what_its_folder_says(data):
    matrix, notes = label_corrections.candidate_labels(data, {})
    assert np.array(data.classes)[matrix.argmax(1)].tolist() == data.photos["label"].tolist()
    assert (matrix.sum(1) == 1).all() and notes == []


def test_a_label_that_is_none_and_a_file_that_is_none_are_refused(data, tmp_path):
    with pytest.raises(UserError, match="'blue_hat', which is no class, colour or garment"):
        label_corrections.candidate_labels(data, {of(data, "train", "red_hat")[0]: "blue_hat"})
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    for file in (tmp_path / "none.csv", tmp_path / "other.csv", tmp_path):
        with pytest.raises(UserError, match="columns photo and label"):
            label_corrections.read(file)


def test_a_run_trains_on_what_was_decided_and_answers_the_whole_test(data, tmp_path):
    from fashion_core.engine.worker import work

    rows = dict.fromkeys(of(data, "train", "red_hat")[:8], "") | {of(data, "validation", "red_hat")[0]: "hat"}
    recipe = TrainConfig(
        architecture="mobilenet_v3_small", pretrained="none", image_size=32, epochs=1, batch_size=8, device="cpu",
        precision="float32", decisions=str(write(tmp_path / "decisions.csv", rows)),
    )  # fmt: skip
    run = runs.create(recipe, data.root)
    with runs.claim(run) as log:
        assert work(run, log, show=lambda text: None) == "finished"
    events = run.events()
    assert next(e["steps_per_epoch"] for e in events if e["type"] == "start") == (48 - 8) // 8
    assert any("left out: 8" in e["text"] for e in events if e["type"] == "note")
    assert len(Evaluation.load(run.evaluation_file)) == 6
    everything = dict.fromkeys(data.photos["path"], "")
    run = runs.create(replace(recipe, decisions=str(write(tmp_path / "all.csv", everything))), data.root)
    with runs.claim(run) as log, pytest.raises(UserError, match="leave out fewer"):
        work(run, log, show=lambda text: None)


def test_the_last_word_counts_and_undo_takes_one_back(tmp_path):
    file = tmp_path / "photos.decisions.csv"
    label_corrections.record(file, "red_hat/1.png", "relabel", "green_sock")
    label_corrections.record(file, "red_hat/2.png", "leave out")
    label_corrections.record(file, "red_hat/1.png", "keep", "red_hat")
    assert label_corrections.read(file) == {"red_hat/1.png": "red_hat", "red_hat/2.png": ""}
    label_corrections.record(file, "red_hat/1.png", "undo")
    assert label_corrections.read(file) == {"red_hat/1.png": "green_sock", "red_hat/2.png": ""}
    for _ in range(2):  # once too often is no harm
        label_corrections.record(file, "red_hat/1.png", "undo")
    assert label_corrections.read(file) == {"red_hat/2.png": ""}
    assert len(file.read_text().splitlines()) == 1 + 6  # what was ever decided stays written


def test_two_people_who_decide_at_once_lose_nothing(tmp_path):
    file = tmp_path / "photos.decisions.csv"
    script = (
        "import sys; from pathlib import Path; from fashion_core.photos import label_corrections\n"
        "for i in range(40):\n"
        "    label_corrections.record(Path(sys.argv[1]), f'{sys.argv[2]}/{i}.png', 'relabel', 'red_hat')"
    )
    people = [subprocess.Popen([sys.executable, "-c", script, file, name]) for name in ("ani", "budi", "citra")]
    assert [person.wait() for person in people] == [0, 0, 0]
    assert set(label_corrections.read(file)) == {
        f"{name}/{i}.png" for name in ("ani", "budi", "citra") for i in range(40)
    }


def test_two_processes_that_decide_on_the_same_photos_lose_nothing_and_the_later_wins(tmp_path):
    file = tmp_path / "photos.decisions.csv"
    script = (
        "import sys; from pathlib import Path; from fashion_core.photos import label_corrections\n"
        "for i in range(25):\n"
        "    label_corrections.record(Path(sys.argv[1]), f'{i % 5}.png', 'relabel', f'{sys.argv[2]}_{i}')"
    )
    people = [subprocess.Popen([sys.executable, "-c", script, file, name]) for name in ("ani", "budi")]
    while any(person.poll() is None for person in people):
        if file.exists():
            label_corrections.read(file)  # at no moment is the file unreadable
    assert [person.returncode for person in people] == [0, 0]
    rows = list(csv.DictReader(file.read_text().splitlines()))
    for name in ("ani", "budi"):
        kept = [row["label"] for row in rows if row["label"].startswith(name)]
        assert kept == [f"{name}_{i}" for i in range(25)], "each one's decisions, all and in their order"
    assert label_corrections.read(file) == {row["photo"]: row["label"] for row in rows}


def test_a_table_that_people_wrote_is_added_to_and_keeps_its_other_columns(tmp_path):
    file = tmp_path / "photos.decisions.csv"
    file.write_bytes(b"\xef\xbb\xbfphoto,label,why\nred_hat/1.png,green_sock,it is a sock")  # as Excel saves it
    label_corrections.record(file, 'a, "b".png', "leave out")
    label_corrections.record(file, os.fsdecode(b"red_hat/\xe9.png"), "relabel", "green_sock")
    assert label_corrections.read(file) == {
        "red_hat/1.png": "green_sock", "a, \"b\".png": "", "red_hat/é.png": "green_sock",
    }  # fmt: skip
    assert label_corrections.photo_key(os.fsdecode(b"red_hat/\xe9.png")) == "red_hat/é.png"
    assert "it is a sock" in file.read_text("utf-8")


def test_what_is_exported_can_be_imported_and_only_what_is_new_is_added(tmp_path):
    mine, yours = tmp_path / "mine.csv", tmp_path / "yours.csv"
    label_corrections.record(mine, "1.png", "relabel", "red_hat")
    label_corrections.record(mine, "2.png", "relabel", "red_hat")
    label_corrections.record(yours, "2.png", "leave out")
    label_corrections.record(yours, "3.png", "relabel", "green_sock")
    label_corrections.record(yours, "1.png", "keep", "red_hat")
    handed = label_corrections.parse(label_corrections.text(label_corrections.read(yours)).encode(), "yours.csv")
    assert label_corrections.merge(mine, handed) == 2 and label_corrections.merge(mine, handed) == 0
    assert label_corrections.read(mine) == {"1.png": "red_hat", "2.png": "", "3.png": "green_sock"}
    label_corrections.record(mine, "2.png", "undo")
    assert label_corrections.read(mine)["2.png"] == "red_hat"  # what was there before the import
    with pytest.raises(UserError, match=r"other\.txt holds no decisions"):
        label_corrections.parse(b"\x89PNG\r\n", "other.txt")


def test_the_file_is_beside_the_photos_or_in_the_home_where_that_cannot_be_written(home, tmp_path, monkeypatch):
    root = tmp_path / "photos"
    assert label_corrections.default_file(root) == tmp_path / "photos.decisions.csv"
    assert (
        label_corrections.resolve_setting("auto", root) == ""
        and label_corrections.resolve_setting("mine.csv", root) == "mine.csv"
    )
    label_corrections.record(label_corrections.default_file(root), "1.png", "leave out")
    assert label_corrections.resolve_setting("auto", root) == str(tmp_path / "photos.decisions.csv")
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert (
        label_corrections.default_file(root) == tmp_path / "photos.decisions.csv"
    )  # it is there: who may only read it, reads it
    elsewhere = label_corrections.default_file(tmp_path / "others")
    assert elsewhere.parent == home / "data/decisions" and elsewhere.name.startswith("others-")
    label_corrections.record(elsewhere, "1.png", "leave out")
    assert label_corrections.resolve_setting("auto", tmp_path / "others") == str(elsewhere)


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot be written .* the decision is not kept"):
        label_corrections.record(tmp_path / "file/photos.decisions.csv", "1.png", "leave out")


def test_the_next_training_uses_them_says_so_and_keeps_what_stood(data):
    from fashion_core.engine.worker import work

    first, second = of(data, "train", "red_hat")[:2]
    label_corrections.record(label_corrections.default_file(data.root), first, "leave out")
    recipe = TrainConfig(
        architecture="mobilenet_v3_small", pretrained="none", image_size=32, epochs=1, batch_size=8, device="cpu",
        precision="float32",
    )  # fmt: skip
    run = runs.create(recipe, data.root)
    assert run.config.decisions == str(label_corrections.default_file(data.root))
    with runs.claim(run) as log:
        log("stopping")
        (run.folder / "stop").touch()
        assert work(run, log, show=lambda text: None) == "stopped"
    label_corrections.record(
        label_corrections.default_file(data.root), second, "leave out"
    )  # people go on while it trains
    (run.folder / "stop").unlink()
    with runs.claim(run) as log:
        assert work(run, log, show=lambda text: None) == "finished"
    assert label_corrections.read(run.folder / label_corrections.COPY) == {first: ""}
    assert any("Labels corrected: 0;" in e["text"] for e in run.events() if e["type"] == "note")
    found = lambda: experiment.find(recipe, data.root, data.fingerprint, runs.find())  # noqa: E731
    assert found() is None, "since then more was decided: that would be another run"
    label_corrections.record(label_corrections.default_file(data.root), second, "undo")
    assert found() == run


def test_names_with_line_ends_and_backslashes_are_the_same_photo_again(tmp_path):
    file = tmp_path / "photos.decisions.csv"
    for name in ("a\rb.jpg", "a\nb.jpg", 'a"b,c.jpg'):
        label_corrections.record(file, name, "relabel", "hat")
    assert label_corrections.read(file) == dict.fromkeys(["a\rb.jpg", "a\nb.jpg", 'a"b,c.jpg'], "hat")
    assert label_corrections.parse(b"photo,label\nhat\\1.jpg,sock\n", "theirs.csv") == {"hat/1.jpg": "sock"}


def test_nothing_new_writes_nothing(tmp_path):
    assert label_corrections.merge(tmp_path / "photos.decisions.csv", {}) == 0
    assert not list(tmp_path.iterdir())


SAID = {"red_hat/1.png": "green_sock", "red_hat/café.png": ""}
COMMAS = "photo,label\r\nred_hat/1.png,green_sock\r\nred_hat/café.png,\r\n"


@pytest.mark.parametrize(
    "content",
    [
        COMMAS.encode(),
        COMMAS.encode("utf-8-sig"),
        COMMAS.encode("cp1252"),
        COMMAS.encode("utf-16"),
        COMMAS.encode("utf-16-le"),
        COMMAS.encode("utf-16-be"),
        COMMAS.replace(",", ";").encode("utf-8-sig"),
        COMMAS.replace(",", "\t").encode("utf-16"),
        ("sep=;\r\n" + COMMAS.replace(",", ";")).encode("cp1252"),
        ("sep=,\n" + COMMAS).encode(),
        COMMAS.replace("photo,label", "Photo,LABEL").encode(),
        COMMAS.replace(",", " , ").encode(),
        COMMAS.replace("photo,label", '"photo","label"').encode(),
        ("\r\n" + COMMAS + ",\r\n\r\n").encode(),
        COMMAS.replace("é", "e\u0301").encode(),
        COMMAS.replace("red_hat/", "red_hat\\").encode(),
        "why;Label;n;Photo\na, b;green_sock;1,5;red_hat/1.png\nc;;2;red_hat/café.png\n".encode("cp1252"),
    ],
)
def test_decisions_are_read_however_a_spreadsheet_saves_them_and_added_to(content, tmp_path):
    assert label_corrections.parse(content, "theirs.csv") == SAID
    file = tmp_path / "photos.decisions.csv"
    file.write_bytes(content)
    for number in (2, 3):
        label_corrections.record(file, f"red_hat/{number}.png", "relabel", "white_hat")
    assert label_corrections.read(file) == SAID | {"red_hat/2.png": "white_hat", "red_hat/3.png": "white_hat"}


def test_a_line_that_a_spreadsheet_saved_in_cp1252_among_ours_is_read_too():
    mixed = "photo,label\ncafé/1.png,hat\n".encode() + "café/2.png,hat\n".encode("cp1252") + b"\x81/3.png,hat\n"
    assert list(label_corrections.parse(mixed, "a")) == ["café/1.png", "café/2.png", "\x81/3.png"]


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"\xff\xfea", b"photo;name\n1;2\n", b"\x89PNG\r\n\x1a\n\0\0", b"sep=;\n"]
)
def test_what_is_no_table_of_photo_and_label_is_one_sentence(content):
    with pytest.raises(UserError, match=r"theirs.csv holds no decisions: give a CSV with the columns photo and label"):
        label_corrections.parse(content, "theirs.csv")


def test_a_row_without_any_label_is_not_taken_for_one_that_leaves_the_photo_out():
    assert label_corrections.parse(b"photo,label\na.png,\n", "theirs.csv") == {"a.png": ""}
    with pytest.raises(UserError, match=r"Line 3 of theirs.csv has no label"):
        label_corrections.parse(b"photo,label\na.png,\nb.png\n", "theirs.csv")


def test_a_decision_is_one_more_line_and_nothing_before_it_is_written_again(tmp_path):
    file = tmp_path / "photos.decisions.csv"
    label_corrections.record(file, "1.png", "relabel", "hat")
    before, inode = file.read_bytes(), file.stat().st_ino
    for number in (2, 3):
        label_corrections.record(file, f"{number}.png", "relabel", "hat")
    label_corrections.merge(file, {"4.png": "hat"})
    assert file.read_bytes().startswith(before) and file.stat().st_ino == inode
    assert len(label_corrections.read(file)) == 4


@pytest.mark.parametrize("ending", [b"2.png,sock,relabel,2026", b'2.png,sock,relabel,"2026\r\n'])
def test_a_decision_after_a_line_that_was_cut_off_stands_in_a_line_of_its_own(ending, tmp_path):
    file = tmp_path / "photos.decisions.csv"
    label_corrections.record(file, "1.png", "relabel", "hat")
    file.write_bytes(file.read_bytes() + ending)
    label_corrections.record(file, "3.png", "leave out")
    assert label_corrections.read(file) == {"1.png": "hat", "2.png": "sock", "3.png": ""}


def test_a_decision_that_the_disk_cannot_hold_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    file = tmp_path / "photos.decisions.csv"
    label_corrections.record(file, "1.png", "relabel", "hat")
    before = file.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"No space left on device.*: the decision is not kept"):
        label_corrections.record(file, "2.png", "relabel", "hat")
    assert file.read_bytes() == before


@pytest.mark.parametrize("here", ["e\u0301", "é"])
@pytest.mark.parametrize("there", ["e\u0301", "é"])
def test_accents_composed_or_not_are_the_same_photo_and_the_same_label(here, there, home, tmp_path):
    root = colours(tmp_path / "photos")
    (root / "white_glove").rename(root / f"red_b{here}ret")
    data = dataset.load(root)
    path, beret = of(data, "train", "red_hat")[0], next(name for name in data.classes if name.endswith("ret"))
    other = of(data, "train", beret)[0]
    decided = label_corrections.parse(
        f"photo,label\n{path},red_b{there}ret\n{other.replace(here, there)},\n".encode(), "a"
    )
    matrix, notes = label_corrections.candidate_labels(data, decided)
    rows = data.photos["path"].tolist()
    assert matrix[rows.index(path)].tolist() == [name == beret for name in data.classes]
    assert not matrix[rows.index(other)].any() and len(notes) == 1
    assert label_corrections.in_spelling_of(data.classes, decided)[path] == beret


NUMBERED = ("001", "002", "010")


def test_a_label_that_lost_its_zeros_is_asked_about_by_line_and_never_guessed():
    decided = label_corrections.parse(b"photo,label\na.png,002\nb.png,1\nc.png,10.0\n", "theirs.csv")
    with pytest.raises(
        UserError, match=r"^Line 3 of theirs\.csv says '1', which is no class here; it probably means '001'"
    ):
        label_corrections.refuse_unknown_labels(decided, NUMBERED)
    assert label_corrections.lost_zeros(decided, NUMBERED) == {"1": "001", "10.0": "010"}
    assert label_corrections.lost_zeros({"a": "1"}, ("001", "01")) == {}, "which of the two is not for us to say"
    assert label_corrections.lost_zeros({"a": "1", "b": "x"}, ("1", "001")) == {}, "1 is a class of its own"
    label_corrections.refuse_unknown_labels({"a": "1"}, ("1", "001"))


def test_an_unknown_label_is_named_with_its_line_and_the_nearest_class():
    decided = label_corrections.parse(b"photo,label\na.png,red_hta\n", "theirs.csv")
    with pytest.raises(
        UserError, match=r"Line 2 of theirs\.csv says 'red_hta'.* correct that line, perhaps to 'red_hat'"
    ):
        label_corrections.refuse_unknown_labels(decided, ("green_sock", "red_hat"))
    with pytest.raises(
        UserError, match=r"The decision on a\.png is 'zzz'.*\(the classes are 000, .*, 011 and 488 more\)"
    ):
        label_corrections.refuse_unknown_labels({"a.png": "zzz"}, tuple(f"{i:03}" for i in range(500)))


def test_a_training_refuses_such_a_label_by_its_line_and_learns_once_that_is_corrected(data):
    from fashion_core.engine.worker import work

    (photo, *_), file = of(data, "train", "red_hat"), label_corrections.default_file(data.root)
    write(file, {photo: "blue_hat"})
    recipe = TrainConfig(
        architecture="mobilenet_v3_small", pretrained="none", image_size=32, epochs=1, batch_size=8, device="cpu",
        precision="float32",
    )  # fmt: skip
    run = runs.create(recipe, data.root)
    with runs.claim(run) as log, pytest.raises(UserError, match=f"Line 2 of {file} says 'blue_hat'"):
        work(run, log, show=lambda text: None)
    write(file, {photo: "green_sock"})
    with runs.claim(run) as log:
        assert work(run, log, show=lambda text: None) == "finished"
    assert (run.folder / label_corrections.COPY).read_bytes() == file.read_bytes()
