"""The photos in examples/ are those that labels.csv names: small, without EXIF, all different, labelled twice."""

import csv
import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from browser import ROOT
from PIL import Image

from bench import examples
from fashion_core import UserError, runs
from fashion_core.class_names import factors
from fashion_core.paper import CLASSES
from fashion_core.photos import examples as here
from fashion_core.photos import imaging
from fashion_core.photos.duplicates import near_duplicates
from fashion_core.runs.config import TrainConfig

EXAMPLES = ROOT / "examples"
ROWS = examples.rows(EXAMPLES)
FILES = sorted(path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.glob("*/*"))
README = (EXAMPLES / "README.md").read_text("utf-8")


def label(row: dict[str, str]) -> str:
    return f"{row['colour']}_{row['garment']}"


def wrong_labels(rows: list[dict[str, str]], listed: set[str]) -> list[str]:
    """What is wrong with the two passes of `rows` where the ids `listed` are said to be disagreed on."""
    wrong = [f"{row['id']}: a pass is missing" for row in rows if not (row["pass1"] and row["pass2"])]
    wrong += [f"{row['id']}: neither pass says {label(row)}" for row in rows
              if label(row) not in (row["pass1"], row["pass2"])]  # fmt: skip
    disagreed = {row["id"] for row in rows if row["pass2"] and row["pass1"] != row["pass2"]}
    return wrong + [f"{name}: listed wrongly, or not listed" for name in sorted(disagreed ^ listed)]


def test_the_folder_holds_the_photos_of_the_table_and_no_others():
    assert sorted(map(examples.photo, ROWS)) == FILES
    assert 200 <= len(FILES) <= 300
    assert len({row["id"] for row in ROWS}) == len({row["source"] for row in ROWS}) == len(ROWS)
    assert all(Path(row["source"]).name.startswith(row["id"]) for row in ROWS)


def test_all_photos_together_stay_under_six_megabytes():
    assert sum((EXAMPLES / file).stat().st_size for file in FILES) < 6_000_000


def test_every_photo_opens_is_224_pixels_and_says_nothing_of_its_taker():
    wrong = []
    for file in FILES:
        with Image.open(EXAMPLES / file) as image:
            plain = image.format == "JPEG" and not {"exif", "icc_profile", "comment", "xmp"} & set(image.info)
        image = imaging.read(EXAMPLES / file)
        if not plain or image.mode != "RGB" or min(image.size) != examples.SIDE:
            wrong.append(file)
    assert wrong == []


def test_no_two_photos_are_near_duplicates():
    thumbnails = np.stack([imaging.square(imaging.read(EXAMPLES / file), 16) for file in FILES])
    assert [file for file, group in zip(FILES, near_duplicates(thumbnails), strict=True) if group >= 0] == []
    groups = near_duplicates(np.concatenate([thumbnails, thumbnails[:1]]))
    assert groups[0] == groups[-1] >= 0, "a photo that is there twice is found"


def test_the_papers_classes_are_all_there_among_other_colours_and_articles():
    folders = sorted({label(row) for row in ROWS})
    assert set(CLASSES) <= set(folders) and factors(folders)
    assert Counter(label(row) in CLASSES for row in ROWS)[True] >= 150
    colours, garments = ({row[column] for row in ROWS} for column in ("colour", "garment"))
    assert {"brown", "green", "red", "white"} < colours and len(garments) > 5


def test_every_photo_has_two_passes_and_the_readme_lists_where_they_disagree():
    _, section = README.split("Where the two passes disagree")
    assert wrong_labels(ROWS, set(re.findall(r"\b[0-9a-f]{8}-[0-9a-f]\b", section))) == []


ROW = {"id": "a", "colour": "black", "garment": "hat", "pass1": "black_hat", "pass2": "black_hat"}


@pytest.mark.parametrize(
    ("changed", "listed", "wrong"),
    [
        ({}, set(), []),
        ({"pass2": "blue_hat"}, {"a"}, []),
        ({"pass2": "blue_hat"}, set(), ["a: listed wrongly, or not listed"]),
        ({}, {"a"}, ["a: listed wrongly, or not listed"]),
        ({"pass2": ""}, set(), ["a: a pass is missing"]),
        ({"colour": "red"}, set(), ["a: neither pass says red_hat"]),
    ],
)
def test_a_missing_pass_a_foreign_label_and_an_unlisted_disagreement_are_seen(changed, listed, wrong):
    assert wrong_labels([ROW | changed], listed) == wrong


def test_the_readme_counts_what_is_there():
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in README.splitlines() if line[:1] == "|"]
    (_, *garments, _), _, *body, totals = lines
    counts = Counter((row["colour"], row["garment"]) for row in ROWS)
    told = {(colour, garment): int(cell or 0)
            for colour, *cells, _ in body for garment, cell in zip(garments, cells, strict=False)}  # fmt: skip
    assert {pair: n for pair, n in told.items() if n} == counts
    assert [int(cells[-1]) for cells in body] == [sum(told[cells[0], g] for g in garments) for cells in body]
    assert [int(cell) for cell in totals[1:-1]] == [sum(told[cells[0], g] for cells in body) for g in garments]
    assert int(totals[-1]) == len(ROWS) and README.splitlines()[2].startswith(f"{len(ROWS)} photos")
    assert f"{len(ROWS)} photos" in (ROOT / "README.md").read_text("utf-8")


@pytest.fixture
def clothing(tmp_path) -> Path:
    """A dataset of a tall photo with EXIF and a small one, and OUT with the table of both beside a stray photo."""
    for name, size in (("tall", (448, 896)), ("small", (100, 120))):
        image, exif = Image.new("RGB", size, "red"), Image.Exif()
        exif[0x010F] = "a camera"
        (tmp_path / "train/hat").mkdir(parents=True, exist_ok=True)
        image.save(tmp_path / f"train/hat/{name}.jpg", exif=exif)
    (tmp_path / "out/blue_hat").mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(tmp_path / "out/blue_hat/stray.jpg")
    with (tmp_path / "out/labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "source", "colour", "garment"])
        writer.writerows([name, f"train/hat/{name}.jpg", "red", "hat"] for name in ("tall", "small"))
    return tmp_path


def test_the_script_makes_the_folder_from_the_dataset(clothing, capsys):
    examples.main(str(clothing), clothing / "out")
    files = sorted((clothing / "out").glob("*/*"))
    assert [file.relative_to(clothing / "out").as_posix() for file in files] == [
        "red_hat/small.jpg", "red_hat/tall.jpg",
    ]  # fmt: skip
    sizes = []
    for file in files:
        with Image.open(file) as image:
            sizes.append(image.size)
            assert "exif" not in image.info and np.abs(np.asarray(image)[5, 5] - [255, 0, 0]).max() <= 4
    assert sizes == [(100, 120), (224, 448)] and not (clothing / "out/blue_hat").exists()
    assert capsys.readouterr().out.startswith("2 photos, 0.0 MB")


def test_a_dataset_without_the_photos_is_refused_and_nothing_is_lost(clothing):
    (clothing / "train/hat/tall.jpg").unlink()
    with pytest.raises(UserError, match=r"lacks 1 photos that labels.csv names, such as train/hat/tall\.jpg"):
        examples.main(str(clothing), clothing / "out")
    assert (clothing / "out/blue_hat/stray.jpg").exists() and not (clothing / "out/red_hat").exists()


def test_the_experiment_trains_on_none_of_them(tmp_path):
    with (ROOT / "docs/review/home-photos.csv").open(newline="") as file:
        trained = {row["photo"] for row in csv.DictReader(file)}
    assert len(trained) > 1000 and not trained & {row["source"] for row in ROWS}
    for photo in trained:
        (tmp_path / photo).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / photo).touch()
    inputs = dict.fromkeys(("PAPER", "COLOURS", "HOME_PHOTOS"), str(tmp_path)) | {"PYTHON": "true"}
    subprocess.run(["bash", ROOT / "bench/experiment.sh", tmp_path / "work", "home"], check=True,
                   env=os.environ | inputs)  # fmt: skip
    assert {file.name for file in (tmp_path / "work/home").glob("*/*")} == {Path(photo).name for photo in trained}


@pytest.mark.parametrize("inside", ["", "blue_dress"])
def test_no_run_learns_from_the_photos_that_judge(inside, home, tmp_path):
    folder = here.folder() / inside
    (tmp_path / "link").symlink_to(folder)
    for photos in (folder, tmp_path / "link"):
        with pytest.raises(UserError, match="judge the models: choose another folder to train on"):
            runs.create(TrainConfig(), photos)
        with pytest.raises(UserError, match="judge the models"):
            runs.create(TrainConfig(extra=str(photos)), tmp_path)
    assert not runs.find()
    run = runs.create(TrainConfig(extra=str(tmp_path / "more")), tmp_path / "own")
    with pytest.raises(UserError, match="judge the models"):
        run.amended({"extra": str(folder)})
