"""The garment is measured: not the wall behind it, nor another garment on the same person."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import label
from scipy.spatial import KDTree
from skimage.color import rgb2lab
from skimage.filters import threshold_otsu
from skimage.morphology import convex_hull_image

from fashion_core.photos import garment_colour, imaging
from fashion_core.photos.garment_colour import UNSURE, Colour, lab, measure, unsure

PHOTOS = sorted((Path(__file__).parents[1] / "examples").glob("*/*.jpg"))[::3]


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


def test_the_wall_is_what_is_joined_to_the_edge_as_scipy_has_it():
    rng = np.random.default_rng(0)
    for height, width in rng.integers(1, 40, (200, 2)):
        inside = rng.random((height, width)) < rng.random()
        joined, parts = label(inside)
        at_edge = np.isin(np.arange(parts + 1), [*joined[0], *joined[-1], *joined[:, 0], *joined[:, -1]])
        at_edge[0] = False
        assert np.array_equal(garment_colour._joined_to_edge(inside), at_edge[joined])
    ring = np.zeros((9, 9), bool)
    ring[1:8, 1:8] = True
    ring[2:7, 2:7] = False
    assert not garment_colour._joined_to_edge(ring).any()
    ring[0, 4] = True  # by one place
    assert garment_colour._joined_to_edge(ring).sum() == 25


@pytest.mark.parametrize("place", [0, 9])
def test_the_distance_from_the_tenth_nearest_colour_is_that_of_a_search_tree(place):
    rng = np.random.default_rng(1)
    among, asked = rng.normal(50, 20, (300, 3)), np.vstack([rng.normal(50, 40, (100, 3)), [[900, 0, 0], [50, -900, 0]]])
    among = among[np.argsort(among[:, 0])]
    found = garment_colour.nearest_distance(asked, among, place)
    assert np.allclose(found, KDTree(among).query(asked, k=[place + 1])[0][:, 0], rtol=0, atol=1e-9)
    assert garment_colour.nearest_distance(asked[:0], among, place).shape == (0,)


WHITE, NAVY, SKIN = (245, 245, 245), (20, 25, 70), (200, 150, 120)


def dressed(shirt=WHITE, trousers=NAVY, ground=(255, 255, 255)) -> np.ndarray:
    """A person of 96 × 64 pixels before a wall: head in rows 4 to 16, wide shirt in 16 to 50, trousers in 50 to 92."""
    photo = np.empty((96, 64, 3), np.uint8)
    photo[:] = ground
    photo[4:16, 28:36] = SKIN
    photo[16:50, 12:52] = shirt
    photo[50:92, 22:42] = trousers
    photo[46:54, 10:15] = photo[46:54, 49:54] = SKIN  # hands
    return photo


def pointing_at(rows: slice, columns: slice = slice(2, 5)) -> np.ndarray:
    """A heat map of 12 × 8 places, warm in some and cool elsewhere."""
    heat = np.full((12, 8), -1, np.float32)
    heat[rows, columns] = 3
    return heat


SHIRT, TROUSERS = slice(2, 6), slice(7, 11)


def test_of_a_white_shirt_over_dark_trousers_the_heat_map_tells_which_is_meant():
    shirt, trousers = measure(dressed(), pointing_at(SHIRT)), measure(dressed(), pointing_at(TROUSERS))
    assert shirt.lightness > 95 and shirt.chroma < 3 and shirt.uncertainty < 0.2
    assert trousers.lightness < 20 and 25 < trousers.chroma < 40 and trousers.uncertainty < 0.2


def test_without_a_heat_map_that_measurement_is_unsure():
    found = measure(dressed())
    assert found.lightness < 20 and found.uncertainty >= UNSURE  # it is the trousers' colour, and says so
    assert measure(dressed(), np.full((12, 8), -1.0)) == found  # a map that is warm nowhere is none


def test_a_garment_that_stands_out_is_measured_surely_with_a_map_and_without():
    for heat in (None, pointing_at(SHIRT)):
        found = measure(dressed(shirt=(20, 20, 20), trousers=(22, 22, 22)), heat)
        assert found.lightness < 10 and found.uncertainty < UNSURE
    small = measure(on((255, 255, 255), NAVY, (96, 64)), pointing_at(slice(3, 9), slice(1, 7)))
    assert small.lightness < 20 and small.uncertainty < 0.2  # most of the warm place is wall, and none of it is meant


def test_a_garment_of_two_colours_is_unsure():
    shirt = np.where((np.arange(34) // 4 % 2).astype(bool)[:, None, None], (10, 10, 10), (200, 30, 30))
    photo = dressed(ground=(120, 160, 120))
    photo[16:50, 12:52] = shirt
    assert measure(photo, pointing_at(SHIRT)).uncertainty >= 0.4
    assert measure(dressed(shirt=NAVY, ground=(120, 160, 120)), pointing_at(SHIRT)).uncertainty < 0.2


def test_colours_measured_before_uncertainty_was_kept_are_taken_at_their_word():
    assert not unsure(np.ones((2, 4))).any()
    assert unsure(np.array([Colour(50, 0, 0, 0.3), (50, 0, 0, 0.3, 0.2), (50, 0, 0, 0.3, 0.7)])).tolist() == [0, 0, 1]


@pytest.mark.parametrize("heat", [None, pointing_at(SHIRT)])
def test_what_is_measured_in_real_photos_is_what_scikit_image_would_say(monkeypatch, heat):
    squares = [imaging.square(imaging.read(file), 192) for file in PHOTOS]
    ours = np.array([measure(square, heat) for square in squares])
    for name, theirs in (("_cielab", rgb2lab), ("_otsu", threshold_otsu), ("_convex_hull", convex_hull_image)):
        monkeypatch.setattr(garment_colour, name, theirs)
    theirs = np.array([measure(square, heat) for square in squares])
    assert len(squares) > 80 and np.abs(lab(ours) - lab(theirs)).max() < 0.05
    assert np.abs(ours[:, 3:] - theirs[:, 3:]).max() < 0.001  # share and uncertainty


def test_every_colour_of_a_coarse_cube_is_where_scikit_image_has_it():
    cube = np.stack(np.meshgrid(*3 * [np.arange(0, 256, 5, np.uint8)]), -1).reshape(52, -1, 3)
    assert np.abs(garment_colour._cielab(cube) - rgb2lab(cube)).max() < 0.001


def test_the_convex_hull_of_scattered_places_is_the_one_of_scikit_image():
    rng = np.random.default_rng(0)
    for share in (0.002, 0.02, 0.3, 0.9):
        for _ in range(50):
            places = rng.random(rng.integers(1, 60, 2)) < share
            places[rng.integers(len(places)), 0] = True  # never none at all
            assert (garment_colour._convex_hull(places) == convex_hull_image(places)).all()
