"""Dark, pale, blurred, empty and odd photos are told from good ones; what was found is kept."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from fashion_core.photos import imaging, quality
from fashion_core.photos.sample import render


@pytest.fixture
def photos(home, tmp_path):
    """Forty sample photos, four of them spoilt, one that is no photo."""
    root = tmp_path / "photos"
    render(root, 4, seed=1)
    paths = sorted(str(file.relative_to(root)) for file in root.rglob("*.jpg"))
    change = {
        "dark": lambda photo: photo.point(lambda value: value * 0.1),
        "light": lambda photo: photo.point(lambda value: 250 + value * 0.02),
        "blurry": lambda photo: photo.filter(ImageFilter.GaussianBlur(9)),
        "odd_size": lambda photo: photo.resize((24, 24)),
        "odd_aspect_ratio": lambda photo: photo.resize((600, 40)),
    }
    spoilt = dict(zip(change, paths, strict=False))
    for issue, path in spoilt.items():
        change[issue](Image.open(root / path)).save(root / path)
    (root / paths[-1]).write_bytes(b"no photo")
    return root, paths, spoilt


def test_each_spoilt_photo_is_named_for_what_is_wrong_and_good_ones_are_not(photos):
    root, paths, spoilt = photos
    found = quality.assess_quality(root, paths).set_index("path")
    assert list(found.index) == paths[:-1], "the file that is no photo has no row"
    for issue, path in spoilt.items():
        assert found.loc[path, issue], issue
    good = found.drop(index=list(spoilt.values()))
    assert good[["light", "blurry", "odd_size", "odd_aspect_ratio"]].sum().sum() == 0
    assert good["dark"].sum() <= 2  # black goods are dark photos
    assert found.loc[spoilt["blurry"], "blurry score"] < good["blurry score"].min()


def test_every_photo_is_counted_as_it_is_read(photos):
    root, paths, _ = photos
    told = []
    quality.assess_quality(root, paths, lambda done, total, what: told.append((done, total)))
    assert told and all(total == len(paths) for _, total in told)


def test_no_photos_have_no_rows(home, tmp_path):
    assert quality.assess_quality(tmp_path, []).empty


def test_where_most_photos_have_one_size_a_slightly_other_one_is_not_odd():
    sizes = np.array([194.0] * 60 + [168.0, 210.0, 40.0, 900.0])
    assert quality.odd_sizes(sizes)[0].nonzero()[0].tolist() == [62, 63]


def test_the_size_of_a_photo_that_is_decoded_smaller_is_that_of_its_file(tmp_path):
    Image.new("RGB", (2100, 2400), "navy").save(tmp_path / "large.jpg")
    assert imaging.read(tmp_path / "large.jpg").size == (1050, 1200)
    assert quality.measure(tmp_path, ["large.jpg"])["size"].tolist() == [pytest.approx((2100 * 2400) ** 0.5)]
