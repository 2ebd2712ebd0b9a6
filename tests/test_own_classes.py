"""Promises of classes of one's own: only photos are kept, each once, whole, under safe names, and they train."""

import datasets
import pytest
from browser import ROOT
from streamlit.testing.v1 import AppTest

from fashion_core import UserError, access
from fashion_core.access import Role
from fashion_core.photos import dataset, imaging, own_classes


@pytest.fixture
def pictures(tmp_path) -> dict[str, list[bytes]]:
    root = datasets.colours(tmp_path / "from", per_class=3)
    return {one.name: [file.read_bytes() for file in sorted(one.iterdir())] for one in root.iterdir()}


def test_photos_handed_in_are_a_folder_that_trains(home, pictures):
    root = own_classes.folder("mine")
    for label, files in pictures.items():
        for number, data in enumerate(files):
            own_classes.add(root, label, f"{number}.png", data)
    assert root == home / "data" / "mine"
    assert dict(dataset.load(root).photos["label"].value_counts()) == dict.fromkeys(pictures, 3)


def test_the_same_photo_twice_is_kept_once_and_two_of_one_name_are_both(home, pictures):
    root, (first, second, _) = own_classes.folder("mine"), pictures["red_hat"]
    for name, data in (("a.png", first), ("b.png", first), ("a.png", second)):
        own_classes.add(root, "hat", name, data)
    assert [file.read_bytes() for file in own_classes.photos(root, "hat")] == [first, second]


def test_a_photo_that_is_kept_is_not_decoded_again(home, pictures, monkeypatch):
    root, (first, *_) = own_classes.folder("mine"), pictures["red_hat"]
    kept = own_classes.add(root, "hat", "a.png", first)
    monkeypatch.setattr(imaging, "read", lambda data: pytest.fail("decoded again"))
    assert own_classes.add(root, "hat", "a.png", first) == kept


def test_what_is_no_photo_is_refused_by_name_and_leaves_nothing(home, monkeypatch):
    root = own_classes.folder("mine")
    with pytest.raises(UserError, match=r"^x\.jpg is a text file, not a photo\.$"):
        own_classes.add(root, "hat", "x.jpg", b"hello")
    monkeypatch.setattr(own_classes, "MAX_BYTES", 1 << 20)
    with pytest.raises(UserError, match=r"y\.jpg is too large: it is larger than 1 MB"):
        own_classes.add(root, "hat", "y.jpg", bytes((1 << 20) + 1))
    assert not root.exists()


def test_a_full_class_takes_no_more(home, pictures, monkeypatch):
    monkeypatch.setattr(own_classes, "MAX_PHOTOS", 1)
    root, (first, second, _) = own_classes.folder("mine"), pictures["red_hat"]
    own_classes.add(root, "hat", "a.png", first)
    with pytest.raises(UserError, match="the most for a class"):
        own_classes.add(root, "hat", "b.png", second)


@pytest.mark.parametrize("text", ["", "  ", "..", ".hidden/..", "Thumbs.db"])
def test_a_name_that_is_none_is_refused_or_made_safe(text, home):
    try:
        made = own_classes.name_of(text)
    except UserError:
        return
    assert "/" not in made and not made.startswith(".")


def test_names_that_differ_in_capitals_alone_are_one_class(home, pictures):
    assert own_classes.together(["black dress"], ["Black Dress", "boots", "BOOTS"]) == ["black dress", "boots"]
    root = own_classes.folder("mine")
    own_classes.add(root, "boots", "a.png", pictures["red_hat"][0])
    own_classes.add(root, "black dress", "a.png", pictures["red_hat"][0])
    with pytest.raises(UserError, match="There is a class"):
        own_classes.rename(root, "boots", "Black DRESS")
    assert own_classes.rename(root, "boots", "Boots") == "Boots"


def test_a_photo_dropped_by_mistake_is_removed_stays_so_and_comes_back(home, pictures):
    root, (first, second, _) = own_classes.folder("mine"), pictures["red_hat"]
    own_classes.add(root, "hat", "a.png", first)
    wrong = own_classes.add(root, "hat", "b.png", second)
    own_classes.remove(root, "hat", wrong.name)
    own_classes.add(root, "hat", "b.png", second)  # the page asks for it at every rerun
    assert [file.read_bytes() for file in own_classes.photos(root, "hat")] == [first]
    assert len(own_classes.removed(root, "hat")) == 1
    own_classes.bring_back(root, "hat")
    assert {file.read_bytes() for file in own_classes.photos(root, "hat")} == {first, second}
    assert own_classes.removed(root, "hat") == []


def test_the_page_removes_a_photo_and_brings_it_back(home, pictures):
    app = AppTest.from_file(ROOT / "pages/data.py", default_timeout=60)
    root = own_classes.folder("mine")
    for data in pictures["red_hat"]:
        own_classes.add(root, "hat", "a.png", data)
    app.query_params["folder"] = "mine"
    app.run()
    app.text_input(key="own-set").set_value("mine").run()
    press = lambda says: next(b for b in app.button if b.label == says).click().run()  # noqa: E731
    press("Remove")
    assert len(own_classes.photos(root, "hat")) == 2 and not app.exception
    press("Bring back 1 removed photo")
    assert len(own_classes.photos(root, "hat")) == 3 and not app.exception


def test_names_lead_nowhere_else_and_accents_are_one_letter(home):
    assert own_classes.folder("../../etc").parent == home / "data"
    assert own_classes.name_of("robe e\u0301te\u0301") == "robe \u00e9t\u00e9"


def test_a_stranger_brings_no_photos(home, pictures):
    access.share(lambda: Role.VIEWER)
    try:
        with pytest.raises(UserError, match="is off for you"):
            own_classes.add(own_classes.folder("mine"), "hat", "a.png", pictures["red_hat"][0])
    finally:
        access.unshare()
    assert list(home.iterdir()) == []


def test_what_is_missing_is_one_sentence():
    assert own_classes.missing({"a": 9}) == "To train, two classes at least are needed."
    assert own_classes.missing({"blue_hat": 1, "b": 3}) == (
        "To train, each class needs 3 photos at least: blue hat needs 2 more."
    )
    assert own_classes.missing({"a": 3, "b": 3}) == ""


def test_photos_dropped_on_the_page_are_kept_and_can_be_trained_on(home, pictures):
    test = AppTest.from_file(ROOT / "pages/data.py", default_timeout=60)
    test.query_params["folder"] = str(datasets.colours(home / "data" / "other", per_class=3))
    test.run()
    test.text_input(key="own-set").input("mine")
    test.text_input(key="own-labels").input("a, b").run()
    assert "two" not in test.info[0].value and "a needs 3 more" in test.info[0].value
    for place, label in enumerate(("red_hat", "green_sock")):
        for number, data in enumerate(pictures[label]):
            test.file_uploader[place].upload(f"{number}.png", data, "image/png")
    test.run()
    assert not test.exception
    assert [len(own_classes.photos(own_classes.folder("mine"), label)) for label in "ab"] == [3, 3]
    assert not [each for each in test.info if "To train" in each.value]


def own_page(**typed: str) -> AppTest:
    test = AppTest.from_file(ROOT / "pages/data.py", default_timeout=60)
    test.query_params["folder"] = str(datasets.colours(own_classes.folder("other"), per_class=3))
    test.run()
    for key, text in typed.items():
        test.text_input(key=key.replace("_", "-")).set_value(text)
    return test.run()


def said(test: AppTest) -> str:
    return " ".join(each.value for kind in ("markdown", "error", "caption") for each in test.get(kind))


def test_a_class_is_renamed_with_its_photos_and_called_as_before_again(home, pictures):
    root, photos = own_classes.folder("mine"), pictures["red_hat"]
    for number, data in enumerate(photos):
        own_classes.add(root, "hat", f"{number}.png", data)
    own_classes.add(root, "sock", "a.png", pictures["green_sock"][0])
    test = own_page(own_set="mine", own_labels="hat, sock")
    test.text_input(key="own-name-mine-hat").set_value("cap").run()
    assert (
        not test.exception and own_classes.labels(root) == ["cap", "sock"] and len(own_classes.photos(root, "cap")) == 3
    )
    assert test.text_input(key="own-labels").value == "cap, sock" and "The class hat is called cap now" in said(test)
    test.button(key="own-undo-0").click().run()
    assert not test.exception and own_classes.labels(root) == ["hat", "sock"] and "is called" not in said(test)
    test.text_input(key="own-name-mine-hat").set_value("sock").run()
    assert "There is a class sock already" in said(test) and own_classes.labels(root) == ["hat", "sock"]


def test_a_class_is_removed_and_comes_back_and_what_was_dropped_is_not_kept_anew(home, pictures):
    test = own_page(own_set="mine", own_labels="a, b")
    test.file_uploader[0].upload("0.png", pictures["red_hat"][0], "image/png").run()
    root = own_classes.folder("mine")
    assert own_classes.labels(root) == ["a"]
    test.button(key="own-remove-mine-a").click().run()
    assert not test.exception and own_classes.labels(root) == [] and "The class a was removed" in said(test)
    test.button(key="own-remove-mine-b").click().run()
    assert not test.exception and test.text_input(key="own-labels").value == ""
    test.button(key="own-undo-0").click().run()
    assert not test.exception and own_classes.labels(root) == ["a"] and len(own_classes.photos(root, "a")) == 1


def test_a_stranger_renames_and_removes_nothing(home, pictures):
    root = own_classes.folder("mine")
    own_classes.add(root, "hat", "a.png", pictures["red_hat"][0])
    access.share(lambda: Role.VIEWER)
    try:
        with pytest.raises(UserError, match="is off for you"):
            own_classes.rename(root, "hat", "cap")
    finally:
        access.unshare()
    assert own_classes.labels(root) == ["hat"]


def test_train_leads_to_the_classes_of_ones_own_and_lists_what_was_made(home, pictures):
    own_classes.add(own_classes.folder("mine"), "hat", "a.png", pictures["red_hat"][0])
    test = AppTest.from_file(ROOT / "pages/train.py", default_timeout=60).run()
    (to,) = [each.proto.url for each in test.get("link_button") if each.proto.label.startswith("Make your own")]
    assert to == "/data?make=own" and "mine" in test.selectbox(key="folder").options
    test = AppTest.from_file(ROOT / "pages/data.py", default_timeout=60)
    test.query_params["make"], test.query_params["folder"] = "own", str(own_classes.folder("mine"))
    test.run()
    assert [each.proto.expanded for each in test.expander if each.label == "Make your own classes"] == [True]
