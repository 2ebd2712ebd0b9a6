"""The rendered sample set: the same bytes for the same seed, ten classes, drawn once."""

import threading

import numpy as np
import pytest
from PIL import Image

from fashion_core import UserError
from fashion_core.paper import CLASSES
from fashion_core.photos import sample


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.jpg"))}


@pytest.fixture(scope="module")
def two_each(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    sample.render(folder, per_class=2)
    return folder


def test_ten_classes_of_two_photos_each_at_224_pixels(two_each):
    assert sorted(contents(two_each)) == sorted(f"{c}/{c}_{i:03d}.jpg" for c in CLASSES for i in range(2))
    for path in two_each.rglob("*.jpg"):
        with Image.open(path) as photo:
            assert (photo.format, photo.mode, photo.size) == ("JPEG", "RGB", (224, 224))


def test_same_seed_gives_the_same_bytes_whatever_the_number_of_threads(two_each, tmp_path, monkeypatch):
    monkeypatch.setattr(sample.os, "cpu_count", lambda: 1)
    sample.render(tmp_path, per_class=2)
    assert contents(tmp_path) == contents(two_each)


def test_another_seed_gives_other_bytes_in_every_photo(two_each, tmp_path):
    sample.render(tmp_path, per_class=1, seed=1)
    first = contents(two_each)
    assert all(data != first[name] for name, data in contents(tmp_path).items())


def test_a_photo_does_not_depend_on_how_many_are_asked_for(two_each, tmp_path):
    sample.render(tmp_path, per_class=1)
    assert contents(tmp_path).items() < contents(two_each).items()


def test_the_middle_of_blue_photos_is_bluer_than_of_black_ones():
    def blueness(colour):
        middles = [
            np.asarray(sample.draw(f"{colour}_{garment}", 0, i), float)[82:142, 82:142].mean((0, 1))
            for garment in ("dress", "pants", "shirt", "shorts")
            for i in range(6)
        ]
        red, _, blue = np.mean(middles, 0)
        return blue - red

    assert blueness("blue") > blueness("black") + 25


@pytest.mark.parametrize("label", CLASSES)
def test_no_garment_touches_the_edge_of_its_photo(label, monkeypatch):
    seen = []
    monkeypatch.setattr(sample.Canvas, "backdrop", lambda self, rng: seen.append(self.alpha) or np.ones((224, 224, 3)))
    for index in range(12):
        sample.draw(label, 3, index)
    for alpha in seen:
        assert 0.04 < alpha.mean() < 0.8
        assert not (alpha[0].any() or alpha[-1].any() or alpha[:, 0].any() or alpha[:, -1].any())


def test_progress_counts_every_photo(tmp_path):
    told = []
    sample.render(tmp_path, per_class=1, progress=lambda *step: told.append(step))
    assert [(done, total) for done, total, _ in told] == [(i, 10) for i in range(1, 11)]


@pytest.mark.parametrize(("per_class", "seed"), [(0, 0), (-3, 0), (1, -1)])
def test_no_photos_or_a_negative_seed_is_refused(tmp_path, per_class, seed):
    with pytest.raises(UserError, match="at least 1 photo a class"):
        sample.render(tmp_path / "out", per_class, seed)
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="choose another folder"):
        sample.render(tmp_path / "file", 1)


@pytest.fixture
def tiny_home(tmp_path, monkeypatch):
    """A home whose default sample has one photo a class; counts how often it is rendered."""
    calls, render = [], sample.render

    def counted(out, per_class, seed, progress):
        calls.append(out)
        render(out, 1, seed, progress)

    monkeypatch.setenv("BUSANA_HOME", str(tmp_path))
    monkeypatch.setattr(sample, "render", counted)
    return tmp_path, calls


def test_ensure_renders_once_even_when_asked_at_the_same_time(tiny_home):
    folder, calls = tiny_home
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(sample.ensure())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.append(sample.ensure())
    assert answers == [folder / "data" / "sample"] * 4
    assert len(calls) == 1
    assert len(contents(answers[0])) == 10
    assert sorted(p.name for p in (folder / "data").iterdir() if p.is_dir()) == ["sample"]


def test_ensure_clears_what_a_killed_process_left_behind(tiny_home):
    folder, _ = tiny_home
    left = folder / "data" / ".sample.part" / "black_dress" / "black_dress_999.jpg"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half a photo")
    assert len(contents(sample.ensure())) == 10


def test_ensure_keeps_a_folder_that_is_not_its_own(tiny_home):
    folder, calls = tiny_home
    mine = folder / "data" / "sample" / "mine.jpg"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(UserError, match="move or delete"):
        sample.ensure()
    assert mine.read_bytes() == b"mine" and not calls


def test_a_set_says_how_to_draw_it_again_and_other_folders_say_nothing(home, tmp_path):
    folder = sample.ensure(per_class=2, seed=5)
    assert folder == home / "data" / "sample-2-seed-5"
    assert sample.made(folder) == {"per_class": 2, "seed": 5}
    assert sample.ensure(**sample.made(folder)) == folder
    (tmp_path / "photos").mkdir()
    assert sample.made(tmp_path / "photos") is None
