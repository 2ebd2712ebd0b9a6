"""A measured colour is said in words that a person would use, and shown as itself."""

import numpy as np
import pytest

from fashion_core.photos import colour_words, garment_colour


@pytest.mark.parametrize(
    ("rgb", "words"),
    [
        ("#1b1b1b", "very dark grey"), ("#000000", "black"), ("#ffffff", "white"), ("#d0d0d0", "light grey"),
        ("#ff0000", "red"), ("#22315f", "dark blue"), ("#3f6fd8", "blue"), ("#6b4423", "dark brown"),
        ("#2e7d32", "green"), ("#e3c02f", "light yellow"), ("#8250b4", "purple"),
    ],
)  # fmt: skip
def test_a_colour_is_said_as_it_looks_and_comes_back_as_it_was(rgb, words):
    from skimage.color import rgb2lab

    lightness, a, b = rgb2lab(np.array([[[int(rgb[i : i + 2], 16) for i in (1, 3, 5)]]], np.uint8))[0, 0]
    colour = float(lightness), float(np.hypot(a, b)), float(np.degrees(np.arctan2(b, a)) % 360)
    assert colour_words.in_words(*colour) == words and garment_colour.hexadecimal([colour]) == [rgb]
