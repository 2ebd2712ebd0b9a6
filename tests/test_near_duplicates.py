"""Promises of near-duplicates that thumbnails do not show: they are found, kept beside the photos and kept together."""

import json
from pathlib import Path

import model_folders
import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from fashion_core import UserError
from fashion_core.cli import main
from fashion_core.models import near_duplicates
from fashion_core.models.near_duplicates import find
from fashion_core.models.predictor import Predictor
from fashion_core.photos import dataset, duplicates, recorded_duplicates, same_photo, scan, split

pytestmark = pytest.mark.usefixtures("home")


def picture(seed: int, size: int = 240) -> Image.Image:
    """Coloured shapes on white, other ones for each seed, as of a garment with folds."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (size, size * 5 // 4), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((size * 0.2, size * 0.2, size * 0.8, size), fill=(60, 70, 140))  # all have this outline
    for _ in range(60):
        x, y = rng.uniform(0.2, 0.8, 2) * size
        grey = int(rng.integers(0, 200))
        draw.line(
            (x, y, *(rng.uniform(0.2, 0.8, 2) * size)), fill=(grey, grey, grey + 40), width=int(rng.integers(2, 8))
        )
    return image.filter(ImageFilter.GaussianBlur(1.5))  # as a lens does


def cropped(image: Image.Image, left: float = 0.1, top: float = 0.05, share: float = 0.75) -> Image.Image:
    w, h = image.size
    return image.crop((int(w * left), int(h * top), int(w * (left + share)), int(h * (top + share))))


def watermarked(image: Image.Image) -> Image.Image:
    marked = image.copy()
    ImageDraw.Draw(marked).text((20, 30), "www.example.org", fill=(200, 200, 200), font_size=24)
    return marked


CHANGES = {
    "cropped": cropped,
    "cropped off the middle": lambda image: cropped(image, 0.3, 0.25, 0.65),
    "mirrored": ImageOps.mirror,
    "mirrored and cropped": lambda image: cropped(ImageOps.mirror(image)),
    "watermarked": watermarked,
    "at another size": lambda image: image.resize((100, 125)),
    "with a border": lambda image: ImageOps.expand(image, 40, "white"),
    "brightened": lambda image: image.point(lambda value: min(255, int(value * 1.08))),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_photo_is_the_same_photo(change):
    for seed in range(2):
        one, other = (same_photo.reduced(image) for image in (picture(seed), CHANGES[change](picture(seed))))
        assert same_photo.likeness(one, other) >= same_photo.SAME
        assert same_photo.likeness(other, one) >= same_photo.SAME


def test_plain_goods_on_white_of_another_cut_are_two_photos():
    def shirt(hem: int, sleeve: int) -> np.ndarray:
        outline = [(60, 60), (180, 60), (230, sleeve), (190, sleeve + 20), (180, hem), (60, hem), (50, sleeve + 20)]
        image = Image.new("RGB", (240, 300), "white")
        ImageDraw.Draw(image).polygon([*outline, (10, sleeve)], fill=(20, 20, 25))
        return same_photo.reduced(image)

    assert same_photo.likeness(shirt(260, 110), shirt(245, 125)) < same_photo.SAME
    assert same_photo.likeness(shirt(260, 110), shirt(260, 110)) > 0.99


def test_two_goods_of_one_outline_are_two_photos():
    small = [same_photo.reduced(picture(seed)) for seed in range(6)]
    found = [same_photo.likeness(small[i], small[j]) for i in range(6) for j in range(i)]
    assert max(found) < same_photo.SAME - 0.1


def test_one_shot_in_two_colours_is_two_goods():
    red, green, blue = picture(0).split()
    one, other = same_photo.reduced(picture(0)), same_photo.reduced(Image.merge("RGB", (blue, green, red)))
    assert same_photo.likeness(one, one) > 0.99 and same_photo.likeness(one, other) == -1


def test_a_blank_or_narrow_photo_is_like_no_other():
    photos = [Image.new("RGB", (50, 80), "white"), Image.new("RGB", (900, 3), "black"), picture(0)]
    small = [same_photo.reduced(image) for image in photos]
    assert all(same_photo.likeness(one, other) < same_photo.SAME for one in small for other in small[:2])


# ---- what is looked at closely


def test_mirror_images_are_pairs_by_their_thumbnails():
    thumbnails = np.stack([np.asarray(picture(seed).resize((16, 16))) for seed in range(4)])
    both = np.concatenate([thumbnails, thumbnails[2:3, :, ::-1]])
    assert duplicates.mirrored_pairs(both).tolist() == [[2, 4]]
    assert (duplicates.near_duplicates(both) == -1).all()  # the standard finding does not take them
    assert duplicates.mirrored_pairs(thumbnails[:0]).shape == (0, 2)


def test_nearest_pairs_are_by_cosine_likest_first_and_name_each_pair_once():
    embeddings = np.array([[1, 0], [5, 0.1], [0, 1], [0.1, 2], [1, 1]], float)
    assert duplicates.nearest_pairs(embeddings, 1, 2).tolist() == [[0, 1], [2, 3]]
    assert duplicates.nearest_pairs(embeddings, 9, 1).tolist() == [[0, 1]]
    assert sorted(duplicates.nearest_pairs(embeddings, 9, 99).tolist()) == [
        [i, j] for i in range(5) for j in range(i + 1, 5)
    ]
    assert duplicates.nearest_pairs(embeddings[:1], 4, 9).shape == (0, 2)


# ---- the file beside the photos


PER_CLASS = 8


def world(root: Path) -> Path:
    """Two classes of eight photos; a/0 also lies cropped in a, a/1 mirrored in b."""
    for label, first in (("a", 0), ("b", 100)):
        (root / label).mkdir(parents=True)
        for number in range(PER_CLASS):
            picture(first + number).save(root / label / f"{number}.png")
    cropped(picture(0)).save(root / "a" / "crop.png")
    ImageOps.mirror(picture(1)).save(root / "b" / "mirror.png")
    return root


PAIRS = {frozenset(("a/0.png", "a/crop.png")), frozenset(("a/1.png", "b/mirror.png"))}


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    return world(tmp_path_factory.mktemp("world") / "photos")


@pytest.fixture
def model(tmp_path, monkeypatch) -> Path:
    """A model whose embeddings, mean colours, tell nothing here: instead a/0 is proposed with every other photo."""

    def proposed(embeddings: np.ndarray, *_) -> np.ndarray:
        assert embeddings.shape == (18, 3)
        return np.array([[0, row] for row in range(1, 18)])

    monkeypatch.setattr(near_duplicates, "nearest_pairs", proposed)
    return model_folders.write_model(tmp_path / "model")


@pytest.fixture
def place(photos, tmp_path) -> Path:
    """The world by a link, so that the file beside it is this test's own."""
    (tmp_path / "alone").mkdir()
    for label in ("a", "b"):
        (tmp_path / "alone" / "photos").mkdir(exist_ok=True)
        (tmp_path / "alone" / "photos" / label).symlink_to(photos / label)
    return tmp_path / "alone" / "photos"


def recorded(place: Path, text: str) -> Path:
    file = place.with_name("photos.near_duplicates.csv")
    file.write_text(text, "utf-8")
    return file


def groups(photos: pd.DataFrame) -> set[frozenset[str]]:
    return {frozenset(rows["path"]) for _, rows in photos[photos["group"] >= 0].groupby("group")}


def test_a_model_proposes_and_what_is_the_same_photo_is_found(place, model):
    predictor = Predictor(model)
    table = scan.audit(place).photos
    pairs, likeness = find(place, table, predictor)
    assert {frozenset(table["path"][list(pair)]) for pair in pairs} == PAIRS
    assert (likeness >= same_photo.SAME).all() and (np.diff(likeness) <= 0).all()
    table["group"] = np.where(table["path"].isin(["a/0.png", "a/crop.png"]), 0, -1)
    assert len(find(place, table, predictor)[0]) == 1  # those of one group are known already


def test_check_shows_what_a_model_finds_and_keeps_it_where_that_is_asked_for(place, model, capsys):
    model = str(model)
    before = dataset.load(place)
    assert main(["check", str(place), "--model", model, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {frozenset(pair["paths"]) for pair in found["further_near_duplicates"]} == PAIRS
    assert found["duplicates"] == [] and not recorded_duplicates.default_file(place).exists()
    assert main(["check", str(place), "--model", model, "--write"]) == 0
    assert "2 further pairs of near-duplicates were written" in capsys.readouterr().out
    data = dataset.load(place)
    assert groups(data.photos) == PAIRS and len(before.photos) == len(data.photos) == 18
    assert main(["check", str(place), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert {frozenset(group) for group in again["duplicates"]} == PAIRS and "further_near_duplicates" not in again
    assert main(["check", str(place), "--model", model]) == 0
    assert "0 further pairs" in capsys.readouterr().out
    assert main(["check", str(place), "--write"]) == 2
    assert "--model" in capsys.readouterr().err


def test_what_the_file_says_stays_on_one_side_and_counts_as_leaked_where_it_does_not(place):
    before = dataset.load(place)
    assert not split.leaked(before.photos).any() and groups(before.photos) == set()
    recorded(
        place, "photo,group\n" + "".join(f"{label}/{n}.png,{n // 4}\n" for label in "ab" for n in range(PER_CLASS))
    )
    for seed in range(4):
        photos = dataset.load(place, seed).photos
        assert photos[photos["group"] >= 0].groupby("group")["split"].nunique().eq(1).all()
    usual = dataset.load(place, grouped=False)
    test = usual.photos["split"] == "test"
    known = set(usual.photos["group"][usual.photos["split"] == "train"]) - {-1}
    leaks = int((usual.photos["group"].isin(known) & test).sum())
    assert leaks == (split.leaked(usual.photos) & test).sum() > 0
    assert any(f"{leaks} of {test.sum()} test photos" in note for note in usual.notes)
    assert usual.photos["split"].tolist() == dataset.load(place, grouped=False).photos["split"].tolist()


def test_what_the_file_says_is_joined_with_what_thumbnails_show(place, photos):
    table = pd.DataFrame({"path": ["a/0.png", "a/1.png", "a/2.png", "a/3.png"], "group": [0, 0, -1, -1]})
    recorded(place, "photo,group\na/1.png,x\na/2.png,x\n")
    joined, notes = recorded_duplicates.joined(table, place)
    assert joined.tolist() == [0, 0, 0, -1] and len(notes) == 1


def test_a_folder_without_the_file_is_read_and_split_as_ever(place):
    before = dataset.load(place)
    recorded(place, "photo,group\na/1.png,1\nb/2.png,1\n")
    assert dataset.load(place).photos["group"].max() == 0
    recorded_duplicates.default_file(place).unlink()
    after = dataset.load(place)
    assert after.photos.equals(before.photos) and after.fingerprint == before.fingerprint and not after.notes


@pytest.mark.parametrize(
    "text", ["", "\n", "file,group\na/1.png,1\n", "photo,group\na/1.png,\n", "photo,group\na/1.png\n", "\0\1\2", '"a\n']
)
def test_a_broken_file_changes_nothing_and_is_one_sentence(place, text):
    recorded(place, text)
    data = dataset.load(place)
    assert (data.photos["group"] == -1).all()
    assert len(data.notes) == 1 and "photos.near_duplicates.csv is not used" in data.notes[0]


def test_photos_that_are_not_here_are_counted_and_named(place):
    recorded(place, "photo,group\na/1.png,1\nb/2.png,1\ngone/1.png,1\ngone/2.png,2\n")
    data = dataset.load(place)
    assert groups(data.photos) == {frozenset(("a/1.png", "b/2.png"))}
    assert any("2 of its 4 photos are not here, such as gone/1.png" in note for note in data.notes)


def test_names_are_the_same_as_a_spreadsheet_or_another_system_writes_them(place):
    text = "\ufeffphoto,note,group\r\na\\1.png,mine, one \r\n b/2.png,,one\r\n"
    for delimiter in ",;\t":
        recorded(place, text.replace(",", delimiter))
        assert groups(dataset.load(place).photos) == {frozenset(("a/1.png", "b/2.png"))}


def test_what_is_added_keeps_what_a_person_wrote(place):
    file = recorded(place, "photo,group\na/1.png,mine\na/2.png,mine\na/7.png,alone\n")
    paths = ["a/2.png", "b/3.png", "b/4.png", "b/5.png"]
    assert recorded_duplicates.add(file, paths, np.array([[0, 1], [2, 3]])) == 6
    found = recorded_duplicates.read(file)
    assert len({found[name] for name in ("a/1.png", "a/2.png", "b/3.png")}) == 1
    assert found["b/4.png"] == found["b/5.png"] and len(set(found.values())) == 3
    with pytest.raises(UserError, match="is not used"):
        recorded_duplicates.add(recorded(place, "no table"), paths, np.array([[0, 1]]))
    assert file.read_text() == "no table"
