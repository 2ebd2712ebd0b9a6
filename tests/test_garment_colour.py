"""The garment is measured, not the wall behind it."""

import numpy as np
import pytest

from fashion_core.photos.garment_colour import measure


def on(ground, garment, size=(80, 60)) -> np.ndarray:
    """A garment of one colour, in the middle third, before a ground of another."""
    photo = np.empty((*size, 3), np.uint8)
    photo[:] = ground
    photo[size[0] // 3 : 2 * size[0] // 3, size[1] // 3 : 2 * size[1] // 3] = garment
    return photo


@pytest.mark.parametrize("ground", [(255, 255, 255), (230, 225, 215), (90, 140, 90)])
def test_black_is_dark_and_grey_and_navy_dark_and_blue(ground):
    black, navy, blue = (measure(on(ground, rgb)) for rgb in ((20, 20, 20), (20, 25, 70), (60, 110, 220)))
    assert black.lightness < 10 and black.chroma < 1
    assert navy.lightness < 20 and 25 < navy.chroma < 40 and 280 < navy.hue < 310
    assert blue.lightness > 40 and 270 < blue.hue < 300
    assert black.share == pytest.approx(1 / 9, abs=0.03)


def test_white_on_white_and_one_colour_only_are_measured_whole():
    assert measure(on((255, 255, 255), (255, 255, 255))).lightness == pytest.approx(100, abs=0.1)
    assert measure(on((0, 0, 255), (0, 0, 255), (7, 5))).hue == pytest.approx(306.3, abs=0.5)  # sRGB blue in CIELAB
