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


def test_photos_are_read_once_and_again_when_one_changed(photos, home, monkeypatch):
    root, paths, _ = photos
    told = []
    first = quality.assess_quality(root, paths, lambda done, total, what: told.append((done, total)))
    assert told and all(total == len(paths) for _, total in told)
    with monkeypatch.context() as patch:
        patch.setattr(quality, "measure", None)
        assert quality.assess_quality(root, paths).equals(first)
    Image.fromarray(np.full((80, 60, 3), 3, np.uint8)).save(root / paths[8])
    again = quality.assess_quality(root, paths)
    assert again.set_index("path").loc[paths[8], "dark"] and not first.set_index("path").loc[paths[8], "dark"]
    assert len(list((home / "data" / ".cache").glob("quality-*"))) == 1, "what is no longer true is not kept"


def test_no_photos_have_no_rows(home, tmp_path):
    assert quality.assess_quality(tmp_path, []).empty


def test_the_size_of_a_photo_that_is_decoded_smaller_is_that_of_its_file(tmp_path):
    Image.new("RGB", (2100, 2400), "navy").save(tmp_path / "large.jpg")
    assert imaging.read(tmp_path / "large.jpg").size == (1050, 1200)
    assert quality.measure(tmp_path, ["large.jpg"])["size"].tolist() == [pytest.approx((2100 * 2400) ** 0.5)]
