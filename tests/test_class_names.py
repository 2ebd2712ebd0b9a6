"""Class names taken apart into colour and garment."""

import os
import unicodedata

import numpy as np
import pytest

from fashion_core import paper
from fashion_core.class_names import (
    COLOUR,
    GARMENT,
    answer_in_words,
    as_many,
    classes_matching,
    confusion_in_words,
    counted,
    factors,
    in_words,
    listed,
    marginalise,
    names_in_words,
    normalised_name,
    split_names,
)


def test_a_name_is_split_at_its_first_underscore():
    assert factors(["black_dress", "blue_dress", "black_track_pants"]) == [
        ("black", "dress"),
        ("blue", "dress"),
        ("black", "track_pants"),
    ]


def test_the_papers_ten_and_sets_that_lack_some_pairs_have_factors():
    assert len(factors(paper.CLASSES)) == 10
    colours, garments = [f"c{n}" for n in "abcdef"], [f"g{n}" for n in "abcdefgh"]
    pairs = [(c, g) for i, c in enumerate(colours) for j, g in enumerate(garments) if (i + j) % 2]
    assert len(pairs) == 24 and factors(["_".join(pair) for pair in pairs]) == pairs


@pytest.mark.parametrize(
    "names",
    [
        ["dress", "hat"],
        ["black_dress", "hat"],
        ["_dress", "blue_dress"],
        ["a_b", "c_d"],
        ["class_0", "class_1"],
        ["class_a", "class_b", "class_c"],
        ["cat_1", "cat_2", "dog_1", "dog_2"],
        ["black_dress", "blue_dress"],  # one garment: nothing is told apart by it
        ["black_dress", "black_hat"],
        ["black_dress", "black_hat", "blue_shoe"],  # no garment has two colours
    ],
)
def test_other_names_have_no_factors(names):
    assert factors(names) is None


def test_a_person_may_call_photos_by_a_word_that_classes_share_where_names_alone_leave_doubt():
    classes = ("green_sock", "red_hat", "white_hat")  # no two share a colour
    assert factors(classes) is None and split_names(classes)[1] == ("red", "hat")
    assert classes_matching("hat", classes).tolist() == [False, True, True]
    assert split_names(("a_b", "c_d")) is None and split_names(("dress", "black_dress")) is None


def test_names_are_the_same_however_their_accents_are_written():
    apart = unicodedata.normalize("NFD", "robe_café")
    assert apart != "robe_café" and normalised_name(apart) == normalised_name("robe_café") == "robe_café"
    assert classes_matching(apart, ("hat", "robe_café")).tolist() == [False, True]
    assert classes_matching("robe_café", ("hat", apart)).tolist() == [False, True]
    for kept in ("a\u200cb", "👩\u200d🔬", "a\u3000b", "a\u00a0b", os.fsdecode(b"r\xf6ck")):
        assert normalised_name(kept) == kept


def test_probabilities_sum_over_the_other_factor():
    classes = ("black_dress", "black_shoes", "blue_dress", "blue_shoes")
    some = np.array([[0.4, 0.3, 0.2, 0.1]], np.float32)
    for factor, names, sums in ((COLOUR, ("black", "blue"), [0.7, 0.3]), (GARMENT, ("dress", "shoes"), [0.6, 0.4])):
        found, folded = marginalise(some, classes, factor)
        assert found == names and folded[0] == pytest.approx(sums)
    with pytest.raises(ValueError, match="colour"):
        marginalise(some, ("a", "b", "c", "d"), COLOUR)


def test_a_folder_means_its_class_or_every_class_with_that_factor():
    classes = ("black_dress", "black_shoes", "blue_dress", "blue_shoes")
    assert classes_matching("blue_dress", classes).tolist() == [False, False, True, False]
    assert classes_matching("dress", classes).tolist() == [True, False, True, False]
    assert classes_matching("black", classes).tolist() == [True, True, False, False]
    assert not classes_matching("hat", classes).any() and not classes_matching("dress", ("coat", "hat")).any()


def test_a_class_name_reads_as_words():
    assert in_words("blue_shoes") == "blue shoes" and in_words("black_track_pants") == "black track pants"
    assert in_words("Dress") == "Dress" and in_words("_") == "_"
    assert answer_in_words("blue_shoes") == "Blue shoes" and answer_in_words("a") == "A"


@pytest.mark.parametrize(
    ("n", "name", "words"),
    [
        (1, "blue_dress", "1 blue dress"),
        (14, "blue_dress", "14 blue dresses"),
        (0, "blue_dress", "0 blue dresses"),
        (1, "blue_shoes", "1 photo of blue shoes"),
        (14, "blue_shoes", "14 blue shoes"),
        (1200, "red_shirt", "1,200 red shirts"),
        (2, "watch", "2 watches"),
        (2, "scarf", "2 scarves"),
        (2, "grey_hoody", "2 grey hoodies"),
        (2, "jersey", "2 jerseys"),
        (3, "blue", "3 blue photos"),
        (1, "blue", "1 blue photo"),
        (2, "knitwear", "2 photos of knitwear"),
        (2, "class_0", "2 photos of class 0"),
        (1, "a", "1 photo of a"),
    ],
)
def test_photos_of_a_class_are_counted_in_words(n, name, words):
    assert counted(n, name) == words


@pytest.mark.parametrize(
    ("n", "true", "predicted", "words"),
    [
        (14, "blue_shoes", "black_shoes", "14 blue shoes called black"),
        (1, "blue_dress", "black_dress", "1 blue dress called black"),
        (3, "black_dress", "black_shirt", "3 black dresses called shirts"),
        (1, "black_dress", "black_shirt", "1 black dress called shirt"),
        (2, "blue_dress", "black_shirt", "2 blue dresses called black shirts"),
    ],
)
def test_a_confusion_says_once_what_both_names_share(n, true, predicted, words):
    classes = ("black_dress", "black_shirt", "black_shoes", "blue_dress", "blue_shirt", "blue_shoes")
    assert confusion_in_words(n, true, predicted, classes) == words


def test_a_confusion_of_names_that_do_not_come_apart_has_both():
    assert confusion_in_words(1, "coat", "hat", ("coat", "hat", "sock")) == "1 coat called hat"
    assert confusion_in_words(2, "coat", "hat", ("coat", "hat", "sock")) == "2 coats called hats"
    assert confusion_in_words(2, "black", "blue", ("black", "blue")) == "2 black photos called blue"


def test_a_list_of_names_is_in_words_and_each_stays_one():
    assert names_in_words(("blue_shoes", "hat")) == {"blue_shoes": "blue shoes", "hat": "hat"}
    alike = ("blue_shoes", "blue shoes")
    assert names_in_words(alike) == dict(zip(alike, alike, strict=True)), "words that two would share are no names"
    kinds = [as_many(2, name) for name in ("hat", "outwear", "red_skirt")]
    assert listed(kinds) == "hats, outwear and red skirts" and listed(kinds[:1]) == "hats"
    assert listed(["a", "b"], "or") == "a or b"
