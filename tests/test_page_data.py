"""Promises of the Data page: it counts, compares with the paper, names bad files, and every number opens its photos."""

import os
import re
import shutil
from pathlib import Path
from urllib.parse import urlencode

import datasets
import pytest
from browser import hover_click, steady_box
from PIL import Image
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from fashion_core import paper
from fashion_core.photos import examples

PAGE = str(Path(__file__).resolve().parents[1] / "pages" / "data.py")
pytestmark = pytest.mark.usefixtures("home")


def opened(folder: Path | str, **query: str) -> AppTest:
    test = AppTest.from_file(PAGE, default_timeout=60)
    test.query_params["folder"] = str(folder)
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception
    return test


def choose(test: AppTest, typed: str) -> AppTest:
    """Type the path of a folder."""
    box = test.selectbox(key="folder")
    box.options.append(typed)  # what is typed joins the list in a browser
    box.set_value(typed)
    return test


def table(test: AppTest, first: str):
    """The data frame whose first column has this name."""
    return next(frame.value for frame in test.dataframe if frame.value.columns[0] == first)


def said(test: AppTest) -> str:
    return "\n".join(element.value for kind in ("caption", "markdown", "error", "info") for element in test.get(kind))


def metric(test: AppTest, label: str) -> str:
    return next(element.value for element in test.metric if element.label == label)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three classes of 20 photos, one bad file."""
    root = datasets.colours(tmp_path / "photos")
    (root / "red_hat" / "page.jpg").write_text("<html>")
    return root


def test_counts_per_class_and_split_are_shown(photos):
    test = opened(photos)
    counts = table(test, "Class").set_index("Class")
    assert counts.loc["red hat"].tolist() == [20, 16, 2, 2]
    assert counts.loc["all"].tolist() == [60, 48, 6, 6]
    assert [metric(test, name) for name in ("Photos", "Classes", "Unusable files")] == ["60", "3", "1"]
    assert "Paper" not in counts


def test_in_a_fresh_clone_the_photos_that_ship_are_there_at_once_and_nothing_is_drawn(home):
    test = AppTest.from_file(PAGE, default_timeout=60).run()
    n = len(examples.table())
    assert not test.exception and not test.error and n > 200
    assert metric(test, "Photos") == str(n) and "No model is trained on them" in said(test)
    assert not (home / "data" / "sample").exists(), "drawing the sample set takes a minute"
    links = [link.proto.url for link in test.get("link_button")]
    assert "/evaluate?of=people" in links and not any("train" in link for link in links)
    (home / "data" / "sample").mkdir(parents=True)
    assert "examples" in AppTest.from_file(PAGE, default_timeout=60).run().selectbox(key="folder").options


def test_bad_files_are_listed_at_the_top_with_the_reason_and_what_to_do(photos):
    (photos / "red_hat" / os.fsdecode(b"\xff.png")).touch()
    test = opened(photos)
    assert table(test, "path").to_numpy().tolist() == [
        ["red_hat/page.jpg", "not a photo: a web page", "Remove it, or move it out of the class folder."],
        ["red_hat/�.png", "empty file", "Copy it again; it has no content."],
    ]
    assert test.dataframe[0].value.columns[0] == "path"  # above every other table


def test_an_empty_class_folder_is_left_out_with_one_click_and_put_back(photos):
    (photos / "green_hat").mkdir()
    test = opened(photos)
    assert "too few in: green hat (0)" in test.error[0].value and "**green hat** has no photos" in said(test)
    test.button(key="leave-out-green_hat").click().run()
    assert not test.exception and not test.error and (photos / ".left-out.green_hat").is_dir()
    assert metric(test, "Classes") == "3"
    test.button(key="put-back-green_hat").click().run()
    assert (photos / "green_hat").is_dir() and "too few in: green hat (0)" in test.error[0].value


def test_a_class_that_cannot_be_left_out_is_a_sentence(photos):
    for name in ("green_hat", ".left-out.green_hat"):
        (photos / name).mkdir()
    test = opened(photos)
    test.button(key="leave-out-green_hat").click().run()
    assert "is here already" in test.error[0].value and (photos / "green_hat").is_dir()


def test_the_papers_counts_and_its_contradiction_stand_beside_its_classes(tmp_path):
    for number, label in enumerate(paper.CLASSES):
        (tmp_path / "ten" / label).mkdir(parents=True)
        for index in range(3):
            Image.effect_noise((24, 24), 60 + number * 5 + index).save(tmp_path / "ten" / label / f"{index}.png")
    test = opened(tmp_path / "ten")
    counts = table(test, "Class").set_index("Class")
    assert counts.loc["blue dress", "Paper"] == 502 and counts.loc["all", "Paper"] == 5993
    assert "states 5,413 photos" in said(test) and "sum to 5,993" in said(test)
    assert "30 photos of its 5,993, 5,963 fewer (black dress 447 fewer" in said(test)


def test_the_address_holds_the_folders_short_name_class_and_split_and_no_path(photos):
    test = opened(photos, **{"class": "red_hat", "part": "test"})
    assert "**2** of 60 photos" in said(test)
    assert test.query_params["folder"] in ("photos", ["photos"]), "an old link held the path"
    assert "**2** of 60 photos" in said(opened("photos", **{"class": "red_hat", "part": "test"}))
    nothing = opened(photos.parent / "nowhere")
    assert nothing.error and "folder" not in nothing.query_params


def test_class_and_split_can_be_chosen_by_keyboard(photos):
    test = opened(photos)
    test.selectbox(key="class").select("white_glove").run()
    assert "**20** of 60 photos" in said(test)
    test.selectbox(key="part").select("validation").run()
    assert "**2** of 60 photos" in said(test) and not test.exception


def test_near_duplicates_have_a_door(photos):
    Image.open(photos / "red_hat" / "red_hat_00.png").save(photos / "red_hat" / "copy.bmp")
    test = opened(photos)
    assert metric(test, "Near-duplicate groups") == "1"
    next(button for button in test.button if button.label == "2 photos").click().run()
    assert "**2** of 61 photos" in said(test) and "**Group 1** · 2 photos" in said(test)
    assert "crosses the split" not in said(test)  # a drawn split keeps them on one side


def test_near_duplicates_kept_beside_the_photos_are_counted(photos):
    file = photos.with_name(f"{photos.name}.near_duplicates.csv")
    file.write_text("photo,group\nred_hat/red_hat_00.png,1\nred_hat/red_hat_01.png,1\n")
    test = opened(photos)
    assert metric(test, "Near-duplicate groups") == "1" and "joined with those that thumbnails show" in said(test)


def test_a_folders_own_split_shows_what_crosses_it(tmp_path):
    for part in ("train", "validation", "test"):
        datasets.colours(tmp_path / "set" / part, per_class=3)  # the same nine photos in each
    test = opened(tmp_path / "set")
    assert metric(test, "Near-duplicate groups") == "9" and "9 in more than one split" in said(test)
    assert "The folder came with its split" in said(test)
    next(button for button in test.button if button.label == "27 photos").click().run()
    assert said(test).count("crosses the split: train and validation and test") == 6  # groups of one page


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda root: root / "nowhere", "There is no folder"),
        (lambda root: root, "has nothing in it to read"),
        (lambda root: datasets.colours(root, per_class=0), "too few in: green sock (0), red hat (0), white glove (0)"),
        (lambda root: datasets.colours(root, per_class=2), "too few in: green sock (2), red hat (2), white glove (2)"),
    ],
)
def test_a_folder_that_will_not_do_is_a_sentence(tmp_path, make, expected):
    (tmp_path / "set").mkdir()
    assert expected in opened(make(tmp_path / "set")).error[0].value


def test_too_few_photos_are_refused_but_shown(tmp_path):
    test = opened(datasets.colours(tmp_path / "set", per_class=2))
    assert table(test, "Class").set_index("Class").loc["all"].tolist() == [6]
    assert "**6** of 6 photos" in said(test)


def test_another_folder_forgets_the_class_of_the_last(photos, tmp_path):
    test = opened(photos, **{"class": "red_hat"})
    assert "**20** of 60 photos" in said(test)
    (datasets.colours(tmp_path / "other", per_class=5) / "red_hat").rename(tmp_path / "other" / "blue_hat")
    choose(test, str(tmp_path / "other")).run()
    assert not test.exception and "**15** of 15 photos" in said(test)


def test_rescanning_sees_what_changed(photos):
    test = opened(photos)
    (photos / "red_hat" / "red_hat_00.png").unlink()
    next(button for button in test.button if button.label == "Rescan folder").click().run()
    assert "of 59 photos" in said(test)


def test_a_folder_in_data_has_a_short_name_and_the_sample_set_is_drawn_where_it_is_asked_for(home, monkeypatch):
    monkeypatch.setattr(
        "fashion_core.photos.sample.ensure", lambda progress: datasets.colours(home / "data" / "sample")
    )
    test = AppTest.from_file(PAGE, default_timeout=60)
    test.query_params["folder"] = "sample"  # where Home's first step leads
    assert "of 60 photos" in said(test.run())
    assert test.query_params["folder"] in ("sample", ["sample"])


def test_photos_from_a_folder_you_have_are_taken_and_opened(photos, home):
    test = opened(photos)
    test.radio(key="source").set_value("clothing")
    test.text_input(key="local").set_value(str(photos))
    next(button for button in test.button if button.label == "Get photos").click().run()
    assert not test.exception and test.selectbox(key="folder").value == "clothing"
    assert "of 60 photos" in said(test)


def get(test: AppTest, source: str, local: Path | str, name: str = "") -> AppTest:
    """Fill in the form and press its button."""
    test.radio(key="source").set_value(source)
    test.text_input(key="local").set_value(str(local))
    test.text_input(key="name").set_value(name)
    return next(button for button in test.button if button.label == "Get photos").click().run()


def test_an_archive_of_ones_own_is_taken_twice_under_two_names(photos, home):
    archive = shutil.make_archive(str(photos.parent / "my clothes"), "zip", photos)
    test = get(opened(photos), "own", f"'{archive}'")
    assert test.selectbox(key="folder").value == "my clothes"
    test = get(opened(photos), "own", archive)
    assert "my clothes is here already: open it, or give the new folder another name" in test.error[0].value
    test = get(test, "own", Path(archive).as_uri(), "again")
    assert not test.exception and test.selectbox(key="folder").value == "again"
    assert "my clothes" in test.selectbox(key="folder").options and "of 60 photos" in said(test)


@pytest.mark.parametrize("name", ["../out", ".hidden", "a/b", "c:x"])
def test_a_name_that_is_none_is_a_sentence(photos, home, name):
    test = get(opened(photos), "own", photos, name)
    assert "name of the new folder" in test.error[0].value and not (home / "data" / "own").exists()
    assert "holds your photos" in get(test, "own", "").error[0].value


@pytest.mark.parametrize("typed", ["~/photos", "'{}'", '"{}"', "file://{}", "  {} "])
def test_a_folder_is_found_however_it_was_typed(photos, monkeypatch, typed):
    monkeypatch.setenv("HOME", str(photos.parent))
    test = opened(photos.parent / "nowhere")
    assert "of 60 photos" in said(choose(test, typed.format(photos)).run())


def test_photos_in_more_than_one_class_stand_side_by_side_with_both(photos):
    shutil.copyfile(photos / "red_hat" / "red_hat_07.png", photos / "white_glove" / "a hat.png")
    test = opened(photos)
    assert "1 picture lies in more than one class" in said(test)
    next(button for button in test.button if button.label == "2 in more than one").click().run()
    assert "**2** of 61 photos" in said(test) and "more than one class: red hat and white glove" in said(test)
    names = said(test).replace("\\", "")
    assert "· red_hat_07.png" in names and "· a hat.png" in names


def test_what_is_left_out_is_named(tmp_path):
    for split in ("train", "test", "archive"):
        datasets.colours(tmp_path / "set" / split, per_class=3)
    assert "archive/ next to test/ is left out" in said(opened(tmp_path / "set")).replace("\\", "")


def test_photos_that_cannot_be_had_leave_the_page_as_it_was(photos, monkeypatch):
    monkeypatch.setenv("BUSANA_CLOTHING_URL", "http://127.0.0.1:9/x.zip")
    test = opened(photos)
    test.radio(key="source").set_value("clothing")
    next(button for button in test.button if button.label == "Get photos").click().run()
    assert "download it by hand" in test.error[0].value and "of 60 photos" in said(test)


def test_a_click_in_a_real_browser_opens_the_photos_and_the_address_brings_them_back(photos, server, page: Page, home):
    running = server(home)
    page.goto(f"{running.url}/data?{urlencode({'folder': str(photos)})}")
    expect(page.get_by_text("60 of 60 photos")).to_be_visible()
    counts = page.locator(".st-key-counts").get_by_test_id("stDataFrame")
    expect(counts.locator("canvas").first).to_be_visible()

    def cell(box):
        return box["width"] - 30, 35 * 2 + 17  # the last column, test, of the second class, red_hat

    hover_click(page, counts, cell)
    expect(page.get_by_text("2 of 60 photos")).to_be_visible()
    assert "class=red+hat" in page.url and "part=test" in page.url
    page.get_by_role("button", name="all of them").click()
    expect(page.get_by_text("60 of 60 photos")).to_be_visible()
    hover_click(page, counts, cell)  # the same number again
    expect(page.get_by_text("2 of 60 photos")).to_be_visible()
    with page.context.browser.new_context() as fresh:
        again = fresh.new_page()
        again.goto(page.url)
        expect(again.get_by_text("2 of 60 photos")).to_be_visible()
        expect(again.get_by_role("img")).to_have_count(2)


def test_the_address_follows_every_list(photos, server, page: Page, home):
    page.goto(f"{server(home).url}/data?{urlencode({'folder': str(photos)})}")
    expect(page.get_by_text("60 of 60 photos")).to_be_visible()
    for name, option in (("class", "red hat"), ("part", "test"), ("class", "green sock"), ("part", "validation")):
        field = page.locator(f".st-key-{name} input")
        steady_box(page, field)
        field.click()
        page.get_by_role("option", name=option).click()
        expect(page).to_have_url(re.compile(f"{name}={option.replace(' ', '.')}"))
    expect(page.get_by_text("2 of 60 photos")).to_be_visible()
