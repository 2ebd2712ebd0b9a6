"""Which folders are classes, splits or neither: what is in doubt is refused, what is left out is named."""

import os
import unicodedata
from pathlib import Path

import pytest

from fashion_core import UserError
from fashion_core.photos import dataset
from fashion_core.photos.layout import find_layout, split_folders


def files(root: Path, *names: str) -> Path:
    """Empty files of these names below `root`."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def each(outer: str, inner: str) -> list[str]:
    """`each("train test", "cat dog")`: train/cat/1.jpg, train/dog/1.jpg and so on."""
    return [f"{one}/{two}/1.jpg" for one in outer.split() for two in inner.split()]


def refusal(root: Path) -> str:
    with pytest.raises(UserError) as caught:
        find_layout(root)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ---- splits


@pytest.mark.parametrize(
    "names",
    [
        "train validation test",
        "Training Valid Test",
        "training_set dev_set test_set",
        "seg_train seg_val seg_test",
        "TRN val2017 TST",
        "train-images development test.data",
        "Train Data/x",  # a name with a blank; beside it nothing
        "trainset valset testset",
        "train eval test",
        "train validation evaluation",
    ],
)
def test_splits_are_known_by_their_usual_names(tmp_path, names):
    names = ["Train Data"] if "Data/" in names else names.split()
    layout = find_layout(files(tmp_path, *(f"{name}/{c}/1.jpg" for name in names for c in ("cat", "dog"))))
    assert layout.splits == ("train", "validation", "test")[: len(names)] and layout.classes == ("cat", "dog")
    assert [layout.files[f"{name}/cat/1.jpg"] for name in names] == [("cat", split) for split in layout.splits]
    assert layout.notes == ()


@pytest.mark.parametrize("name", ["train_station", "latest", "contest", "developer", "trainer", "valve", "evaluate"])
def test_other_names_are_no_splits(tmp_path, name):
    assert find_layout(files(tmp_path, f"{name}/1.jpg", "other/1.jpg")).classes == tuple(sorted((name, "other")))
    assert split_folders(files(tmp_path / "in", *each(name, "a b"))) == {}


def test_an_evaluation_split_that_could_be_either_is_asked_about(tmp_path):
    assert "eval/" in refusal(files(tmp_path, *each("train eval", "a b"))) and "rename it" in refusal(tmp_path)


def test_what_is_no_split_is_left_out_and_named_and_doubles_too(tmp_path):
    files(tmp_path, *each("train test holdout", "a b"), *each("val dev", "a b"), "docs/logo.jpg", "cover.jpg")
    layout = find_layout(tmp_path)
    assert [note.split("/")[0] for note in layout.notes[:2]] == ["The folder docs", "The folder holdout"]
    assert layout.notes[2] == "The folders dev and val are taken together as validation."
    assert layout.unused == {"cover.jpg": "not in a class folder"}
    assert dataset.report(tmp_path)["notes"] == list(layout.notes)


@pytest.mark.parametrize("names", ["bus car train", "test val train", "valid invalid", "dev test"])
def test_a_class_may_be_called_like_a_split(tmp_path, names):
    layout = find_layout(files(tmp_path, *(f"{name}/1.jpg" for name in names.split())))
    assert layout.classes == tuple(sorted(names.split())) and layout.splits == ()
    files(tmp_path, f"{names.split()[-1]}/more/2.jpg")  # with a folder inside as well
    assert len(names.split()) < 3 or names.startswith("test") or find_layout(tmp_path).classes == layout.classes


def test_a_test_split_without_train_is_a_split_and_is_no_training_set(tmp_path, home):
    files(tmp_path / "set", *each("Testing", "a b"))
    assert find_layout(tmp_path / "set").splits == ("test",)
    assert dataset.has_split(tmp_path / "set", "test") and not dataset.has_split(tmp_path / "set", "train")
    assert not dataset.has_split(tmp_path / "nowhere", "test")


# ---- the level of the classes


@pytest.mark.parametrize("outer", ["2023 2024", "part1 part2 part3", "train bus car"])
def test_classes_one_level_too_high_are_refused(tmp_path, outer):
    said = refusal(files(tmp_path, *each(outer, "cat dog"), "readme/logo.png"))
    assert "cat, dog" in said and "train, validation and test" in said and all(name in said for name in outer.split())


def test_that_holds_within_a_split_and_with_a_stray_photo(tmp_path):
    assert "2023, 2024" in refusal(files(tmp_path / "a", *each("train/2023 train/2024 test/2023", "cat dog")))
    assert "cat, dog" in refusal(files(tmp_path / "b", *each("2023 2024", "cat dog"), "2023/cover.jpg"))


def test_classes_with_folders_inside_are_no_doubt(tmp_path):
    files(tmp_path, *each("cat dog", "images"), *each("bird", "2023 2024"))
    assert find_layout(tmp_path).classes == ("bird", "cat", "dog")


# ---- what is a system's own


@pytest.mark.parametrize(
    "name",
    ["@eaDir", "$RECYCLE.BIN", ".Trashes", "System Volume Information", "lost+found", ".ipynb_checkpoints", "__MACOSX",
     "#recycle", "FOUND.000"],
)  # fmt: skip
def test_a_systems_folders_are_neither_classes_nor_photos(tmp_path, name):
    files(tmp_path, *each("a b", "x"), f"{name}/1.jpg", f"a/{name}/2.jpg", f"b/x/{name}/3.jpg")
    layout = find_layout(tmp_path)
    assert layout.classes == ("a", "b") and list(layout.files) == ["a/x/1.jpg", "b/x/1.jpg"] and layout.unused == {}


# ---- links


@pytest.mark.parametrize("target", [".", "..", "cat", "cat/more"])
def test_a_link_in_a_class_to_where_the_data_set_lies_relabels_nothing(tmp_path, target):
    root = files(tmp_path / "set", "cat/1.jpg", "cat/more/2.jpg", "dog/1.jpg")
    (root / "dog" / "link").symlink_to(root / target)
    layout = find_layout(root)
    assert [path for path, (label, _) in layout.files.items() if label == "dog"] == ["dog/1.jpg"]
    assert layout.unused == {"dog/link": "link back into the same photos"}


def test_a_class_that_is_a_link_to_the_whole_is_none(tmp_path):
    root = files(tmp_path / "set", "cat/1.jpg", "dog/1.jpg")
    (root / "all").symlink_to(root)
    assert find_layout(root).classes == ("cat", "dog") and list(find_layout(root).unused) == ["all"]


def test_links_to_photos_elsewhere_are_followed_once(tmp_path):
    files(tmp_path / "store", "1.jpg", "deep/2.jpg")
    (tmp_path / "store" / "deep" / "round").symlink_to(tmp_path / "store")
    root = files(tmp_path / "set", "cat/1.jpg", "train.txt")
    (root / "dog").symlink_to(tmp_path / "store")
    layout = find_layout(root)
    assert list(layout.files) == ["cat/1.jpg", "dog/1.jpg", "dog/deep/2.jpg"]
    assert list(layout.unused) == ["dog/deep/round"]


def test_a_split_of_links_into_a_folder_of_all_photos_works(tmp_path):
    root = files(tmp_path / "set", *each("everything", "cat dog"))
    for split in ("train", "test"):
        (root / split).mkdir()
        for label in ("cat", "dog"):
            (root / split / label).symlink_to(root / "everything" / label)
    assert sorted(find_layout(root).files) == sorted(each("train test", "cat dog"))


# ---- names


def test_a_label_is_the_folders_own_name(tmp_path):
    names = ["a\u200cb", "👩\u200d🔬", "a\u3000b", "a\u00a0b", "with blank ", "<b>", "50%"]
    assert find_layout(files(tmp_path, *(f"{name}/1.jpg" for name in names))).classes == tuple(sorted(names))


def test_accents_of_two_systems_make_one_class(tmp_path):
    mac = unicodedata.normalize("NFD", "café")
    layout = find_layout(files(tmp_path, "train/café/1.jpg", f"test/{mac}/1.jpg", *each("train test", "tea")))
    assert layout.classes == ("café", "tea") and layout.notes == () and layout.files[f"test/{mac}/1.jpg"][0] == "café"
    files(tmp_path, f"train/{mac}/2.jpg")
    assert "called café" in find_layout(tmp_path).notes[0] and find_layout(tmp_path).classes == ("café", "tea")


def test_a_class_whose_name_is_no_text_is_refused(tmp_path):
    said = refusal(files(tmp_path, f"{os.fsdecode(b'r' + bytes([0xF6]) + b'ck')}/1.jpg", "b/1.jpg"))
    assert "class folder r�ck is not UTF-8: rename the folder" in said


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_a_path_that_no_system_knows_is_a_sentence(tmp_path, name):
    assert "There is no folder" in refusal(tmp_path / name)
