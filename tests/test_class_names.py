"""Class names taken apart into colour and garment."""

import numpy as np
import pytest

from fashion_core.class_names import COLOUR, GARMENT, classes_matching, factors, marginalise


def test_a_name_is_split_at_its_first_underscore():
    assert factors(["black_dress", "blue_dress", "navy-blue_track_pants"]) == [
        ("black", "dress"),
        ("blue", "dress"),
        ("navy-blue", "track_pants"),
    ]


@pytest.mark.parametrize("names", [["dress", "hat"], ["black_dress", "hat"], ["_dress", "blue_dress"], ["a_b", "c_d"]])
def test_other_names_have_no_factors(names):
    assert factors(names) is None


def test_probabilities_fold_into_the_sums_of_a_part():
    classes = ("black_dress", "black_shoes", "blue_dress", "blue_shoes")
    some = np.array([[0.4, 0.3, 0.2, 0.1]], np.float32)
    for part, names, sums in ((COLOUR, ("black", "blue"), [0.7, 0.3]), (GARMENT, ("dress", "shoes"), [0.6, 0.4])):
        found, folded = marginalise(some, classes, part)
        assert found == names and folded[0] == pytest.approx(sums)
    with pytest.raises(ValueError, match="colour"):
        marginalise(some, ("a", "b", "c", "d"), COLOUR)


def test_a_folder_means_its_class_or_every_class_with_that_part():
    classes = ("black_dress", "black_shoes", "blue_dress", "blue_shoes")
    assert classes_matching("blue_dress", classes).tolist() == [False, False, True, False]
    assert classes_matching("dress", classes).tolist() == [True, False, True, False]
    assert classes_matching("black", classes).tolist() == [True, True, False, False]
    assert not classes_matching("hat", classes).any() and not classes_matching("dress", ("coat", "hat")).any()
