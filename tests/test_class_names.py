"""Class names taken apart into colour and garment."""

import os
import unicodedata

import numpy as np
import pytest

from fashion_core import paper
from fashion_core.class_names import (
    COLOUR,
    GARMENT,
    classes_matching,
    factors,
    marginalise,
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
