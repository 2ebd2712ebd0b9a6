"""Class names taken apart into colour and garment."""

import pytest

from fashion_core.factors import factors


def test_a_name_is_split_at_its_first_underscore():
    assert factors(["black_dress", "blue_dress", "navy-blue_track_pants"]) == [
        ("black", "dress"),
        ("blue", "dress"),
        ("navy-blue", "track_pants"),
    ]


@pytest.mark.parametrize("names", [["dress", "hat"], ["black_dress", "hat"], ["_dress", "blue_dress"], ["a_b", "c_d"]])
def test_other_names_have_no_factors(names):
    assert factors(names) is None
