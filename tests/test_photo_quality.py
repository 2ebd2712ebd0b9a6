"""The quality of photos is measured file by file, off the page's thread, once until a file changes."""

import os

import numpy as np
import pytest
from PIL import Image

from fashion_core.photos import quality
from fashion_core.ui.evaluate.photo_quality import CHUNK, QualityCheck

PATHS = [f"{number:02}.png" for number in range(2 * CHUNK + 1)]


@pytest.fixture
def root(home, tmp_path):
    """Photos of noise, which is sharp and bright enough."""
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    for number, path in enumerate(PATHS):
        noise = np.random.default_rng(number).integers(0, 256, (48, 48, 3), np.uint8)
        Image.fromarray(noise).save(folder / path)
    return folder


@pytest.fixture
def measured(monkeypatch):
    """Every path that is measured, in order."""
    paths, measure = [], quality.measure
    monkeypatch.setattr(quality, "measure", lambda root, some: paths.extend(some) or measure(root, some))
    return paths


def done(check: QualityCheck, paths: list[str], again: bool = False) -> QualityCheck:
    check.start(paths, again)
    assert check.wait(240) and not check.problem
    return check


def test_only_new_and_changed_files_are_measured_and_by_a_new_process_too(root, measured):
    check = done(QualityCheck(root), PATHS)
    assert sorted(measured) == PATHS and check.table(PATHS)["path"].tolist() == PATHS
    measured.clear()
    Image.fromarray(np.full((48, 48, 3), 2, np.uint8)).save(root / PATHS[3])
    check = done(QualityCheck(root), PATHS)  # another process: it knows what is on disk alone
    assert measured == [PATHS[3]]
    assert check.table(PATHS).set_index("path")["dark"].sum() == 1
    measured.clear()
    before = check.version
    (root / PATHS[4]).unlink()
    (root / "new.png").write_bytes((root / PATHS[5]).read_bytes())
    done(check, [*PATHS, "new.png"], again=True)
    assert measured == ["new.png"] and check.version > before
    assert len(check.table([*PATHS, "new.png"])) == len(PATHS)


def test_files_that_cannot_be_read_have_no_row_and_are_tried_once(root, measured):
    (root / PATHS[0]).write_bytes(b"no photo")
    check = done(QualityCheck(root), PATHS)
    assert len(check.table(PATHS)) == len(PATHS) - 1
    measured.clear()
    done(check, PATHS, again=True)
    assert measured == []


def test_sizes_are_odd_among_all_and_not_among_those_measured_together(root):
    Image.new("RGB", (600, 600), "tan").save(root / PATHS[-1])
    assert done(QualityCheck(root), PATHS).table(PATHS).set_index("path")["odd_size"].sum() == 1


def test_one_may_stop_and_go_on_and_what_was_measured_is_kept(root, monkeypatch):
    check, measure = QualityCheck(root), quality.measure

    def stopping(root, some):
        check.stop()
        return measure(root, some)

    with monkeypatch.context() as patch:
        patch.setattr(quality, "measure", stopping)
        done(check, PATHS)
    assert check.stopped and len(check.table(PATHS)) == CHUNK
    check.start(PATHS)
    assert not check.running, "who stopped it is not asked again"
    assert len(done(check, PATHS, again=True).table(PATHS)) == len(PATHS) and not check.stopped


def test_just_after_a_look_the_files_are_not_looked_at_again(root, monkeypatch):
    check = done(QualityCheck(root), PATHS)
    monkeypatch.setattr(check, "_rest_until", float("inf"))
    looked = []
    monkeypatch.setattr(check, "_changed", lambda paths: looked.append(paths) or {})
    check.start(PATHS)
    assert not check.running and not looked
    done(check, PATHS[:2])
    assert looked == [PATHS[:2]], "other photos are"


def test_a_fault_becomes_a_sentence_and_nobody_waits(root, monkeypatch):
    monkeypatch.setattr(quality, "measure", lambda *_: 1 / 0)
    check = QualityCheck(root)
    check.start(PATHS)
    assert check.wait(240) and "could not be measured (division by zero)" in check.problem


def test_a_damaged_file_of_measures_counts_as_none(root, measured):
    check = done(QualityCheck(root), PATHS)
    check.file.write_bytes(b"half")
    measured.clear()
    done(QualityCheck(root), PATHS)
    assert sorted(measured) == PATHS
