"""The rendered sample set: the same bytes for the same seed, ten classes, drawn once."""

import os
import threading

import numpy as np
import pytest
from browser import ROOT
from PIL import Image

from fashion_core import UserError
from fashion_core.paper import CLASSES
from fashion_core.photos import dataset, sample
from fashion_core.photos.sample import canvas, sets


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
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
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
    monkeypatch.setattr(canvas.Canvas, "backdrop", lambda self, rng: seen.append(self.alpha) or np.ones((224, 224, 3)))
    for index in range(12):
        sample.draw(label, 3, index)
    for alpha in seen:
        assert 0.04 < alpha.mean() < 0.8
        assert not (alpha[0].any() or alpha[-1].any() or alpha[:, 0].any() or alpha[:, -1].any())


def test_a_folder_with_photos_of_another_set_is_refused_and_stays_as_it_is(tmp_path):
    sample.render(tmp_path, 2, 0)
    with pytest.raises(UserError, match=r"holds other photos, such as black_dress_001\.jpg: choose another folder"):
        sample.render(tmp_path, 1, 1)
    assert sample.made(tmp_path) == {"per_class": 2, "seed": 0}


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
    monkeypatch.setattr(sets, "render", counted)
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


# ---- the photos are known by what was drawn, not by how it was encoded


@pytest.fixture
def fingerprint(home, tmp_path, monkeypatch):
    """Render a set of three photos a class with some setting of `sets` changed; its fingerprint."""

    def of(name: str, **settings) -> str:
        with monkeypatch.context() as changed:
            for key, value in settings.items():
                changed.setattr(sets, key, value)
            sample.render(tmp_path / name, per_class=3, seed=2)
        return dataset.load(tmp_path / name).fingerprint

    return of


def test_another_jpeg_encoder_leaves_the_fingerprint_as_it_is(fingerprint, tmp_path):
    assert fingerprint("usual") == fingerprint("other", QUALITY=60)
    one, other = (contents(tmp_path / name) for name in ("usual", "other"))
    assert all(data != other[name] for name, data in one.items())


def test_another_pixel_drawn_another_file_and_another_label_change_it(fingerprint, tmp_path):
    usual, draw = fingerprint("usual"), sets.draw

    def spotted(label, seed, index):
        photo = draw(label, seed, index)
        if (label, index) == ("blue_dress", 1):
            red, *others = photo.getpixel((5, 5))
            photo.putpixel((5, 5), (red ^ 1, *others))
        return photo

    assert fingerprint("pixel", draw=spotted) != usual
    file = tmp_path / "usual" / "blue_dress" / "blue_dress_001.jpg"
    Image.open(file).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(file, quality=90)
    assert dataset.load(tmp_path / "usual").fingerprint != usual
    assert fingerprint("usual") == usual
    other = tmp_path / "usual" / "black_dress" / "black_dress_001.jpg"
    one_photo, other_photo = file.read_bytes(), other.read_bytes()
    file.write_bytes(other_photo)
    other.write_bytes(one_photo)
    assert dataset.load(tmp_path / "usual").fingerprint != usual


def test_photos_of_the_default_set_are_known_as_the_shipped_model_knew_them(home, tmp_path):
    sample.render(tmp_path, per_class=1)
    known = sample.drawn_digests(tmp_path)
    published = (ROOT / "fashion_core" / "photos" / "sample" / "published.txt").read_text().split()
    assert len(published) == 1200 and set(known.values()) <= set(published[1::2]) and len(known) == 10


def test_a_set_without_the_record_goes_by_its_files(fingerprint, tmp_path):
    usual = fingerprint("usual")
    (tmp_path / "usual" / sets.DRAWN).unlink()
    data = dataset.load(tmp_path / "usual")
    assert data.fingerprint != usual and data.photos["content"].equals(data.photos["digest"])
