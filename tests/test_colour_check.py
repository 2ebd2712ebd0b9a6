"""Along lightness, with what the pixels say: a black label on blue pixels is contradicted."""

from dataclasses import replace

import numpy as np
from evaluations import BLACK, BLUE, SPACE, UNSURE_BLACK, eight, explained, five

from fashion_core.evaluation import colour_check
from fashion_core.evaluation.explanations import Explanations


def test_photos_lie_along_lightness_and_pixels_contradict_labels():
    found = colour_check.table(five(), explained([BLACK, BLUE, BLUE, BLACK, (12.0, 3.0, 0.0, 0.3, 0.1)]))
    assert found["path"].tolist() == ["0.jpg", "3.jpg", "4.jpg", "1.jpg", "2.jpg"]
    assert found["pixels"].tolist() == ["black", "black", "black", "blue", "blue"]
    assert found["path"][found["contradicted"]].tolist() == [
        "3.jpg",
        "1.jpg",
    ]  # a blue sock of black pixels, and reverse
    assert (found["agreement"] == 1).all()


def test_an_unsure_measurement_contradicts_no_label():
    found = colour_check.table(five(), explained([BLACK, BLUE, BLUE, UNSURE_BLACK, BLACK]))
    assert found["unsure"].sum() == 1 and found["unsure"][found["path"] == "3.jpg"].item()
    assert found["path"][found["contradicted"]].tolist() == ["1.jpg"]  # 3.jpg is a blue sock of perhaps black pixels


def test_unsure_training_photos_have_no_vote():
    sure = explained([BLACK] * 5)
    dressed = sure.photos["label"].eq("black_hat").to_numpy() & sure.photos["split"].eq("train").to_numpy()
    sure.colours[dressed] = (*BLUE[:4], 0.9)  # what was measured of the black hats is their wearers' blue trousers
    assert colour_check.table(five(), sure) is None  # of one colour only is anything known
    sure.colours[np.flatnonzero(dressed)[:5]] = BLACK
    found = colour_check.table(five(), sure)
    assert set(found["pixels"]) == {"blue"}  # 5 surely black hats and 20 socks are the nearest 25


def test_colours_measured_before_uncertainty_was_kept_are_still_checked():
    old = explained([BLACK, BLUE, BLUE, BLACK, BLACK])
    found = colour_check.table(five(), replace(old, colours=old.colours[:, :4]))
    assert found["contradicted"].sum() == 2 and not found["unsure"].any()


def test_between_the_colours_nothing_is_contradicted():
    navy = (25.0, 21.0, 285.0, 0.3, 0.1)
    found = colour_check.table(five(), explained([navy] * 5, trained=12))
    assert not found["contradicted"].any() and (found["agreement"] < colour_check.SURE).all()


def test_other_class_names_have_no_table():
    photos = eight().photos.assign(split="train", group=-1)
    assert (
        colour_check.table(eight(), Explanations(eight().classes, photos, np.zeros((8, 2)), np.zeros((8, 4)), *SPACE))
        is None
    )
