"""Promises of dataset: every file is used or named, the split is fair and stays put, pixels are decoded once."""

import os
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fashion_core import UserError
from fashion_core.photos import dataset, duplicates, imaging, pixels, split
from fashion_core.photos.pixels import decode_photos

pytestmark = pytest.mark.usefixtures("home")
APPAREL = Path(__file__).resolve().parents[2] / "shared" / "data" / "apparel10"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An empty folder for photos, with the home beside it, not in it."""
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


def photo(file: Path, seed: int, quality: int = 90, noisy: int = 0) -> Path:
    """A photo unlike that of any other seed; the same seed gives a near-duplicate at another quality or noise."""
    rng = np.random.default_rng(seed)
    pixels = np.kron(rng.integers(0, 256, (4, 4, 3)), np.ones((12, 12, 1))) + np.random.default_rng(noisy).normal(
        0, noisy, (48, 48, 3)
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file, quality=quality, subsampling=0)
    return file


def folder(root: Path, **counts: int) -> Path:
    """`folder(root, a=10, b=5)`: class folders of so many photos, all different."""
    for number, (label, count) in enumerate(counts.items()):
        (root / label).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            photo(root / label / f"{index:03}.jpg", 1000 * number + index)
    return root


def refusal(root: Path) -> str:
    with pytest.raises(UserError) as caught:
        dataset.load(root)
    return str(caught.value)


def members(data: dataset.Dataset, part: str) -> set[str]:
    return set(data.photos["path"][data.photos["split"] == part])


# ---- what lies in a folder


def test_a_folder_becomes_a_table_of_path_label_and_split(place):
    data = dataset.load(folder(place, blue_dress=20, black_shoes=10))
    assert data.classes == ("black_shoes", "blue_dress") and not data.own_split and data.notes == ()
    assert data.counts().loc["blue_dress"].tolist() == [16, 2, 2]
    assert data.counts().loc["black_shoes"].tolist() == [8, 1, 1]
    first = data.photos.iloc[0]
    assert (first["path"], first["label"], first["width"], first["height"]) == (
        "black_shoes/000.jpg",
        "black_shoes",
        48,
        48,
    )
    assert first["bytes"] == data.file(first["path"]).stat().st_size


def test_every_bad_file_is_listed_with_its_reason(place):
    root = folder(place, a=5, b=5)
    whole = (root / "a" / "000.jpg").read_bytes()
    (root / "a" / "cut.jpg").write_bytes(whole[:600])
    (root / "a" / "empty.png").touch()
    (root / "b" / "page.jpg").write_text("<html>moved</html>")
    (root / "b" / "notes.txt").write_text("not a photo at all")
    (root / "b" / "gone.jpg").symlink_to(root / "nowhere.jpg")
    (root / "stray.jpg").write_bytes(whole)
    listed = dataset.load(root).unreadable
    assert dict(zip(listed["path"], listed["reason"], strict=True)) == {
        "a/cut.jpg": "truncated JPEG",
        "a/empty.png": "empty file",
        "b/gone.jpg": "link to a file that is not there",
        "b/notes.txt": "not a photo: text",
        "b/page.jpg": "not a photo: a web page",
        "stray.jpg": "not in a class folder",
    }


def test_a_photo_read_with_a_reservation_is_named_with_it(place):
    root = folder(place / "set", hat=3, sock=3)
    first = sorted((root / "hat").iterdir())[0]
    Image.open(first).save(first.with_suffix(".png"), icc_profile=b"no profile at all")
    for _ in range(2):  # the second time from what the audit keeps
        notes = dataset.report(root)["notes"]
        assert [note for note in notes if "profile" in note] == [
            f"1 photo, such as hat/{first.stem}.png: its colour profile is broken or made for other pixels, and is "
            "ignored: its colours are read as sRGB."
        ]


def test_a_mislabelled_photo_is_still_a_photo(place):
    root = folder(place, a=3, b=3)
    Image.new("RGB", (9, 9), "navy").save(root / "a" / "x.jpg", "PNG")
    data = dataset.load(root)
    assert "a/x.jpg" in set(data.photos["path"]) and data.unreadable.empty


def test_a_systems_own_files_are_no_photos_and_no_news(place):
    root = folder(place, a=3, b=3)
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (root / "a" / name).touch()
    (root / ".cache").mkdir()
    (root / "README.md").touch()
    data = dataset.load(root)
    assert len(data.photos) == 6 and data.unreadable.empty and data.classes == ("a", "b")


def test_class_folders_are_searched_to_the_bottom(place):
    root = folder(place, a=3, b=3)
    photo(root / "a" / "2024" / "may" / "deep.jpg", 77)
    (root / "a" / "2024" / "round").symlink_to(root / "a")
    photos = dataset.load(root).photos
    assert photos["label"][photos["path"] == "a/2024/may/deep.jpg"].item() == "a" and len(photos) == 7


def test_names_with_spaces_accents_and_stray_bytes_work(place):
    root = folder(place, **{"robe d'été": 3, "b": 3})
    odd = os.fsdecode(b"na\xefve \xff.jpg")
    photo(root / "b" / "plain.jpg", 99).rename(root / "b" / odd)
    for _ in ("fresh", "from the cache"):
        data = dataset.load(root)
        assert f"b/{odd}" in set(data.photos["path"]) and data.classes == ("b", "robe d'été")
        assert decode_photos(data, 8).shape == (7, 8, 8, 3)
        assert len(data.fingerprint) == 64 and imaging.read(data.file(f"b/{odd}")).size == (48, 48)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda root: root / "nowhere", "There is no folder"),
        (lambda root: photo(root / "a.jpg", 0), "is a file"),
        (lambda root: root, "has nothing in it to read"),
        (lambda root: photo(root / "a.jpg", 0).parent, "has no class folders"),
        (lambda root: folder(root, only=9), "has one class only, only"),
        (lambda root: folder(root, a=5, b=2, c=0), "too few in: b (2), c (0)"),
    ],
)
def test_what_cannot_be_trained_on_is_one_sentence(place, make, expected):
    said = refusal(make(place))
    assert expected in said and "\n" not in said


def test_a_class_of_three_photos_is_enough(place):
    assert dataset.load(folder(place, a=3, b=4)).counts().to_numpy().tolist() == [[1, 1, 1], [2, 1, 1]]


# ---- the split


def test_the_split_hangs_on_seed_and_contents_not_on_names_or_order(place):
    one, two = folder(place / "one", a=30, b=30), place / "two"
    for number, file in enumerate(sorted(one.rglob("*.jpg"), reverse=True)):
        (two / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, two / file.parent.name / f"renamed-{number}.jpg")
    cases = ((one, 0), (two, 0), (one, 1))
    parts = [dataset.load(root, seed).photos.set_index("digest")["split"].to_dict() for root, seed in cases]
    assert parts[0] == parts[1] and parts[0] != parts[2]


def test_near_duplicates_never_cross_the_split(place):
    for number in range(30):
        photo(place / "a" / f"{number}.jpg", number)
        photo(place / "a" / f"{number}-again.jpg", number, quality=60)
        photo(place / "b" / f"{number}.jpg", 500 + number)
    photo(place / "b" / "also-in-a.jpg", 7, quality=70)  # one photo under two labels
    for seed in range(5):
        data = dataset.load(place, seed)
        grouped = data.photos[data.photos["group"] >= 0]
        assert grouped["group"].nunique() == 30 and len(grouped) == 61
        assert (grouped.groupby("group")["split"].nunique() == 1).all()
        assert data.counts().loc["a"].tolist() == [48, 6, 6]


def test_the_usual_split_lets_near_duplicates_cross_and_counts_them(place):
    for number in range(30):
        photo(place / "a" / f"{number}.jpg", number)
        photo(place / "a" / f"{number}-again.jpg", number, quality=60)
        photo(place / "b" / f"{number}.jpg", 500 + number)
    photos = dataset.load(place, grouped=False).photos
    parts = photos[photos["group"] >= 0].groupby("group")["split"].agg(set)
    leaked = photos[split.leaked(photos) & (photos["split"] == "test")]
    assert len(leaked) == sum(part == {"train", "test"} for part in parts) > 0
    assert any(f"{len(leaked)} of 9 test photos" in note for note in dataset.load(place, grouped=False).notes)
    assert not split.leaked(dataset.load(place).photos).any()


def test_a_class_of_one_picture_only_is_divided_and_said_so(place):
    folder(place, b=10)
    for number in range(5):
        photo(place / "a" / f"{number}.jpg", 9000, quality=60 + number)
    data = dataset.load(place)
    assert (data.counts().loc["a"] > 0).all()
    assert len(data.notes) == 1 and "photos of a are so alike" in data.notes[0]


def test_every_class_of_three_or_more_is_in_every_part_whatever_the_groups():
    rng = np.random.default_rng(0)
    for trial in range(50):
        labels = np.repeat(["a", "b", "c"], rng.integers(3, 30, 3))
        groups = rng.integers(-1, 6, len(labels))
        photos = pd.DataFrame(
            {"label": labels, "group": groups, "content": [f"{trial}-{i}" for i in range(len(labels))]}
        )
        parts = pd.crosstab(photos["label"], split.split(photos, trial))
        assert parts.shape == (3, 3) and (parts > 0).all(axis=None)


def parted(root: Path, **parts: int) -> Path:
    """`parted(root, train=20, test=5)`: two classes of so many photos in each part."""
    for number, (part, count) in enumerate(parts.items()):
        for offset, label in enumerate(("a", "b")):
            for index in range(count):
                photo(root / part / label / f"{index}.jpg", 10_000 * number + 5000 * offset + index)
    return root


@pytest.mark.parametrize("name", ["validation", "val"])
def test_a_folders_own_split_is_kept(place, name):
    data = dataset.load(parted(place, train=4, **{name: 2, "test": 3}))
    assert data.own_split and data.notes == ()
    assert data.counts().to_numpy().tolist() == [[4, 2, 3], [4, 2, 3]]
    assert all(path.startswith("test/") for path in members(data, "test"))


def test_a_missing_test_part_is_a_tenth_taken_from_train_and_said_so(place):
    data = dataset.load(parted(place, train=16, validation=4))
    assert data.counts().to_numpy().tolist() == [[14, 4, 2], [14, 4, 2]]
    assert all(path.startswith("train/") for path in members(data, "test"))
    assert len(data.notes) == 1 and "no photos in test/" in data.notes[0]


def test_with_train_alone_both_other_parts_are_taken_from_it(place):
    data = dataset.load(parted(place, train=20))
    assert data.counts().to_numpy().tolist() == [[16, 2, 2], [16, 2, 2]] and len(data.notes) == 2


@pytest.mark.parametrize("name", ["test", "validation"])
def test_a_part_without_a_photo_that_can_be_read_is_as_good_as_missing(place, name):
    parted(place, train=16, **{"validation" if name == "test" else "test": 4})
    (place / name / "a").mkdir(parents=True)
    (place / name / "a" / "broken.jpg").write_bytes(b"no photo")
    data = dataset.load(place)
    assert data.counts()[name].tolist() == [2, 2] and any(f"no photos in {name}/" in note for note in data.notes)


def test_a_class_that_train_lacks_is_refused(place):
    photo(parted(place, train=5, test=5) / "test" / "c" / "0.jpg", 1)
    for number in (1, 2):
        photo(place / "test" / "c" / f"{number}.jpg", number + 1)
    assert "train/ has no photo of c" in refusal(place)


def test_a_folder_beside_train_is_left_out_and_said_so(place):
    photo(parted(place, train=10) / "docs" / "logo.jpg", 1)
    data = dataset.load(place)
    assert data.classes == ("a", "b") and any("docs/" in note for note in data.notes)


def test_split_photo_by_photo_parts_copies_too():
    pairs = np.arange(80) // 2
    photos = pd.DataFrame({"label": ["a"] * 80, "group": pairs, "content": pairs.astype(str)})
    whole, parted = split.split(photos, 0), split.split(photos, 0, grouped=False)
    assert not split.leaked(photos.assign(split=whole)).any()
    assert 8 <= split.leaked(photos.assign(split=parted)).sum() <= 16  # of 16 set aside, four in five on average
    assert parted.value_counts().to_dict() == {"train": 64, "validation": 8, "test": 8}


def test_load_for_test_takes_any_folder_whole(place):
    data = dataset.load_for_test(folder(place / "few", a=1))
    assert data.photos["split"].tolist() == ["test"]
    both = parted(place / "both", train=3, test=2)
    assert len(dataset.load_for_test(both).photos) == 10
    assert set(dataset.load_for_test(both, only_test=True).photos["path"]) == {
        f"test/{label}/{n}.jpg" for label in "ab" for n in (0, 1)
    }
    with pytest.raises(UserError, match="no test/ folder"):
        dataset.load_for_test(place / "few", only_test=True)


# ---- near-duplicates and the report


def test_copies_are_found_and_other_photos_are_not(place):
    root = folder(place, a=8, b=8)
    shutil.copyfile(root / "a" / "000.jpg", root / "a" / "copy.jpg")
    photo(root / "a" / "resaved.jpg", 0, quality=50)
    photo(root / "b" / "grainy.jpg", 1003, noisy=6)
    assert dataset.report(root)["duplicates"] == [
        ["a/000.jpg", "a/copy.jpg", "a/resaved.jpg"],
        ["b/003.jpg", "b/grainy.jpg"],
    ]


def test_colour_alone_tells_photos_apart():
    black, navy = np.full((16, 16, 3), 250, np.uint8), np.full((16, 16, 3), 250, np.uint8)
    black[4:12, 4:12], navy[4:12, 4:12] = (20, 20, 20), (20, 20, 60)
    assert duplicates.near_duplicates(np.stack([black, navy, black])).tolist() == [0, -1, 0]


def test_likeness_is_at_most_five_and_for_pale_photos_a_tenth_of_their_contrast():
    rng = np.random.default_rng(0)
    vivid = rng.integers(0, 200, (16, 16, 3)).astype(np.uint8)  # deviation 57.7: the limit is 5
    pale = (vivid // 10 + 200).astype(np.uint8)  # deviation 5.8: the limit is 1
    same, other = [-1, -1], [0, 0]
    assert duplicates.near_duplicates(np.stack([vivid, vivid + 5])).tolist() == other
    assert duplicates.near_duplicates(np.stack([vivid, vivid + 6])).tolist() == same
    assert duplicates.near_duplicates(np.stack([pale, pale + 1])).tolist() == other
    assert duplicates.near_duplicates(np.stack([pale, pale + 2])).tolist() == same


def test_likeness_agrees_with_comparing_all_pairs_at_full_size():
    rng = np.random.default_rng(1)
    bases = rng.integers(0, 250, (40, 16, 16, 3))
    thumbnails = np.concatenate([bases, bases + rng.normal(0, 3, bases.shape), bases + rng.normal(0, 7, bases.shape)])
    thumbnails = thumbnails.clip(0, 255).astype(np.uint8)
    flat = thumbnails.reshape(120, -1).astype(float)
    near = ((flat[:, None] - flat[None]) ** 2).mean(2) <= 25
    groups = duplicates.near_duplicates(thumbnails)
    assert ((groups[:, None] == groups[None]) & (groups >= 0) | np.eye(120, dtype=bool) == near).all()
    assert near.sum() == 200  # each base with its faint copy, not with the strong one


def test_one_photo_in_two_parts_is_counted_as_crossing(place):
    root = parted(place, train=6, validation=3, test=3)
    shutil.copyfile(root / "train" / "a" / "0.jpg", root / "test" / "a" / "leaked.jpg")
    photo(root / "validation" / "b" / "leaked.jpg", 5002, quality=60)
    shutil.copyfile(root / "train" / "b" / "5.jpg", root / "train" / "b" / "twice.jpg")
    found = dataset.report(root)
    assert found["cross_split_duplicates"] == 2 and len(found["duplicates"]) == 3
    assert ["test/a/leaked.jpg", "train/a/0.jpg"] in found["duplicates"]
    assert any(note.startswith("2 groups of near-duplicates lie on both sides") for note in dataset.load(root).notes)


def test_the_report_works_where_training_would_not(place):
    root = folder(place, a=2, empty=0)
    (root / "a" / os.fsdecode(b"\xff.jpg")).touch()
    assert dataset.report(root) == {
        "classes": {"a": 2, "empty": 0},
        "unreadable": [{"path": "a/�.jpg", "reason": "empty file"}],
        "duplicates": [],
        "cross_split_duplicates": 0,
        "conflicting_labels": [],
        "notes": [],
    }


def test_one_photo_in_two_classes_is_named_with_both_labels(place):
    root = folder(place, a=8, b=8)
    shutil.copyfile(root / "a" / "003.jpg", root / "b" / "same.jpg")
    photo(root / "a" / "again.jpg", 4, quality=60)  # of one class: no conflict
    assert dataset.report(root)["conflicting_labels"] == [
        [{"path": "a/003.jpg", "label": "a"}, {"path": "b/same.jpg", "label": "b"}]
    ]
    (note,) = dataset.load(root).notes
    assert note == "1 picture lies in more than one class: one of its labels is wrong. Data and check show it."


# ---- what is kept


def counting(monkeypatch: pytest.MonkeyPatch) -> list:
    """A list that grows by one at every decoded photo."""
    decoded, read = [], imaging.read
    monkeypatch.setattr(imaging, "read", lambda source: decoded.append(1) or read(source))
    return decoded


def test_an_audit_reads_again_only_what_changed(place, monkeypatch):
    root, decoded = folder(place, a=4, b=4), counting(monkeypatch)
    first = dataset.load(root)
    assert len(decoded) == 8
    assert dataset.load(root).photos.equals(first.photos) and len(decoded) == 8
    photo(root / "a" / "000.jpg", 55, quality=40)
    (root / "b" / "003.jpg").unlink()
    again = dataset.load(root)
    assert len(decoded) == 9 and len(again.photos) == 7 and again.fingerprint != first.fingerprint


@pytest.mark.parametrize("how", ["renamed over it", "written into it"])
def test_other_content_of_the_same_size_and_time_is_noticed(place, how):
    root = folder(place, a=4, b=4)
    old = root / "a" / "000.jpg"
    new = photo(place.parent / "new.jpg", 77)
    size = max(old.stat().st_size, new.stat().st_size)
    for file in (old, new):  # what follows a JPEG's end is no part of it
        file.write_bytes(file.read_bytes().ljust(size, b"\0"))
    before, times = dataset.load(root), old.stat()
    os.utime(new, ns=(times.st_atime_ns, times.st_mtime_ns))
    if how == "renamed over it":
        new.replace(old)
    else:
        old.write_bytes(new.read_bytes())
        os.utime(old, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert (old.stat().st_size, old.stat().st_mtime_ns) == (size, times.st_mtime_ns)
    assert dataset.load(root).fingerprint != before.fingerprint


def test_a_damaged_audit_is_made_anew(place, home):
    root = folder(place / "set", a=4, b=4)
    before = dataset.load(root)
    (kept,) = (home / "data" / ".cache").glob("audit-*.parquet")
    kept.write_bytes(b"PAR1 nonsense")
    assert dataset.load(root).fingerprint == before.fingerprint


def test_the_fingerprint_and_the_order_do_not_hang_on_how_accents_are_written(place):
    mac, linux = place / "mac", place / "linux"
    for root, form in ((mac, "NFD"), (linux, "NFC")):
        for number, name in enumerate(("été", "f", "ez")):  # NFD sorts é before f, NFC after it
            for index in range(4):
                photo(root / unicodedata.normalize(form, f"robe_{name}") / f"{index}.jpg", 10 * number + index)
    one, two = dataset.load(mac), dataset.load(linux)
    assert one.classes == two.classes == ("robe_ez", "robe_f", "robe_été") and one.fingerprint == two.fingerprint
    assert one.photos["digest"].equals(two.photos["digest"]) and one.photos["path"][11] != two.photos["path"][11]
    assert one.file(one.photos["path"][11]).is_file()


def test_the_fingerprint_tells_photos_labels_and_split_apart(place):
    root = folder(place, a=20, b=20)
    data = dataset.load(root)
    assert data.fingerprint == dataset.load(root).fingerprint
    assert data.fingerprint != dataset.load(root, seed=1).fingerprint
    (root / "a" / "000.jpg").rename(root / "b" / "moved.jpg")
    assert data.fingerprint != dataset.load(root).fingerprint


def test_arrays_hold_every_photo_as_square_pixels_in_order(place):
    data = dataset.load(folder(place, a=4, b=4))
    pixels = decode_photos(data, 16)
    assert isinstance(pixels, np.memmap) and pixels.dtype == np.uint8 and not pixels.flags.writeable
    for row, path in enumerate(data.photos["path"]):
        assert np.array_equal(pixels[row], imaging.square(imaging.read(data.file(path)), 16))


def test_arrays_are_decoded_once_whatever_the_split(place, monkeypatch):
    root = folder(place, a=10, b=10)
    one, other = dataset.load(root, seed=0), dataset.load(root, seed=1)
    decoded, told = counting(monkeypatch), []
    decode_photos(one, 16, lambda *told_: told.append(told_))
    assert len(decoded) == 20 and told[-1] == (20, 20, "Decoding photos")
    decode_photos(other, 16)
    assert len(decoded) == 20
    decode_photos(one, 8)
    assert len(decoded) == 40


def test_arrays_appear_whole_or_not_at_all(place, home, monkeypatch):
    data = dataset.load(folder(place / "set", a=4, b=4))
    data.file("b/001.jpg").write_bytes(b"gone bad")
    with pytest.raises(UserError, match=r"b/001\.jpg changed since it was checked"):
        decode_photos(data, 16)
    assert not [*(home / "data" / ".cache").glob("*.npy"), *(home / "data" / ".cache").glob("*.partial")]


def test_a_full_disk_is_a_sentence_and_leaves_nothing(place, home, monkeypatch):
    data = dataset.load(folder(place / "set", a=4, b=4))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(UserError, match="No space left on device"):
        decode_photos(data, 16)
    assert not [*(home / "data" / ".cache").glob("*.npy"), *(home / "data" / ".cache").glob("*.partial")]


def test_pixels_used_longest_ago_make_room(place, home, monkeypatch):
    data = dataset.load(folder(place / "set", a=4, b=4))
    monkeypatch.setattr(pixels, "CACHE_BYTES", 15_000)
    kept = {}
    for age, size in ((300, 8), (100, 16), (200, 12)):  # 1.7, 6.3 and 3.6 kB
        before = set((home / "data" / ".cache").glob("*.npy"))
        decode_photos(data, size)
        (kept[size],) = set((home / "data" / ".cache").glob("*.npy")) - before
        os.utime(kept[size], (1e9 - age, 1e9 - age))
    decode_photos(data, 13)  # 4.2 kB: all but the oldest still fit
    assert [kept[size].exists() for size in (8, 12, 16)] == [False, True, True]


@pytest.mark.skipif(not APPAREL.is_dir(), reason=f"the real photos are not at {APPAREL}")
def test_real_catalogue_photos_have_few_small_groups():
    data = dataset.load(APPAREL)
    sizes = data.photos["group"][data.photos["group"] >= 0].value_counts()
    assert (len(data.photos), len(data.classes), len(data.unreadable)) == (4029, 10, 0)
    assert (len(sizes), sizes.sum(), sizes.max()) == (67, 154, 4)
    assert (data.counts()["test"] == data.counts()["validation"]).all() and data.counts()["test"].sum() == 404
