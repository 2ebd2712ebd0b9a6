"""Crops and flips: as torchvision's, each photo its own, the same wherever the photo comes."""

import numpy as np
import pytest
import torch

from fashion_core.engine.augmentation import DRAWS, TRIES, Augmentation, cropped, cropped_at_once, crops
from fashion_core.runs.config import TrainConfig

CONFIG = TrainConfig(image_size=32, crop_scale=0.3, flip=True, seed=7)


def batch(count: int = 16) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), np.uint8))


def drawn(area: float, shape: float, place: float) -> np.ndarray:
    """The uniform numbers of one photo, the same at every try."""
    return np.array([[area] * TRIES + [shape] * TRIES + [place, place, 0.0]])


def test_a_box_follows_from_its_numbers():
    """Of 100 px: a quarter of the area as a square in the middle; all of it 3 to 4 fits no try, so it stays whole."""
    assert crops(drawn(0, 0.5, 0.5), 100, 0.25).tolist() == [[25, 25, 50, 50]]
    assert crops(drawn(0, 0, 0), 100, 0.12).tolist() == [[0, 0, 40, 30]]  # 1,200 pixels, 3 to 4
    assert crops(drawn(1, 0, 0.9), 100, 0.25).tolist() == [[0, 0, 100, 100]]
    second = drawn(1, 0, 0)
    second[0, 1], second[0, TRIES + 1] = 0, 0.5
    assert crops(second, 100, 0.25).tolist() == [[0, 0, 50, 50]]


def test_boxes_lie_in_the_photo_and_keep_as_much_as_was_asked():
    boxes = crops(np.random.default_rng(0).random((10_000, DRAWS)), 100, 0.3)
    assert boxes.min() >= 0 and (boxes[:, :2] + boxes[:, 2:]).max() <= 100
    kept = boxes[:, 2] * boxes[:, 3] / 10_000
    assert kept.min() > 0.29 and kept.max() == 1 and len(np.unique(boxes, axis=0)) > 9_000
    assert (boxes[:, 3] / boxes[:, 2]).min() > 0.74 and (boxes[:, 3] / boxes[:, 2]).max() < 1.35


def test_a_photo_gets_its_own_crop_in_whatever_batch_and_process_it_comes():
    first, again = Augmentation(CONFIG, 50), Augmentation(CONFIG, 50)
    boxes, flipped = first.draw(3, np.arange(50))
    some = np.array([41, 7, 12])
    for found, whole in zip(again.draw(3, some), (boxes, flipped), strict=True):
        assert np.array_equal(found, whole[some])
    assert 10 < flipped.sum() < 40 and len(np.unique(boxes, axis=0)) > 40
    assert not np.array_equal(again.draw(4, np.arange(50))[0], boxes)
    assert not np.array_equal(Augmentation(CONFIG.changed({"seed": 8}), 50).draw(3, np.arange(50))[0], boxes)


@pytest.mark.parametrize("crop", [cropped, cropped_at_once])
def test_a_crop_of_the_whole_photo_is_the_photo_or_its_mirror_image(crop):
    photos, whole = batch(2), np.array([[0, 0, 32, 32]] * 2)
    found = crop(photos, whole, np.array([False, True]))
    assert torch.equal(found[0], photos[0]) and torch.equal(found[1], photos[1].flip(1))


def test_all_at_once_gives_the_same_picture_as_one_by_one_to_one_level_of_256():
    photos, rows = batch(64), np.arange(64)
    boxes, flipped = Augmentation(CONFIG, 64).draw(0, rows)
    one_by_one, at_once = cropped(photos, boxes, flipped), cropped_at_once(photos, boxes, flipped)
    assert one_by_one.shape == at_once.shape == photos.shape and at_once.dtype == torch.uint8
    assert (one_by_one.int() - at_once.int()).abs().max() <= 1
    assert not torch.equal(one_by_one, photos)


def test_without_crops_and_flips_the_photos_stay_as_they_are_and_each_can_be_had_alone():
    photos, rows = batch(), np.arange(16)
    plain = Augmentation(CONFIG.changed({"crop_scale": 1.0, "flip": False}), 16)
    assert torch.equal(plain(photos, 0, rows), photos)
    flips = Augmentation(CONFIG.changed({"crop_scale": 1.0}), 16)(photos, 0, rows)
    same, mirrored = ((flips == each).flatten(1).all(1) for each in (photos, photos.flip(2)))
    assert (same ^ mirrored).all() and same.any() and mirrored.any()
