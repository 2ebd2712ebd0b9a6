"""Disks that fail, folders that lost files: the old content stays, the good models go on, and a sentence says why."""

import errno
import os
from pathlib import Path

import pytest
from model_folders import plain, write_model

from fashion_core import UserError, files, runs
from fashion_core.models.predictor import Predictor
from fashion_core.models.registry import models, models_by_name
from fashion_core.photos import label_corrections
from fashion_core.runs import Run


class Failing:
    """Every call that changes the disk counts; the n-th one fails, as a full disk does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, nth: int):
        self.count, self.nth = 0, nth
        for name in ("fsync", "replace", "rename", "chmod", "mkdir"):
            monkeypatch.setattr(os, name, self.counted(getattr(os, name)))

    def counted(self, call):
        def called(*given, **options):
            self.count += 1
            if self.count == self.nth:
                raise OSError(errno.ENOSPC, "No space left on device")
            return call(*given, **options)

        return called


def rewrite(file: Path) -> None:
    files.write_json(file, {"new": True})


def decide(file: Path) -> None:
    label_corrections.record(file, "b.jpg", "relabel", "blue_shirt")


@pytest.mark.parametrize(("name", "old", "change"), [
    ("card.json", '{"old": true}', rewrite),
    ("decisions.csv", "photo,label,action,time\r\na.jpg,red_shirt,relabel,2026\r\n", decide),
    ("decisions.csv", "photo,label\na.jpg,red_shirt\n", decide),
])  # fmt: skip
def test_whichever_write_fails_the_old_file_stays(name, old, change, tmp_path):
    failed = 0
    for nth in range(1, 20):
        folder = tmp_path / str(nth)
        folder.mkdir()
        (folder / name).write_text(old, newline="")
        with pytest.MonkeyPatch.context() as patch:
            disk = Failing(patch, nth)
            told = ""
            try:
                change(folder / name)
            except UserError as mistake:
                told = str(mistake)
        kept = (folder / name).read_bytes().decode()
        assert not told or kept == old or disk.nth == disk.count, "what was refused was not half done"
        assert kept == old or "blue_shirt" in kept or "new" in kept
        failed += bool(told)
        assert [each.name for each in folder.iterdir() if each.name.endswith(".partial")] == []
        if disk.count < nth:
            break
    assert failed >= 1, "some call was made to fail"
    assert disk.count < nth, "and in the end all of them had been"


def test_a_full_disk_is_a_sentence_and_leaves_the_old_file(tmp_path, monkeypatch):
    file = files.write_text(tmp_path / "a.txt", "old")

    def full(*given, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(UserError, match="free some disk space"), files.atomic_write(file) as partial:
        full(partial)
    assert file.read_text() == "old" and list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("lost", ["config.json", "events.jsonl", "model", "worker.log"])
def test_a_run_folder_that_lost_a_part_is_listed_and_stops_no_other(lost, home):
    folder = home / "runs" / "half"
    (folder / "model").mkdir(parents=True)
    for name in ("config.json", "events.jsonl", "worker.log"):
        (folder / name).write_text("")
    path = folder / lost
    path.rmdir() if path.is_dir() else path.unlink()
    (found,) = runs.find()
    assert found.id == "half" and isinstance(found.state, str) and (found.problem or lost != "config.json")
    assert Run(folder).result == "–"


@pytest.mark.skipif(os.name == "nt", reason="by permission bits")
def test_read_only_weights_are_read(home):
    folder = write_model(home / "weights" / "colours")
    for path in (*folder.iterdir(), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert Predictor(folder).top(plain("blue"), 1)[0][0] == "blue_shirt"
        assert [ref.problem for ref in models()] == [None]
    finally:
        folder.chmod(0o755)


@pytest.mark.parametrize(
    ("file", "content"),
    [("card.json", "{"), ("card.json", "[]"), ("card.json", ""), ("model.xml", "<"), ("model.bin", "")],
)
def test_one_corrupt_model_among_good_ones_says_why_and_the_others_answer(file, content, home):
    write_model(home / "weights" / "good")
    bad = write_model(home / "weights" / "bad")
    (bad / file).write_text(content)
    refs = models_by_name()
    assert set(refs) == {"good", "bad"} and refs["good"].problem is None
    with pytest.raises(UserError):
        Predictor(bad)
    assert Predictor(refs["good"].folder).top(plain("green"), 1)[0][0] == "green_shirt"
